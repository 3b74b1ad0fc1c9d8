"""R2: kill -9 inside named points (engine/ops/kill_point.h). The invariants are those of test_kill.py: nothing acknowledged is
lost, nothing overtaken, few duplicates, and the engine is ready again at once. One test for each point."""

import functools
import os
import random
import signal
import subprocess
import threading

import hilum_e2e as e2e
from hilum_e2e import check, say

ROUNDS = 20 if e2e.LONG else 2
CONNECTIONS, RATE = 16, 300 if e2e.SANITIZED else 1500

# Where to stop, and after how many times that the point is passed at most.
POINTS = {
    'before_write': 2000, 'after_write': 2000, 'before_sync': 500, 'after_sync': 500,
    'before_ack': 1500, 'before_send': 1500, 'before_record': 1500,
    'roll_begun': 3, 'roll_synced': 3, 'roll_named': 3, 'roll_cut': 3,
    'before_remove': 3, 'after_remove': 3,
    'reload_bound': 3, 'reload_taken': 3,
    'index_deleted': 1, 'index_step': 5,
}


def configuration(port, sink_port):
    config = e2e.straight(sink_port, steps=[{'set': {'MSH-5': 'LAB'}}])
    config['listeners']['in']['mllp']['listen'] = f'127.0.0.1:{port}'
    # Small segments are rolled, and a small budget has them removed, all the time.
    config['store'] = {'segment_size': '1MiB', 'budget': '24MiB'}
    return config


def reload_until_it_ends(engine, config, process):
    """Each configuration differs from the one before in all that a reload can change."""
    n = 0
    while process.poll() is None:
        n += 1
        config['routes'][0]['steps'] = [{'set': {'MSH-5': f'LAB{n}'}}]
        config['destinations']['out']['retry'] = {'first': f'{100 + n % 2}ms', 'max': '500ms'}
        config['listeners']['other'] = {'mllp': {'listen': '127.0.0.1:0', 'idle': f'{10 + n}s'}}
        config['routes'][0]['from'] = ['in', 'other']
        engine.configure(config)
        try:
            engine.http('POST', '/api/v1/reload')
        except OSError:
            pass  # it has ended
        except Exception as error:
            check(process.poll() is not None or 'http' in type(error).__module__, f'{error!r}')


def damage_index(engine):
    path = os.path.join(engine.dir, 'data', 'index.sqlite')
    if os.path.exists(path):
        with open(path, 'r+b') as f:
            f.write(b'no database' * 10)
    for suffix in ('-wal', '-shm'):
        if os.path.exists(path + suffix):
            os.remove(path + suffix)


def kill_at(engine, point, config):
    """Starts it, and comes back when it has been killed there; the seconds that the next start took."""
    if point == 'index_deleted':
        damage_index(engine)
    if point == 'index_step':
        code, _, text = e2e.hilum('store', 'reindex', os.path.join(engine.dir, 'data'))
        check(code == 0, text)
    engine.env = {'HILUM_KILL_AT': f'{point}:{random.randint(1, POINTS[point])}'}
    try:
        engine.start()
    except e2e.Failure:
        pass  # points that are passed at start: the code says whether that was it
    process, reloads = engine.process, None
    if point.startswith('reload'):
        reloads = threading.Thread(target=reload_until_it_ends, args=(engine, config, process))
        reloads.start()
    try:
        code = process.wait(60 * e2e.PATIENCE)
    except subprocess.TimeoutExpired:
        raise e2e.Failure(f'not killed at {engine.env["HILUM_KILL_AT"]}; log:\n{engine.log_tail()}')
    if reloads:
        reloads.join()
    check(code == -signal.SIGKILL, f'{engine.env["HILUM_KILL_AT"]}: ended with {code}; log:\n{engine.log_tail()}')
    process.stdout.close()
    engine.env = None
    engine.start(within=10)
    return engine.ready_seconds


def killed_at(point):
    with e2e.folder() as dir:
        ledger, arrived = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        port = e2e.free_port()
        with e2e.Sink(ledger=arrived) as sink:
            config = configuration(port, sink.port)
            engine = e2e.Engine(dir, config)
            engine.start()
            slowest = 0.0
            with e2e.Load(port, connections=CONNECTIONS, rate=RATE, seconds=3600, ledger=ledger, reconnect=True) as load:
                for _ in range(ROUNDS):
                    e2e.wait_until(lambda: engine.metric('hilum_delivered_total', destination='out') > 200, 60, 'traffic')
                    engine.kill()
                    slowest = max(slowest, kill_at(engine, point, config))
                    check(load.alive(), 'the load generator ended')
                e2e.wait_until(lambda: engine.metric('hilum_delivered_total', destination='out') > 200, 60, 'traffic')
                result = load.terminate()
            say(f'{ROUNDS} kills at {point} and as many elsewhere, slowest start {slowest * 1000:.0f} ms; '
                f'load: {result["acknowledged"]} acknowledged, {result["resent"]} sent again')
            check(result['mismatched'] == 0, f'{result}')
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 120, 'the queue drained')
            e2e.wait_until(lambda: engine.api('GET', '/status')['store']['index_lag'] == 0, 60, 'the index has it all')
            last = engine.api('GET', '/messages?limit=1')['messages'][0]
            check(last['state'] == 'done' and last['deliveries'][0]['state'] == 'delivered', f'{last}')
            engine.stop()
            e2e.check_delivery(e2e.sent_ledger(ledger), e2e.arrivals(arrived), result['resent'] + 2 * ROUNDS)
            check(slowest < 5 * e2e.PATIENCE, f'a start took {slowest:.1f} s')


for name in POINTS:
    globals()[f'test_{name}'] = functools.partial(killed_at, name)

e2e.main(globals())
