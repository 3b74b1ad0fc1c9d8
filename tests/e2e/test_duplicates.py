"""Duplicates in: a sender that lost its acknowledgement sends again, and gets the same acknowledgement, byte for byte; the
message goes on once. Across kill -9, from many connections at once, over MLLP, HTTP and files."""

import http.client
import os
import random
import threading
import time

import hilum_e2e as e2e
from hilum_e2e import check, say


def deduplicating(port, by='control_id', **more):
    config = e2e.straight(port)
    config['listeners']['in']['deduplicate'] = {'by': by, **more} if more else by
    return config


def arrived(out, count, quiet=0.5):
    """Waits for so many messages downstream, and that no more come."""
    e2e.wait_until(lambda: out.count() >= count, 20, f'{count} messages downstream')
    time.sleep(quiet)
    check(out.count() == count, f'{out.count()} messages downstream in place of {count}')


def test_lost_acknowledgement_and_kill():
    with e2e.folder() as dir, e2e.Receiver() as out:
        engine = e2e.Engine(dir, deduplicating(out.port))
        engine.start()
        with e2e.Connection(engine.port('in')) as sender:
            answers = {name: sender.send(e2e.adt(name)) for name in ('A', 'B', 'C')}
            check(all(e2e.field(a, b'MSA', 1) == b'AA' for a in answers.values()), 'accepted')
            check(len(set(answers.values())) == 3, 'each has its own')
        with e2e.Connection(engine.port('in')) as sender:  # as if the first connection had died before its answers
            for name, answer in answers.items():
                again = sender.send(e2e.adt(name))
                check(again == answer, f'{again} in place of {answer}')
        check(engine.metric('hilum_duplicates_total', listener='in') == 3, 'counted')
        number = e2e.field(answers['A'], b'MSH', 10).decode()
        line = next(l for l in engine.log().splitlines() if 'duplicate ' in l or '"duplicate"' in l)
        check(number in line, f'the log names the first message: {line}')
        arrived(out, 3)
        for _ in range(3):
            engine.kill()
            engine.start()
            with e2e.Connection(engine.port('in')) as sender:
                for name, answer in answers.items():
                    again = sender.send(e2e.adt(name))
                    check(again == answer, f'after kill -9: {again} in place of {answer}')
        arrived(out, 3)
        engine.stop()
        # A message of before the key was there counts as well, and one that a clean stop was between.
        engine.start()
        with e2e.Connection(engine.port('in')) as sender:
            check(sender.send(e2e.adt('A')) == answers['A'], 'after a stop')
            check(e2e.field(sender.send(e2e.adt('D')), b'MSA', 1) == b'AA', 'another one is new')
        arrived(out, 4)
        engine.stop()


def test_stored_but_never_answered():
    """Killed between the commit and the answer, or before both: whichever it was, the message goes on once."""
    rounds = 40 if e2e.LONG else 8
    with e2e.folder() as dir, e2e.Receiver() as out:
        engine = e2e.Engine(dir, deduplicating(out.port))
        engine.start()
        for n in range(rounds):
            sender = e2e.Connection(engine.port('in'))
            sender.write(e2e.START + e2e.adt(f'K{n}') + e2e.END)
            time.sleep(random.uniform(0, 0.004))
            engine.kill()
            sender.close()
            engine.start()
            with e2e.Connection(engine.port('in')) as sender:
                check(e2e.field(sender.send(e2e.adt(f'K{n}')), b'MSA', 2) == f'K{n}'.encode(), 'answered')
        e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 20, 'the queue drained')
        status = engine.api('GET', '/status')
        check(status['store']['messages'] == rounds, f'{status["store"]["messages"]} in the journal in place of {rounds}')
        engine.stop()


def test_many_at_once():
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, deduplicating(out.port)) as engine:
            for n in range(5):
                connections = [e2e.Connection(engine.port('in')) for _ in range(64)]
                for c in connections:
                    c.write(e2e.START + e2e.adt(f'M{n}') + e2e.END)
                answers = {c.read() for c in connections}
                check(len(answers) == 1 and b'MSA|AA|' in answers.pop(), f'one answer for all: {answers}')
                for c in connections:
                    c.close()
            arrived(out, 5)
            check(engine.metric('hilum_duplicates_total', listener='in') == 5 * 63, 'counted')


def test_answers_of_every_kind():
    """Enhanced mode with two acknowledgements, with one, with none; shaped ones; numbered ones."""
    def asking(control_id, accept, application, number=''):
        return (f'MSH|^~\\&|LOAD|WEST|LAB|CENTRAL|20260714101500+0000||ADT^A01^ADT_A01|{control_id}|P|2.5.1|{number}||'
                f'{accept}|{application}\rPID|1||P1\r').encode()

    def exchange(port, message, count):
        with e2e.Connection(port) as sender:
            sender.write(e2e.START + message + e2e.END)
            answers = [sender.read() for _ in range(count)]
            check(sender.silent_for(0.3), 'no more than that')
            return answers

    for more in ({}, {'answer': [{'set': {'MSH-3': 'HILUM'}}, {'when': "MSA-1 = 'AA'", 'then': [{'set': {'MSA-3': 'thanks'}}]}]},
                 {'sequence': 'check'}):
        with e2e.folder() as dir, e2e.Receiver() as out:
            config = deduplicating(out.port)
            config['listeners']['in'].update(more)
            config['listeners']['in']['ack'] = {'mode': 'enhanced'}
            engine = e2e.Engine(dir, config)
            engine.start()
            number = iter(range(1, 100)) if 'sequence' in more else iter([''] * 100)
            kinds = [(asking(f'E{i}', *asked, next(number)), count)
                     for i, (asked, count) in enumerate([(('AL', 'AL'), 2), (('AL', 'NE'), 1), (('NE', 'AL'), 1), (('NE', 'NE'), 0)])]
            first = [exchange(engine.port('in'), *kind) for kind in kinds]
            check([exchange(engine.port('in'), *kind) for kind in kinds] == first, 'the same')
            arrived(out, len(kinds))
            engine.kill()
            engine.start()
            again = [exchange(engine.port('in'), *kind) for kind in kinds]
            check(again == first, f'the same after kill -9: {again} in place of {first}')
            arrived(out, len(kinds))
            engine.stop()


def test_only_what_was_accepted_counts():
    with e2e.folder() as dir, e2e.Receiver() as out:
        with open(os.path.join(dir, 'wards.csv'), 'w') as f:
            f.write('local,standard\n2W,WARD\n')
        config = deduplicating(out.port)
        config['routes'][0].update({'on_error': 'reject', 'steps': [{'lookup': {'field': 'PV1-3.1', 'table': 'wards', 'otherwise': 'hold'}}]})
        config['tables'] = {'wards': {'csv': 'wards.csv', 'key': 'local', 'value': 'standard'}}
        engine = e2e.Engine(dir, config)
        engine.start()
        with e2e.Connection(engine.port('in')) as sender:
            for _ in range(2):
                check(b'MSA|AE|X' in sender.send(e2e.adt('X', ward='NOWHERE')), 'refused every time')
        engine.kill()
        with open(os.path.join(dir, 'wards.csv'), 'a') as f:
            f.write('NOWHERE,AT LAST\n')
        engine.start()
        with e2e.Connection(engine.port('in')) as sender:
            check(b'MSA|AA|X' in sender.send(e2e.adt('X', ward='NOWHERE')), 'and taken when it can be')
        arrived(out, 1)
        engine.stop()


def test_control_id_with_another_content():
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, deduplicating(out.port)) as engine, e2e.Connection(engine.port('in')) as sender:
            one, two = sender.send(e2e.adt('S', family='One')), sender.send(e2e.adt('S', family='Two'))
            check(one != two, 'two messages')
            check(sender.send(e2e.adt('S', family='One')) == one, 'the first again')
            check(sender.send(e2e.adt('S', family='Two')) == two, 'the second again')
            later = e2e.adt('S', family='Two').replace(b'20260714101500', b'20260714101733', 1)
            check(sender.send(later) == two, 'made anew, with another MSH-7')
            check(b'MSA|AA|S' in sender.send(e2e.adt('S', family='Two').replace(b'|LOAD|', b'|OTHER|', 1)), 'another sender')
            arrived(out, 3)
            check(engine.metric('hilum_duplicates_content_differs_total', listener='in') == 1, 'counted')
            check('control_id_used_again' in engine.log(), 'told')
            check('One' not in engine.log() and 'Two' not in engine.log(), 'without content')
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, deduplicating(out.port, content_differs='duplicate')) as engine, e2e.Connection(engine.port('in')) as sender:
            one = sender.send(e2e.adt('S', family='One'))
            check(sender.send(e2e.adt('S', family='Two')) == one, 'a duplicate all the same')
            arrived(out, 1)
            check(engine.metric('hilum_duplicates_content_differs_total', listener='in') == 1, 'counted')


def test_by_content_and_by_expression_within_and_keep():
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, deduplicating(out.port, by='content', within='1s')) as engine, e2e.Connection(engine.port('in')) as sender:
            one = sender.send(e2e.adt('S'))
            check(sender.send(e2e.adt('S')) == one, 'the same bytes')
            check(sender.send(e2e.adt('S', family='Two')) != one, 'other bytes')
            time.sleep(1.2)
            check(sender.send(e2e.adt('S')) != one, 'too long ago')
            arrived(out, 3)
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, deduplicating(out.port, by='=PID-3.1', keep=3)) as engine, e2e.Connection(engine.port('in')) as sender:
            one = sender.send(e2e.adt('A', patient='P1'))
            other = sender.send(e2e.adt('B', patient='P1'))
            check(e2e.field(other, b'MSA', 2) == b'B', 'its sender waits for its own control ID')
            check(e2e.field(other, b'MSH', 10) == e2e.field(one, b'MSH', 10), 'and gets the number of the first')
            for n in range(2, 5):
                sender.send(e2e.adt(f'C{n}', patient=f'P{n}'))
            check(e2e.field(sender.send(e2e.adt('D', patient='P1')), b'MSH', 10) != e2e.field(one, b'MSH', 10), 'forgotten by then')
            arrived(out, 5)


def test_http_and_files():
    with e2e.folder() as dir, e2e.Receiver() as out:
        inbox = os.path.join(dir, 'inbox')
        config = e2e.straight(out.port)
        config['listeners'] = {
            'web': {'http': {'listen': '127.0.0.1:0'}, 'deduplicate': 'control_id'},
            'files': {'file': {'dir': inbox, 'poll': '50ms', 'settle': '50ms'}, 'deduplicate': {'by': 'control_id'}}}
        config['routes'][0]['from'] = ['web', 'files']
        engine = e2e.Engine(dir, config)
        engine.start()

        def post(name):
            client = http.client.HTTPConnection('127.0.0.1', engine.port('web'), timeout=20 * e2e.PATIENCE)
            client.request('POST', '/', e2e.adt(name), {'Content-Type': 'text/plain'})
            response = client.getresponse()
            body = response.read()
            client.close()
            return response.status, body

        first = post('W')
        check(first[0] == 200 and post('W') == first, 'over HTTP')
        for n in range(2):
            with open(os.path.join(inbox, f'.{n}'), 'wb') as f:
                f.write(e2e.adt('F1') + e2e.adt('F2'))
            os.rename(os.path.join(inbox, f'.{n}'), os.path.join(inbox, f'{n}.hl7'))
        e2e.wait_until(lambda: sorted(os.listdir(os.path.join(inbox, 'done'))) == ['0.hl7', '1.hl7'], 10, 'both files done')
        arrived(out, 3)
        engine.kill()
        engine.start()
        check(post('W') == first, 'after kill -9')
        arrived(out, 3)
        engine.stop()


def test_reload_keeps_what_is_known():
    with e2e.folder() as dir, e2e.Receiver() as out:
        port = e2e.free_port()
        config = e2e.straight(out.port, listen=f'127.0.0.1:{port}')
        with e2e.Engine(dir, config) as engine:
            with e2e.Connection(port) as sender:
                first = sender.send(e2e.adt('R'))
            config['listeners']['in']['deduplicate'] = 'control_id'
            engine.configure(config)
            engine.api('POST', '/reload')
            with e2e.Connection(port) as sender:
                check(sender.send(e2e.adt('R')) == first, 'what came before the key was there counts as well')
            arrived(out, 1)


def test_the_first_is_no_longer_in_the_journal():
    with e2e.folder() as dir, e2e.Receiver() as out:
        config = deduplicating(out.port)
        config['store'] = {'segment_size': '1MiB', 'budget': '8MiB'}
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            first = sender.send(e2e.adt('O'))
            for n in range(600):
                check(b'MSA|AA' in sender.send(e2e.adt(f'N{n}') + b'NTE|1|L|' + b'x' * 16000 + b'\r'), 'taken')
                time.sleep(0.008)
            code, _, _ = e2e.hilum('messages', 'show', '1', '--admin', engine.admin)
            check(code == 1, 'retention has dropped it')
            check(sender.send(e2e.adt('O')) == first, 'and it is known all the same')
            arrived(out, 601)


def test_kill_under_load():
    """R1 with senders that send again what they got no answer for: no duplicate but those of deliveries in flight."""
    rounds = 50 if e2e.LONG else 5
    with e2e.folder() as dir:
        ledger, arrivals = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        port = e2e.free_port()
        with e2e.Sink(ledger=arrivals) as sink:
            config = deduplicating(sink.port)
            config['listeners']['in']['mllp']['listen'] = f'127.0.0.1:{port}'
            engine = e2e.Engine(dir, config)
            engine.start()
            slowest = 0.0
            with e2e.Load(port, connections=64, rate=500 if e2e.SANITIZED else 2000, seconds=4 * rounds, ledger=ledger,
                          reconnect=True) as load:
                for n in range(rounds):
                    time.sleep(random.uniform(0.05, 2.0))
                    engine.kill()
                    engine.start(within=10)
                    slowest = max(slowest, engine.ready_seconds)
                time.sleep(1)
                result = load.terminate()
            say(f'{rounds} kills, slowest start {slowest * 1000:.0f} ms; {result["acknowledged"]} acknowledged, {result["resent"]} sent again')
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 120, 'the queue drained')
            engine.stop()
            e2e.check_delivery(e2e.sent_ledger(ledger), e2e.arrivals(arrivals), rounds)


e2e.main(globals())
