"""Messages through routes: MLLP, HTTP and files in; MLLP, HTTP and files out; order and content."""

import glob
import http.client
import http.server
import os
import threading

import hilum_e2e as e2e
from hilum_e2e import check, say


class HttpReceiver:
    """Takes POSTs and answers each with an HL7 acknowledgement."""

    def __init__(self):
        self.bodies, self.types = [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                outer.bodies.append(body)
                outer.types.append(self.headers['Content-Type'])
                answer = b'MSH|^~\\&|||||20260101||ACK|1|P|2.5\rMSA|AA|' + e2e.control_id(body) + b'\r'
                self.send_response(200)
                self.send_header('Content-Type', 'x-application/hl7-v2+er7')
                self.send_header('Content-Length', str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def test_mllp_in_and_three_destinations():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        web = HttpReceiver()
        out = os.path.join(dir, 'out')
        with open(os.path.join(dir, 'wards.csv'), 'w') as f:
            f.write('local,standard\n2W,WARD-2-WEST\n3E,WARD-3-EAST\n')
        engine = e2e.Engine(dir, {
            'listeners': {'adt_in': {'mllp': {'listen': '127.0.0.1:0'}}},
            'destinations': {
                'lab': {'mllp': {'connect': f'127.0.0.1:{lab.port}'}, 'retry': e2e.FAST_RETRY},
                'web': {'http': {'url': f'http://127.0.0.1:{web.port}/hl7'}, 'retry': e2e.FAST_RETRY},
                'archive': {'file': {'dir': out, 'name': '{MSH-10}.hl7'}},
            },
            'routes': [
                {'name': 'admissions', 'from': 'adt_in',
                 'when': "MSH-9.1 = 'ADT' and MSH-9.2 in ('A01' | 'A04' | 'A08')",
                 'steps': [{'set': {'MSH-5': 'LAB', 'PID-5.1': '=PID-5.1.upper()'}},
                           {'lookup': {'field': 'PV1-3.1', 'table': 'wards', 'otherwise': 'hold'}},
                           {'delete': 'NK1[*]'}],
                 'to': ['lab', 'web']},
                {'name': 'everything', 'from': 'adt_in', 'to': 'archive'},
            ],
            'tables': {'wards': {'csv': 'wards.csv', 'key': 'local', 'value': 'standard'}},
        })
        total, events = 200, ['A01', 'A02', 'A04', 'A08']
        with engine, e2e.Connection(engine.port('adt_in')) as sender:
            sent = [e2e.adt(f'F{i:05}', events[i % 4], ward='2W' if i % 2 else '3E') for i in range(total)]
            for message in sent:
                answer = sender.send(message)
                check(e2e.field(answer, b'MSA', 1) == b'AA', f'answer {answer!r}')
                check(e2e.field(answer, b'MSA', 2) == e2e.control_id(message), f'MSA-2 of {answer!r}')
            wanted = [m for i, m in enumerate(sent) if events[i % 4] != 'A02']
            e2e.wait_until(lambda: lab.count() >= len(wanted) and len(web.bodies) >= len(wanted) and
                           len(glob.glob(os.path.join(out, '*.hl7'))) >= total, 20, 'all delivered')
            order = [e2e.control_id(m) for m in wanted]
            check([e2e.control_id(m) for m in lab.messages] == order, 'the MLLP destination got another order')
            check([e2e.control_id(m) for m in web.bodies] == order, 'the HTTP destination got another order')
            for sent_message, message, posted in zip(wanted, lab.messages, web.bodies):
                ward = b'WARD-3-EAST' if e2e.field(sent_message, b'PV1', 3).startswith(b'3E') else b'WARD-2-WEST'
                expected = sent_message.replace(b'|HILUM|', b'|LAB|').replace(b'||Probe^Linus', b'||PROBE^Linus')
                expected = expected.replace(b'NK1|1|Probe^Ada|SPO\r', b'')
                expected = expected.replace(e2e.field(sent_message, b'PV1', 3), ward + b'^204^A')
                check(message == expected, f'delivered\n{message!r}\nexpected\n{expected!r}')
                check(posted == message, 'HTTP and MLLP got different bytes')
            for message in sent:
                with open(os.path.join(out, e2e.control_id(message).decode() + '.hl7'), 'rb') as f:
                    check(f.read() == message, 'the archive must hold what came, byte for byte')
            check(engine.metric('hilum_messages_received_total', listener='adt_in') == total, 'received counter')
            check(engine.metric('hilum_route_filtered_total', route='admissions') == total - len(wanted), 'filter counter')
            check(engine.metric('hilum_delivered_total', destination='lab') == len(wanted), 'delivered counter')
        say(f'{total} sent, {len(wanted)} through the filter, to MLLP, HTTP and files in order')
        web.close()


def test_lookup_that_finds_nothing_holds():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        with open(os.path.join(dir, 'wards.csv'), 'w') as f:
            f.write('local,standard\n2W,WARD-2-WEST\n')
        config = e2e.straight(lab.port, steps=[{'lookup': {'field': 'PV1-3.1', 'table': 'wards', 'otherwise': 'hold'}}])
        config['tables'] = {'wards': {'csv': 'wards.csv', 'key': 'local', 'value': 'standard'}}
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            check(b'MSA|AA|H1' in sender.send(e2e.adt('H1', ward='9X')), 'held messages are acknowledged')
            check(b'MSA|AA|H2' in sender.send(e2e.adt('H2', ward='2W')), 'the next one is acknowledged')
            e2e.wait_until(lambda: lab.count() == 1, 10, 'the second message delivered')
            check(e2e.control_id(lab.messages[0]) == b'H2', 'the held message must not be delivered')
            e2e.wait_until(lambda: engine.api('GET', '/messages?control_id=H1')['messages'], 10, 'the index')
            row = engine.api('GET', '/messages?control_id=H1')['messages'][0]
            check(row['state'] == 'held', f'state is {row["state"]}')


def test_http_in():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        config = e2e.straight(lab.port)
        config['listeners'] = {'in': {'http': {'listen': '127.0.0.1:0', 'path': '/hl7'}}}
        with e2e.Engine(dir, config) as engine:
            client = http.client.HTTPConnection('127.0.0.1', engine.port('in'), timeout=20 * e2e.PATIENCE)

            def post(path, body, content_type):
                client.request('POST', path, body, {'Content-Type': content_type})
                response = client.getresponse()
                return response.status, response.read()

            message = e2e.adt('HTTP1')
            for i, content_type in enumerate(['x-application/hl7-v2+er7', 'text/plain', 'x-application/hl7-v2+er7; charset=utf-8']):
                message = e2e.adt(f'HTTP{i}')
                status, answer = post('/hl7', message, content_type)
                check(status == 200, f'{content_type}: {status}')
                check(e2e.field(answer, b'MSA', 1) == b'AA' and e2e.field(answer, b'MSA', 2) == b'HTTP%d' % i, f'{answer!r}')
            status, answer = post('/hl7', b'this is no HL7', 'text/plain')
            check(400 <= status < 500, f'no HL7: {status}')
            status, answer = post('/other', message, 'text/plain')
            check(status == 404, f'unknown path: {status}')
            status, answer = post('/hl7', b'{}', 'application/json')
            check(status == 415, f'JSON: {status}')
            e2e.wait_until(lambda: lab.count() == 3, 10, 'three delivered')
            check([e2e.control_id(m) for m in lab.messages] == [b'HTTP0', b'HTTP1', b'HTTP2'], 'order')
            check(lab.messages[2] == message, 'bytes')
            client.close()


def test_files_in():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        inbox = os.path.join(dir, 'in')
        os.mkdir(inbox)
        config = e2e.straight(lab.port)
        config['listeners'] = {'in': {'file': {'dir': inbox, 'pattern': '*.hl7', 'poll': '100ms', 'settle': '200ms'}}}

        def drop(name, data):
            with open(os.path.join(dir, name), 'wb') as f:
                f.write(data)
            os.rename(os.path.join(dir, name), os.path.join(inbox, name))

        with e2e.Engine(dir, config):
            drop('a.hl7', e2e.adt('ONE'))
            e2e.wait_until(lambda: lab.count() == 1, 15, 'one message from one file')
            drop('b.hl7', b'FHS|^~\\&|X\rBHS|^~\\&|X\r' + e2e.adt('TWO') + e2e.adt('THREE') + b'BTS|2\rFTS|1\r')
            drop('c.txt', e2e.adt('NEVER'))
            e2e.wait_until(lambda: lab.count() == 3, 15, 'two messages from a batch')
            drop('d.hl7', b'no message at all')
            folders = lambda name: [os.path.basename(base) for base, _, files in os.walk(inbox) if name in files]
            e2e.wait_until(lambda: folders('d.hl7') == ['failed'], 15, 'what holds no message goes to failed')
            check([e2e.control_id(m) for m in lab.messages] == [b'ONE', b'TWO', b'THREE'], 'order')
            found = {name: folders(name) for name in ('a.hl7', 'b.hl7', 'd.hl7', 'c.txt')}
            say('files afterwards:', found)
            check(found['a.hl7'] == found['b.hl7'] == ['done'], 'what was accepted goes to done')
            check(os.path.exists(os.path.join(inbox, 'c.txt')), 'a file outside the pattern stays')


def test_load_through():
    with e2e.folder() as dir:
        ledger, arrived = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        with e2e.Sink(ledger=arrived) as sink, e2e.Engine(dir, e2e.straight(sink.port)) as engine:
            total = 20000 if not e2e.SANITIZED else 2000
            with e2e.Load(engine.port('in'), connections=16, messages=total, ledger=ledger) as load:
                result = load.result()
            check(result['errors'] == 0 and result['acknowledged'] == total, f'{result}')
            e2e.wait_until(lambda: len(e2e.arrivals(arrived)) >= total, 120, 'all delivered')
            e2e.check_delivery(e2e.sent_ledger(ledger), e2e.arrivals(arrived), 0)
            say(f'{result["per_second"]:.0f} messages/s in, p99 {result["p99_us"] / 1000:.1f} ms')


e2e.main(globals())
