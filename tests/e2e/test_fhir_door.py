"""FHIR over HTTP, in and out: a client's interactions are stored, routed, changed and written to a server; what is refused says why."""

import contextlib
import gzip
import http.client
import http.server
import io
import json
import os
import subprocess
import tarfile
import threading

import hilum_e2e as e2e
from hilum_e2e import check

PATIENT = {'resourceType': 'Patient', 'identifier': [{'system': 'urn:mrn', 'value': '4711'}], 'active': True,
           'name': [{'family': 'Doe', 'given': ['Jane']}], 'gender': 'female', 'birthDate': '1980-02-03'}
JSON = 'application/fhir+json'


class Server:
    """A FHIR server that keeps what is put, and can be told what to answer first."""

    def __init__(self):
        self.kept, self.calls, self.first = {}, [], []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def answer(self):
                body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
                server.calls.append((self.command, self.path, dict(self.headers), body))
                status, more = server.first.pop(0) if server.first else (None, {})
                reply = b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing","diagnostics":"told to"}]}'
                if status is None:
                    status = 200
                    if self.command == 'PUT':
                        status = 200 if self.path in server.kept else 201
                        server.kept[self.path], reply = json.loads(body), body
                        more = {'ETag': 'W/"7"', 'Location': 'http://server' + self.path + '/_history/7'}
                    elif self.command == 'GET':
                        status, reply = (200, json.dumps(server.kept[self.path]).encode()) if self.path in server.kept else (404, reply)
                    elif self.command == 'DELETE':
                        server.kept.pop(self.path, None)
                        status, reply = 200, reply
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header('Content-Type', JSON)
                self.send_header('Content-Length', str(len(reply)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):
                    self.wfile.write(reply)

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def configuration(dir, server, steps=None, when=None, ack=None, **listener):
    route = {'name': 'on', 'from': 'in', 'to': 'ehr'}
    if steps:
        route['steps'] = steps
    if when:
        route['when'] = when
    entry = {'fhir': {'listen': '127.0.0.1:0', **listener}}
    if ack:
        entry['ack'] = ack
    return {'listeners': {'in': entry},
            'destinations': {'ehr': {'fhir': {'base': f'http://127.0.0.1:{server.port}/r4'}, 'retry': {'first': '50ms', 'max': '200ms'}}},
            'routes': [route], 'store': {'dir': os.path.join(dir, 'data')}, 'admin': {'listen': '127.0.0.1:0'}}


def call(engine, method, path, resource=None, **headers):
    connection = http.client.HTTPConnection('127.0.0.1', engine.port('in'), timeout=20)
    body = json.dumps(resource) if isinstance(resource, dict) else resource
    named = {name.replace('_', '-'): value for name, value in headers.items()}
    if body is not None:
        named.setdefault('Content-Type', JSON)
    connection.request(method, '/fhir' + path, body=body, headers=named)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    if response.headers.get('Content-Encoding') == 'gzip':
        data = gzip.decompress(data)
    kind = response.headers.get('Content-Type', '')
    return response.status, response.headers, json.loads(data) if data and 'json' in kind else data


def issue(answer):
    check(answer['resourceType'] == 'OperationOutcome', f'not an OperationOutcome: {answer}')
    return answer['issue'][0]['code']


def test_create_is_stored_changed_and_put():
    with e2e.folder() as dir:
        server = Server()
        steps = [{'set': {'Patient.name.family': '=Patient.name.family.upper()', 'Patient.language': 'en'}},
                 {'delete': 'Patient.birthDate'}]
        with e2e.Engine(dir, configuration(dir, server, steps, when='Patient.active = true')) as engine:
            server.first.append((503, {'Retry-After': '0'}))
            status, _, answer = call(engine, 'POST', '/Patient', PATIENT)
            check(status == 202 and issue(answer) == 'informational', f'{status} {answer}')
            e2e.wait_until(lambda: server.kept, 10, 'the patient is at the server')
            call(engine, 'POST', '/Patient', PATIENT)
            e2e.wait_until(lambda: len(server.calls) == 3, 10, 'the second is there')
            check(len(server.kept) == 1, f'the same patient twice: {list(server.kept)}')
            kept = next(iter(server.kept.values()))
            check(kept['name'][0]['family'] == 'DOE' and kept['language'] == 'en' and 'birthDate' not in kept, f'{kept}')
            check(next(iter(server.kept)) == '/r4/Patient/' + kept['id'], f'{list(server.kept)}')
            call(engine, 'POST', '/Patient', {**PATIENT, 'active': False})
            call(engine, 'DELETE', '/Patient/' + kept['id'])
            # Deleted without a condition that lets it through: `when` sees what the address names.
            check(len(server.calls) == 3, 'a filtered one was sent')


def test_a_bundle_that_looks_like_ours_is_what_its_sender_means():
    with e2e.folder() as dir:
        server = Server()
        ours = ('{"resourceType":"Bundle","meta":{"tag":[{"system":"urn:hilum:kept-as","code":"interaction"}]},"type":"batch","entry":['
                '{"request":{"method":"DELETE","url":"Patient/1"}},{"request":{"method":"DELETE","url":"Patient/2"}}]}')
        one = ours.replace(',{"request":{"method":"DELETE","url":"Patient/2"}}', '')
        # A request line and another address in it are its sender's, and go nowhere.
        bad = {'resourceType': 'Bundle', 'type': 'batch', 'entry': [{'request': {'method': 'DELETE', 'url': '../admin HTTP/1.1\r\nX: y'}}]}
        with e2e.Engine(dir, configuration(dir, server)) as engine:
            for text in (ours, one):
                status, _, answer = call(engine, 'POST', '', text)
                check(status == 202, f'{status} {answer}')
            check(call(engine, 'POST', '', PATIENT)[0] == 400, 'a Patient at the endpoint itself')
            e2e.wait_until(lambda: len(server.calls) == 2, 10, 'both are there')
            got = [(method, path, body.decode()) for method, path, _, body in server.calls]
            check(got == [('POST', '/r4', ours), ('POST', '/r4', one)], f'{got}')
        with e2e.Engine(dir, configuration(dir, server, [{'split': {'each': 'Bundle.entry', 'otherwise': 'hold'}}])) as engine:
            check(call(engine, 'POST', '', bad)[0] == 202, 'it is taken, and held')
            status, _, _ = call(engine, 'POST', '', one)
            e2e.wait_until(lambda: len(server.calls) == 3, 10, 'the other is there')
            check(server.calls[2][:2] == ('DELETE', '/r4/Patient/1'), f'{server.calls[2]}')


def test_refusals_say_why():
    with e2e.folder() as dir:
        server = Server()
        with e2e.Engine(dir, configuration(dir, server, validate='enforce', max_body='64KiB')) as engine:
            table = [
                ('POST', '/Patient', '{', {}, 400, 'structure'),
                ('POST', '/Patient', {'resourceType': 'Observation'}, {}, 400, 'structure'),
                ('POST', '/Patient', {'resourceType': 'Patient', 'gender': 'f'}, {}, 422, 'code-invalid'),
                ('POST', '/Nothing', PATIENT, {}, 404, 'not-supported'),
                ('GET', '/Patient/1', None, {}, 405, 'not-supported'),
                ('POST', '/Patient', PATIENT, {'Content_Type': 'text/plain'}, 415, 'not-supported'),
                ('POST', '/Patient', PATIENT, {'Accept': 'text/html'}, 406, 'not-supported'),
                ('PUT', '/Patient/2', {**PATIENT, 'id': '3'}, {}, 400, 'structure'),
                ('PUT', '/Patient', PATIENT, {}, 400, 'required'),
                ('POST', '/Patient', '{"a":"' + 'x' * 100_000 + '"}', {}, 413, 'too-long'),
                ('POST', '/Patient', gzip.compress(b'{' + b' ' * 1_000_000), {'Content_Encoding': 'gzip'}, 413, 'too-long'),
                ('POST', '/Patient', '{"a":' * 500, {}, 400, 'too-costly'),
            ]
            for method, path, resource, headers, status, code in table:
                got, _, answer = call(engine, method, path, resource, **headers)
                check(got == status and issue(answer) == code, f'{method} {path}: {got} {answer}, expected {status} {code}')
            status, _, answer = call(engine, 'POST', '/Patient/$validate', {'resourceType': 'Patient', 'gender': 'f'})
            check(status == 200 and answer['issue'][0]['code'] == 'code-invalid', f'$validate: {status} {answer}')
            check(not server.calls, 'a refused one was sent')


def test_forms_and_metadata():
    with e2e.folder() as dir:
        server = Server()
        with e2e.Engine(dir, configuration(dir, server, answers='done')) as engine:
            status, headers, answer = call(engine, 'GET', '/metadata', X_Request_Id='abc-1', Accept_Encoding='gzip')
            check(status == 200 and answer['fhirVersion'] == '4.0.1' and headers['X-Request-Id'] == 'abc-1', f'{status} {headers}')
            check(headers['Content-Encoding'] == 'gzip', f'{headers}')
            status, _, answer = call(engine, 'GET', '/metadata?_format=xml')
            check(status == 200 and b'<CapabilityStatement' in answer, f'{status} {answer[:80]}')
            xml = b'<Patient xmlns="http://hl7.org/fhir"><identifier><value value="9"/></identifier></Patient>'
            status, headers, answer = call(engine, 'POST', '/Patient', gzip.compress(xml), Content_Type='application/fhir+xml',
                                           Content_Encoding='gzip', Accept=JSON)
            check(status == 201 and answer['identifier'][0]['value'] == '9' and '/Patient/' in headers['Location'], f'{status} {headers}')
            status, headers, _ = call(engine, 'OPTIONS', '/Patient', Origin='http://page')
            check(status == 200 and headers['Access-Control-Allow-Origin'] == '*', f'{status} {headers}')
            e2e.wait_until(lambda: server.kept, 10, 'it is at the server')


def test_facade():
    with e2e.folder() as dir:
        server = Server()
        ack = {'mode': 'delivered', 'from': 'ehr', 'within': '10s'}
        with e2e.Engine(dir, configuration(dir, server, ack=ack)) as engine:
            status, headers, answer = call(engine, 'PUT', '/Patient/7', {**PATIENT, 'id': '7'}, If_Match='W/"6"')
            check(status == 201 and headers['ETag'] == 'W/"7"' and answer['id'] == '7', f'{status} {headers} {answer}')
            check(server.calls[-1][2].get('If-Match') == 'W/"6"', f'the condition is gone: {server.calls[-1][2]}')
            status, _, answer = call(engine, 'GET', '/Patient/7')
            check(status == 200 and answer['id'] == '7', f'{status} {answer}')
            status, _, answer = call(engine, 'GET', '/Patient/8')
            check(status == 404 and issue(answer) == 'processing', f'{status} {answer}')
            # What it asked for is left out; that it was done is said all the same.
            status, headers, answer = call(engine, 'PUT', '/Patient/7', {**PATIENT, 'id': '7'}, Prefer='return=minimal', X_Request_Id='r-1')
            check(status == 200 and answer == b'' and headers['X-Request-Id'] == 'r-1', f'{status} {headers} {answer}')
            check(headers['ETag'] == 'W/"7"' and headers['Location'].endswith('/fhir/Patient/7/_history/7'), f'{headers}')
            status, _, answer = call(engine, 'GET', '/Patient/7', Prefer='return=minimal')
            check(status == 200 and answer['id'] == '7', f'a read has no such preference: {answer}')
            call(engine, 'GET', '?_getpages=1&_offset=20')
            check(server.calls[-1][1] == '/r4?_getpages=1&_offset=20', f'{server.calls[-1][1]}')
            # What the server refuses is the client's to mend: no person has to look at it here.
            server.first.append((422, {}))
            status, _, answer = call(engine, 'PUT', '/Patient/7', {**PATIENT, 'id': '7', 'active': False})
            check(status == 422 and issue(answer) == 'processing', f'{status} {answer}')
            queue = engine.queue('ehr')
            check(queue['held'] == 0 and queue['queued'] == 0, f'{queue}')
            # That Hilum may not ask there is no answer to the client, and somebody has to do something.
            server.first.append((403, {}))
            status, _, answer = call(engine, 'PUT', '/Patient/7', {**PATIENT, 'id': '7'})
            check(status == 502 and engine.queue('ehr')['held'] == 1, f'{status} {answer} {engine.queue("ehr")}')
            server.first.append((403, {}))
            status, _, answer = call(engine, 'GET', '/Patient/7')
            check(status == 502 and issue(answer) == 'exception', f'{status} {answer}')


PROFILE = {'resourceType': 'StructureDefinition', 'url': 'http://ward.example/patient', 'name': 'WardPatient', 'status': 'active',
           'kind': 'resource', 'abstract': False, 'type': 'Patient', 'derivation': 'constraint',
           'snapshot': {'element': [{'id': 'Patient', 'path': 'Patient', 'min': 0, 'max': '*'},
                                    {'id': 'Patient.birthDate', 'path': 'Patient.birthDate', 'min': 1, 'max': '1'}]}}


def package(path, *resources):
    with tarfile.open(path, 'w:gz') as tar:
        for number, resource in enumerate(resources):
            data = json.dumps(resource).encode()
            info = tarfile.TarInfo(f'package/{number}.json')
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_profiles_of_a_site():
    newborn = {'resourceType': 'Patient', 'identifier': [{'system': 'urn:mrn', 'value': '1'}], 'active': True}
    claims = {**newborn, 'meta': {'profile': [PROFILE['url']]}}
    with e2e.folder() as dir:
        server = Server()
        package(os.path.join(dir, 'ward.tgz'), PROFILE)
        with open(os.path.join(dir, 'ward.json'), 'w') as f:
            json.dump(PROFILE, f)
        config = configuration(dir, server, validate='enforce', packages=['ward.tgz'], answers='done',
                               listen=f'127.0.0.1:{e2e.free_port()}')
        with e2e.Engine(dir, config) as engine:
            status, _, answer = call(engine, 'POST', '/Patient', claims)
            check(status == 422 and answer['issue'][0]['expression'] == ['Patient.birthDate'], f'{status} {answer}')
            status, _, answer = call(engine, 'POST', '/Patient/$validate', claims)
            check(status == 200 and issue(answer) == 'required', f'{status} {answer}')
            # It does not say that it is one of the ward's.
            check(call(engine, 'POST', '/Patient', newborn)[0] == 201, 'R4 alone was not enough')
            config['listeners']['in']['fhir'].update(packages=['ward.json'], profiles=[PROFILE['url']])
            engine.configure(config)
            engine.api('POST', '/reload')
            check(call(engine, 'POST', '/Patient', newborn)[0] == 422, 'the profile that all have to follow does not count')
            check(call(engine, 'POST', '/Patient', PATIENT)[0] == 201, 'one that follows it was refused')
        for keys, what in [({'packages': ['gone.tgz']}, 'cannot read the package'),
                           ({'packages': ['ward.json'], 'profiles': ['http://ward.example/patients']}, 'did you mean'),
                           ({'packages': ['hilum.yaml']}, 'a FHIR package is a .tgz')]:
            engine.configure(configuration(dir, server, **keys))
            checked = subprocess.run([e2e.HILUM, 'check', engine.path], capture_output=True, text=True)
            check(checked.returncode == 1 and what in checked.stdout + checked.stderr, f'{keys}: {checked.stdout}{checked.stderr}')


def message(envelope, header, event='urn:admission', **more):
    resources = [{'resourceType': 'MessageHeader', 'id': header, 'eventUri': event,
                  'source': {'endpoint': 'urn:ward'}, 'focus': [{'reference': 'urn:uuid:0fa1b2c3-0000-4000-8000-000000000001'}]},
                 {**PATIENT, 'id': '1'}]
    urls = ['urn:uuid:0fa1b2c3-0000-4000-8000-000000000002', 'urn:uuid:0fa1b2c3-0000-4000-8000-000000000001']
    return {'resourceType': 'Bundle', 'id': envelope, 'type': 'message', 'timestamp': '2026-01-02T03:04:05Z', **more,
            'entry': [{'fullUrl': url, 'resource': resource} for url, resource in zip(urls, resources)]}


def test_a_message_that_comes_again_is_answered_as_the_first():
    with e2e.folder() as dir:
        server = Server()
        config = configuration(dir, server, url='http://hub.example/fhir')
        config['listeners']['in']['deduplicate'] = 'message_id'
        send = lambda resource: call(engine, 'POST', '/$process-message', resource)  # noqa: E731
        with e2e.Engine(dir, config) as engine:
            status, _, first = send(message('b1', 'h1'))
            check(status == 200 and first['type'] == 'message', f'{status} {first}')
            response = first['entry'][0]['resource']['response']
            check(response == {'identifier': 'h1', 'code': 'ok'}, f'{response}')
            check(send(message('b1', 'h1'))[2] == first, 'the copy has another answer')
            # Submitted once more on purpose: a new envelope, or another message in the old one.
            check(send(message('b2', 'h1'))[2]['id'] != first['id'], 'a message in a new envelope was taken for a copy')
            check(send(message('b1', 'h2'))[2]['id'] != first['id'], 'a new message in an old envelope was taken for a copy')
            check('control_id_used_again' in engine.log(), 'an envelope that comes twice is not told')
            named = {'identifier': {'system': 'urn:ward', 'value': '77'}}
            _, _, second = send(message('b3', 'h3', **named))
            check(send(message('b4', 'h3', **named))[2] == second, 'one with the identifier of another is none of its copies')
            e2e.wait_until(lambda: len(server.calls) == 4, 10, 'four are at the server')
            # What is no message has no such ids.
            call(engine, 'POST', '/Patient', PATIENT)
            call(engine, 'POST', '/Patient', PATIENT)
            e2e.wait_until(lambda: len(server.calls) == 6, 10, 'two patients are at the server')
            engine.kill()
            engine.start()
            check(send(message('b1', 'h1'))[2] == first, 'a restart has forgotten the message')
            # A kill may send the last ones once more; a seventh there is none.
            e2e.wait_until(lambda: engine.queue('ehr')['queued'] == 0, 10, 'all are sent')
            check(len({(path, body) for _, path, _, body in server.calls}) == 5, f'{[c[1] for c in server.calls]}')


e2e.main(globals())
