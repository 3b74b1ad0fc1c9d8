"""R10: very many connections, very many connects, and no descriptors left. Those that work do not notice."""

import os
import resource
import statistics
import threading
import time

import hilum_e2e as e2e
from hilum_e2e import check, say

BUSY, ROUNDS, SECONDS = 64, (5 if e2e.LONG else 3), (5 if e2e.LONG else 2)


def allow_descriptors(wanted):
    """Raises this process's limit; how many there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    return max(soft, wanted)


def per_second(engine):
    with e2e.Load(engine.port('in'), connections=BUSY, seconds=SECONDS, warmup=0.3) as load:
        result = load.result()
    check(result['errors'] == 0, f'{result}')
    return result['per_second']


def test_idle_connections_beside_busy_ones():
    count = 10_000 if e2e.LONG else 2_000
    count = min(count, allow_descriptors(count + 500) - 500)
    with e2e.folder() as dir:
        # Nobody is there to take what comes in: intake alone is measured.
        config = e2e.straight(e2e.free_port(), when="MSH-9.1 = 'ADT'")
        with e2e.Engine(dir, config) as engine:
            ratios, each = [], 0
            for n in range(ROUNDS):
                alone = per_second(engine)
                before = engine.rss_kb()
                idle = [e2e.Connection(engine.port('in')) for _ in range(count)]
                e2e.wait_until(lambda: engine.metric('hilum_connections_open') >= count, 60, 'all are accepted')
                each = max(each, (engine.rss_kb() - before) / count)
                beside = per_second(engine)
                for peer in idle:
                    peer.close()
                e2e.wait_until(lambda: engine.metric('hilum_connections_open') == 0, 60, 'all are gone')
                ratios.append(beside / alone)
                say(f'round {n + 1}: {alone:.0f}/s alone, {beside:.0f}/s beside {count} idle connections')
            ratio = statistics.median(ratios)
            say(f'{ratio:.0%} of the throughput; {each:.1f} KB for each idle connection')
            check(e2e.SANITIZED or each <= 25, f'{each} KB')
            # The short form runs beside others on small machines: it finds what is wrong, not what is slow.
            check(ratio >= (0.9 if e2e.LONG else 0.6), f'{ratio:.0%}')


def test_a_thousand_connects_a_second():
    seconds, threads_count, rate = (30 if e2e.LONG else 4), 8, (200 if e2e.SANITIZED else 1000)
    with e2e.folder() as dir, e2e.Sink() as sink, e2e.Engine(dir, e2e.straight(sink.port)) as engine:
        answered, slowest, failed = [0] * threads_count, [0.0], []
        begin = time.monotonic() + 0.1

        def connect(n):
            try:
                for i in range(seconds * rate // threads_count):
                    time.sleep(max(0.0, begin + i * threads_count / rate - time.monotonic()))
                    with e2e.Connection(engine.port('in')) as peer:
                        answer = peer.send(e2e.adt(f'C{n}-{i}'))
                        check(answer and f'MSA|AA|C{n}-{i}\r'.encode() in answer, f'{answer!r}')
                    answered[n] += 1
            except Exception as error:
                failed.append(error)

        def steady():
            with e2e.Connection(engine.port('in')) as peer:
                n = 0
                while time.monotonic() < begin + seconds:
                    n += 1
                    at = time.monotonic()
                    peer.send(e2e.adt(f'S{n}'))
                    slowest[0] = max(slowest[0], time.monotonic() - at)

        threads = [threading.Thread(target=connect, args=(n,)) for n in range(threads_count)] + [threading.Thread(target=steady)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        took = time.monotonic() - begin
        check(not failed, f'{failed[:1]}')
        say(f'{sum(answered)} connections, each with a message, in {took:.1f} s: {sum(answered) / took:.0f}/s; '
            f'another connection waited {slowest[0] * 1000:.0f} ms at most')
        check(sum(answered) == seconds * rate, 'each was answered')
        check(slowest[0] < 1 * e2e.PATIENCE, f'{slowest[0]:.1f} s')
        e2e.wait_until(lambda: engine.metric('hilum_connections_open') == 0, 20, 'all are gone')


def test_descriptors_used_up():
    limit, wanted = 512, 900
    allow_descriptors(wanted + 500)
    with e2e.folder() as dir:
        sent, arrived = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        with e2e.Sink(ledger=arrived) as sink:
            config = e2e.straight(sink.port)
            config['listeners']['web'] = {'http': {'listen': '127.0.0.1:0'}}
            config['routes'][0]['from'] = ['in', 'web']
            config['store'] = {'segment_size': '1MiB'}  # a new file every second
            engine = e2e.Engine(dir, config, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
            with engine, e2e.Load(engine.port('in'), connections=8, rate=300 if e2e.SANITIZED else 1000, seconds=3600, ledger=sent) as load:
                e2e.wait_until(lambda: engine.metric('hilum_messages_acknowledged_total', listener='in') > 100, 10, 'traffic')
                for listener, others in (('in', 'web'), ('web', 'in')):
                    crowd = [e2e.Connection(engine.port(listener)) for _ in range(wanted)]
                    e2e.wait_until(lambda: 'accept_paused' in engine.log(), 10, 'it says so')
                    time.sleep(20 if e2e.LONG else 2)
                    open_now = engine.metric('hilum_connections_open')
                    files = len(os.listdir(f'/proc/{engine.process.pid}/fd'))
                    say(f'{wanted} want in at {listener}: {open_now:.0f} connections are open, {files} of {limit} descriptors in use')
                    check(files < limit, 'some are kept back')
                    # The store rolls, the destination can be connected to, the admin port answers.
                    status = engine.api('GET', '/status')
                    check(status['store']['health'] == 'good', f'{status}')
                    check(load.alive(), 'those that were there go on')
                    with e2e.Connection(engine.port(others)) as late:
                        check(late.silent_for(0.3), 'whoever comes late waits')
                        for peer in crowd:
                            peer.close()
                        if others == 'in':
                            begin = time.monotonic()
                            check(b'MSA|AA|LATE' in late.send(e2e.adt('LATE')), 'and is served')
                            say(f'served {time.monotonic() - begin:.1f} s after there was room')
                    e2e.wait_until(lambda: engine.metric('hilum_connections_open') < 20, 20, 'all are gone')
                result = load.terminate()
                check(result['errors'] == 0 and result['lost_connections'] == 0, f'{result}')
                e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 60, 'drained')
        e2e.check_delivery(e2e.sent_ledger(sent), [c for c in e2e.arrivals(arrived) if c != 'LATE'], 0)


e2e.main(globals())
