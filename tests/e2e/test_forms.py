"""Messages that leave as XML and JSON: to a file, over HTTP, in tests of routes and in the trace."""

import http.server
import json
import os
import threading
import xml.etree.ElementTree as ElementTree

import hilum_e2e as e2e
from hilum_e2e import check

V2XML = '{urn:hl7-org:v2xml}'


class WebReceiver:
    """Answers every POST with 200 and an acknowledgement; keeps what came."""

    def __init__(self):
        self.came = came = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                came.append((self.headers['Content-Type'], body))
                answer = b'MSH|^~\\&|WEB||HILUM||20260101||ACK|1|P|2.5\rMSA|AA|' + control_id(body) + b'\r'
                self.send_response(200)
                self.send_header('Content-Type', 'x-application/hl7-v2+er7')
                self.send_header('Content-Length', str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def control_id(body):
    if body.startswith(b'<'):
        return ElementTree.fromstring(body).find(f'{V2XML}MSH/{V2XML}MSH.10').text.encode()
    if body.startswith(b'{'):
        return json.loads(body)['control_id'].encode()
    return body.split(b'|')[9]


def configuration(web_port, out):
    return {
        'listeners': {'in': {'mllp': {'listen': '127.0.0.1:0'}}},
        'destinations': {'web': {'http': {'url': f'http://127.0.0.1:{web_port}/'}},
                         'web_json': {'http': {'url': f'http://127.0.0.1:{web_port}/'}},
                         'disk': {'file': {'dir': out, 'name': '{MSH-10}-{PID-5.1}.xml'}},
                         'disk_json': {'file': {'dir': out, 'name': '{MSH-10}-{PID-5.1}.json'}}},
        'routes': [{'name': 'to-xml', 'from': 'in', 'steps': [{'convert': {'to': 'xml'}}, {'set': {'MSH-5': 'REG'}}], 'to': ['web', 'disk']},
                   {'name': 'to-json', 'from': 'in', 'steps': [{'convert': {'to': 'json'}}], 'to': ['web_json', 'disk_json']}]}


def test_delivered():
    with e2e.folder() as dir, WebReceiver() as web:
        out = os.path.join(dir, 'out')
        with e2e.Engine(dir, configuration(web.port, out)) as engine, e2e.Connection(engine.port('in')) as sender:
            for n in range(3):
                check(b'|AA|' in sender.send(e2e.adt(f'F{n}')), 'accepted')
            e2e.wait_until(lambda: len(web.came) == 6, 10, 'posted')
            e2e.wait_until(lambda: os.path.isdir(out) and len(os.listdir(out)) == 6, 10, 'written')
            check(engine.metric('hilum_orphan_answers_total', destination='web') in (0, None), 'answers found their messages')
        kinds = sorted({kind for kind, _ in web.came})
        check(kinds == ['application/json', 'x-application/hl7-v2+xml'], f'{kinds}')
        for kind, body in web.came:
            if kind == 'application/json':
                values = {v['path']: v['value'] for s in json.loads(body)['segments'] for v in s['values']}
                check(values['MSH-10'].startswith('F') and values['MSH-5'] != 'REG', body.decode())
            else:
                check(ElementTree.fromstring(body).find(f'{V2XML}MSH/{V2XML}MSH.5/{V2XML}HD.1').text == 'REG', body.decode())
        names = sorted(os.listdir(out))
        check(all(n[0] == 'F' and '-' in n for n in names) and {n.rsplit('.', 1)[1] for n in names} == {'xml', 'json'}, f'{names}')
        for name in names:
            with open(os.path.join(out, name), 'rb') as f:
                check(control_id(f.read()).decode() == name.split('-')[0], name)


def test_route_tests_and_rehearsal():
    """Fields are found in another form too, a golden file is compared as it stands."""
    with e2e.folder() as dir:
        with open(os.path.join(dir, 'hilum.yaml'), 'w') as f:
            json.dump(configuration(1, './out') | {'listeners': {'in': {'mllp': {'listen': '127.0.0.1:2575'}}}}, f)
        message = e2e.adt('G1').decode()
        with open(os.path.join(dir, 'in.hl7'), 'w', newline='') as f:
            f.write(message)
        tests = {'config': 'hilum.yaml', 'cases': [{'name': 'both forms', 'input': 'in.hl7', 'expect': {
            'web': {'fields': {'MSH-5': 'REG', 'MSH-10': 'G1'}, 'golden': 'g.xml'},
            'disk': {'that': "MSH-10 = 'G1'"},
            'web_json': {'fields': {'MSH-10': 'G1'}, 'golden': 'g.json'}, 'disk_json': {'fields': {'MSH-10': 'G1'}}}}]}
        with open(os.path.join(dir, 'a.test.yaml'), 'w') as f:
            json.dump(tests, f)
        code, out, err = e2e.hilum('test', '--update', dir, cwd=dir)
        check(code == 0, out + err)
        code, out, err = e2e.hilum('test', dir, cwd=dir)
        check(code == 0, out + err)
        with open(os.path.join(dir, 'g.xml')) as f:
            changed = f.read().replace('>REG<', '>OTHER<')
        with open(os.path.join(dir, 'g.xml'), 'w') as f:
            f.write(changed)
        code, out, err = e2e.hilum('test', dir, cwd=dir)
        check(code == 1 and 'MSH-5' in out and 'OTHER' in out, out + err)


def test_like_the_command():
    """What leaves as XML and JSON is what `hilum convert` writes."""
    with e2e.folder() as dir:
        with open(os.path.join(dir, 'hilum.yaml'), 'w') as f:
            f.write('listeners: { in: { mllp: { listen: "127.0.0.1:2575" } } }\n'
                    'destinations: { xml: { file: { dir: out, name: "{MSH-10}" } }, json: { file: { dir: out, name: "{MSH-10}" } } }\n'
                    'routes:\n  - { name: x, from: in, steps: [ convert: { to: xml } ], to: xml }\n'
                    '  - { name: j, from: in, steps: [ convert: { to: json } ], to: json }\n')
        with open(os.path.join(dir, 'in.hl7'), 'w', newline='') as f:
            f.write(e2e.adt('G1').decode())
        code, out, err = e2e.hilum('explain', '--json', 'hilum.yaml', 'in.hl7', cwd=dir)
        check(code == 0, err)
        code, text, err = e2e.hilum('explain', 'hilum.yaml', 'in.hl7', cwd=dir)
        check(code == 0 and 'sent to xml as xml' in text and 'sent to json as json' in text, text + err)
        for delivery in json.loads(out)['deliveries']:
            form = delivery['destination']
            code, written, err = e2e.hilum('convert', '--to', form, 'in.hl7', cwd=dir)
            check(code == 0 and written.strip() == delivery['body'].strip(), f'{form}: {written}\n{delivery["body"]}')


e2e.main(globals())
