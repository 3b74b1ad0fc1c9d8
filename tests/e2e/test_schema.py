"""The JSON Schema as an editor uses it, by a validator and a YAML reader not written here (npm's ajv and yaml): examples and
documents are valid, and every broken configuration in which `hilum check` finds an unknown key or a wrong type is not."""

import glob
import json
import os
import re
import shutil
import subprocess

import hilum_e2e as e2e
from hilum_e2e import check, say

CLIENTS = os.path.join(e2e.ROOT, 'tests', 'e2e', 'clients')
OWN_NODE = os.path.join(CLIENTS, 'node_modules', '.bin', 'node')
NODE = OWN_NODE if os.path.exists(OWN_NODE) else 'node'
DATA = os.path.join(e2e.ROOT, 'tests', 'data', 'config')

# What the shape alone is wrong in, as `hilum check` words it.
SHAPE = re.compile(r'^unknown (key|kind|step)|should be a (mapping|list)|has two kinds|^here should be|'
                   r'is not a (duration|size|whole number|byte)|is neither true nor false|has no unit| lacks "')


def read(path):
    with open(path, encoding='utf-8', errors='replace') as f:
        return f.read()


def validate(files):
    if not shutil.which(NODE):
        raise e2e.Skip('no node')
    if not os.path.isdir(os.path.join(CLIENTS, 'node_modules', 'ajv')):
        raise e2e.Skip('run `npm ci` in tests/e2e/clients first (tests/run.sh does)')
    with e2e.folder() as dir:
        schema = os.path.join(dir, 'schema.json')
        code, out, err = e2e.hilum('check', '--schema')
        check(code == 0, err)
        with open(schema, 'w') as f:
            f.write(out)
        done = subprocess.run([NODE, 'schema.mjs', schema], cwd=CLIENTS, input=json.dumps(files), capture_output=True, text=True,
                              timeout=60 * e2e.PATIENCE)
        check(done.returncode == 0, done.stderr[-2000:])
        return json.loads(done.stdout)


def test_what_is_good():
    files = {path: read(path) for path in [
        *glob.glob(os.path.join(e2e.ROOT, 'examples', '**', 'hilum.yaml'), recursive=True),
        *glob.glob(os.path.join(DATA, 'good', '**', '*.yaml'), recursive=True)]}
    for path in [os.path.join(e2e.ROOT, 'README.md'), *glob.glob(os.path.join(e2e.ROOT, 'docs', '*.md'))]:
        for n, text in enumerate(re.findall(r'^```yaml\n(.*?)^```', read(path), re.M | re.S), 1):
            files[f'{path} ({n})'] = text
    wrong = {name: what for name, what in validate(files).items() if what}
    say(f'{len(files)} configurations, {len(wrong)} refused')
    check(len(files) > 10 and not wrong, '\n'.join(f'{name}: {what}' for name, what in wrong.items()))


def test_what_is_broken():
    files, reasons = {}, {}
    for path in sorted(glob.glob(os.path.join(DATA, 'broken', '*.yaml'))):
        name = os.path.basename(path)
        _, out, _ = e2e.hilum('check', '--json', name, cwd=os.path.dirname(path))
        found = [d['what'] for d in json.loads(out)['diagnostics'] if d.get('file') == name and SHAPE.search(d['what'])
                 and 'used' not in d]
        # What is wrong once it is inherited no schema can see.
        if found and not name.startswith('inherited_'):
            files[name], reasons[name] = read(path), found
    taken = [f'{name}: {reasons[name]}' for name, what in validate(files).items() if not what]
    say(f'{len(files)} configurations of a wrong shape, {len(taken)} taken')
    check(len(files) >= 30 and not taken, '\n'.join(taken))


e2e.main(globals())
