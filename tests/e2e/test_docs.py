"""Documents are run: configurations in them pass `hilum check`, commands exist, links lead somewhere."""

import glob
import os
import re
import shutil

import hilum_e2e as e2e
from hilum_e2e import check, say

DOCUMENTS = [os.path.join(e2e.ROOT, 'README.md'), *sorted(glob.glob(os.path.join(e2e.ROOT, 'docs', '**', '*.md'), recursive=True)),
             *sorted(glob.glob(os.path.join(e2e.ROOT, 'examples', '**', '*.md'), recursive=True))]


def read(path):
    with open(path) as f:
        return f.read()


def fences(text, language):
    return re.findall(rf'^```{language}\n(.*?)^```', text, re.M | re.S)


def check_configuration(text, where):
    with e2e.folder() as dir:
        # Tables that the text names need files with their columns.
        for csv, key, value in re.findall(r'csv: *([\w./-]+), *key: *(\w+), *value: *(\w+)', text):
            os.makedirs(os.path.dirname(os.path.join(dir, csv)) or dir, exist_ok=True)
            with open(os.path.join(dir, csv), 'w') as f:
                f.write(f'{key},{value}\na,b\n')
        path = os.path.join(dir, 'hilum.yaml')
        with open(path, 'w') as f:
            f.write(text)
        code, out, err = e2e.hilum('check', path, cwd=dir, env={name: 'value' for name in re.findall(r'\$\{(\w+)\}', text)})
        check(code == 0, f'{where}:\n{out}{err}')


def test_configurations_in_documents():
    """A fence marked yaml is a whole configuration; a part of one is marked `yaml fragment`."""
    count = 0
    for path in DOCUMENTS:
        for text in fences(read(path), 'yaml'):
            check_configuration(text, os.path.relpath(path, e2e.ROOT))
            count += 1
    say(f'{count} configurations in {len(DOCUMENTS)} documents')
    check(count > 0, 'no configuration found')


def test_examples():
    paths = sorted(glob.glob(os.path.join(e2e.ROOT, 'examples', '**', 'hilum.yaml'), recursive=True))
    check(paths, 'no examples')
    for path in paths:
        code, out, err = e2e.hilum('check', path, cwd=os.path.dirname(path))
        check(code == 0 and 'warning' not in out, f'{path}:\n{out}{err}')
    say(f'{len(paths)} examples')


def test_commands_exist():
    named = set()
    for path in DOCUMENTS:
        text = read(path)
        code = re.findall(r'`(hilum [^`\n]+)`', text)
        for fence in fences(text, '(?:sh|console|bash|text)?'):
            code += re.findall(r'^(?:\$ )?(hilum .+)$', fence, re.M)
        for line in code:
            words = [w for w in line.split()[1:3] if re.fullmatch(r'[a-z-]+', w)]
            if words:
                named.add(tuple(words))
    for words in sorted(named):
        group = words[0] in ('messages', 'queues', 'store')
        arguments = words if group else words[:1]
        code, _, err = e2e.hilum(*arguments, '--help')
        check(code == 0, f'`hilum {" ".join(arguments)}` is named in a document: {err}')
    say(f'{len(named)} commands')
    check(named, 'no command found')


def test_reference():
    """docs/reference.md comes from the declarations: `hilum check --reference > docs/reference.md` writes it anew."""
    page = os.path.join(e2e.ROOT, 'docs', 'reference.md')
    code, out, err = e2e.hilum('check', '--reference')
    check(code == 0 and '### mllp' in out and '| `listen` | address and port | required |' in out, err + out[:2000])
    if not os.path.exists(page):
        raise e2e.Skip('no docs/reference.md: `hilum check --reference > docs/reference.md` writes it')
    check(out == read(page), 'docs/reference.md is not what `hilum check --reference` prints')


def test_links():
    broken, count = [], 0
    for path in DOCUMENTS:
        for target in re.findall(r'\]\(([^)\s]+)\)', re.sub(r'```.*?```', '', read(path), flags=re.S)):
            if re.match(r'[a-z]+:', target) or target.startswith('#'):
                continue
            count += 1
            if not os.path.exists(os.path.join(os.path.dirname(path), target.split('#')[0])):
                broken.append(f'{os.path.relpath(path, e2e.ROOT)}: {target}')
    say(f'{count} links')
    check(not broken, f'broken: {broken}')


e2e.main(globals())
