"""R4: a disk that fills up and is freed. No AA without storage, no crash, and it goes on within 5 seconds."""

import os
import subprocess
import threading
import time

import hilum_e2e as e2e
from hilum_e2e import check, say


class SmallDisk:
    """A tmpfs of 64 MB with some of it taken by two files that can be removed."""

    def __init__(self, dir):
        self.path = os.path.join(dir, 'disk')

    def __enter__(self):
        os.mkdir(self.path)
        done = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64m', 'hilum-e2e', self.path], capture_output=True, text=True)
        if done.returncode != 0:
            raise e2e.Skip(f'can not mount a tmpfs here: {done.stderr.strip()}')
        for name, mib in (('first', 16), ('second', 8)):
            with open(os.path.join(self.path, name), 'wb') as f:
                f.write(bytes(mib << 20))
        return self

    def free(self, name):
        os.remove(os.path.join(self.path, name))

    def __exit__(self, *_):
        subprocess.run(['umount', '-l', self.path], check=False)


def big(control_id):
    return e2e.adt(control_id) + b'NTE|1|L|' + b'x' * 16000 + b'\r'


def fill(engine, prefix, acknowledged, give_up=5000):
    """Four senders until nothing of theirs is read any more; the codes they were refused with until then."""
    refusals = []

    def sender(n):
        with e2e.Connection(engine.port('in'), timeout=2) as connection:
            for i in range(give_up):
                name = f'{prefix}{n}-{i:06}'
                try:
                    answer = connection.send(big(name))
                except TimeoutError:
                    return
                check(answer is not None, 'the connection was closed instead of an answer')
                if e2e.field(answer, b'MSA', 1) in (b'AA', b'CA'):
                    acknowledged.append(name)
                    continue
                refusals.append(e2e.field(answer, b'MSA', 1) + b'/' + e2e.field(answer, b'ERR', 3).split(b'^')[0])

    errors = []

    def guarded(n):
        try:
            sender(n)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not errors, f'{errors[:2]}')
    return refusals


def test_disk_full():
    with e2e.folder() as dir, SmallDisk(dir) as disk:
        port = e2e.free_port()
        config = e2e.straight(port)
        config['store'] = {'dir': os.path.join(disk.path, 'data'), 'segment_size': '4MiB'}
        acknowledged = []
        with e2e.Engine(dir, config) as engine:
            refusals = fill(engine, 'A', acknowledged)
            say(f'{len(acknowledged)} acknowledged until the disk was full, then refused as {sorted(set(refusals))}')
            check(len(acknowledged) > 1000, 'the disk took too little')
            check(refusals and set(refusals) == {b'AR/207'}, f'a full disk must refuse, and say that it is not the message: {refusals[:3]}')
            log = engine.log()
            check(0 < min(log.find('store_filling') % len(log), log.find('store_nearly_full') % len(log)) < log.find('store_full'),
                  'the alarm comes before the disk is full')
            check(engine.http('GET', '/livez')[0] == 200, 'the engine must live')
            check(engine.http('GET', '/readyz')[0] == 503, 'a full store is not ready')
            store = engine.api('GET', '/status')['store']
            check((store['health'], store['level'], store['used_percent']) == ('full', 'full', 100), f'status must say full: {store}')
            check(engine.metric('hilum_store_used_percent') == 100, 'and so must the metrics')
            code, out, _ = e2e.hilum('queues', 'list', '--admin', engine.admin)
            check(code == 0 and 'NO MESSAGES ARE TAKEN' in out, f'and `hilum queues list`: {out}')

            # Nothing is read: the sender waits for its answer, and gets it when there is room.
            with e2e.Connection(engine.port('in'), timeout=30) as connection:
                connection.write(e2e.START + big('B-1') + e2e.END)
                check(connection.silent_for(2), 'neither an answer nor an end while nothing is read')
                disk.free('first')
                begin = time.monotonic()
                check(e2e.field(connection.read(), b'MSA', 1) == b'AA', 'the message that waited is taken')
                seconds = time.monotonic() - begin
                acknowledged.append('B-1')
            check(seconds < 5 * e2e.PATIENCE, f'resumed after {seconds:.1f} s')
            say(f'takes messages again {seconds:.2f} s after there was room')
            check(engine.http('GET', '/readyz')[0] == 200, 'ready again')
            check('store_has_room' in engine.log(), 'and told')
            # What the senders of before had sent when they gave up was not taken: they will send it again.
            e2e.wait_until(lambda: engine.metric('hilum_connections_given_up_total', listener='in') > 0, 5, 'given up')

            refusals = fill(engine, 'C', acknowledged)
            check(refusals, 'the disk must be full again')
            # Deliveries go on while the room kept for their results lasts, and all of them once there is room again.
            with e2e.Receiver(port) as out:
                e2e.wait_until(lambda: out.count() > 0, 10, 'deliveries go on with a full disk')
                before, count = -1, 0
                while count > before:
                    before = count
                    time.sleep(2)
                    count = out.count()
                say(f'{count} of {len(acknowledged)} delivered while the disk was full')
                disk.free('second')
                e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 30, f'all delivered: {engine.queue("out")}')
                arrived = [e2e.control_id(m).decode() for m in out.messages]
        check(set(acknowledged) <= set(arrived), f'lost: {sorted(set(acknowledged) - set(arrived))[:5]}')
        check(len(arrived) - len(set(arrived)) <= 1, 'only a delivery whose result found no room may be repeated')
        refused = set(arrived) - set(acknowledged)
        check(not refused, f'delivered although refused: {sorted(refused)[:5]}')
        say(f'{len(arrived)} delivered, those acknowledged and no other')


def test_killed_with_a_full_disk():
    with e2e.folder() as dir, SmallDisk(dir) as disk:
        port = e2e.free_port()
        config = e2e.straight(port)
        config['store'] = {'dir': os.path.join(disk.path, 'data'), 'segment_size': '4MiB'}
        acknowledged = []
        engine = e2e.Engine(dir, config)
        engine.start()
        fill(engine, 'A', acknowledged)
        engine.kill()
        disk.free('first')
        with engine, e2e.Receiver(port) as out:
            e2e.wait_until(lambda: out.count() >= len(acknowledged), 120, f'{len(acknowledged)} delivered')
            check(set(acknowledged) <= {e2e.control_id(m).decode() for m in out.messages}, 'lost')
        say(f'{len(acknowledged)} delivered after a kill with a full disk')


e2e.main(globals())
