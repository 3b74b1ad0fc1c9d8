"""examples/fhir-facade by its one command: what a newcomer sees is what the example says."""

import os
import shutil
import subprocess

import hilum_e2e as e2e
from hilum_e2e import check, say


def test_run():
    if not shutil.which('curl'):
        raise e2e.Skip('no curl')
    script = os.path.join(e2e.ROOT, 'examples', 'fhir-facade', 'run.sh')
    done = subprocess.run([script], capture_output=True, text=True, timeout=120 * e2e.PATIENCE, env={**os.environ, 'HILUM_BIN': e2e.HILUM})
    shown = done.stdout + done.stderr
    check(done.returncode == 0, shown)
    parts = done.stdout.split('\n\n')
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
