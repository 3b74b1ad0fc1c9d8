"""Examples that run by one command: each examples/*/run.sh does what it says, and leaves nothing running."""

import glob
import os
import subprocess

import hilum_e2e as e2e
from hilum_e2e import check, say


def run(name):
    """What it shows."""
    script = os.path.join(e2e.ROOT, 'examples', name, 'run.sh')
    done = subprocess.run([script], capture_output=True, text=True, timeout=120 * e2e.PATIENCE, stdin=subprocess.DEVNULL,
                          env={**os.environ, 'HILUM_BIN': e2e.HILUM})
    check(done.returncode == 0, f'{name}: {done.returncode}\n{done.stdout}\n{done.stderr}')
    return done.stdout


def test_every_example_that_runs_is_here():
    scripts = {os.path.basename(os.path.dirname(p)) for p in glob.glob(os.path.join(e2e.ROOT, 'examples', '*', 'run.sh'))}
    tested = {name.removeprefix('test_').replace('_', '-') for name in globals() if name.startswith('test_')}
    check(scripts <= tested, f'not tested: {scripts - tested}')


def test_fhir_to_mllp():
    shown = run('fhir-to-mllp')
    for text in [' passed', 'HTTP 202', '|ADT^A31^ADT_A05|', 'PID|1||P3001^^^MEADOW^MR~pia', '|OML^O21^OML_O21|', 'OBR|2|O2^PORTAL||K^Potassium^L']:
        check(text in shown, f'{text!r} is not in:\n{shown}')


def test_fhir_facade():
    shown = run('fhir-facade')
    parts = shown.split('\n\n')
    statuses = [part.rsplit('-> HTTP ', 1)[1].strip() for part in parts if '-> HTTP ' in part]
    check(statuses == ['201', '200', '422', '200', '200', '422', '404'], f'{statuses}:\n{shown}')
    tests, created, found, invalid, _, results, deleted, other, operator = parts
    check(tests.strip() == '6 passed', tests)
    check('"telecom"' not in created and '"Probe"' in created, created)
    base = found.split('"url":"')[1].split('/Patient')[0]
    check(f'"fullUrl":"{base}/Patient/' in found and '"telecom"' not in found, found)
    check('Patient.birthDate' in invalid and 'Patient.gender' in invalid, invalid)
    check('"total":1' in results and '"R1"' in results and '"note"' not in results, results)
    check('partners delete nothing' in deleted and 'not-supported' in other, f'{deleted}\n{other}')
    check(operator.count('ehr:delivered') == 4 and operator.count('rejected') == 2, operator)
    say(f'{len(statuses)} requests')


e2e.main(globals())
