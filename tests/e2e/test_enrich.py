"""Routes that ask another system after the sender has had its answer: in order, through its failures, crashes and reloads."""

import contextlib
import http.server
import json
import os
import threading
import time

import hilum_e2e as e2e
from hilum_e2e import check, say

MESSAGE = 'MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|{n}|P|2.5\rPID|1||P{n}||DOE^JANE||19800203|F\rPV1|1|I|W1\r'


class Directory:
    """A patient index that knows P0, P1 ... by number. It can be told to fail, or to be silent."""

    def __init__(self):
        self.asked, self.mode = [], 'good'
        directory = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                directory.asked.append(self.path)
                while directory.mode == 'silent':
                    time.sleep(0.01)
                status, body = 200, json.dumps({'name': 'N-' + self.path.rsplit('/', 1)[1]}).encode()
                if directory.mode == 'broken':
                    status, body = 503, b''
                elif self.path.endswith('P13'):
                    status, body = 404, b''
                self.send_response(status)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def configuration(dir, directory_port, within='2s', otherwise='hold'):
    enrich = {'http': {'url': f'http://127.0.0.1:{directory_port}/patients/{{PID-3.1}}', 'within': within}, 'otherwise': otherwise,
              'then': [{'set': {'PID-5.1': '=%answer.name'}}]}
    return {
        'listeners': {'in': {'mllp': {'listen': '127.0.0.1:0'}}},
        'destinations': {'out': {'file': {'dir': os.path.join(dir, 'out'), 'name': '{MSH-10}.hl7'}},
                         'plain': {'file': {'dir': os.path.join(dir, 'plain'), 'name': '{MSH-10}.hl7'}}},
        'routes': [{'name': 'named', 'from': 'in', 'steps': [{'enrich': enrich}], 'to': 'out'},
                   {'name': 'all', 'from': 'in', 'to': 'plain'}],
        'store': {'dir': os.path.join(dir, 'data')},
        'admin': {'listen': '127.0.0.1:0'},
    }


def made(dir, name):
    path = os.path.join(dir, name)
    names = os.listdir(path) if os.path.isdir(path) else []
    return sorted((n for n in names if not n.startswith('.')), key=lambda n: int(n.split('.')[0].split('~')[0]))


def send(engine, numbers):
    with e2e.Connection(engine.port('in')) as connection:
        for n in numbers:
            answer = connection.send(MESSAGE.format(n=n).encode())
            check(b'MSA|AA|' in answer, f'message {n} was answered {answer}')


def to_out(engine):
    return engine.api('GET', '/messages?destination=out&limit=1000')['messages']


LANE = '(route named)'  # as a queue


def test_a_message_is_answered_first_and_enriched_then():
    with e2e.folder() as dir:
        directory = Directory()
        with e2e.Engine(dir, configuration(dir, directory.port)) as engine:
            directory.mode = 'silent'
            began = time.monotonic()
            send(engine, [1])
            check(time.monotonic() - began < 1.5 * e2e.PATIENCE, 'the sender waited for the other system')
            e2e.wait_until(lambda: made(dir, 'plain') == ['1.hl7'], 10, 'the other route delivers')
            check(made(dir, 'out') == [], 'nothing can have been delivered yet')
            directory.mode = 'good'
            e2e.wait_until(lambda: made(dir, 'out') == ['1.hl7'], 20, 'the answer comes')
            with open(os.path.join(dir, 'out', '1.hl7')) as f:
                check('|N-P1^JANE|' in f.read(), 'the name is that of the answer')
            # The trace: the message, and what came of it.
            def traced():
                message = engine.api('GET', '/messages/1')
                return message['deliveries'] and all(d['state'] == 'delivered' for d in message['deliveries']) and message
            e2e.wait_until(traced, 10, 'the trace has it')
            first = traced()
            check({d['destination'] for d in first['deliveries']} == {LANE, 'plain'}, f'{first}')
            second = engine.api('GET', '/messages/2')
            check(second['origin'] == 1 and second['deliveries'][0]['destination'] == 'out', f'{second}')
            check(second['source'] == 'route named', f'{second}')
            check('P1' not in engine.log(), 'the log holds what was asked')


def test_order_through_failures():
    with e2e.folder() as dir:
        directory = Directory()
        with e2e.Engine(dir, configuration(dir, directory.port, within='300ms')) as engine:
            directory.mode = 'broken'
            send(engine, range(1, 4))
            e2e.wait_until(lambda: engine.queue(LANE)['state'] == 'retrying', 10, 'it is tried again')
            check('http: the server answered 503' in engine.queue(LANE)['last_error'], f'{engine.queue(LANE)}')
            directory.mode = 'silent'
            send(engine, range(4, 13))
            directory.mode = 'good'
            e2e.wait_until(lambda: engine.queue(LANE)['queued'] == 0, 60, 'all is asked')
            e2e.wait_until(lambda: len(made(dir, 'out')) == 12, 20, 'all is delivered')
            order = [str(n) for n in range(1, 13)]
            e2e.wait_until(lambda: [m['control_id'] for m in reversed(to_out(engine))] == order, 10, 'they were made in order')

            # Nothing is known of this one: held there, and those behind it go on.
            send(engine, [13, 14])
            e2e.wait_until(lambda: '14.hl7' in made(dir, 'out'), 20, 'the next one goes on')
            check(engine.queue(LANE)['held'] == 1, f'{engine.queue(LANE)}')


def test_kill():
    with e2e.folder() as dir:
        directory = Directory()
        engine = e2e.Engine(dir, configuration(dir, directory.port))
        engine.start()
        rounds, each = (20, 50) if e2e.LONG else (4, 40)
        for n in range(rounds):
            send(engine, [n * each + i + 100 for i in range(each)])
            engine.kill()
            engine.start(within=10)
        e2e.wait_until(lambda: engine.queue(LANE)['queued'] == 0 and engine.queue('out')['queued'] == 0, 120, 'all went through')
        e2e.wait_until(lambda: len(to_out(engine)) >= rounds * each, 20, 'the index has them')
        origins = {}
        for row in to_out(engine):
            origins.setdefault(row['control_id'], []).append(row['message'])
        twice = {k: v for k, v in origins.items() if len(v) > 1}
        check(len(origins) == rounds * each, f'{len(origins)} of {rounds * each}')
        check(not twice, f'made twice of one: {twice}')
        names = made(dir, 'out')
        check(len({n.split('.')[0].split('~')[0] for n in names}) == rounds * each, f'{len(names)} files')
        say(f'{rounds} kills, {len(origins)} messages, each made once; asked {len(directory.asked)} times')
        engine.stop()


def test_reload_and_a_route_that_goes():
    with e2e.folder() as dir:
        directory = Directory()
        config = configuration(dir, directory.port, within='300ms')
        with e2e.Engine(dir, config) as engine:
            directory.mode = 'broken'
            send(engine, [1])
            e2e.wait_until(lambda: engine.queue(LANE)['state'] == 'retrying', 10, 'it is tried again')
            # The route no longer asks: what waits goes on with it as it is now.
            config['routes'][0]['steps'] = [{'set': {'PID-5.1': 'PLAIN'}}]
            engine.configure(config)
            engine.api('POST', '/reload', {})
            e2e.wait_until(lambda: made(dir, 'out') == ['1.hl7'], 20, 'it goes on')
            with open(os.path.join(dir, 'out', '1.hl7')) as f:
                check('|PLAIN^JANE|' in f.read(), 'by the steps of now')
            # Back, and then gone for good: what waits is kept and shown.
            engine.configure(configuration(dir, directory.port, within='300ms'))
            engine.api('POST', '/reload', {})
            send(engine, [2])
            e2e.wait_until(lambda: engine.queue(LANE)['state'] == 'retrying', 10, 'it is tried again')
            del config['routes'][0]
            del config['destinations']['out']
            engine.configure(config)
            engine.api('POST', '/reload', {})
            e2e.wait_until(lambda: engine.queue(LANE)['state'] == 'removed', 10, 'the lane is kept')
            check(engine.queue(LANE)['queued'] == 1, f'{engine.queue(LANE)}')


def test_stopping_waits_for_nobody():
    with e2e.folder() as dir:
        directory = Directory()
        engine = e2e.Engine(dir, configuration(dir, directory.port, within='5m'))
        engine.start()
        directory.mode = 'silent'
        send(engine, [1])
        e2e.wait_until(lambda: len(directory.asked) == 1, 10, 'it is asked')
        began = time.monotonic()
        engine.stop(within=30)
        took = time.monotonic() - began
        check(took < 15 * e2e.PATIENCE, f'stopping took {took:.1f} s')
        directory.mode = 'good'
        engine.start()
        e2e.wait_until(lambda: made(dir, 'out') == ['1.hl7'], 20, 'and the message is still there')
        engine.stop()


def test_duplicates():
    with e2e.folder() as dir:
        config = configuration(dir, 1)
        config['routes'][0]['steps'] = [{'deduplicate': {'key': 'MSH-3 & MSH-10', 'within': '1h', 'otherwise': 'hold'}}]
        engine = e2e.Engine(dir, config)
        engine.start()
        send(engine, [1, 2, 1])
        engine.kill()
        engine.start()
        send(engine, [2, 3])
        e2e.wait_until(lambda: engine.queue(LANE)['queued'] == 0 and len(made(dir, 'out')) == 3, 20, 'all went through')
        check(made(dir, 'out') == ['1.hl7', '2.hl7', '3.hl7'], f'{made(dir, "out")}')
        def filtered():
            found = engine.api('GET', '/messages?state=filtered&limit=100')
            return found['messages'] if len(found['messages']) == 2 else None
        e2e.wait_until(filtered, 10, 'the trace has the two that were filtered')
        one = engine.api('GET', f'/messages/{filtered()[0]["message"]}')
        check('the same was here' in json.dumps(one), f'{one}')
        engine.stop()


e2e.main(globals())
