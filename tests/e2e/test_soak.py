"""R13: a soak. Load at 30 % of what the engine can do, with all that goes on in a hospital beside it: connections that come and go,
garbage, reloads, messages that are held, retention. Memory must not grow, descriptors must stay the same, answers must not become slower.

HILUM_SOAK_MINUTES says for how long: a minute if nothing is said, a day with HILUM_LONG=1. What a minute can show is a gross leak; the
limits of RELIABILITY.md (1 MB an hour, 10 % of p99) are held from half an hour on."""

import os
import statistics
import threading
import time

import hilum_e2e as e2e
from hilum_e2e import START, END, check, say

MINUTES = float(os.environ.get('HILUM_SOAK_MINUTES') or (24 * 60 if e2e.LONG else 1))
WINDOWS = 24  # the first quarter of them warms up
CONNECTIONS = 16


def configuration(out_port, lab_port):
    config = e2e.straight(out_port, steps=[{'set': {'MSH-5': 'LAB'}}, {'set': {'PID-5.1': '=PID-5.1.upper()'}}],
                          when="MSH-9.1 = 'ADT'")
    config['destinations']['lab'] = {'mllp': {'connect': f'127.0.0.1:{lab_port}'}, 'order_by': 'MSH-10.substring(0, 11)',
                                     'connections': 4, 'retry': e2e.FAST_RETRY}
    config['routes'][0]['to'] = ['out', 'lab']
    # A message of type ORU finds no entry and is held.
    config['tables'] = {'wards': {'csv': 'wards.csv', 'key': 'local', 'value': 'standard'}}
    config['routes'].append({'name': 'held', 'from': 'in', 'when': "MSH-9.1 = 'ORU'", 'to': 'out',
                             'steps': [{'lookup': {'field': 'PV1-3.1', 'table': 'wards', 'otherwise': 'hold'}}]})
    config['store'] = {'segment_size': '2MiB', 'budget': '128MiB'}
    return config


class Bustle(threading.Thread):
    """What goes on beside the load, about once a second."""

    def __init__(self, engine, config):
        super().__init__()
        self.engine, self.config, self.running, self.failed, self.turns = engine, config, True, None, 0

    def run(self):
        try:
            while self.running:
                self.turn()
                time.sleep(1)
        except Exception as error:
            self.failed = error

    def turn(self):
        self.turns += 1
        n, engine = self.turns, self.engine
        for i in range(5):
            with e2e.Connection(engine.port('in')) as peer:
                peer.write(b'garbage' + START + e2e.adt(f'B{n}-{i}') + END)
                check(b'MSA|AA' in peer.read(), 'a connection that comes and goes is served')
        with e2e.Connection(engine.port('in')) as peer:
            peer.write(START + b'MSH|no end')
            peer.reset()
        with e2e.Connection(engine.port('in')) as peer:
            check(b'MSA|AA' in peer.send(e2e.adt(f'H{n}').replace(b'ADT^A01^ADT_A01', b'ORU^R01^ORU_R01')), 'held')
        engine.api('GET', '/queues')
        # What is held is kept for ever, and all that came after it: somebody has to deal with it.
        for held in engine.api('GET', '/messages?state=held&limit=20')['messages']:
            # The list is written behind: one that has been cancelled meanwhile is refused.
            status, text = engine.http('POST', f'/api/v1/messages/{held["message"]}/cancel', {'reason': 'a soak'})
            check(status in (200, 409), f'cancel: {status} {text}')
        if n % 15 == 0:
            self.config['destinations']['out']['retry'] = {'first': f'{100 + n % 2}ms', 'max': '500ms'}
            self.config['routes'][0]['steps'][0] = {'set': {'MSH-5': f'LAB{n}'}}
            engine.configure(self.config)
            engine.api('POST', '/reload', {})

    def end(self):
        self.running = False
        self.join()
        if self.failed:
            raise self.failed


def descriptors(engine):
    return len(os.listdir(f'/proc/{engine.process.pid}/fd'))


def slope_per_hour(samples):
    """Of (seconds, value) pairs, by least squares."""
    t, v = [s[0] / 3600 for s in samples], [s[1] for s in samples]
    mean_t, mean_v = statistics.fmean(t), statistics.fmean(v)
    return sum((a - mean_t) * (b - mean_v) for a, b in zip(t, v)) / sum((a - mean_t) ** 2 for a in t)


def nominal(engine):
    """What comes in and goes out, a second, at full load."""
    begin = time.monotonic()
    with e2e.Load(engine.port('in'), connections=CONNECTIONS, seconds=4) as load:
        acknowledged = load.result()['acknowledged']
    e2e.wait_until(lambda: all(engine.queue(d)['queued'] == 0 for d in ('out', 'lab')), 120, 'drained')
    return acknowledged / (time.monotonic() - begin)


def test_soak():
    long_enough = MINUTES >= 30
    with e2e.folder() as dir, e2e.Sink() as out, e2e.Sink() as lab:
        with open(os.path.join(dir, 'wards.csv'), 'w') as f:
            f.write('local,standard\n9Z,nine\n')
        config = configuration(out.port, lab.port)
        with e2e.Engine(dir, config) as engine:
            rate = 0.3 * nominal(engine)
            window = MINUTES * 60 / WINDOWS
            say(f'{rate:.0f} messages a second for {MINUTES:g} minutes')
            bustle = Bustle(engine, config)
            bustle.start()
            memory, files, p99, begin = [], [], [], time.monotonic()
            for n in range(WINDOWS):
                with e2e.Load(engine.port('in'), connections=CONNECTIONS, rate=rate, seconds=window) as load:
                    in_window = []
                    while load.alive():
                        time.sleep(min(1, window / 4))
                        if load.alive():
                            in_window.append((time.monotonic() - begin, engine.rss_kb() / 1024))
                            files.append((n, descriptors(engine)))
                    result = load.result()
                check(result['errors'] == 0 and result['unanswered'] == 0, f'window {n}: {result}')
                check(bustle.is_alive(), f'{bustle.failed!r}')
                p99.append(result['p99_us'] / 1000)
                if n >= WINDOWS // 4:
                    memory += in_window
                if MINUTES > 10:
                    say(f'{(time.monotonic() - begin) / 60:.0f} min: {in_window[-1][1]:.1f} MB, {files[-1][1]} descriptors, p99 {p99[-1]:.1f} ms')
            bustle.end()
            e2e.wait_until(lambda: all(engine.queue(d)['queued'] == 0 for d in ('out', 'lab')), 60, 'nothing is left waiting')
            check(engine.api('GET', '/status')['store']['health'] == 'good', 'the store is well')

            warm = WINDOWS // 4
            slope = slope_per_hour(memory)
            grown = statistics.median(v for _, v in memory[-len(memory) // 4:]) - statistics.median(v for _, v in memory[:len(memory) // 4])
            of = lambda windows: statistics.median(count for n, count in files if n in windows)
            first, last = of(range(warm, 2 * warm)), of(range(WINDOWS - warm, WINDOWS))
            before, after = statistics.median(p99[warm:2 * warm]), statistics.median(p99[-warm:])
            say(f'memory {memory[-1][1]:.1f} MB, {slope:+.2f} MB/h, {grown:+.2f} MB from the first quarter to the last; '
                f'descriptors {first:.0f}, then {last:.0f}; p99 {before:.1f} ms, then {after:.1f} ms; {bustle.turns} turns beside it')
            if not e2e.SANITIZED:
                check(slope < 1 if long_enough else grown < 16, f'memory grows: {slope:.2f} MB/h')
                check(after <= before * 1.1 if long_enough else after <= 3 * before + 20, f'p99 {before:.1f} ms, then {after:.1f} ms')
            # In the first minutes the store opens the files of as many segments as it keeps open, 64.
            check(abs(last - first) <= (3 if long_enough else 64), f'descriptors: {first}, then {last}')


e2e.main(globals())
