"""Acknowledgements over real sockets: every MSH-15 with every MSH-16, late and elsewhere, sequence numbers, MLLP release 2."""

import os
import socket
import threading
import time

import hilum_e2e as e2e
from hilum_e2e import check, say

ACK, NAK = b'\x0b\x06\x1c\r', b'\x0b\x15\x1c\r'
CONDITIONS = ['', 'AL', 'NE', 'ER', 'SU', '??']


def asking(control_id, accept='', application='', sequence='', event='A01'):
    return (f'MSH|^~\\&|LOAD|WEST|LAB|CENTRAL|20260714101500+0000||ADT^{event}^ADT_A01|{control_id}|P|2.5.1|{sequence}||'
            f'{accept}|{application}\rEVN|{event}|20260714101500+0000\rPID|1||P1^^^WEST^MR||Probe^Linus\rPV1|1|I|9X\r').encode()


def ack(code, control_id, sender='LAB|CENTRAL', asks=''):
    return (f'MSH|^~\\&|{sender}|LOAD|WEST|20260714101501+0000||ACK^A01^ACK|ACK{control_id}{code}|P|2.5.1{asks}\r'
            f'MSA|{code}|{control_id}\r').encode()


def due(condition, good):
    return {'AL': True, 'ER': not good, 'SU': good}.get(condition, False)


def owed(accept, application, good):
    """HL7 v2.8.2 section 2.9.3 and table 0155, written down a second time."""
    table = ('AL', 'NE', 'ER', 'SU')
    if accept not in table and application not in table:
        return ['AA' if good else 'AE']
    accept = 'AL' if accept == '??' else accept
    answers = []
    if due(accept, good):
        answers.append('CA' if good else 'CE')
    if due(application, good) and (good or not answers):
        answers.append('AA' if good else 'AE')
    return answers


def codes(connection, count):
    return [e2e.field(connection.read(), b'MSA', 1).decode() for _ in range(count)]


def enhanced(port, **more):
    config = e2e.straight(port, **more)
    config['listeners']['in']['ack'] = {'mode': 'enhanced'}
    return config


def refusing(dir, port):
    """Takes A01, and refuses A99 at intake: a route with on_error: reject, that can't do its work."""
    with open(os.path.join(dir, 'wards.csv'), 'w') as f:
        f.write('local,standard\n2W,WARD-2-WEST\n')
    config = enhanced(port, when="MSH-9.2 = 'A01'")
    config['routes'].append({'name': 'refuse', 'from': 'in', 'when': "MSH-9.2 = 'A99'", 'on_error': 'reject', 'to': 'out',
                             'steps': [{'lookup': {'field': 'PV1-3.1', 'table': 'wards', 'otherwise': 'hold'}}]})
    config['tables'] = {'wards': {'csv': 'wards.csv', 'key': 'local', 'value': 'standard'}}
    return config


def test_every_combination():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        with e2e.Engine(dir, refusing(dir, lab.port)) as engine, e2e.Connection(engine.port('in')) as sender:
            number = unanswered = 0
            for good in (True, False):
                for accept in CONDITIONS:
                    for application in CONDITIONS:
                        number += 1
                        wanted = owed(accept, application, good)
                        unanswered += not wanted
                        sender.write(e2e.START + asking(f'C{number}', accept, application, event='A01' if good else 'A99') + e2e.END)
                        # What follows comes behind the answers to this one, and nothing between.
                        sender.write(e2e.START + asking(f'S{number}') + e2e.END)
                        for code in wanted:
                            answer = sender.read()
                            got = e2e.field(answer, b'MSA', 1).decode(), e2e.field(answer, b'MSA', 2).decode()
                            check(got == (code, f'C{number}'), f'{accept!r} {application!r} {good}: {got}, wanted {wanted}')
                        check(b'MSA|AA|S%d' % number in sender.read(), f'{accept!r} {application!r} {good}: more answers than {wanted}')
            stored = engine.metric('hilum_messages_received_total', listener='in') - engine.metric('hilum_messages_rejected_total', listener='in')
            check(stored == 36 + 72, f'{stored} stored')
            check(engine.metric('hilum_messages_unanswered_total', listener='in') == unanswered, 'unanswered counter')
            # Whether or not an answer was asked for, each was stored before, and delivered.
            e2e.wait_until(lambda: lab.count() >= 36 + 72, 30, 'all delivered')
            say(f'{number} combinations, {unanswered} without an answer')


def test_original_mode_by_configuration():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        config = e2e.straight(lab.port)  # the default
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            for i, (accept, application) in enumerate([('AL', 'AL'), ('NE', 'NE'), ('ER', '')]):
                answer = sender.send(asking(f'O{i}', accept, application))
                check(e2e.field(answer, b'MSA', 1) == b'AA', f'{answer!r}')
                check(e2e.field(answer, b'MSH', 15) == b'', f'{answer!r}')


def test_application_acknowledgement_to_a_destination():
    with e2e.folder() as dir, e2e.Receiver() as lab, e2e.Receiver() as acks:
        config = refusing(dir, lab.port)
        config['listeners']['in']['ack'] = {'mode': 'enhanced', 'application_to': 'acks'}
        config['destinations']['acks'] = {'mllp': {'connect': f'127.0.0.1:{acks.port}'}, 'retry': e2e.FAST_RETRY}
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            sender.write(e2e.START + asking('E1', 'AL', 'AL') + e2e.END)
            sender.write(e2e.START + asking('E2', 'NE', 'AL', event='A99') + e2e.END)
            sender.write(e2e.START + asking('E3') + e2e.END)
            check(codes(sender, 2) == ['CA', 'AA'], 'the accept acknowledgement, and that of original mode')
            e2e.wait_until(lambda: acks.count() == 2, 15, 'two application acknowledgements')
            told = [(e2e.field(m, b'MSA', 1), e2e.field(m, b'MSA', 2), e2e.field(m, b'MSH', 15), e2e.field(m, b'MSH', 16))
                    for m in acks.messages]
            check(told == [(b'AA', b'E1', b'AL', b'NE'), (b'AE', b'E2', b'AL', b'NE')], f'{told}')
            check(len({e2e.control_id(m) for m in acks.messages}) == 2, 'each has an MSH-10 of its own')


def test_answers_shaped_by_steps():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        config = refusing(dir, lab.port)
        config['listeners']['in']['ack'] = 'stored'
        config['listeners']['in']['answer'] = [
            {'set': {'MSH-3': 'HILUM'}},
            {'when': "MSA-1 = 'AA'", 'then': [{'set': {'MSA-3': 'received'}}], 'else': [{'set': {'MSA-1': 'AR'}}]},
            {'when': "MSA-2 = 'P3'", 'then': [{'set': {'MSA-2': 'P1'}}]}]
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            told = []
            for control_id, event in (('P1', 'A01'), ('P2', 'A99'), ('P3', 'A01')):
                answer = sender.send(asking(control_id, event=event))
                told.append(tuple(e2e.field(answer, segment, n).decode() for segment, n in
                                  ((b'MSH', 3), (b'MSA', 1), (b'MSA', 2))) + (b'received' in answer,))
            # The last would have answered for another message: its sender gets the plain answer instead.
            check(told == [('HILUM', 'AA', 'P1', True), ('HILUM', 'AR', 'P2', False), ('LAB', 'AA', 'P3', False)], f'{told}')
            check('answer_not_shaped' in engine.log(), 'the log tells why an answer is plain')
            check(engine.api('GET', '/messages/2')['answer_code'] == 'AR', 'the trace has the code that was told')


class Enhanced:
    """A receiver that answers as its script says: a function of the message, giving (seconds, bytes) to send."""

    def __init__(self, script):
        self.server = socket.create_server(('127.0.0.1', 0))
        self.port = self.server.getsockname()[1]
        self.script, self.messages, self.commits = script, [], 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        connection = e2e.Connection.__new__(e2e.Connection)
        connection.socket, connection.buffer, connection.searched = peer, bytearray(), 0
        with peer:
            try:
                while (message := connection.read()) is not None:
                    if message == b'\x06':
                        self.commits += 1
                        continue
                    self.messages.append(message)
                    for pause, data in self.script(message, len(self.messages)):
                        time.sleep(pause)
                        if data is None:
                            return
                        connection.write(data)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()


def frame(message):
    return e2e.START + message + e2e.END


def identifier(message):
    return e2e.control_id(message).decode()


def attempts(engine, control_id, count):
    """The trace's attempts of a message, when there are that many."""
    found = []

    def look():
        rows = engine.api('GET', f'/messages?control_id={control_id}')['messages']
        if rows:
            found[:] = engine.api('GET', f'/messages/{rows[0]["message"]}')['attempts']
        return len(found) >= count
    e2e.wait_until(look, 15, f'{count} attempts in the trace of {control_id}')
    return found


def test_late_acknowledgement_on_the_same_connection():
    with e2e.folder() as dir:
        def answers(message, _):
            yield 0, frame(ack('CA', identifier(message)))
            yield 1, frame(ack('AA', identifier(message)))

        with Enhanced(answers) as lab, e2e.Engine(dir, enhanced(lab.port)) as engine, \
                e2e.Connection(engine.port('in')) as sender:
            sender.write(frame(asking('L1', 'AL', 'AL')) + frame(asking('L2', 'AL', 'NE')))
            check(codes(sender, 3) == ['CA', 'AA', 'CA'], 'answers')
            begin = time.monotonic()
            e2e.wait_until(lambda: engine.metric('hilum_delivered_total', destination='out') == 2, 15, 'both delivered')
            check(len(lab.messages) == 2 and time.monotonic() - begin > 0.8, 'the first waits for its second acknowledgement')
            check([a['code'] for a in attempts(engine, 'L1', 1)] == ['AA'], 'the trace has AA')


def test_acknowledgement_on_another_connection():
    """The receiver closes after CA, and sends its application acknowledgement to a listener of ours."""
    with e2e.folder() as dir:
        def answers(message, _):
            yield 0, frame(ack('CA', identifier(message)))
            yield 0, None

        with Enhanced(answers) as lab:
            config = enhanced(lab.port)
            config['listeners']['acks_in'] = {'mllp': {'listen': '127.0.0.1:0'}, 'ack': {'mode': 'enhanced'}}
            config['destinations']['out']['mllp'] |= {'answers_at': 'acks_in', 'application_within': '30s'}
            config['destinations']['kept'] = {'file': {'dir': f'{dir}/kept', 'name': '{MSH-10}.hl7'}}
            config['routes'].append({'name': 'acks', 'from': 'acks_in', 'to': 'kept'})
            with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender, \
                    e2e.Connection(engine.port('acks_in')) as reply:
                sender.write(frame(asking('N1', 'AL', 'AL')) + frame(asking('N2', 'AL', 'AL')))
                codes(sender, 4)
                e2e.wait_until(lambda: len(lab.messages) == 1, 10, 'the first is sent')
                time.sleep(0.5)
                check(engine.metric('hilum_delivered_total', destination='out') == 0, 'not delivered by CA alone')
                check(len(lab.messages) == 1, 'the second waits')
                answer = reply.send(ack('AA', 'N1', asks='|||AL|NE'))
                check(e2e.field(answer, b'MSA', 1) == b'CA', f'the acknowledgement is accepted as it asks: {answer!r}')
                e2e.wait_until(lambda: len(lab.messages) == 2, 10, 'the second is sent')
                reply.send(ack('AE', 'N2', asks='|||AL|NE'))
                e2e.wait_until(lambda: engine.metric('hilum_held_total', destination='out') == 1, 10, 'the refused one is held')
                check(engine.metric('hilum_delivered_total', destination='out') == 1, 'the accepted one is delivered')
                check([a['code'] for a in attempts(engine, 'N1', 1)] == ['AA'], 'the trace has AA')
                check([a['code'] for a in attempts(engine, 'N2', 1)] == ['AE'], 'the trace has AE')


def test_late_acknowledgement_in_the_trace():
    """wait_for: accept delivers by CA; what the application says later is in the trace."""
    with e2e.folder() as dir:
        with Enhanced(lambda message, _: [(0, frame(ack('CA', identifier(message))))]) as lab:
            config = enhanced(lab.port)
            config['listeners']['acks_in'] = {'mllp': {'listen': '127.0.0.1:0'}, 'ack': {'mode': 'enhanced'}}
            config['destinations']['out']['mllp'] |= {'answers_at': 'acks_in', 'wait_for': 'accept'}
            config['routes'].append({'name': 'acks', 'from': 'acks_in', 'to': 'out', 'when': 'false'})
            with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender, \
                    e2e.Connection(engine.port('acks_in')) as reply:
                sender.write(frame(asking('T1', 'AL', 'AL')))
                codes(sender, 2)
                e2e.wait_until(lambda: engine.metric('hilum_delivered_total', destination='out') == 1, 10, 'delivered by CA')
                reply.send(ack('AE', 'T1'))
                check([a['code'] for a in attempts(engine, 'T1', 2)] == ['CA', 'AE'], 'both are in the trace')
                check(engine.metric('hilum_late_answers_total', destination='out') == 1, 'counted')
                reply.send(ack('AE', 'nothing of ours'))
                check(engine.metric('hilum_late_answers_total', destination='out') == 1, 'another is a message like any')


def test_nothing_asked_and_nothing_said():
    with e2e.folder() as dir, Enhanced(lambda *_: []) as lab:
        config = enhanced(lab.port)
        config['destinations']['out']['mllp']['wait_for'] = 'none'
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            sender.write(b''.join(frame(asking(f'Q{i}', 'NE', 'NE')) for i in range(20)))
            e2e.wait_until(lambda: len(lab.messages) == 20, 10, 'all sent')
            e2e.wait_until(lambda: engine.metric('hilum_delivered_total', destination='out') == 20, 10, 'all delivered')
            check([identifier(m) for m in lab.messages] == [f'Q{i}' for i in range(20)], 'order')
            check(sender.silent_for(0.5), 'the listener says nothing')


def test_release_2():
    with e2e.folder() as dir:
        def answers(message, n):
            if n == 1:
                return [(0, NAK)]
            return [(0, ACK), (0, frame(ack('AA', identifier(message))))]

        with Enhanced(answers) as lab:
            config = enhanced(lab.port, release=2)
            config['destinations']['out']['mllp']['release'] = 2
            with e2e.Engine(dir, config) as engine, socket.create_connection(('127.0.0.1', engine.port('in'))) as sender:
                sender.settimeout(10 * e2e.PATIENCE)
                sender.sendall(frame(asking('R1')))
                data = b''
                while data.count(e2e.END) < 2:
                    data += sender.recv(65536)
                check(data.startswith(ACK + e2e.START + b'MSH'), f'the commit block, then the answer: {data!r}')
                check(b'MSA|AA|R1' in data, f'{data!r}')
                # The block for our answer, and a message that asks for nothing: its commit block alone.
                sender.sendall(ACK + frame(asking('R2', 'NE', 'NE')))
                check(sender.recv(65536) == ACK, 'one commit block')
                sender.sendall(frame(b'no HL7'))
                data = b''
                while data.count(e2e.END) < 2:
                    data += sender.recv(65536)
                check(data.startswith(ACK) and b'MSA|AR' in data, f'a NAK for what is stored as rejected: {data!r}')
                e2e.wait_until(lambda: len(lab.messages) >= 3, 10, 'sent again after NAK')
                check([identifier(m) for m in lab.messages][:3] == ['R1', 'R1', 'R2'], f'{lab.messages}')
                e2e.wait_until(lambda: engine.metric('hilum_delivered_total', destination='out') == 2, 10, 'delivered')
                e2e.wait_until(lambda: lab.commits >= 1, 10, 'the answer is committed too')
                check(engine.metric('hilum_attempt_failures_total', destination='out', **{'class': 'busy'}) == 1, 'one NAK')


def test_hilum_send():
    """`hilum send` waits for what each message asks for."""
    with e2e.folder() as dir, e2e.Receiver() as lab, e2e.Engine(dir, enhanced(lab.port)) as engine:
        path = os.path.join(dir, 'messages.hl7')
        with open(path, 'wb') as f:
            for i, asks in enumerate([('', ''), ('AL', 'AL'), ('NE', 'NE'), ('AL', 'NE'), ('NE', 'AL'), ('ER', '')]):
                f.write(asking(f'H{i}', *asks))
        code, out, err = e2e.hilum('send', '--wait-for', 'message', '--timeout', '1s', '--to', f'127.0.0.1:{engine.port("in")}', path)
        check(code == 0, f'{out}{err}')
        got = [line.split('#', 1)[1].split()[1] for line in out.splitlines()]
        check(got == ['AA', 'AA', 'sent:', 'CA', 'AA', 'sent:'], f'{out}')


def test_sequence_numbers():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        config = enhanced(lab.port)
        config['listeners']['in']['sequence'] = 'check'
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            rows = [('S0', '0', b'AA', b'-1'), ('S1', '41', b'AA', b'41'), ('S2', '42', b'AA', b'42'), ('S2', '42', b'AA', b'43'),
                    ('S4', '44', b'AE', b'43'), ('S3', '43', b'AA', b'43'), ('S5', 'x', b'AE', b''), ('S6', '', b'AA', b''),
                    ('S7', '-1', b'AA', b'-1'), ('S8', '7', b'AA', b'7')]
            for control_id, number, code, expected in rows:
                answer = sender.send(asking(control_id, sequence=number))
                got = e2e.field(answer, b'MSA', 1), e2e.field(answer, b'MSA', 4)
                check(got == (code, expected), f'{control_id} {number}: {got}, wanted {code, expected}: {answer!r}')
            e2e.wait_until(lambda: lab.count() >= 5, 10, 'all delivered')
            time.sleep(0.3)
            check([identifier(m) for m in lab.messages] == ['S1', 'S2', 'S3', 'S6', 'S8'], f'{lab.messages}')
            check(engine.metric('hilum_sequence_gaps_total', listener='in') == 2, 'gaps')
            check(engine.metric('hilum_sequence_repeats_total', listener='in') == 1, 'repeats')


e2e.main(globals())
