"""`hilum check`: broken configurations get the findings of their golden files, good ones pass and start."""

import contextlib
import glob
import json
import os
import re
import shutil
import sqlite3

import hilum_e2e as e2e
from hilum_e2e import check, say

DATA = os.path.join(e2e.ROOT, 'tests', 'data', 'config')


def findings(text):
    """Of diagnostics: file:line:column: severity."""
    return re.findall(r'^(\S+?:\d+:\d+: (?:error|warning)):', text, re.M)


def worse(finding):
    return finding.replace(': warning', ': error')


def test_broken():
    files = sorted(glob.glob(os.path.join(DATA, 'broken', '*.yaml')))
    check(len(files) >= 25, f'{len(files)} broken configurations')
    bad = []
    for path in files:
        name = os.path.basename(path)
        code, out, err = e2e.hilum('check', name, cwd=os.path.dirname(path))
        with open(path[:-5] + '.expected') as f:
            expected = f.read()
        # The golden files are made with kinds of the tests' own, so that only places are compared here; their full text is
        # held by the unit tests. One of the engine's kinds may refuse what the general checks only warn of.
        found = findings(out)
        warned = [f for f in findings(expected) if f not in found]
        missing = [f for f in warned if worse(f) not in found]
        wanted = 1 if 'error:' in expected or len(warned) > len(missing) else 0  # warnings alone let it start
        if code != wanted or missing or err:
            bad.append(f'{name}: exit {code}, missing {missing}\n{out}{err}')
    say(f'{len(files)} broken configurations, {len(bad)} not as expected')
    check(not bad, '\n'.join(bad[:5]))


def counts(out):
    return out.splitlines()[-1]


def test_effective():
    """What is printed loads again, to the same."""
    env = {'LAB_HOST': 'lab.example'}
    examples = glob.glob(os.path.join(e2e.ROOT, 'examples', '**', 'hilum.yaml'), recursive=True)
    with e2e.folder() as dir:
        for path in sorted(glob.glob(os.path.join(DATA, 'good', '*.yaml'))) + examples:
            env['HILUM_DATA'] = dir
            code, out, err = e2e.hilum('check', '--effective', path, env=env, cwd=os.path.dirname(path))
            check(code == 0 and out.startswith('# The effective configuration'), f'{path}: {code}\n{out}{err}')
            again = os.path.join(dir, 'again.yaml')
            with open(again, 'w') as f:
                f.write(out)
            first = e2e.hilum('check', path, env=env, cwd=os.path.dirname(path))
            second = e2e.hilum('check', again, env=env, cwd=dir)
            check(second[0] == 0 and counts(first[1]) == counts(second[1]), f'{path}: {first} {second}')
            printed = e2e.hilum('check', '--effective', again, env=env, cwd=dir)[1]
            check(printed.splitlines()[1:] == out.splitlines()[1:], f'{path}:\n{out}\n{printed}')


def test_effective_hides_secrets():
    with e2e.folder() as dir:
        secret = os.path.join(dir, 'secret')
        with open(secret, 'w') as f:
            f.write('hidden-in-file\n')
        path = os.path.join(dir, 'hilum.yaml')
        with open(path, 'w') as f:
            f.write('listeners: { in: { mllp: { listen: "127.0.0.1:2575" } } }\n'
                    f'destinations: {{ out: {{ http: {{ url: "http://ehr.example/?${{file:{secret}}}" }} }} }}\n'
                    'routes: [ { name: all, from: in, to: out } ]\n')
        code, out, err = e2e.hilum('check', '--effective', path)
        check(code == 0 and 'hidden' not in out + err and f'${{file:{secret}}}' in out, out + err)


def test_connect():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        path = os.path.join(dir, 'hilum.yaml')

        def configure(there):
            with open(path, 'w') as f:
                f.write('listeners: { in: { mllp: { listen: "127.0.0.1:2575" } } }\ndestinations:\n'
                        f'  lab: {{ mllp: {{ connect: "127.0.0.1:{lab.port}" }} }}\n'
                        f'  web: {{ http: {{ url: "http://127.0.0.1:{lab.port if there else e2e.free_port()}/hl7" }} }}\n'
                        f'  files: {{ file: {{ dir: {dir}/new/out, name: "{{MSH-10}}.hl7" }} }}\n'
                        'routes: [ { name: all, from: in, to: [lab, web, files] } ]\n')

        configure(True)
        code, out, err = e2e.hilum('check', '--connect', path)
        check(code == 0 and len(re.findall(r'^(?:lab|web|files) .* yes$', out, re.M)) == 3, f'{code}\n{out}{err}')
        check(not os.path.exists(os.path.join(dir, 'new')), 'nothing is left behind')
        configure(False)
        code, out, err = e2e.hilum('check', '--connect', '--json', path)
        reached = {c['destination']: c['reached'] for c in json.loads(out)['connections']}
        check(code == 1 and reached == {'lab': True, 'web': False, 'files': True}, f'{code}\n{out}{err}')
        check(e2e.hilum('check', path)[0] == 0, 'without --connect nobody is asked')


def test_connect_tries_what_is_asked():
    with e2e.folder() as dir, e2e.Receiver() as mpi:
        path, database = os.path.join(dir, 'hilum.yaml'), os.path.join(dir, 'beds.sqlite')
        with contextlib.closing(sqlite3.connect(database)) as beds:
            beds.execute('CREATE TABLE beds (ward TEXT, bed TEXT)')
        rest = 'then: [ stop ], otherwise: pass'

        def row(out, route):
            found = re.search(rf"^\(route {route}\) +(.*)$", out, re.M)
            check(found, out)
            return found.group(1).split()

        def configure(port, query, file='beds.sqlite'):
            with open(path, 'w') as f:
                f.write('listeners: { in: { mllp: { listen: "127.0.0.1:2575" } } }\n'
                        f'destinations: {{ lab: {{ mllp: {{ connect: "127.0.0.1:{mpi.port}" }} }} }}\n'
                        f'step_lists: {{ beds: {{ steps: [ enrich: {{ sqlite: {{ file: {file}, query: "{query}", values: [=PV1-3.1] }}, {rest} }} ] }} }}\n'
                        'routes:\n'
                        f'  - {{ name: a, from: in, to: lab, steps: [ enrich: {{ http: {{ url: "http://127.0.0.1:{port}/p/{{PID-3.1}}" }}, {rest} }} ] }}\n'
                        '  - { name: b, from: in, to: lab, steps: [ { when: "PV1-2 = \'I\'", then: [ call: beds ] } ] }\n'
                        f'  - {{ name: c, from: in, to: lab, steps: [ enrich: {{ http: {{ url: "http://{{MSH-4}}/x" }}, {rest} }} ] }}\n'
                        '  - { name: d, from: in, to: lab, steps: [ enrich: { postgres: { connect: "host=127.0.0.1 port=%d dbname=mpi password=hidden", '
                        'query: "SELECT 1" }, %s } ] }\n' % (e2e.free_port(), rest))

        configure(mpi.port, 'SELECT bed FROM beds WHERE ward = ?1')
        code, out, err = e2e.hilum('check', '--connect', path)
        check(row(out, 'a') == ['enrich', 'http', f'127.0.0.1:{mpi.port}', 'yes'], out + err)
        check(row(out, 'b') == ['enrich', 'sqlite', database, 'yes'], out + err)
        check(row(out, 'c')[2:] == 'not tried: the message names the server'.split(), out + err)
        check(code == 1 and row(out, 'd')[3] == 'no:' and '/mpi' in row(out, 'd')[2] and 'hidden' not in out + err, f'{code} {out} {err}')
        configure(e2e.free_port(), 'SELECT bett FROM beds WHERE ward = ?1')
        code, out, err = e2e.hilum('check', '--connect', '--json', path)
        tried = {c['destination']: c for c in json.loads(out)['connections']}
        check(not tried['(route a)']['reached'], out)
        check('try the query with sqlite3' in tried['(route b)']['problem'], out)
        check('reached' not in tried['(route c)'] and tried['(route c)']['not_tried'], out)
        configure(mpi.port, 'SELECT 1', file='none.sqlite')
        check(row(e2e.hilum('check', '--connect', path)[1], 'b')[3] == 'no:', 'a database that is not there')
        check(not os.path.exists(os.path.join(dir, 'none.sqlite')), 'nothing is left behind')


def test_run_refuses_broken():
    path = os.path.join(DATA, 'broken', 'brace_not_closed.yaml')
    code, out, err = e2e.hilum('run', path)
    check(code == 1 and 'brace_not_closed.yaml:3:1' in out + err, f'{code} {out} {err}')


def test_good():
    with e2e.folder() as dir:
        folder = shutil.copytree(os.path.join(DATA, 'good'), os.path.join(dir, 'good'))
        files = sorted(glob.glob(os.path.join(folder, '*.yaml')))
        check(files, 'no good configurations')
        bad = []
        for path in files:
            code, out, err = e2e.hilum('check', path, env={'LAB_HOST': 'lab.example', 'HILUM_DATA': dir})
            if code != 0 or not out.splitlines()[-1].startswith('ok: '):
                bad.append(f'{path}: {code}\n{out}{err}')
        say(f'{len(files)} good configurations, {len(bad)} do not pass')
        check(not bad, '\n'.join(bad))


def test_what_passes_starts():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        engine = e2e.Engine(dir, e2e.straight(lab.port, steps=[{'set': {'MSH-5': 'LAB'}}]))
        code, out, _ = e2e.hilum('check', engine.path)
        check(code == 0, out)
        with engine:
            check(engine.http('GET', '/readyz')[0] == 200, 'ready')


def test_used_wrongly():
    for arguments in (['check'], ['check', '/no/such/file.yaml'], ['no-such-command'], ['run']):
        code, _, err = e2e.hilum(*arguments)
        check(code == 2 and err, f'{arguments}: exit {code}, {err!r}')


e2e.main(globals())
