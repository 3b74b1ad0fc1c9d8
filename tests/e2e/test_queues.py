"""What `hilum queues show` says of a queue: how much waits, when it will be empty, and when it is open."""

import datetime
import os
import re
import time

import hilum_e2e as e2e
from hilum_e2e import check, say


def show(engine):
    code, out, err = e2e.hilum('queues', 'show', 'out', env={'HILUM_ADMIN': engine.admin})
    check(code == 0, err)
    return out


def send(engine, count, prefix='M'):
    """Sends so many; their sizes together."""
    total = 0
    with e2e.Connection(engine.port('in')) as sender:
        for n in range(count):
            message = e2e.adt(f'{prefix}{n}', family='x' * (n % 50))
            check(b'MSA|AA' in sender.send(message), 'accepted')
            total += len(message)
    return total


def test_how_much_waits_and_for_how_long():
    with e2e.folder() as dir:
        port = e2e.free_port()
        config = e2e.straight(port)
        config['destinations']['out']['rate'] = '20/s'
        with e2e.Engine(dir, config) as engine:
            check(engine.queue('out')['bytes'] == 0 and 'wait' not in show(engine), 'nothing waits')
            total = send(engine, 200)
            queue = engine.queue('out')
            check(queue['bytes'] == total and queue['bytes_estimated'] is False, f'{queue}, {total} bytes')
            check('seconds_left' not in queue, 'nobody can know')
            check(f'200 wait, {total} bytes; none has gone in the last minute' in show(engine), show(engine))
            with e2e.Receiver(port):
                e2e.wait_until(lambda: 'seconds_left' in engine.queue('out'), 10, 'it moves')
                time.sleep(2)
                queue, said = engine.queue('out'), show(engine)
                say(said.splitlines()[-1])
                check(12 < queue['settled_per_second'] < 28 * e2e.PATIENCE and queue['arrived_per_second'] < 1, f'{queue}')
                left = queue['queued'] / queue['settled_per_second']
                check(0.5 * left < queue['seconds_left'] < 2 * left + 1, f'{queue}')
                check(re.search(r'in the last minute \d+(\.\d)?/s went, 0\.0/s came: empty in about \d+s', said), said)
                engine.api('POST', '/queues/out/pause')
                check('seconds_left' not in engine.queue('out') and 'it stands still now' in show(engine), show(engine))


def test_a_long_queue_is_estimated_quickly():
    count = 1_000_000 if e2e.LONG else 30_000
    with e2e.folder() as dir:
        config = e2e.straight(e2e.free_port())
        with e2e.Engine(dir, config) as engine:
            # Two sizes, one after the other: the mean has to be of the whole queue.
            for size in (500, 3500):
                with e2e.Load(engine.port('in'), connections=64, messages=count // 2, size=size) as load:
                    load.result(3600)
            queued = engine.queue('out')['queued']
            before = engine.rss_kb()
            slowest = 0.0
            for _ in range(5):
                begin = time.monotonic()
                queue = engine.queue('out')
                slowest = max(slowest, time.monotonic() - begin)
            truth = queued * 2000
            say(f'{queued} wait, about {queue["bytes"]} bytes, {truth} in truth; asked in {slowest * 1000:.0f} ms at most, '
                f'{engine.rss_kb() - before:+} KB of memory, {engine.rss_kb() // 1024} MB in all')
            check(queue['bytes_estimated'], f'{queue}')
            check(0.7 * truth < queue['bytes'] < 1.4 * truth, f'{queue["bytes"]} of {truth}')
            check(slowest < 1 * e2e.PATIENCE, f'{slowest:.1f} s')
            check(e2e.SANITIZED or engine.rss_kb() - before < 8192, 'memory')


def test_hours():
    """Closed until the hours begin, whatever happens in between; a reload with other hours opens it."""
    def between(begin, end):
        now = datetime.datetime.now(datetime.timezone.utc)
        clock = lambda hours: (now + datetime.timedelta(hours=hours)).strftime('%H:%M')
        return f'{clock(begin)}-{clock(end)}'

    with e2e.folder() as dir, e2e.Receiver() as out:
        config = e2e.straight(out.port)
        config['destinations']['out']['retry'] = {'between': [between(2, 3)], 'zone': 'UTC', **e2e.FAST_RETRY}
        engine = e2e.Engine(dir, config)
        engine.start()
        send(engine, 5)
        check(engine.queue('out')['state'] == 'closed', f'{engine.queue("out")}')
        said = show(engine)
        check(re.search(r'closed .*in (1h|2h|1\d\dm)', said), said)
        engine.api('POST', '/queues/out/retry')
        engine.kill()
        engine.start()
        time.sleep(0.5)
        check(out.count() == 0 and engine.queue('out')['state'] == 'closed', 'closed after a restart, too')
        config['destinations']['out']['retry']['between'] = between(-1, 1)
        engine.configure(config)
        engine.api('POST', '/reload', {})
        e2e.wait_until(lambda: out.count() == 5, 10, 'it is open')
        engine.stop()


e2e.main(globals())
