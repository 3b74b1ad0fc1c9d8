"""FHIR topic-based subscriptions: a subscriber is greeted, told of each event once and in order, and can catch up."""

import base64
import http.client
import http.server
import json
import os
import threading

import hilum_e2e as e2e
from hilum_e2e import check

TOPIC = 'http://hub.example/topics/admissions'


class Subscriber:
    """An application: keeps the notifications it has said yes to; `first` are the answers it gives before."""

    def __init__(self):
        self.told, self.tried, self.first = [], [], []
        subscriber = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                bundle = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                note = Note(bundle)
                subscriber.tried.append(note)
                status = subscriber.first.pop(0) if subscriber.first else 200
                if status == 'drop':
                    self.close_connection = True
                    return
                if status == 200:
                    subscriber.told.append(note)
                self.send_response(status)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f'http://127.0.0.1:{self.http.server_address[1]}/hook'

    def events(self):
        return [n for n in list(self.told) if n.kind == 'event-notification']


class Note:
    def __init__(self, bundle):
        self.bundle = bundle
        check(bundle['type'] == 'history', f'{bundle}')
        self.parameters = bundle['entry'][0]['resource']['parameter']
        self.kind, self.status = self.value('type', 'valueCode'), self.value('status', 'valueCode')
        self.last = int(self.value('events-since-subscription-start', 'valueString'))
        self.numbers = [int(part['valueString']) for p in self.parameters if p['name'] == 'notification-event'
                        for part in p['part'] if part['name'] == 'event-number']
        self.resources = [e['resource'] for e in bundle['entry'][1:] if 'resource' in e]

    def value(self, name, key):
        return next(p[key] for p in self.parameters if p['name'] == name)


def configuration(dir, subscriber, **keys):
    return {'listeners': {'in': {'fhir': {'listen': '127.0.0.1:0', 'subscriptions': ['admissions_app']}},
                          'adt': {'mllp': {'listen': '127.0.0.1:0'}}},
            'destinations': {'admissions_app': {'subscription': {'topic': TOPIC, 'endpoint': subscriber.url,
                                                                 'url': 'http://hub.example/fhir', **keys},
                                                'retry': {'first': '20ms', 'max': '100ms'}}},
            'routes': [{'name': 'on', 'from': 'in', 'to': 'admissions_app'}, {'name': 'v2', 'from': 'adt', 'to': 'admissions_app'}],
            'store': {'dir': os.path.join(dir, 'data')}, 'admin': {'listen': '127.0.0.1:0'}}


def call(engine, method, path, resource=None):
    connection = http.client.HTTPConnection('127.0.0.1', engine.port('in'), timeout=20)
    connection.request(method, '/fhir' + path, body=json.dumps(resource) if resource else None,
                       headers={'Content-Type': 'application/fhir+json'} if resource else {})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, json.loads(data) if data else None


def patient(value):
    return {'resourceType': 'Patient', 'identifier': [{'system': 'urn:mrn', 'value': str(value)}], 'active': True}


def value_of(note):
    return int(note.resources[0]['identifier'][0]['value'])


def test_greeted_told_and_kept_alive():
    with e2e.folder() as dir:
        subscriber = Subscriber()
        with e2e.Engine(dir, configuration(dir, subscriber, heartbeat='1s')) as engine:
            e2e.wait_until(lambda: subscriber.told, 10, 'the handshake')
            check((subscriber.told[0].kind, subscriber.told[0].status, subscriber.told[0].last) == ('handshake', 'requested', 0),
                  f'{subscriber.told[0].bundle}')
            for n in range(1, 4):
                check(call(engine, 'POST', '/Patient', patient(n))[0] == 202, 'not taken')
            e2e.wait_until(lambda: len(subscriber.events()) == 3, 10, 'three events')
            events = subscriber.events()
            check([e.numbers for e in events] == [[1], [2], [3]] and [value_of(e) for e in events] == [1, 2, 3], 'not in order')
            check([e.last for e in events] == [1, 2, 3] and events[0].status == 'active', f'{events[0].bundle}')
            took = e2e.wait_until(lambda: subscriber.told[-1].kind == 'heartbeat', 10, 'a heartbeat')
            check(subscriber.told[-1].last == 3 and took > 0.3, f'a heartbeat after {took:.2f} s: {subscriber.told[-1].bundle}')
            # HL7 v2 as it came.
            message = 'MSH|^~\\&|A|B|||20260102||ADT^A01^ADT_A01|M1|P|2.5\rPID|1||4711\r'
            with e2e.Connection(engine.port('adt')) as sender:
                sender.send(message.encode())
            e2e.wait_until(lambda: len(subscriber.events()) == 4, 10, 'the v2 event')
            binary = subscriber.events()[-1].resources[0]
            check(base64.b64decode(binary['data']).decode() == message, f'{binary}')


def test_same_number_until_it_is_there():
    """The subscriber says no, hangs up, is not known; the engine is killed: each event has one number, none is left out."""
    with e2e.folder() as dir:
        subscriber = Subscriber()
        subscriber.first += [503, 404]
        with e2e.Engine(dir, configuration(dir, subscriber)) as engine:
            sent, kills = 0, 20 if e2e.LONG else 4
            for kill in range(kills):
                for _ in range(10):
                    sent += 1
                    check(call(engine, 'POST', '/Patient', patient(sent))[0] == 202, 'not taken')
                    subscriber.first += ['drop', 503] if sent % 3 == 0 else [404] if sent % 5 == 0 else []
                e2e.wait_until(lambda: len(subscriber.events()) > 10 * kill, 20, 'some are there')
                engine.kill()
                engine.start()
            e2e.wait_until(lambda: len({e.numbers[0] for e in subscriber.events()}) == sent, 30, 'all are there')
            tried = {}
            for note in subscriber.tried:
                if note.kind == 'event-notification':
                    before = tried.setdefault(note.numbers[0], value_of(note))
                    check(before == value_of(note), f'number {note.numbers[0]} is of patient {before} and {value_of(note)}')
            check(tried == {n: n for n in range(1, sent + 1)}, f'{tried}')
            numbers = [e.numbers[0] for e in subscriber.events()]
            check(all(b in (a, a + 1) for a, b in zip(numbers, numbers[1:])), f'not in order: {numbers}')
            e2e.say(f'{sent} events, {kills} kills, {len(subscriber.tried)} notifications')


def test_catching_up():
    with e2e.folder() as dir:
        subscriber = Subscriber()
        with e2e.Engine(dir, configuration(dir, subscriber, content='id-only')) as engine:
            for n in range(1, 6):
                call(engine, 'POST', '/Patient', patient(n))
            e2e.wait_until(lambda: len(subscriber.events()) == 5, 10, 'five events')
            check(not subscriber.events()[0].resources, 'id-only has resources')
            status, bundle = call(engine, 'GET', '/Subscription/admissions-app/$events?eventsSinceNumber=2&eventsUntilNumber=4&content=full-resource')
            note = Note(bundle)
            check(status == 200 and note.kind == 'query-event' and note.numbers == [2, 3, 4] and note.last == 5, f'{bundle}')
            check([r['identifier'][0]['value'] for r in note.resources] == ['2', '3', '4'], f'{bundle}')
            check(Note(call(engine, 'GET', '/Subscription/admissions-app/$events')[1]).numbers == [1, 2, 3, 4, 5], 'all of them')
            check(call(engine, 'GET', '/Subscription/admissions-app/$events?eventsSinceNumber=x')[0] == 400, 'a number that is none')
            status, read = call(engine, 'GET', '/Subscription/admissions-app')
            check(status == 200 and read['status'] == 'active' and read['criteria'] == TOPIC and read['channel']['endpoint'] == subscriber.url,
                  f'{read}')
            status, found = call(engine, 'GET', '/Subscription')
            check(found['total'] == 1 and found['entry'][0]['resource'] == read, f'{found}')
            status, told = call(engine, 'GET', '/Subscription/admissions-app/$status')
            check(told['entry'][0]['resource']['resourceType'] == 'Parameters', f'{told}')
            check(call(engine, 'GET', '/Subscription/other')[0] == 404, 'another subscription')
            check(call(engine, 'POST', '/Subscription', read)[0] == 405, 'a client made one')
            status, metadata = call(engine, 'GET', '/metadata')
            resource = next(r for r in metadata['rest'][0]['resource'] if r['type'] == 'Subscription')
            check(resource['extension'][0]['valueCanonical'] == TOPIC and resource['operation'], f'{resource}')
            # Away for a while: what is wrong is to be seen, and nothing is lost.
            subscriber.first += [410] * 3
            call(engine, 'POST', '/Patient', patient(6))
            e2e.wait_until(lambda: len(subscriber.events()) == 6, 10, 'the sixth')
            check(engine.queue('admissions_app')['held'] == 0, 'an event is held')
            check(Note(call(engine, 'GET', '/Subscription/admissions-app/$events?eventsSinceNumber=6')[1]).numbers == [6], 'the sixth')


def test_a_backup_has_the_numbers():
    with e2e.folder() as dir:
        subscriber = Subscriber()
        config = configuration(dir, subscriber)
        with e2e.Engine(dir, config) as engine:
            call(engine, 'POST', '/Patient', patient(1))
            e2e.wait_until(lambda: len(subscriber.events()) == 1, 10, 'an event')
            copy = os.path.join(dir, 'copy')
            code, out, err = e2e.hilum('store', 'backup', config['store']['dir'], copy)
            check(code == 0, out + err)
        config['store']['dir'] = copy
        with e2e.Engine(dir, config) as engine:
            call(engine, 'POST', '/Patient', patient(2))
            e2e.wait_until(lambda: any(e.numbers == [2] for e in subscriber.events()), 10, 'the numbers go on')


def test_what_check_says():
    with e2e.folder() as dir:
        subscriber = Subscriber()
        for change, said in [
                (lambda c: c['destinations']['admissions_app'].update(order_by='id', connections=2), 'one by one'),
                (lambda c: c['destinations']['admissions_app']['subscription'].update(topic='admissions'), 'no absolute url'),
                (lambda c: c['destinations']['admissions_app']['subscription'].update(focus='Encountr'), 'did you mean "Encounter"'),
                (lambda c: c['listeners']['in']['fhir'].update(subscriptions=['archive']), 'is no subscription')]:
            config = configuration(dir, subscriber)
            config['destinations']['archive'] = {'file': {'dir': dir, 'name': '{MSH-10}.hl7'}}
            config['routes'].append({'name': 'also', 'from': 'adt', 'to': ['archive', 'admissions_app']})
            change(config)
            path = os.path.join(dir, 'hilum.yaml')
            with open(path, 'w') as f:
                json.dump(config, f)
            code, out, err = e2e.hilum('check', path)
            check(code == 1 and said in out + err, f'{said}: {out}{err}')


e2e.main(globals())
