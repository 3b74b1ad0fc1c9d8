"""Bad input over HTTP: each costs one OperationOutcome, in bounded time and memory, and the engine serves the next one."""

import contextlib
import gzip
import http.client
import json
import socket
import threading
import time
import zlib

import hilum_e2e as e2e
from hilum_e2e import check, say

MIB = 1 << 20
JSON, XML = 'application/fhir+json', 'application/fhir+xml'
SECONDS = 5
PATIENT = b'{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"1"}]}'


def configuration():
    return {'listeners': {'in': {'fhir': {'listen': '127.0.0.1:0', 'validate': 'enforce', 'max_body': '64MiB'}}},
            'destinations': {'ehr': {'fhir': {'base': f'http://127.0.0.1:{e2e.free_port()}/fhir'}}},
            # Something that looks into what it gets, across references.
            'routes': [{'name': 'on', 'from': 'in', 'to': 'ehr',
                        'when': 'descendants().count() >= 0 and repeat(contained | managingOrganization.resolve() | partOf.resolve()).count() >= 0'}]}


class Watch:
    """The most memory that the engine has had meanwhile, in MB."""

    def __init__(self, engine):
        self.engine, self.most, self.over = engine, 0, threading.Event()

    def look(self):
        while not self.over.is_set():
            self.most = max(self.most, self.engine.rss_kb() / 1024)
            self.over.wait(0.01)

    def __enter__(self):
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def post(engine, body, path='/Patient', kind=JSON, **headers):
    """What is answered to a request that HTTP has nothing against."""
    connection = http.client.HTTPConnection('127.0.0.1', engine.port('in'), timeout=60 * e2e.PATIENCE)
    named = {name.replace('_', '-'): value for name, value in headers.items()}
    try:
        connection.request('POST', '/fhir' + path, body, {'Content-Type': kind, 'Accept': JSON, **named})
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused before it was all sent
    response = connection.getresponse()
    answer = response.status, response.headers.get('Content-Type', ''), response.read()
    connection.close()
    return answer


def raw(engine, *parts):
    """The same of bytes that need not be HTTP."""
    with socket.create_connection(('127.0.0.1', engine.port('in')), timeout=60 * e2e.PATIENCE) as peer:
        try:
            for part in parts:
                peer.sendall(part)
            peer.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        response = http.client.HTTPResponse(peer)
        response.begin()
        return response.status, response.headers.get('Content-Type', ''), response.read()


def served(engine):
    status, _, answer = post(engine, PATIENT)
    check(status == 202, f'it does not serve any more: {status} {answer[:300]}')


def run(engine, what, ask, statuses, codes, growth_mb):
    before = engine.rss_kb() / 1024
    with Watch(engine) as watch:
        begin = time.monotonic()
        status, kind, body = ask()
        seconds = time.monotonic() - begin
    check(status in statuses, f'{what}: {status} {body[:400]}')
    check(kind.startswith(JSON), f'{what}: {kind} {body[:400]}')
    answer = json.loads(body)
    check(answer['resourceType'] == 'OperationOutcome', f'{what}: {answer}')
    issues = answer['issue']
    check(len(issues) <= 201, f'{what}: {len(issues)} issues')  # 200 findings, and that there are more
    check(not codes or issues[0]['code'] in codes, f'{what}: {issues[0]}')
    check(seconds < SECONDS * e2e.PATIENCE, f'{what}: {seconds:.1f} s')
    grown = watch.most - before
    check(e2e.SANITIZED or grown < growth_mb, f'{what}: {grown:.0f} MB more')
    say(f'{what}: {status} {issues[0]["code"]}, {len(issues)} issues, {seconds * 1000:.0f} ms, {max(0, grown):.0f} MB more')
    served(engine)


def patient_with(text):
    return b'{"resourceType":"Patient",' + text + b'}'


def nested(depth):
    return b'{"resourceType":"Patient","extension":[' + b'{"url":"u","extension":[' * depth + b'{"url":"u","valueBoolean":true}' + b']}' * depth + b']}'


def contained_ring(size):
    """Organizations in a patient, each part of the next, the last part of the first."""
    ring = [{'resourceType': 'Organization', 'id': f'o{n}', 'name': 'Meadow', 'partOf': {'reference': f'#o{(n + 1) % size}'}} for n in range(size)]
    return json.dumps({'resourceType': 'Patient', 'contained': ring, 'managingOrganization': {'reference': '#o0'}}).encode()


def bundle(entries, **more):
    return json.dumps({'resourceType': 'Bundle', 'type': 'transaction', 'entry': [
        {'resource': {'resourceType': 'Patient', 'identifier': [{'system': 'urn:mrn', 'value': str(n)}], **more},
         'request': {'method': 'POST', 'url': 'Patient'}} for n in range(entries)]}).encode()


def gzip_bomb(size, of=b' '):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = of * MIB
    return b''.join([packer.compress(b'{'), *(packer.compress(piece) for _ in range(size // MIB)), packer.flush()])


def test_json():
    table = [
        ('400 objects in each other', nested(400), {400}, {'too-costly'}, 20),
        ('a million objects', b'{"a":' * 1_000_000, {400}, {'too-costly'}, 60),
        ('ten million lists', b'[' * 10_000_000, {400}, {'structure', 'too-costly'}, 120),
        ('lists in lists', patient_with(b'"name":' + b'[' * 100_000 + b']' * 100_000), {400}, {'structure', 'too-costly'}, 20),
        ('a string of 63 MiB', patient_with(b'"language":"' + b'x' * (63 * MIB) + b'"'), {202, 413, 422}, None, 640),
        ('a name of 1 MiB', patient_with(b'"' + b'n' * MIB + b'":1'), {422}, {'structure'}, 40),
        ('a property twice', patient_with(b'"active":true,"active":false'), {400}, {'structure'}, 20),
        ('100,000 properties', patient_with(b','.join(b'"p%d":1' % n for n in range(100_000))), {400, 422}, None, 80),
        ('a key that is not ended', patient_with(b'"active'), {400}, {'structure'}, 20),
        ('UTF-8 cut short', patient_with(b'"language":"\xc3"'), {400}, {'structure'}, 20),
        ('UTF-8 longer than it needs to be', patient_with(b'"language":"\xc0\xaf"'), {400}, {'structure'}, 20),
        ('UTF-8 of a surrogate', patient_with(b'"language":"\xed\xa0\x80"'), {400}, {'structure'}, 20),
        ('half a surrogate pair, escaped', patient_with(b'"language":"\\ud800"'), {400}, {'structure'}, 20),
        ('a NUL', patient_with(b'"language":"\0"'), {400}, {'structure'}, 20),
        ('a NUL, escaped', patient_with(b'"language":"\\u0000"'), {400, 422}, None, 20),
        ('UTF-16', PATIENT.decode().encode('utf-16'), {400}, {'structure'}, 20),
        ('a number beyond double', patient_with(b'"extension":[{"url":"urn:u","valueDecimal":1e400}]'), {202, 400, 422}, None, 20),
        ('a number of a million digits', patient_with(b'"extension":[{"url":"urn:u","valueDecimal":' + b'7' * 1_000_000 + b'}]'), {202, 400, 422}, None, 40),
        ('an integer of a million digits', patient_with(b'"multipleBirthInteger":' + b'7' * 1_000_000), {400, 422}, None, 40),
        ('NaN', patient_with(b'"multipleBirthInteger":NaN'), {400}, {'structure'}, 20),
        ('null', b'null', {400}, {'structure'}, 20),
        ('a list', b'[' + PATIENT + b']', {400}, {'structure'}, 20),
        ('two resources', PATIENT + PATIENT, {400}, {'structure'}, 20),
        ('a type that is none', b'{"resourceType":["Patient"]}', {400, 422}, {'structure'}, 20),
        ('blanks', b' ' * MIB, {400}, None, 20),
        ('two that contain each other', contained_ring(2), {202, 422}, None, 20),
        ('one that contains itself', contained_ring(1), {202, 422}, None, 20),
        ('a ring of 1,000', contained_ring(1_000), {202, 422}, None, 60),
        ('a date with a million digits', patient_with(b'"birthDate":"' + b'1' * 1_000_000 + b'"'), {422}, {'value'}, 40),
        ('a narrative of 100,000 elements', patient_with(b'"text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">' +
                                                         b'<b>' * 100_000 + b'"}'), {422}, None, 60),
    ]
    with e2e.folder() as dir, e2e.Engine(dir, configuration()) as engine:
        served(engine)
        for what, body, statuses, codes, growth_mb in table:
            run(engine, what, lambda body=body: post(engine, body), statuses, codes, growth_mb)


def test_xml():
    def of(inside, before=b''):
        return before + b'<Patient xmlns="http://hl7.org/fhir">' + inside + b'</Patient>'

    laughs = b'<!DOCTYPE Patient [<!ENTITY a "ha">' + b''.join(
        b'<!ENTITY %c "&%c;&%c;&%c;&%c;">' % (n + 1, n, n, n, n) for n in range(ord('a'), ord('s'))) + b']>'
    table = [
        ('a document type', of(b'', b'<!DOCTYPE Patient>'), {400}, {'structure'}, 20),
        ('a billion laughs', of(b'<language value="&s;"/>', laughs), {400}, {'structure'}, 20),
        ('a file', of(b'<language value="&f;"/>', b'<!DOCTYPE Patient [<!ENTITY f SYSTEM "file:///etc/passwd">]>'), {400}, {'structure'}, 20),
        ('an entity that is none', of(b'<language value="&nbsp;"/>'), {400}, {'structure'}, 20),
        ('100,000 elements in each other', of(b'<extension url="u">' * 100_000), {400}, {'structure', 'too-costly'}, 40),
        ('100,000 attributes', of(b'<active ' + b' '.join(b'a%d="1"' % n for n in range(100_000)) + b'/>'), {400, 413}, {'too-long'}, 60),
        ('no XML', b'<Patient', {400}, {'structure'}, 20),
        ('another encoding', '<?xml version="1.0" encoding="UTF-16"?><Patient xmlns="http://hl7.org/fhir"/>'.encode('utf-16'), {400}, None, 20),
        ('UTF-8 cut short', of(b'<language value="\xc3"/>'), {400}, {'structure'}, 20),
    ]
    with e2e.folder() as dir, e2e.Engine(dir, configuration()) as engine:
        served(engine)
        for what, body, statuses, codes, growth_mb in table:
            run(engine, what, lambda body=body: post(engine, body, kind=XML), statuses, codes, growth_mb)


def test_large_bundles():
    with e2e.folder() as dir, e2e.Engine(dir, configuration()) as engine:
        served(engine)
        run(engine, '10,000 entries', lambda: post(engine, bundle(10_000), ''), {202}, None, 160)
        run(engine, '10,000 entries, each wrong', lambda: post(engine, bundle(10_000, gender='f', shoe=43), ''), {422}, None, 160)


def test_packed():
    with e2e.folder() as dir, e2e.Engine(dir, configuration()) as engine:
        served(engine)
        bomb = gzip_bomb(1024 * MIB)
        table = [('1 GiB of blanks', bomb, {413}, {'too-long'}), ('1 GiB of text', gzip_bomb(1024 * MIB, b'x'), {413}, {'too-long'}),
                 ('packed twice', gzip.compress(bomb), {400}, {'structure'}), ('cut short', gzip.compress(PATIENT)[:-9], {400}, None),
                 ('a thousand packets', gzip.compress(b' ' * 100_000) * 1000, {400, 413}, None), ('not packed', PATIENT, {400}, None)]
        for what, body, statuses, codes in table:
            run(engine, what, lambda body=body: post(engine, body, Content_Encoding='gzip'), statuses, codes, 160)


def test_http():
    head = b'POST /fhir/Patient HTTP/1.1\r\nHost: h\r\nContent-Type: application/fhir+json\r\n'
    chunked = head + b'Transfer-Encoding: chunked\r\n\r\n'
    table = [
        ('a chunk of no size', [chunked, b'zz\r\n' + PATIENT + b'\r\n0\r\n\r\n'], {400}),
        ('a chunk of all sizes', [chunked, b'f' * 40 + b'\r\n'], {400, 413}),
        ('a negative chunk', [chunked, b'-1\r\nx\r\n'], {400}),
        ('a chunk without its end', [chunked, b'3\r\nabcdef\r\n'], {400}),
        ('a chunk extension of 500 KB', [chunked, b'1;' + b'x' * 500_000 + b'\r\n{\r\n'], {400, 431}),
        ('a trailer of 500 KB', [chunked, b'0\r\nX: ' + b'x' * 500_000 + b'\r\n\r\n'], {400, 431}),
        ('chunks of one byte', [chunked, b''.join(b'1\r\n%c\r\n' % b for b in PATIENT * 1000), b'0\r\n\r\n'], {400}),
        ('a header of 500 KB', [head, b'X: ' + b'x' * 500_000], {431}),
        ('100,000 headers', [head, b'X: y\r\n' * 100_000], {431}),
        ('an address of 1 MB', [b'GET /fhir/Patient?' + b'x' * 1_000_000 + b' HTTP/1.1\r\nHost: h\r\n\r\n'], {400, 414, 431}),
        ('two lengths', [head, b'Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd'], {400}),
        ('a length and chunks', [head, b'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'], {400, 501}),
        ('a length of all digits', [head, b'Content-Length: ' + b'9' * 30 + b'\r\n\r\n'], {400, 413}),
        ('a length beyond max_body', [head, b'Content-Length: 99999999999\r\n\r\n'], {413}),
        ('no HTTP', [b'\x0bMSH|^~\\&|\x1c\r'], {400}),
        ('TLS', [bytes.fromhex('160301020001000001fc0303') + b'\0' * 500], {400}),
        ('another version', [b'POST /fhir/Patient HTTP/9.9\r\nHost: h\r\n\r\n'], {400, 505}),
        ('bytes above 127', [b'P\xd6ST /fhir/Patient HTTP/1.1\r\n\r\n'], {400}),
    ]
    with e2e.folder() as dir, e2e.Engine(dir, configuration()) as engine:
        served(engine)
        for what, parts, statuses in table:
            run(engine, what, lambda parts=parts: raw(engine, *parts), statuses, None, 30)
        # Who goes on sending for long after the answer is cut off, and may not see it.
        for parts in ([head, b'X: ' + b'x' * 50_000_000], [chunked, b'1;' + b'x' * 50_000_000]):
            with Watch(engine) as watch, contextlib.suppress(ConnectionError):
                raw(engine, *parts)
            check(e2e.SANITIZED or watch.most < 100, f'{watch.most:.0f} MB')
            served(engine)


def test_all_at_once():
    """What each of them may cost is not held until the end: the memory of many is that of a few."""
    worst = [(nested(400), JSON), (b'{"a":' * 100_000, JSON), (bundle(2_000, gender='f'), JSON), (b'<a>' * 100_000, XML)]
    with e2e.folder() as dir, e2e.Engine(dir, configuration()) as engine:
        served(engine)

        def send():
            for body, kind in worst * 5:
                status, _, answer = post(engine, body, '', kind)
                wrong.extend([f'{status} {answer[:200]}'] * (status not in (400, 422)))

        wrong, senders = [], [threading.Thread(target=send) for _ in range(8)]
        with Watch(engine) as watch:
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
        check(not wrong, f'{wrong[:3]}')
        served(engine)
        check(e2e.SANITIZED or watch.most < 300, f'{watch.most:.0f} MB')
        say(f'160 requests on 8 connections, {watch.most:.0f} MB at most')


e2e.main(globals())
