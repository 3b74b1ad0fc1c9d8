"""Route tests from outside: `hilum test`, `hilum explain`, and the tests of the examples and of docs/testing.md."""

import glob
import json
import os
import re
import xml.etree.ElementTree as xml

import hilum_e2e as e2e
from hilum_e2e import check, say

EXAMPLES = sorted(os.path.dirname(path) for path in glob.glob(os.path.join(e2e.ROOT, 'examples', '*', 'hilum.yaml')))


def read(*path):
    with open(os.path.join(*path)) as f:
        return f.read()


def write(text, *path):
    with open(os.path.join(*path), 'w') as f:
        f.write(text)


def document():
    """The configuration and the test file of docs/testing.md."""
    page = read(e2e.ROOT, 'docs', 'testing.md')
    return re.search(r'^```yaml\n(.*?)^```', page, re.M | re.S)[1], re.search(r'^```yaml test\n(.*?)^```', page, re.M | re.S)[1]


def test_examples():
    """Each example passes its own checks and tests, and its tests leave nothing of it untouched."""
    check(EXAMPLES, 'no examples')
    for folder in EXAMPLES:
        code, out, err = e2e.hilum('check', os.path.join(folder, 'hilum.yaml'), cwd=folder)
        check(code == 0 and 'warning' not in out, f'{folder}:\n{out}{err}')
        code, out, err = e2e.hilum('test', '--coverage', folder)
        check(code == 0 and re.search(r'^\d+ passed$', out, re.M), f'{folder}:\n{out}{err}')
        gaps = re.findall(r'^  .*', out, re.M)
        check(not gaps, f'{folder}: its tests leave out\n' + '\n'.join(gaps))
        say(os.path.basename(folder), re.search(r'coverage of \S+: (.*)', out)[1])


def test_documented_example():
    config, tests = document()
    with e2e.folder() as dir:
        write(config, dir, 'hilum.yaml')
        write(tests, dir, 'admissions.test.yaml')
        code, out, err = e2e.hilum('test', '.', cwd=dir)
        check((code, out) == (0, '2 passed\n'), f'{code}: {out}{err}')
        # The failure that the page shows: somebody drops upper().
        write(config.replace(', PID-5.1: =PID-5.1.upper()', ''), dir, 'hilum.yaml')
        code, out, err = e2e.hilum('test', '.', cwd=dir)
        shown = re.search(r'^\$ hilum test \.\n(.*?failed\n)```', read(e2e.ROOT, 'docs', 'testing.md'), re.M | re.S)[1]
        check((code, out) == (1, shown.split('$ hilum test .\n')[-1]), f'{code}: {out}{err}')


def test_a_folder_of_configuration_may_hold_tests():
    config, tests = document()
    with e2e.folder() as dir:
        write(config, dir, 'hilum.yaml')
        write(tests.replace('config: hilum.yaml', 'config: .'), dir, 'a.test.yaml')
        code, out, err = e2e.hilum('check', dir)
        check(code == 0, out + err)
        code, out, err = e2e.hilum('test', dir)
        check(code == 0, out + err)


def test_golden_files():
    config, tests = document()
    golden = 'golden/lab.hl7'
    with e2e.folder() as dir:
        write(config, dir, 'hilum.yaml')
        write(re.sub(r'      lab:\n.*\n.*\n', f'      lab: {{ golden: {golden} }}\n', tests), dir, 'a.test.yaml')
        code, out, _ = e2e.hilum('test', '.', cwd=dir)
        check(code == 1 and '--update writes it' in out, out)
        code, out, _ = e2e.hilum('test', '--update', '.', cwd=dir)
        check((code, out) == (0, f'wrote {golden}\n2 passed\n'), out)
        first = read(dir, golden)
        check('\r' not in first and first.splitlines()[1].startswith('PID|1||P1001^^^MEADOW^MR||PROBE^Linus'), first)
        code, out, _ = e2e.hilum('test', '--update', '.', cwd=dir)
        check((code, out) == (0, '2 passed\n'), out)
        write(first.replace('PROBE', 'PROBST'), dir, golden)
        code, out, _ = e2e.hilum('test', '.', cwd=dir)
        check(code == 1 and re.search(r'PID-5\.1 +Family Name +PROBST -> PROBE', out), out)


def test_mistakes_have_a_place():
    config, tests = document()
    with e2e.folder() as dir:
        write(config, dir, 'hilum.yaml')
        for wrong, told in (('arhive: unchanged', 'a.test.yaml:11:7: error: there is no destination "arhive"; did you mean "archive"?'),
                            ('archive: unchangd', 'a.test.yaml:11:16: error: a destination can\'t get "unchangd"; did you mean "unchanged"?'),
                            ('archive: { that: PID-8 = = 1 }', 'a.test.yaml:11:32: error: '),
                            ('archive: { golden: }', 'a.test.yaml:11:')):
            write(tests.replace('archive: unchanged', wrong, 1), dir, 'a.test.yaml')
            code, out, err = e2e.hilum('test', '.', cwd=dir)
            check(code == 2 and told in err, f'{wrong}: {code} {out}{err}')
        write('routes: 1', dir, 'hilum.yaml')
        write(tests, dir, 'a.test.yaml')
        code, out, err = e2e.hilum('test', '.', cwd=dir)
        check(code == 2 and 'hilum.yaml:1:9: error: ' in err, f'{code} {out}{err}')
        check(e2e.hilum('test', 'nowhere', cwd=dir)[0] == 2, 'a path that is none')
        check(e2e.hilum('test', os.path.join(dir, 'hilum.yaml'), cwd=dir)[0] == 2, 'a file that is no test')


def test_explain():
    folder = os.path.join(e2e.ROOT, 'examples', 'small-hospital')
    explain = lambda file, *more: e2e.hilum('explain', 'hilum.yaml', f'messages/{file}', *more, cwd=folder)
    code, out, err = explain('01_admit.hl7')
    check(code == 0, err)
    for line in (r'^message 1 at adt_in: answered AA$', r'^route admissions-to-lab: sent to lab$', r'^  when MSH-9\.1 = .*: true$',
                 r'^  step 1 set \(hilum.yaml:\d+:\d+\)$', r'^ +PID-5\.1  Family Name +Probe -> PROBE$',
                 r'^ +PV1-3\.1 +\S.* 2W -> MED-2-WEST$', r'^route keep-everything: sent to archive$'):
        check(re.search(line, out, re.M), f'{line} is not in\n{out}')
    code, out, _ = explain('04_discharge.hl7')
    check(code == 0 and "  not so: MSH-9.2 in ('A01' | 'A04' | 'A08'); MSH-9.2 is \"A03\"" in out, out)
    code, out, _ = explain('05_unknown_ward.hl7', '--json')
    result = json.loads(out)
    route = result['routes'][0]
    check(code == 1 and route['outcome'] == 'held' and route['events'][-1]['ended'] == 'hold', out)
    check([d['destination'] for d in result['deliveries']] == ['archive'] and result['answer'] == 'AA', out)
    check(explain('01_admit.hl7', '--listener', 'nowhere')[0] == 2, 'a listener that is none')


def test_reports():
    config, tests = document()
    with e2e.folder() as dir:
        write(config.replace(', PID-5.1: =PID-5.1.upper()', ''), dir, 'hilum.yaml')
        write(tests, dir, 'a.test.yaml')
        code, out, err = e2e.hilum('test', '--json', '--coverage', '--junit', 'out.xml', '.', cwd=dir)
        check(code == 1, err)
        result = json.loads(out)
        check((result['passed'], result['failed']) == (1, 1), out)
        check('PID-5.1' in result['cases'][0]['failures'][0]['what'], out)
        covered = result['coverage'][0]
        check(covered['routes'] == {'exercised': 2, 'all': 2} and covered['outcomes'] == {'exercised': 2, 'all': 2}, out)
        suite = xml.parse(os.path.join(dir, 'out.xml')).getroot().find('testsuite')
        check(suite.get('tests') == '2' and suite.get('failures') == '1' and len(suite.findall('testcase/failure')) == 1, 'JUnit')
        code, out, _ = e2e.hilum('test', '--only', 'discharges', '.', cwd=dir)
        check((code, out) == (0, '1 passed\n'), out)
        code, out, _ = e2e.hilum('test', '--only', 'discharges', '--coverage', '.', cwd=dir)
        check('the step set never ran' in out and 'was never true' in out, out)


e2e.main(globals())
