"""Documents are run: configurations in them pass `hilum check`, commands exist, links lead somewhere."""

import collections
import difflib
import glob
import json
import os
import re
import subprocess

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
        for name in re.findall(r'\bmaps/[\w-]+\.yaml', text):  # rows of a site's, of which it may have none
            os.makedirs(os.path.join(dir, 'maps'), exist_ok=True)
            open(os.path.join(dir, name), 'w').close()
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


Fence = collections.namedtuple('Fence', 'section info text line')


def fences_in_order(text):
    section, out = '', []
    for found in re.finditer(r'^## (.+)$|^```(\S.*)\n((?:.*\n)*?)```$', text, re.M):
        if found[1]:
            section = found[1]
        else:
            out.append(Fence(section, found[2], found[3], text.count('\n', 0, found.start()) + 1))
    return out


def difference(before, after):
    """The lines that only one of two messages has, as the page shows them."""
    lines = difflib.ndiff(before.strip('\r').split('\r'), after.strip('\r').split('\r'))
    return ''.join(line[0] + line[2:] + '\n' for line in lines if line[0] in '+-')


class StepsPage:
    """docs/steps.md, whose steps are run over the message that it shows."""

    def __init__(self, dir):
        self.dir = dir
        with open(os.path.join(e2e.ROOT, 'docs', 'steps.md')) as f:
            self.fences = fences_in_order(f.read())
        self.message = next(f.text for f in self.fences if f.info == 'hl7 message').replace('\n', '\r')
        self.write('message.hl7', self.message)
        # Files that the steps name, and what stands outside the routes.
        self.sections = collections.defaultdict(str)
        for fence in self.fences:
            words = fence.info.split()
            if len(words) == 2 and '.' in words[1]:
                self.write(words[1], fence.text)
            if fence.info == 'yaml fragment' and not fence.text.startswith('- '):
                key, rest = fence.text.split('\n', 1)
                self.sections[key] += rest

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', newline='') as f:
            f.write(text)

    def examples(self):
        """Each fragment of steps, what other systems answer, and the fence that says what comes of it, if there is one."""
        for fence, after in zip(self.fences, [*self.fences[1:], None]):
            if fence.info == 'yaml fragment' and fence.text.startswith('- '):
                outside = '[]'
                while after is not None and (after.info == 'yaml outside' or re.search(r'[./]', after.info)):  # or a file that it names
                    outside = after.text if after.info == 'yaml outside' else outside
                    after = self.fences[self.fences.index(after) + 1]
                told = after is not None and after.section == fence.section and after.info in ('diff', 'text', 'xml')
                yield fence, outside, after if told else None

    def run(self, steps, outside):
        self.write('outside.yaml', outside)
        sections = ''.join(key + '\n' + text for key, text in self.sections.items())
        indented = ''.join('      ' + line + '\n' for line in steps.splitlines())
        self.write('hilum.yaml', 'listeners: { in: { mllp: { listen: "127.0.0.1:2575" } } }\n'
                   'destinations: { out: { file: { dir: out, name: "{MSH-10}" } } }\n' + sections +
                   f'routes:\n  - name: example\n    from: in\n    to: out\n    steps:\n{indented}')
        code, out, err = e2e.hilum('explain', '--json', '--outside', 'outside.yaml', 'hilum.yaml', 'message.hl7', cwd=self.dir)
        check(code in (0, 1), f'{steps}\n{err}')
        return json.loads(out)

    def outcome(self, came):
        route, bodies = came['routes'][0], [d['body'] for d in came['deliveries']]
        if not bodies:
            return f'{route["outcome"]}: {route["reason"]}\n'
        if bodies[0].startswith(('<', '{')):
            return bodies[0].replace('\r', '\n')
        parts = [difference(self.message, body) for body in bodies]
        if len(parts) == 1:
            return parts[0]
        return ''.join(f'@@ message {n} @@\n{part}' for n, part in enumerate(parts, 1))


def matches(told, came):
    """A line `...` stands for any lines."""
    pattern = '.*'.join(re.escape(part) for part in re.split(r'^ *\.\.\.\n', told, flags=re.M))
    return re.fullmatch(pattern, came, re.S) is not None


def test_steps():
    """Every fragment of docs/steps.md runs; where the page tells what comes of it, that is what comes."""
    with e2e.folder() as dir:
        page, shown = StepsPage(dir), set()
        count = 0
        for fence, outside, told in page.examples():
            came = page.outcome(page.run(fence.text, outside))
            count += 1
            if told is None:
                continue
            check(matches(told.text, came), f'docs/steps.md:{told.line}: of\n{fence.text}comes\n{came}')
            shown.update(re.findall(r'^- (\w+)', fence.text, re.M))
        code, out, err = e2e.hilum('check', '--schema')
        check(code == 0, err)
        forms = json.loads(out)['properties']['routes']['items']['properties']['steps']['items']['anyOf']
        steps = (set(forms[0]['properties']) | {'when'}) - {'bundle'}  # of FHIR alone: the page's message is HL7 v2
        sections = {name for fence in page.fences for name in fence.section.split(', ')}
        check(not steps - sections, f'without a section: {sorted(steps - sections)}')
        check(not steps - shown, f'without an example that tells what comes of it: {sorted(steps - shown)}')
        say(f'{count} fragments, {len(steps)} steps')


def told_by(resource, path):
    """Its elements as lines: Patient.name[0].family: Doe."""
    if isinstance(resource, dict):
        return [line for name, value in resource.items() for line in told_by(value, f'{path}.{name}')]
    if isinstance(resource, list):
        return [line for n, value in enumerate(resource) for line in told_by(value, f'{path}[{n}]')]
    return [f'{path}: {resource}']


def bundle_lines(text):
    """Of a Bundle its own elements and those of its resources, which all but types tell apart."""
    bundle = json.loads(text)
    entries = bundle.pop('entry')
    lines = told_by(bundle, 'Bundle')
    for resource in sorted((e['resource'] for e in entries), key=lambda r: r['resourceType'] != 'Patient'):
        kind = resource.pop('resourceType')
        resource.pop('id')
        lines += [line for line in told_by(resource, kind) if '.reference: urn:uuid:' not in line]
    return lines


def test_mapping():
    """The site maps of docs/mapping.md change what it says, and its commands print what it shows."""
    with open(os.path.join(e2e.ROOT, 'docs', 'mapping.md')) as f:
        page = fences_in_order(f.read())
    count = 0
    with e2e.folder() as dir:
        def write(name, text):
            with open(os.path.join(dir, name), 'w', newline='') as f:
                f.write(text)

        def convert(*maps):
            code, out, err = e2e.hilum('convert', '--to', 'fhir', *(word for m in maps for word in ('--maps', m)), 'adt.hl7', cwd=dir)
            check(code == 0, f'{maps}: {err}')
            return bundle_lines(out)

        write('adt.hl7', next(f.text for f in page if f.info == 'hl7 message').replace('\n', '\r'))
        before = convert()
        for fence, after in zip(page, [*page[1:], None]):
            at = f'docs/mapping.md:{fence.line}'
            if fence.info.startswith('yaml map'):
                write('site.yaml', fence.text)
                changed = convert(*fence.info.split()[2:], 'site.yaml')
                came = ''.join(line[0] + line[2:] + '\n' for line in difflib.ndiff(before, changed) if line[0] in '+-')
                check(after and after.info == 'diff' and matches(after.text, came), f'{at}: of\n{fence.text}comes\n{came}')
                count += 1
            elif fence.info == 'console':
                command, told = fence.text.split('\n', 1)
                check(command.startswith('$ hilum '), at)
                done = subprocess.run(['bash', '-c', f'hilum() {{ "$HILUM" "$@"; }}; {command[2:]}'], cwd=dir, text=True, capture_output=True,
                                      env={**os.environ, 'HILUM': e2e.HILUM})
                check(matches(told, done.stdout), f'{at}: prints\n{done.stdout}{done.stderr}')
                count += 1
    check(count > 6, f'{count} examples')
    say(f'{count} examples')


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
