"""Examples that run by one command: each examples/*/run.sh does what it says, and leaves nothing running."""

import glob
import json
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


def test_adt_oru_to_fhir():
    shown = run('adt-oru-to-fhir')
    parts = shown.split('\n\n')
    tests, *sends, patient, replaced, visit, results, last, operator, trace = parts
    check(tests == '$ hilum test .\n8 passed', tests)
    check(len(sends) == 4 and all(' AA ' in part for part in [*sends, last]), f'{sends} {last}')
    found = [json.loads(part.split('\n')[1]) for part in (patient, replaced, visit, results)]
    check([bundle['total'] for bundle in found] == [1, 1, 1, 3], shown)
    one, old, at, *_ = (bundle['entry'][0]['resource'] for bundle in found)
    check(one['name'][0]['family'] == 'Probe-Kern' and one['address'] and '123456789' not in shown, patient)
    check(one['link'] == [{'type': 'replaces', 'other': {'reference': f'Patient/{old["id"]}'}}] and old['active'] is False, patient + replaced)
    # The results know less of the visit than the admission did, and have left it as it was.
    check(at['participant'] and at['subject']['reference'] == f'Patient/{one["id"]}', visit)
    check({e['resource']['subject']['reference'] for e in found[3]['entry']} == {f'Patient/{one["id"]}'}, results)
    check('2 values would be lost: ZIN-1.1, ZIN-1.2' in trace and operator.count('ehr:delivered') == 4, operator + trace)
    check('insured twice' not in shown, shown)


e2e.main(globals())
