"""A destination that is down for long: memory stays flat, and all arrives in order once it is back."""

import os
import time

import hilum_e2e as e2e
from hilum_e2e import check, say

TOTAL = 100_000 if e2e.LONG else 10_000
if e2e.SANITIZED:
    TOTAL = 2_000


def test_destination_down():
    with e2e.folder() as dir:
        ledger, arrived = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        sink_port = e2e.free_port()
        with e2e.Engine(dir, e2e.straight(sink_port)) as engine:
            # Up to a tenth of it, buffers and allocator find their size; from there on memory must not follow the queue.
            samples = []
            with e2e.Load(engine.port('in'), connections=16, messages=TOTAL, ledger=ledger) as load:
                while load.alive():
                    samples.append((engine.metric('hilum_messages_acknowledged_total', listener='in'), engine.rss_kb()))
                    time.sleep(0.1)
                result = load.result()
            check(result['errors'] == 0 and result['acknowledged'] == TOTAL, f'{result}')
            base = next((rss for count, rss in samples if count >= TOTAL / 10), engine.rss_kb())
            queued = engine.queue('out')
            check(queued['queued'] == TOTAL, f'{queued}')
            full = max([rss for _, rss in samples] + [engine.rss_kb()])
            with e2e.Sink(sink_port, ledger=arrived) as sink:
                begin = time.monotonic()
                while engine.queue('out')['queued'] > 0:
                    check(time.monotonic() - begin < 600, f'not drained: {engine.queue("out")}')
                    full = max(full, engine.rss_kb())
                    time.sleep(0.1)
                seconds = time.monotonic() - begin
            say(f'{TOTAL} queued at {result["per_second"]:.0f}/s, drained in {seconds:.1f} s ({TOTAL / seconds:.0f}/s); memory '
                f'{base / 1024:.1f} MB at a tenth, at most {full / 1024:.1f} MB later')
            acknowledged, got = e2e.sent_ledger(ledger), e2e.arrivals(arrived)
            e2e.check_delivery(acknowledged, got, 0)
            check(e2e.SANITIZED or full - base < 20 * 1024, f'memory grew by {(full - base) / 1024:.1f} MB')


def test_restart_with_a_backlog():
    total = 20_000 if e2e.LONG else 3_000
    with e2e.folder() as dir:
        ledger, arrived = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        sink_port = e2e.free_port()
        engine = e2e.Engine(dir, e2e.straight(sink_port))
        with engine:
            with e2e.Load(engine.port('in'), connections=8, messages=total, ledger=ledger) as load:
                load.result()
        with engine:
            check(engine.queue('out')['queued'] == total, f'{engine.queue("out")}')
            with e2e.Sink(sink_port, ledger=arrived):
                e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 60, 'the queue drained')
            say(f'ready with {total} queued after {engine.ready_seconds * 1000:.0f} ms')
        e2e.check_delivery(e2e.sent_ledger(ledger), e2e.arrivals(arrived), 0)


e2e.main(globals())
