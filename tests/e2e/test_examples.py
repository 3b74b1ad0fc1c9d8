"""Examples that run by one command: each examples/*/run.sh does what it says, and leaves nothing running."""

import glob
import os
import subprocess

import hilum_e2e as e2e
from hilum_e2e import check


def run(name, *shown):
    if e2e.HILUM != os.path.join(e2e.ROOT, 'build', 'release', 'hilum'):
        raise e2e.Skip('an example runs the release build')
    script = os.path.join(e2e.ROOT, 'examples', name, 'run.sh')
    done = subprocess.run([script], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    check(done.returncode == 0, f'{name}: {done.returncode}\n{done.stdout}\n{done.stderr}')
    for text in shown:
        check(text in done.stdout, f'{name} does not show {text!r}:\n{done.stdout}')


def test_every_example_that_runs_is_here():
    scripts = {os.path.basename(os.path.dirname(p)) for p in glob.glob(os.path.join(e2e.ROOT, 'examples', '*', 'run.sh'))}
    tested = {name.removeprefix('test_').replace('_', '-') for name in globals() if name.startswith('test_')}
    check(scripts <= tested, f'not tested: {scripts - tested}')


def test_fhir_to_mllp():
    run('fhir-to-mllp', ' passed', 'HTTP 202', '|ADT^A31^ADT_A05|', 'PID|1||P3001^^^MEADOW^MR~pia', '|OML^O21^OML_O21|', 'OBR|2|O2^PORTAL||K^Potassium^L')


e2e.main(globals())
