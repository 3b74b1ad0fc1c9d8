"""`batch`: messages collected into files of one HL7 batch each; nothing lost, overtaken or cut by kills, and bounded memory."""

import os
import random
import re
import time

import hilum_e2e as e2e
from hilum_e2e import check, say

ROUNDS = 100 if e2e.LONG else 8
MAX = 50


def configuration(dir, port=None, max=MAX, every='200ms', name='{MSH-10}.hl7', **more):
    return {
        'listeners': {'in': {'mllp': {'listen': f'127.0.0.1:{port or 0}'}}},
        'destinations': {'out': {'file': {'dir': os.path.join(dir, 'out'), 'name': name},
                                 'batch': {'max': max, 'every': every, **more}, 'retry': e2e.FAST_RETRY}},
        'routes': [{'name': 'all', 'from': 'in', 'to': 'out'}],
    }


def batches(dir, file_header=False):
    """The batches in the folder: (number of the first message, its messages), by that number. Each is whole."""
    found = []
    for name in os.listdir(os.path.join(dir, 'out')):
        if name.startswith('.'):
            continue
        with open(os.path.join(dir, 'out', name), 'rb') as f:
            text = f.read()
        begin, end = (rb'FHS\|[^\r]*\r', rb'FTS\|1\r') if file_header else (b'', b'')
        whole = re.fullmatch(begin + rb'BHS\|[^\r]*\|(\d+)\r(MSH\|.*\r)BTS\|(\d+)\r' + end, text, re.S)
        check(whole, f'{name} is no whole batch: {text[:200]}')
        messages = re.split(rb'(?<=\r)(?=MSH\|)', whole.group(2))
        check(len(messages) == int(whole.group(3)), f'{name}: BTS says {whole.group(3)}, there are {len(messages)}')
        found.append((int(whole.group(1)), messages))
    return sorted(found, key=lambda batch: batch[0])


def arrived(dir):
    return [e2e.control_id(message).decode() for _, messages in batches(dir) for message in messages]


def send(engine, messages):
    with e2e.Connection(engine.port('in')) as connection:
        for message in messages:
            check(b'MSA|AA|' in connection.send(message), 'acknowledged')


def drained(engine):
    e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 60, 'the queue drained')


def test_batches():
    with e2e.folder() as dir:
        with e2e.Engine(dir, configuration(dir, max=5, every='1s', file_header=True)) as engine:
            began = time.monotonic()
            send(engine, [e2e.adt(f'M{n}') for n in range(12)])
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 2, 20, 'two full ones are there')
            check(engine.queue('out')['state'] == 'running', f'{engine.queue("out")}')
            drained(engine)
            took = time.monotonic() - began
            check(took >= 0.9, f'the last two did not wait: {took:.2f} s')
            found = batches(dir, file_header=True)
            check([len(messages) for _, messages in found] == [5, 5, 2], f'{found}')
            check([m for _, messages in found for m in messages] == [e2e.adt(f'M{n}') for n in range(12)], 'as they came')
            shown = lambda: engine.api('GET', '/messages/7')['deliveries'][0]
            e2e.wait_until(lambda: shown()['state'] == 'delivered', 10, 'the index knows')
            row = shown()
            check(row['state'] == 'delivered' and 'M5.hl7' in row['text'], f'{row}')
            # What reads batches reads these.
            code, out, err = e2e.hilum('inspect', os.path.join(dir, 'out', 'M5.hl7'))
            check(code == 0, out + err)


def test_kills():
    """kill -9 at random and between the file and its record: all is there, in order, and only what was in a batch comes again."""
    with e2e.folder() as dir:
        ledger, port = os.path.join(dir, 'sent'), e2e.free_port()
        engine = e2e.Engine(dir, configuration(dir, port))
        engine.start()
        points = ['before_record', 'before_record', 'after_write', None]
        with e2e.Load(port, connections=16, rate=300 if e2e.SANITIZED else 1500, seconds=10 * ROUNDS, ledger=ledger,
                      reconnect=True) as load:
            for n in range(ROUNDS):
                time.sleep(random.uniform(0.1, 1.0))
                engine.kill()
                point = points[n % len(points)]
                engine.env = {'HILUM_KILL_AT': f'{point}:{random.randint(1, 20)}'} if point else {}
                try:
                    engine.start(within=10)
                    if point:
                        engine.process.wait(timeout=20)
                except e2e.Failure:
                    check(point, 'it starts')
                engine.env = {}
                if engine.process.poll() is not None:
                    engine.kill()
                    engine.start(within=10)
            time.sleep(1)
            result = load.terminate()
        check(result['refused'] == 0 and result['mismatched'] == 0, f'{result}')
        drained(engine)
        engine.stop()
        check(not [n for n in os.listdir(os.path.join(dir, 'out')) if n.startswith('.hilum-')], 'leftovers')
        found = batches(dir)
        say(f'{len(found)} batches, of {sum(len(m) for _, m in found) / len(found):.0f} messages')
        e2e.check_delivery(e2e.sent_ledger(ledger), arrived(dir), result['resent'] + 2 * ROUNDS * MAX)


def test_a_backlog():
    """Many messages that waited go in full batches, in order, and cost memory for one of them."""
    count = 5_000 if e2e.SANITIZED else 20_000
    with e2e.folder() as dir:
        ledger = os.path.join(dir, 'sent')
        with e2e.Engine(dir, configuration(dir, max=2000, every='1h', max_bytes='1MiB')) as engine:
            code, out, err = e2e.hilum('queues', 'pause', 'out', env={'HILUM_ADMIN': engine.admin})
            check(code == 0, out + err)
            with e2e.Load(engine.port('in'), connections=64, messages=count, ledger=ledger) as load:
                load.result()
            before = engine.rss_kb()
            check(engine.queue('out')['queued'] == count, f'{engine.queue("out")}')
            e2e.hilum('queues', 'resume', 'out', env={'HILUM_ADMIN': engine.admin})
            # The last ones wait for others: fewer than would make a batch.
            e2e.wait_until(lambda: engine.queue('out')['queued'] < 2000, 60, 'the full ones went')
            time.sleep(0.5)
            after = engine.rss_kb()
            left = engine.queue('out')['queued']
            sizes = [os.path.getsize(os.path.join(dir, 'out', n)) for n in os.listdir(os.path.join(dir, 'out'))]
            say(f'{count} messages, {len(sizes)} batches of {max(sizes)} bytes at most, memory {before} kB, then {after} kB')
            check(max(sizes) <= (1 << 20) + 200, f'{max(sizes)} bytes')
            check(after - before < 16_000 or e2e.SANITIZED, f'{before} kB, then {after} kB')
            sent = set(arrived(dir))
            check(len(sent) == count - left, f'{len(sent)} arrived, {left} wait')
            e2e.check_delivery([c for c in e2e.sent_ledger(ledger) if c in sent], arrived(dir), 0)


def test_what_can_not_stand_in_a_batch():
    """A poisoned message is held; those around it go in batches of their own."""
    with e2e.folder() as dir:
        config = configuration(dir, max=10, every='300ms')
        config['routes'][0].update({'when': "MSH-9.2 != 'A03'"})
        config['routes'].append({'name': 'as-json', 'from': 'in', 'when': "MSH-9.2 = 'A03'", 'steps': [{'convert': {'to': 'json'}}], 'to': 'out'})
        with e2e.Engine(dir, config) as engine:
            send(engine, [e2e.adt(f'M{n}', event='A03' if n in (2, 5) else 'A01') for n in range(8)])
            drained(engine)
            check(engine.queue('out')['held'] == 2, f'{engine.queue("out")}')
            check([len(messages) for _, messages in batches(dir)] == [2, 2, 2], f'{batches(dir)}')
            held = lambda: engine.api('GET', '/messages?delivery_state=held')['messages']
            e2e.wait_until(lambda: len(held()) == 2, 10, 'the index knows')
            rows = held()
            check({row['deliveries'][0]['code'] for row in rows} == {'no_batch'}, f'{rows}')


def test_a_folder_that_is_not_there():
    """A batch that can't be written is tried again, whole, and no message of it counts as delivered before."""
    with e2e.folder() as dir:
        config = configuration(dir, max=10, every='200ms')
        blocked = os.path.join(dir, 'out')
        with open(blocked, 'w'):
            pass
        config['destinations']['out']['file']['dir'] = blocked + '/below'
        with e2e.Engine(dir, config) as engine:
            send(engine, [e2e.adt(f'M{n}') for n in range(25)])
            e2e.wait_until(lambda: engine.queue('out')['state'] == 'retrying', 20, 'it is tried again')
            check(engine.queue('out')['queued'] == 25, f'{engine.queue("out")}')
            engine.kill()
            os.remove(blocked)
            os.makedirs(blocked)
            engine.start()
            drained(engine)
        os.rename(os.path.join(blocked, 'below'), os.path.join(dir, 'moved'))
        os.rmdir(blocked)
        os.rename(os.path.join(dir, 'moved'), blocked)
        check(arrived(dir) == [f'M{n}' for n in range(25)], f'{arrived(dir)}')


e2e.main(globals())
