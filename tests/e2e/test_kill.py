"""R1: kill -9 at random moments under load. Nothing acknowledged is lost, nothing overtaken, few duplicates. HILUM_KILLS says how often."""

import os
import random
import time

import hilum_e2e as e2e
from hilum_e2e import check, say

ROUNDS = int(os.environ.get('HILUM_KILLS') or (1000 if e2e.LONG else 10))
CONNECTIONS = 64


def test_kill_under_load():
    with e2e.folder() as dir:
        ledger, arrived = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        port = e2e.free_port()
        with e2e.Sink(ledger=arrived) as sink:
            config = e2e.straight(sink.port, steps=[{'set': {'MSH-5': 'LAB'}}])
            config['listeners']['in']['mllp']['listen'] = f'127.0.0.1:{port}'
            engine = e2e.Engine(dir, config)
            slowest, kills_in_start = 0.0, 0
            engine.start()
            # An open loop below what one lane delivers, so that the run ends with its queue.
            with e2e.Load(port, connections=CONNECTIONS, rate=500 if e2e.SANITIZED else 2000, seconds=7 * ROUNDS, ledger=ledger,
                          reconnect=True) as load:
                for n in range(ROUNDS):
                    time.sleep(random.uniform(0.05, 2.0))
                    engine.kill()
                    engine.start(within=10)
                    slowest = max(slowest, engine.ready_seconds)
                    check(load.alive(), 'the load generator ended')
                time.sleep(1)
                result = load.terminate()
            say(f'{ROUNDS} kills, slowest start {slowest * 1000:.0f} ms; load: {result["acknowledged"]} acknowledged, '
                f'{result["resent"]} sent again, {result["lost_connections"]} connections lost')
            check(result['refused'] == 0 and result['mismatched'] == 0, f'{result}')
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 120, 'the queue drained')
            engine.stop()
            # A sender repeats what it got no answer for, and one delivery can be in flight at each kill.
            e2e.check_delivery(e2e.sent_ledger(ledger), e2e.arrivals(arrived), result['resent'] + ROUNDS)
            check(slowest < 5 * e2e.PATIENCE, f'a start took {slowest:.1f} s')


def test_kill_with_a_destination_that_comes_and_goes():
    rounds = max(3, ROUNDS // 3)
    with e2e.folder() as dir:
        ledger, arrived = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        port, sink_port = e2e.free_port(), e2e.free_port()
        config = e2e.straight(sink_port)
        config['listeners']['in']['mllp']['listen'] = f'127.0.0.1:{port}'
        engine = e2e.Engine(dir, config)
        engine.start()
        restarts = 0
        with e2e.Load(port, connections=CONNECTIONS, rate=300 if e2e.SANITIZED else 1000, seconds=10 * rounds, ledger=ledger,
                      reconnect=True) as load:
            for n in range(rounds):
                with e2e.Sink(sink_port, ledger=arrived):
                    time.sleep(random.uniform(0.2, 1.5))
                restarts += 1
                time.sleep(random.uniform(0.0, 0.5))
                engine.kill()
                engine.start(within=10)
            result = load.terminate()
        with e2e.Sink(sink_port, ledger=arrived):
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 120, 'the queue drained')
        engine.stop()
        e2e.check_delivery(e2e.sent_ledger(ledger), e2e.arrivals(arrived), result['resent'] + rounds + restarts)


e2e.main(globals())
