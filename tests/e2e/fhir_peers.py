"""FHIR peers that were not written here (npm), for test_fhir_peers.py and test_fhir_oauth.py: a server that can be told what goes
wrong, and clients."""

import http.client
import json
import os
import shutil
import subprocess

import hilum_e2e as e2e
from hilum_e2e import check

CLIENTS = os.path.join(e2e.ROOT, 'tests', 'e2e', 'clients')
OWN_NODE = os.path.join(CLIENTS, 'node_modules', '.bin', 'node')
NODE = OWN_NODE if os.path.exists(OWN_NODE) else 'node'
JSON = 'application/fhir+json'
MRN = 'urn:oid:1.2.36.146.595.217.0.1'
RETRY = {'first': '20ms', 'max': '100ms'}


def need(*packages):
    if not shutil.which(NODE):
        raise e2e.Skip('no node')
    version = subprocess.run([NODE, '--version'], capture_output=True, text=True).stdout.strip().strip('v')
    if int(version.split('.')[0]) < 20:
        raise e2e.Skip(f'the packages need node 20, here is {version}')
    for package in packages:
        if not os.path.isdir(os.path.join(CLIENTS, 'node_modules', package)):
            raise e2e.Skip('run `npm ci` in tests/e2e/clients first (tests/run.sh does)')


class Server:
    """clients/fhir_server.mjs; it says there what can be asked of it. Its keys are in `dir`."""

    def __init__(self, dir):
        need('@medplum/fhir-router', 'fhir', 'jose')
        self.dir = dir
        self.process = subprocess.Popen([NODE, 'fhir_server.mjs', dir], cwd=CLIENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        check(line.startswith('ready '), f'the FHIR server said {line!r}')
        self.port = int(line.split()[1])
        self.base = f'http://127.0.0.1:{self.port}/r4'

    def control(self, **wanted):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=20 * e2e.PATIENCE)
        connection.request('POST' if wanted else 'GET', '/control', json.dumps(wanted) if wanted else None)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def seen(self):
        return self.control()

    def of(self, kind):
        """What it has of a type, by id."""
        return {path.split('/')[1]: r for path, r in self.seen()['resources'].items() if path.startswith(kind + '/')}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def configuration(server, listener=None, ack=None, beside=None, **fhir):
    """A FHIR listener `in`, a destination `ehr` that is the server; `fhir` are keys of it, `beside` those beside the kind."""
    entry = {'fhir': {'listen': '127.0.0.1:0', **(listener or {})}, **({'ack': ack} if ack else {})}
    return {'listeners': {'in': entry},
            'destinations': {'ehr': {'fhir': {'base': server.base, **fhir}, 'retry': RETRY, **(beside or {})}},
            'routes': [{'name': 'on', 'from': 'in', 'to': 'ehr'}]}


class Sender:
    """Sends resources over one connection; each must be taken."""

    def __init__(self, engine):
        self.connection = http.client.HTTPConnection('127.0.0.1', engine.port('in'), timeout=20 * e2e.PATIENCE)

    def send(self, method, path, resource=None, **headers):
        named = {name.replace('_', '-'): value for name, value in headers.items()}
        body = None if resource is None else json.dumps(resource)
        self.connection.request(method, '/fhir' + path, body, {'Content-Type': JSON, **named} if body else named)
        response = self.connection.getresponse()
        answer = json.loads(response.read() or b'null')
        check(response.status == 202, f'{method} {path}: {response.status} {answer}')
        return int(answer['issue'][0]['diagnostics'].split()[-1])  # stored as message N

    def create(self, resource, **headers):
        return self.send('POST', '/' + resource['resourceType'], resource, **headers)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


def call(library, engine, *calls):
    """What each of the client library's calls came to (clients/fhir_client.mjs)."""
    need({'medplum': '@medplum/fhir-router'}.get(library, library))
    done = subprocess.run([NODE, 'fhir_client.mjs', library, f'http://127.0.0.1:{engine.port("in")}/fhir'], cwd=CLIENTS,
                          input=json.dumps(calls), capture_output=True, text=True, timeout=60 * e2e.PATIENCE)
    check(done.returncode == 0, f'{library}: {done.stderr[-800:]}')
    return json.loads(done.stdout)


def patient(number, version=1, **more):
    return {'resourceType': 'Patient', 'identifier': [{'system': MRN, 'value': f'P{number}'}], 'active': True,
            'name': [{'family': 'Probe', 'given': [f'N{number}']}], 'gender': 'other', 'multipleBirthInteger': version, **more}


def number_of(resource):
    return resource['identifier'][0]['value']


def drained(engine, seconds=20):
    def idle():
        queue = engine.queue('ehr')
        check(queue['held'] == 0, f'held: {queue}')
        return queue['queued'] == 0
    return e2e.wait_until(idle, seconds, 'everything is delivered')


def check_trace(engine, number, *texts):
    """What a person sees of the message says all that; its deliveries are there a moment after they happened."""
    trace = ['']

    def there():
        status, trace[0], err = e2e.hilum('messages', 'show', number, env={'HILUM_ADMIN': engine.admin})
        check(status == 0, f'hilum messages show {number}: {err}')
        return all(text in trace[0] for text in texts)
    try:
        e2e.wait_until(there, 5, f'{texts} in the trace of message {number}')
    except e2e.Failure as failure:
        raise e2e.Failure(f'{failure}: {trace[0]}') from None
