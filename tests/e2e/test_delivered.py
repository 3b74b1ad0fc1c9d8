"""ack: { mode: delivered }: the destination's own answer goes back to the sender that waits for it."""

import os
import threading
import time

import hilum_e2e as e2e
from hilum_e2e import check, say


class Registry(e2e.Receiver):
    """Answers queries with what is asked of `speak` (message -> bytes of the answer, or None: silence)."""

    def __init__(self, speak, port=0):
        self.speak = speak
        super().__init__(port)

    def replies(self, message):
        answer = self.speak(message)
        return [] if answer is None else [answer]


def query(number, family='Probe'):
    return (f'MSH|^~\\&|WARD|WEST|MPI|CENTRAL|20260714101500||QBP^Q22^QBP_Q21|Q{number}|P|2.5\r'
            f'QPD|Q22^Find Candidates^HL7|T{number}|@PID.5.1^{family}\rRCP|I\r').encode()


def response(message, code='AA', extra=b''):
    identifier = e2e.control_id(message)
    return (b'MSH|^~\\&|MPI|CENTRAL|WARD|WEST|20260714101501||RSP^K22^RSP_K21|R' + identifier + b'|P|2.5\r'
            b'MSA|' + code.encode() + b'|' + identifier + b'\rQAK|T|OK\r'
            b'PID|1||P1^^^WEST^MR||Found^' + identifier + b'\r' + extra)


def facade(port, steps=None, connections=1, **ack):
    config = e2e.straight(port, steps)
    config['listeners']['in']['ack'] = {'mode': 'delivered', 'from': 'out', **ack}
    if connections > 1:
        config['destinations']['out'].update({'order_by': 'MSH-10', 'connections': connections})
    return config


def test_the_answer_comes_back():
    with e2e.folder() as dir, Registry(response) as registry:
        with e2e.Engine(dir, facade(registry.port)) as engine, e2e.Connection(engine.port('in')) as ward:
            for n in range(20):
                check(ward.send(query(n)) == response(query(n)), 'byte for byte')
            # A long one: more than the store keeps of an answer.
            big = b'NTE|1||' + b'x' * 300_000 + b'\r'
            registry.speak = lambda message: response(message, extra=big)
            check(ward.send(query(99)) == response(query(99), extra=big), 'the whole of it')
            told = lambda: [a['code'] for a in engine.api('GET', '/messages/1')['attempts'] if a['outcome'] == 'answered']
            e2e.wait_until(lambda: told() == ['AA'], 10, 'what the sender was told is in the trace')


def test_a_changed_control_id_is_changed_back():
    with e2e.folder() as dir, Registry(response) as registry:
        config = facade(registry.port, steps=[{'set': {'MSH-10': '=\'X\' & MSH-10'}}])
        config['listeners']['in']['answer'] = [{'set': {'PID-8': 'F'}}]
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as ward:
            answer = ward.send(query(7))
            check(e2e.control_id(registry.messages[0]) == b'XQ7', registry.messages[0])
            check(e2e.field(answer, b'MSA', 2) == b'Q7', answer)
            check(e2e.field(answer, b'PID', 8) == b'F', 'shaped on its way back')
            check(e2e.field(answer, b'PID', 5) == b'Found^XQ7', answer)


def test_refusals_and_silence():
    with e2e.folder() as dir, Registry(response) as registry:
        with e2e.Engine(dir, facade(registry.port, within='1s', late='cancel')) as engine:
            with e2e.Connection(engine.port('in')) as ward:
                registry.speak = lambda message: response(message, 'AE')
                check(ward.send(query(1)) == response(query(1), 'AE'), 'its own AE')
                e2e.wait_until(lambda: engine.queue('out')['held'] == 1, 10, 'held')
                # The first is under way and keeps its place; the second, behind it, is not sent when nobody waits.
                registry.speak = lambda message: None
                with e2e.Connection(engine.port('in')) as other:
                    began = time.monotonic()
                    other.write(e2e.START + query(2) + e2e.END)
                    time.sleep(0.1)
                    late = ward.send(query(3))
                    first = other.read()
                    took = time.monotonic() - began
                for answer in (first, late):
                    check(b'MSA|AE|' in answer and b'207' in answer and b'no answer from out in time' in answer, answer)
                check(took < 4 * e2e.PATIENCE, f'{took:.1f} s')
        registry.speak = response
        with e2e.Engine(dir, facade(registry.port, within='1s', late='cancel')) as engine:
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 30, 'the first is delivered')
            state = lambda n: engine.api('GET', f'/messages/{n}')['deliveries'][0]['state']
            e2e.wait_until(lambda: state(2) == 'delivered', 10, 'indexed')


def test_cancelled_when_nobody_waits():
    with e2e.folder() as dir:
        port = e2e.free_port()  # nobody is there
        with e2e.Engine(dir, facade(port, within='300ms', late='cancel')) as engine:
            with e2e.Connection(engine.port('in')) as ward:
                for n in range(3):
                    check(b'MSA|AE|' in ward.send(query(n)), 'no answer')
            with Registry(response, port) as registry:
                e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 20, 'the queue is empty')
                check(registry.count() == 0, f'{registry.count()} sent though nobody waits')
                e2e.wait_until(lambda: engine.api('GET', '/messages/2')['deliveries'][0]['state'] == 'cancelled', 10, 'in the trace')


def test_many_at_once():
    slow = lambda message: (time.sleep(0.05), response(message))[1]
    with e2e.folder() as dir, Registry(slow) as registry:
        with e2e.Engine(dir, facade(registry.port, connections=16)) as engine:
            wrong = []

            def ask(c):
                with e2e.Connection(engine.port('in')) as ward:
                    for n in range(10):
                        if ward.send(query(c * 100 + n)) != response(query(c * 100 + n)):
                            wrong.append((c, n))

            began = time.monotonic()
            threads = [threading.Thread(target=ask, args=(c,)) for c in range(16)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            took = time.monotonic() - began
            say(f'160 queries of 50 ms from 16 senders over 16 connections in {took:.2f} s')
            check(not wrong, f'{wrong[:5]}')
            check(took < 6 * e2e.PATIENCE, 'one after the other it would be 8 s')


def test_stop_and_reload_answer_who_waits():
    with e2e.folder() as dir, Registry(lambda message: None) as registry:
        engine = e2e.Engine(dir, facade(registry.port, within='60s'))
        engine.start()
        with e2e.Connection(engine.port('in'), timeout=30) as ward:
            ward.write(e2e.START + query(1) + e2e.END)
            e2e.wait_until(lambda: registry.count() == 1, 10, 'asked')
            began = time.monotonic()
            reader = threading.Thread(target=engine.stop)
            reader.start()
            answer = ward.read()
            check(answer is not None and b'MSA|AE|Q1' in answer, f'{answer}')
            reader.join()
            check(time.monotonic() - began < 20 * e2e.PATIENCE, 'stopped without waiting for the limit')


def test_a_route_that_waits_for_other_systems():
    with e2e.folder() as dir, Registry(response) as registry:
        import sqlite3
        path = os.path.join(dir, 'wards.sqlite')
        with sqlite3.connect(path) as db:
            db.execute('CREATE TABLE ward(code TEXT, name TEXT)')
            db.execute("INSERT INTO ward VALUES('WARD', 'Ward Two')")
        enrich = {'enrich': {'sqlite': {'file': path, 'query': 'SELECT name FROM ward WHERE code = ?1', 'values': ['=MSH-3']},
                             'then': [{'set': {'MSH-4': '=%answer[0].name'}}], 'otherwise': 'hold'}}
        engine = e2e.Engine(dir, facade(registry.port, steps=[enrich]))
        engine.start()
        with e2e.Connection(engine.port('in')) as ward:
            answer = ward.send(query(5))
            check(answer == response(query(5)), answer)
            check(e2e.field(registry.messages[0], b'MSH', 4) == b'Ward Two', registry.messages[0])
        engine.stop()


e2e.main(globals())
