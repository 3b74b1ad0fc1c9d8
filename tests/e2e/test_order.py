"""order_by over several connections: each key keeps its order through kills, reloads, poisoned messages and persons."""

import json
import os
import random
import time

import hilum_e2e as e2e
from hilum_e2e import check, say

ROUNDS = 100 if e2e.LONG else 6
CONNECTIONS = 16
# Load's control ids begin with run and connection: one key for each of its 64 connections.
BY_SENDER = "MSH-10.substring(0, 11)"


def command(engine, *arguments, code=0):
    got, out, err = e2e.hilum(*arguments, env={'HILUM_ADMIN': engine.admin})
    check(got == code, f'hilum {" ".join(map(str, arguments))}: {got}\n{out}\n{err}')
    return out


def ordered(port, sink_port, connections=CONNECTIONS, by=BY_SENDER, **keys):
    config = e2e.straight(sink_port)
    config['listeners']['in']['mllp']['listen'] = f'127.0.0.1:{port}'
    config['destinations']['out'].update({'order_by': by, 'connections': connections, **keys})
    return config


def test_kills_with_order_by():
    with e2e.folder() as dir:
        ledger, arrived = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        port = e2e.free_port()
        with e2e.Sink(ledger=arrived, delay_ms=3) as sink:
            engine = e2e.Engine(dir, ordered(port, sink.port))
            engine.start()
            with e2e.Load(port, connections=64, rate=500 if e2e.SANITIZED else 2000, seconds=7 * ROUNDS, ledger=ledger,
                          reconnect=True) as load:
                for n in range(ROUNDS):
                    time.sleep(random.uniform(0.05, 2.0))
                    engine.kill()
                    engine.start(within=10)
                time.sleep(1)
                result = load.terminate()
            check(result['refused'] == 0 and result['mismatched'] == 0, f'{result}')
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 120, 'the queue drained')
            engine.stop()
            # One delivery on each connection can be in flight at each kill.
            e2e.check_delivery(e2e.sent_ledger(ledger), e2e.arrivals(arrived),
                               result['resent'] + ROUNDS * CONNECTIONS)


def test_nothing_twice_where_ambiguous_is_held():
    rounds = max(3, ROUNDS // 3)
    with e2e.folder() as dir:
        ledger, arrived = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        port = e2e.free_port()
        with e2e.Sink(ledger=arrived, delay_ms=30) as sink:
            engine = e2e.Engine(dir, ordered(port, sink.port, connections=4, on_ambiguous='hold'))
            engine.start()
            with e2e.Load(port, connections=16, rate=200, seconds=7 * rounds, ledger=ledger) as load:
                # Load ends with its connections at the first kill: none of its messages is sent twice.
                time.sleep(2)
                engine.kill()
                load.terminate()
            engine.start(within=10)
            for n in range(rounds - 1):
                engine.kill()
                engine.start(within=10)
                time.sleep(random.uniform(0.0, 0.4))
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 60, 'the queue drained')
            held = engine.queue('out')['held']
            came = e2e.arrivals(arrived)
            lost = set(e2e.sent_ledger(ledger)) - set(came)
            say(f'{len(came)} arrived, {len(came) - len(set(came))} twice, {held} held, {len(lost)} of them did not arrive')
            check(len(came) == len(set(came)), 'sent twice')
            check(len(lost) <= held and 1 <= held <= 4 * rounds, 'what did not arrive is held')
            rows = json.loads(command(engine, 'messages', 'list', '--delivery-state', 'held', '--json'))['messages']
            check(len(rows) == held, f'{len(rows)} found')
            for row in rows:
                check(row['deliveries'][0]['code'] == 'ambiguous', f'{row}')
            engine.stop()


class Clinic(e2e.Receiver):
    """Answers AE/207 to one control id until it is cured."""
    poisoned = b''

    def replies(self, message):
        identifier = e2e.control_id(message).decode()
        return [e2e.acknowledgement(identifier, 'AE', 'ERR||PID^1|207|E\r') if identifier == self.poisoned.decode() else e2e.acknowledgement(identifier)]

    def of_patient(self, patient):
        with self.lock:
            return [e2e.control_id(m).decode() for m in self.messages if e2e.field(m, b'PID', 3).startswith(patient.encode() + b'^')]


def send(engine, messages):
    with e2e.Connection(engine.port('in')) as connection:
        for message in messages:
            answer = connection.send(message)
            check(b'|AA|' in answer or b'MSA|AA' in answer, answer)


def test_a_poisoned_message_blocks_its_patient_only():
    """Regression: one poisoned message blocking a feed."""
    with e2e.folder() as dir, Clinic() as clinic:
        clinic.poisoned = b'M3-1'
        config = ordered(e2e.free_port(), clinic.port, connections=4, by='PID-3.1')
        engine = e2e.Engine(dir, config)
        engine.start()
        send(engine, [e2e.adt(f'M{p}-{n}', patient=f'P{p}') for n in range(20) for p in range(10)])
        e2e.wait_until(lambda: engine.queue('out')['queued'] == 19, 20, 'all others went')
        queue = engine.queue('out')
        check(queue['blocked'] == 1 and queue['blocked_messages'][0]['error'] == 'busy AE/207', f'{queue}')
        for p in range(10):
            if p != 3:
                check(clinic.of_patient(f'P{p}') == [f'M{p}-{n}' for n in range(20)], f'patient {p}')
        shown = command(engine, 'queues', 'show', 'out')
        check('1 order_by value waits behind its first message' in shown and 'busy AE/207' in shown, shown)
        # A kill: nobody else's message is sent again, and the blocked ones stay blocked.
        before = clinic.count()
        engine.kill()
        engine.start(within=10)
        e2e.wait_until(lambda: engine.queue('out')['blocked'] == 1, 20, 'blocked again')
        again = [e2e.control_id(m) for m in clinic.messages[before:]]
        check(set(again) == {b'M3-1'}, f'sent after the restart: {set(again)}')
        number = engine.queue('out')['blocked_messages'][0]['message']
        clinic.poisoned = b''
        command(engine, 'queues', 'retry', 'out', '--message', str(number))
        e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 20, 'the queue drained')
        order = [c for c in clinic.of_patient('P3') if c != 'M3-1']
        check(order == [f'M3-{n}' for n in range(20) if n != 1], f'{order}')
        first_after = clinic.of_patient('P3')
        check(first_after.index('M3-2') > max(i for i, c in enumerate(first_after) if c == 'M3-1'), 'overtaken')
        engine.stop()


def test_a_person_deals_with_what_has_stopped():
    with e2e.folder() as dir, Clinic() as clinic:
        clinic.poisoned = b'B'
        config = ordered(e2e.free_port(), clinic.port, connections=2, by='PID-3.1',
                         on_answer=[{'msa': 'AE', 'err': '200-299', 'then': 'stop'}])
        engine = e2e.Engine(dir, config)
        engine.start()
        send(engine, [e2e.adt('A', patient='P1'), e2e.adt('B', patient='P2'), e2e.adt('C', patient='P2')])
        e2e.wait_until(lambda: engine.queue('out')['state'] == 'stopped', 20, 'stopped')
        queue = engine.queue('out')
        check(queue['queued'] == 2 and queue['stopped'] == 1, f'{queue}')
        check(engine.metric('hilum_queue_stopped', destination='out') == 1, 'the metric')
        number = queue['blocked_messages'][0]['message']
        command(engine, 'queues', 'hold', 'out', '--message', str(number + 1), '--reason', 'the wrong one', code=1)
        command(engine, 'queues', 'hold', 'out', '--message', str(number), '--reason', 'the ward is asked')
        e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 20, 'the rest went')
        check(clinic.of_patient('P2') == ['B', 'C'] and engine.queue('out')['held'] == 1, f'{engine.queue("out")}')
        engine.stop()


def test_urgent_messages_pass_what_waits():
    with e2e.folder() as dir:
        port, clinic_port = e2e.free_port(), e2e.free_port()
        config = ordered(port, clinic_port, connections=1, by='PID-3.1', priority="PV1-3.1 = 'ICU'")
        engine = e2e.Engine(dir, config)
        engine.start()
        messages = [e2e.adt(f'M{n}', patient=f'P{n % 10}') for n in range(50)]
        messages.append(e2e.adt('STAT', patient='P7', ward='ICU'))
        send(engine, messages)
        with e2e.Receiver(clinic_port) as clinic:
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 20, 'the queue drained')
            came = [e2e.control_id(m).decode() for m in clinic.messages]
            # The oldest was tried already; then the urgent one, behind those of its own patient.
            mine = [c for c in came if c in ('M7', 'M17', 'M27', 'M37', 'M47', 'STAT')]
            check(mine == ['M7', 'M17', 'M27', 'M37', 'M47', 'STAT'], f'{mine}')
            check(came.index('STAT') <= 7, f'STAT came at place {came.index("STAT")} of {len(came)}')
        engine.stop()


def test_reload_of_order_by_under_load():
    """R11 with order_by: rules, connections and none at all, one after the other."""
    rounds = 60 if e2e.LONG else 8
    with e2e.folder() as dir:
        ledger, arrived = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        port = e2e.free_port()
        with e2e.Sink(ledger=arrived, delay_ms=2) as sink:
            configs = [ordered(port, sink.port), ordered(port, sink.port, connections=3, by="MSH-10.substring(6, 5)"),
                       ordered(port, sink.port, connections=1, by='MSH-3'), ordered(port, sink.port)]
            for key in ('order_by', 'connections'):
                del configs[3]['destinations']['out'][key]
            engine = e2e.Engine(dir, configs[0])
            engine.start()
            with e2e.Load(port, connections=64, rate=300, seconds=10 * rounds, ledger=ledger) as load:
                for n in range(rounds):
                    time.sleep(random.uniform(0.1, 1.0))
                    engine.configure(configs[(n + 1) % len(configs)])
                    command(engine, 'reload')
                result = load.terminate()
            check(result['refused'] == 0 and result['mismatched'] == 0, f'{result}')
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 120, 'the queue drained')
            engine.stop()
            e2e.check_delivery(e2e.sent_ledger(ledger), e2e.arrivals(arrived), 0)


def test_several_values_count_as_none_and_are_told():
    with e2e.folder() as dir, e2e.Receiver() as out:
        engine = e2e.Engine(dir, ordered(e2e.free_port(), out.port, by='PID-3[*].1'))
        engine.start()
        send(engine, [e2e.adt(f'S{n}', patient=f'P{n}~Q{n}') for n in range(20)] + [e2e.adt('ONE')])
        e2e.wait_until(lambda: out.count() == 21, 20, 'delivered')
        check([e2e.control_id(m) for m in out.messages if b'~Q' in m] == [f'S{n}'.encode() for n in range(20)], 'they keep their order')
        lines = [line for line in engine.log().splitlines() if 'order_by_failed' in line]
        check(len(lines) == 1 and 'destination=out' in lines[0] and 'P0' not in lines[0], f'{lines}')
        check(engine.metric('hilum_order_failed_total', destination='out') == 20, 'counted')
        engine.stop()


def test_a_million_values_queued():
    """Each message has a value of its own, and one of them stops: memory is bounded while they wait, and while all others pass it."""
    count = 1_000_000 if e2e.LONG else 20_000
    with e2e.folder() as dir:
        port, sink_port = e2e.free_port(), e2e.free_port()
        engine = e2e.Engine(dir, ordered(port, sink_port, by='MSH-10', on_failure={'ae': 'stop'}))
        engine.start()
        with e2e.Load(port, connections=64, messages=count) as load:
            check(load.result(3600)['acknowledged'] == count, 'accepted')
        memory = {'queued': engine.rss_kb()}
        engine.kill()
        engine.start()
        check(engine.queue('out')['queued'] == count, f'{engine.queue("out")}')
        memory['after a kill'] = engine.rss_kb()

        def waits_for_a_person():
            memory['draining'] = max(engine.rss_kb(), memory.get('draining', 0))
            return engine.queue('out')['queued'] == 1

        with e2e.Sink(sink_port, mode='ae', first=1) as sink:
            engine.api('POST', '/queues/out/retry', {})
            begin = time.monotonic()
            e2e.wait_until(waits_for_a_person, 3600, 'all others pass')
            speed = count / (time.monotonic() - begin)
            check(engine.queue('out')['state'] == 'stopped', f'{engine.queue("out")}')
            engine.kill()
            engine.start()
            memory['all but one passed, after a kill'] = engine.rss_kb()
            command(engine, 'queues', 'retry', 'out')
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 60, 'drained')
            check(sink.terminate()['messages'] <= count + 1 + CONNECTIONS, 'few twice')
        say(f'{count} values, drained at {speed:.0f}/s; ' + ', '.join(f'{what}: {kb // 1024} MB' for what, kb in memory.items()))
        check(e2e.SANITIZED or max(memory.values()) < 150 * 1024, f'{memory}')
        engine.stop()


e2e.main(globals())
