#!/usr/bin/env python3
"""All figures of docs/performance.md by one command:

    tests/bench/run.py [--quick] [--only intake,fhir,flow,queues,replay,memory,start,idle,parsers,steps,mapping] [--build DIR] [--dir DIR] [--write docs/performance.md]

Whole processes, real sockets, fdatasync on. The load generator, the receiver and the engine share the machine, and the floor
(tests/bench/floor: the least that keeps "acknowledged means on disk") is measured in turn with the engine, because a disk
and its neighbours have good and bad minutes. --dir is where the files go: the disk that is measured."""

import argparse
import datetime
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'e2e'))

FILTER = "MSH-9.1 = 'ADT' and MSH-9.2 in ('A01' | 'A04' | 'A08')"
STEPS = [{'set': {'MSH-5': 'LAB'}}, {'set': {'MSH-6': 'EAST'}}, {'set': {'PID-5.1': '=PID-5.1.upper()'}}]
INTAKE_TARGETS = {1: 80, 16: 55, 64: 45, 256: 45}  # per cent of the floor
FHIR_SIZES, FHIR_TARGET = {'a Patient': 1024, 'a transaction': 10240}, 60  # bytes; per cent of the floor
FLOW_TARGET, FLOW_P99_MS = 8000, 50
IDLE_MB, LOADED_MB, EMPTY_START_MS, FULL_START_MS, IDLE_KB = 40, 150, 300, 5000, 25
FLOORS = {'one thread': [], 'one thread, preallocated': ['--preallocate', '64'], 'reader and committer': ['--threads', '1'],
          'reader and committer, preallocated': ['--threads', '1', '--preallocate', '64']}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--quick', action='store_true', help='fewer and shorter rounds, a smaller backlog')
    parser.add_argument('--only', default='intake,fhir,flow,queues,replay,memory,start,idle,parsers,steps,mapping', help='comma-separated parts')
    parser.add_argument('--build', default=os.path.join(HERE, '..', '..', 'build', 'release'), help='build folder')
    parser.add_argument('--dir', help='a folder on the disk to measure (default: in the build folder)')
    parser.add_argument('--write', metavar='FILE', help='write the page there as well')
    return parser.parse_args()


options = arguments()
build = os.path.abspath(options.build)
os.environ['HILUM_BIN'] = os.path.join(build, 'hilum')
os.environ['HILUM_BENCH_BIN_DIR'] = os.path.join(build, 'tests', 'bench')
import hilum_e2e as e2e  # noqa: E402  (reads the two variables)

ROUNDS = 3 if options.quick else 5
SECONDS = 2 if options.quick else 5
BACKLOG = 100_000 if options.quick else 1_000_000
CONNECTIONS = 2_000 if options.quick else 10_000


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def median(values):
    return statistics.median(values)


def folder():
    return e2e.folder(options.dir or build)


def measure(port, connections, **more):
    with e2e.Load(port, connections=connections, seconds=SECONDS, warmup=0.5, **more) as load:
        result = load.result()
    if result['errors'] or result['unanswered']:
        raise SystemExit(f'the load generator saw errors: {result}')
    return result


def engine_config(destination_port, connections=1000):
    config = e2e.straight(destination_port, steps=STEPS, when=FILTER, max_connections=connections + 100)
    config['destinations']['out']['retry'] = {'first': '1s', 'max': '5s'}
    return config


# --- intake --------------------------------------------------------------------------------------------------------

def floor_round(connections, floor_options):
    with folder() as dir, e2e.Tool('floor', '--listen', 0, '--file', os.path.join(dir, 'floor.log'), *floor_options) as floor:
        return measure(int(floor.process.stdout.readline().split()[1]), connections)


def engine_round(connections, peak):
    with folder() as dir, e2e.Engine(dir, engine_config(e2e.free_port(), connections)) as engine:
        result = measure(engine.port('in'), connections)
        peak.append(engine.rss_kb() / 1024)
        return result


def in_turn(what, floor, engine, among=FLOORS):
    """The best floor, its medians and the engine's, and the ratio in per cent."""
    tried = {name: floor(o)['per_second'] for name, o in among.items()} if len(among) > 1 else dict.fromkeys(among, 0)
    best = max(tried, key=tried.get)
    floors, engines = [], []
    for n in range(ROUNDS):
        floors.append(floor(among[best]))
        engines.append(engine())
        say(f'{what}, round {n + 1}: floor {floors[-1]["per_second"]:.0f}/s, engine {engines[-1]["per_second"]:.0f}/s')
    # In-turn pairs see the same disk, so the ratio is the median of the pairs' ratios.
    ratio = 100 * median([e['per_second'] / f['per_second'] for e, f in zip(engines, floors)])
    return (best, median([f['per_second'] for f in floors]), median([e['per_second'] for e in engines]),
            median([f['p99_us'] for f in floors]) / 1000, median([e['p99_us'] for e in engines]) / 1000, ratio)


def compared(first, rows):
    table = [f'| {first} | floor, messages/s | engine, messages/s | floor p99, ms | engine p99, ms | engine of floor | target | floor |',
             '|---:|---:|---:|---:|---:|---:|---:|---|']
    for c, (best, floor, engine, floor_p99, engine_p99, ratio), target in rows:
        table.append(f'| {c} | {floor:,.0f} | {engine:,.0f} | {floor_p99:.1f} | {engine_p99:.1f} | **{ratio:.0f} %** | '
                     f'{target} % {verdict(ratio >= target)} | {best} |')
    return table


def intake(peak):
    return compared('connections', [
        (connections, in_turn(f'intake, {connections} connections', lambda o: floor_round(connections, o),
                              lambda: engine_round(connections, peak)), target)
        for connections, target in INTAKE_TARGETS.items()])


def fhir_engine_round(size, peak):
    config = {'listeners': {'in': {'fhir': {'listen': '127.0.0.1:0'}}},
              'destinations': {'out': {'fhir': {'base': f'http://127.0.0.1:{e2e.free_port()}/fhir'}, 'retry': {'first': '1s', 'max': '5s'}}},
              'routes': [{'name': 'on', 'from': 'in', 'when': "%request.method = 'POST'", 'to': 'out'}]}
    with folder() as dir, e2e.Engine(dir, config) as engine:
        result = measure(engine.port('in'), 16, fhir='/fhir/Patient' if size < 4096 else '/fhir', size=size)
        peak.append(engine.rss_kb() / 1024)
        return result


def fhir(peak):
    def floor(size, how):
        with folder() as dir, e2e.Tool('floor', '--http', '--listen', 0, '--file', os.path.join(dir, 'floor.log'), *how) as tool:
            return measure(int(tool.process.stdout.readline().split()[1]), 16, fhir='/fhir', size=size)

    def both(what, size, **among):
        return in_turn(f'fhir, {what}', lambda o: floor(size, o), lambda: fhir_engine_round(size, peak), **among)

    table = compared('what is posted', [(f'{what}, {size / 1024:.0f} KB', both(what, size), FHIR_TARGET) for what, size in FHIR_SIZES.items()])
    beside = {what: both(f'{what}, zeroed', size, among={'zeroed': ['--threads', '1', '--zeroed', '1024']}) for what, size in FHIR_SIZES.items()}
    return table + ['', 'A floor that writes over zeros, put there before it was measured, is spared what a file system does for one that grows. Of that '
                    'the engine reaches ' + ', '.join(f'{ratio:.0f} % ({what}: {engine:,.0f} of {speed:,.0f})'
                                                      for what, (_, speed, engine, _, _, ratio) in beside.items()) + '.']


def verdict(reached):
    return 'reached' if reached else '**missed**'


# --- end to end ----------------------------------------------------------------------------------------------------

def flow_round(rate=None, peak=None):
    """Intake and delivery together; returns delivered messages a second and the sink's in-to-out times."""
    with folder() as dir, e2e.Sink() as sink, e2e.Engine(dir, engine_config(sink.port)) as engine:
        begin = time.monotonic()
        with e2e.Load(engine.port('in'), connections=16, seconds=SECONDS, **({'rate': rate} if rate else {})) as load:
            result = load.result()
        e2e.wait_until(lambda: engine.metric('hilum_delivered_total', destination='out') >= result['acknowledged'], 120,
                       'all delivered')
        seconds = time.monotonic() - begin
        if peak is not None:
            peak.append(engine.rss_kb() / 1024)
        return result['acknowledged'] / seconds, sink.terminate(), result


def flow(peak):
    speeds = []
    for n in range(ROUNDS):
        speeds.append(flow_round(peak=peak)[0])
        say(f'end to end, round {n + 1}: {speeds[-1]:.0f}/s until the last one is delivered')
    speed = median(speeds)
    p50, p99 = [], []
    for n in range(ROUNDS):
        _, sink, result = flow_round(rate=speed / 2)
        p50.append(sink['p50_us'] / 1000)
        p99.append(sink['p99_us'] / 1000)
        say(f'end to end at half of that, round {n + 1}: in-to-out p99 {p99[-1]:.1f} ms')
    return ['| what | measured | target |', '|---|---:|---:|',
            f'| messages/s in, delivered and recorded, 16 connections | **{speed:,.0f}** | {FLOW_TARGET:,} {verdict(speed >= FLOW_TARGET)} |',
            f'| in to out at half that load, p50 | {median(p50):.1f} ms | |',
            f'| in to out at half that load, p99 | **{median(p99):.1f} ms** | {FLOW_P99_MS} ms {verdict(median(p99) < FLOW_P99_MS)} |']


# --- queues --------------------------------------------------------------------------------------------------------

QUEUED = 20_000 if options.quick else 100_000


def drain(**keys):
    """Messages a second from a full queue to a receiver that has just come, and the engine's memory then."""
    port = e2e.free_port()
    config = engine_config(port)
    config['destinations']['out'].update(keys)
    with folder() as dir, e2e.Engine(dir, config) as engine:
        with e2e.Load(engine.port('in'), connections=64, messages=QUEUED) as load:
            load.result(600)
        engine.api('POST', '/queues/out/pause')
        with e2e.Sink(port):
            engine.api('POST', '/queues/out/resume')
            engine.api('POST', '/queues/out/retry')  # not when its pause is over
            begin = time.monotonic()
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 600, 'drained')
            return QUEUED / (time.monotonic() - begin), engine.rss_kb() / 1024


def beside(port_of_other):
    """Delivered a second to a live destination, with another one beside it in every route; in-to-out p99 at half of that."""
    with folder() as dir, e2e.Sink() as sink:
        config = engine_config(sink.port)
        config['destinations']['other'] = {'mllp': {'connect': f'127.0.0.1:{port_of_other}'}, 'retry': {'first': '1s', 'max': '5s'}}
        config['routes'][0]['to'] = ['other', 'out']
        with e2e.Engine(dir, config) as engine:
            begin = time.monotonic()
            with e2e.Load(engine.port('in'), connections=16, seconds=SECONDS) as load:
                result = load.result()
            e2e.wait_until(lambda: engine.metric('hilum_delivered_total', destination='out') >= result['acknowledged'], 120, 'delivered')
            return result['acknowledged'] / (time.monotonic() - begin)


def queues():
    # The last five digits of load's control ids count up: 100,000 keys.
    ways = {'one line': {}, 'order_by with 100,000 values, 16 connections': {'order_by': 'MSH-10.substring(15)', 'connections': 16},
            'order_by with one value for each sender, 16 connections': {'order_by': 'MSH-10.substring(0, 11)', 'connections': 16}}
    speeds = {way: [] for way in ways}
    memory_mb = 0
    live, with_dead = [], []
    for n in range(ROUNDS):
        for way, keys in ways.items():
            speed, mb = drain(**keys)
            speeds[way].append(speed)
            memory_mb = max(memory_mb, mb)
            say(f'queues, round {n + 1}: {way}: {speed:.0f}/s')
        live.append(flow_round()[0])
        with_dead.append(beside(e2e.free_port()))
        say(f'queues, round {n + 1}: alone {live[-1]:.0f}/s, beside a dead one {with_dead[-1]:.0f}/s')
    base = median(speeds['one line'])
    rows = ['| what | messages/s | of one line | target |', '|---|---:|---:|---:|']
    for way, all in speeds.items():
        ratio = median([a / b for a, b in zip(all, speeds['one line'])])
        target = '' if way == 'one line' else f'80 % {verdict(ratio >= 0.8)}'
        rows.append(f'| drained: {way} | **{median(all):,.0f}** | {ratio:.0%} | {target} |')
    ratio = median([a / b for a, b in zip(with_dead, live)])
    rows.append(f'| in and out, with a dead destination beside (each message is owed to it, too), of the same without | **{median(with_dead):,.0f}** '
                f'| {ratio:.0%} | 95 % {verdict(ratio >= 0.95)} |')
    return rows + ['', f'{QUEUED:,} messages queued; at most {memory_mb:.0f} MB of memory.']


# --- replay ----------------------------------------------------------------------------------------------------------

REPLAYS = {'as it was sent': [], 'reprocessed': ['--reprocess']}


def replay_round():
    """Messages a second until the last one is delivered: coming in, and then again in each way."""
    with folder() as dir, e2e.Sink() as sink, e2e.Engine(dir, engine_config(sink.port)) as engine:
        expected = 0

        def delivered_since(begin):
            nonlocal expected
            expected += QUEUED
            e2e.wait_until(lambda: engine.metric('hilum_delivered_total', destination='out') >= expected, 600, 'all delivered')
            return QUEUED / (time.monotonic() - begin)

        begin = time.monotonic()
        with e2e.Load(engine.port('in'), connections=16, messages=QUEUED) as load:
            load.result(600)
        speeds = {'first': delivered_since(begin)}
        ends = datetime.datetime.now(datetime.timezone.utc).isoformat()
        for way, how in REPLAYS.items():
            e2e.wait_until(lambda: engine.api('GET', '/status')['store']['index_lag'] == 0, 600, 'the index has it')
            code, _, text = e2e.hilum('replay', '--from', '2000-01-01', '--to', ends, '--rate', '100000/s', *how, '--admin', engine.admin)
            begin = time.monotonic()  # the preview is over
            if code != 0:
                raise SystemExit(text)
            speeds[way] = delivered_since(begin)
        return speeds


def replay():
    rounds = []
    for n in range(ROUNDS):
        rounds.append(replay_round())
        say(f'replay, round {n + 1}: ' + ', '.join(f'{way} {speed:.0f}/s' for way, speed in rounds[-1].items()))
    rows = ['| what | messages/s | of end to end | target |', '|---|---:|---:|---:|',
            f'| in and out, 16 connections | **{median([r["first"] for r in rounds]):,.0f}** | 100 % | |']
    for way in REPLAYS:
        ratio = median([r[way] / r['first'] for r in rounds])
        rows.append(f'| replayed, {way} | **{median([r[way] for r in rounds]):,.0f}** | {ratio:.0%} | 90 % {verdict(ratio >= 0.9)} |')
    return rows + ['', f'{QUEUED:,} messages.']


# --- memory, start, idle connections -------------------------------------------------------------------------------

def limits(rows):
    return ['| what | measured | at most |', '|---|---:|---:|',
            *(f'| {what} | **{value:,.{digits}f} {unit}** | {limit:,} {unit} {verdict(value <= limit)} |'
              for what, value, digits, unit, limit in rows)]


def memory(peak):
    with folder() as dir, e2e.Engine(dir, engine_config(e2e.free_port())) as engine:
        time.sleep(1)
        idle = engine.rss_kb() / 1024
    if not peak:
        for connections in (64, 256):
            engine_round(connections, peak)
        flow_round(peak=peak)
    return [('resident memory, idle', idle, 1, 'MB', IDLE_MB), ('resident memory, the most of all runs at full load', max(peak), 1, 'MB', LOADED_MB)]


def start():
    empty = []
    for _ in range(ROUNDS):
        with folder() as dir, e2e.Engine(dir, engine_config(e2e.free_port())) as engine:
            empty.append(engine.ready_seconds * 1000)
    with folder() as dir:
        engine = e2e.Engine(dir, engine_config(e2e.free_port()))
        with engine, e2e.Load(engine.port('in'), connections=64, messages=BACKLOG) as load:
            result = load.result(3600)
            say(f'{BACKLOG:,} queued at {result["per_second"]:.0f}/s')
        after_stop, after_kill = [], []
        for times, end in ((after_stop, engine.stop), (after_kill, engine.kill)):
            for _ in range(ROUNDS):
                engine.start(within=120)
                times.append(engine.ready_seconds * 1000)
                queued = engine.queue('out')['queued']
                memory_mb = engine.rss_kb() / 1024
                end()
                if queued != BACKLOG:
                    raise SystemExit(f'{queued} queued, {BACKLOG} were acknowledged')
    return [('start to ready, empty store', median(empty), 0, 'ms', EMPTY_START_MS),
            (f'start to ready, {BACKLOG:,} queued', median(after_stop), 0, 'ms', FULL_START_MS),
            (f'start to ready, {BACKLOG:,} queued, after kill -9', median(after_kill[1:] or after_kill), 0, 'ms', FULL_START_MS),
            (f'resident memory, {BACKLOG:,} queued', memory_mb, 1, 'MB', LOADED_MB)]


def idle():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = CONNECTIONS if hard == resource.RLIM_INFINITY else min(CONNECTIONS, hard - 500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with folder() as dir, e2e.Engine(dir, engine_config(e2e.free_port(), count)) as engine:
        before = engine.rss_kb()
        peers = []
        for _ in range(count):
            peers.append(e2e.Connection(engine.port('in')))
        e2e.wait_until(lambda: engine.metric('hilum_connections_open') >= count, 60, 'all accepted')
        untouched = (engine.rss_kb() - before) / count
        for n, peer in enumerate(peers):  # and after each has carried a message
            peer.write(e2e.START + e2e.adt(f'IDLE{n}') + e2e.END)
        for peer in peers:
            peer.read()
        time.sleep(1)
        used = (engine.rss_kb() - before) / count
        for peer in peers:
            peer.close()
    return [(f'memory of each of {count:,} idle connections', untouched, 1, 'KB', IDLE_KB),
            ('the same after a message on each', used, 1, 'KB', IDLE_KB)]


# --- parsers -------------------------------------------------------------------------------------------------------

# Benchmark, what it does, target per message: the ADT of 1 KB, the ORU of 5 KB, the ORU of 1 MB in GB/s.
PARSER_JOBS = [('floor_index_delimiters', 'AVX2 scan that writes the index of the delimiters (the floor)', (None, None, None)),
               ('view_and_read_six', 'parse, read MSH-9, MSH-10, PID-3.1, PID-5.1, PV1-2 or OBR-4, the last OBX-5', (2_000_000, 600_000, 5)),
               ('view_set_two_and_write', 'parse, set two fields, serialise', (1_000_000, 400_000, 3)),
               ('parse_and_validate', 'parse, validate against the dictionary', (200_000, 60_000, None))]


def parsers():
    done = subprocess.run([os.path.join(build, 'tests', 'bench', 'bench_parsers'), '--benchmark_format=json',
                           '--benchmark_filter=' + '|'.join(f'^{name}/' for name, _, _ in PARSER_JOBS),
                           f'--benchmark_repetitions={ROUNDS}', '--benchmark_enable_random_interleaving=true',
                           f'--benchmark_min_time={SECONDS / 10}'], capture_output=True, text=True, check=True)
    medians = {b['run_name'].removesuffix('/repeats:%d' % ROUNDS): b for b in json.loads(done.stdout)['benchmarks']
               if b.get('aggregate_name') == 'median'}
    table = ['| job, one core | 1 KB ADT, messages/s | 5 KB ORU, messages/s | 1 MB ORU with a document in base64 |', '|---|---:|---:|---:|']
    for name, what, targets in PARSER_JOBS:
        cells = []
        for which, target in enumerate(targets):
            found = medians.get(f'{name}/{which}')
            if found is None:
                cells.append('–')
                continue
            per_second = found['items_per_second'] if which < 2 else found['bytes_per_second'] / 1e9
            text = f'**{per_second:,.0f}**' if which < 2 else f'**{per_second:.1f} GB/s**'
            if target is not None:
                text += f' (target {target:,}{"" if which < 2 else " GB/s"}, {verdict(per_second >= target)})'
            cells.append(text)
        table.append(f'| {what} | ' + ' | '.join(cells) + ' |')
    return table


STEP_JOBS = [('set', 'set', 'one field, a text'), ('copy', 'copy', 'a field'), ('move', 'move', 'a field'), ('delete', 'delete', 'a segment'),
             ('append', 'append', 'a segment of one value'), ('rename', 'rename', 'a segment'), ('replace', 'replace', 'one value'),
             ('lookup', 'lookup', 'one value, 1,000 rows'), ('date', 'date', 'one value'), ('date_zone', 'date', 'one value, into another time zone'),
             ('number', 'number', 'every OBX-5'), ('convert', 'convert', '2.5 to 2.5.1'), ('convert_xml', 'convert', 'to XML'),
             ('convert_json', 'convert', 'to JSON'), ('validate', 'validate', 'the standard'),
             ('validate_profile', 'validate', 'the standard and a profile'), ('when', 'when', 'one comparison, not so'),
             ('for_each', 'for_each', 'a set in every OBX'), ('split', 'split', 'into two messages'), ('call', 'call', 'a list of one set'),
             ('lua', 'lua', 'one field'), ('stop', 'stop', 'always'), ('hold', 'hold', 'always'), ('reject', 'reject', 'always')]
YARDSTICKS = [('parse_filter_lookup_three_sets', 'parse, filter, lookup, three set', 300_000),
              ('parse_filter_lua', 'parse, filter, the same in Lua', 80_000)]


def steps():
    names = ['step_none'] + [f'step_{name}' for name, _, _ in STEP_JOBS] + [name for name, _, _ in YARDSTICKS]
    done = subprocess.run([os.path.join(build, 'tests', 'bench', 'bench_parsers'), '--benchmark_format=json',
                           '--benchmark_filter=' + '|'.join(f'^route/{name}$' for name in names),
                           f'--benchmark_repetitions={ROUNDS}', '--benchmark_enable_random_interleaving=true',
                           f'--benchmark_min_time={SECONDS / 10}'], capture_output=True, text=True, check=True)
    times = {b['run_name'].removesuffix('/repeats:%d' % ROUNDS).removeprefix('route/'): b['cpu_time']
             for b in json.loads(done.stdout)['benchmarks'] if b.get('aggregate_name') == 'median'}
    table = ['| route, one core | messages/s | target |', '|---|---:|---:|']
    for name, what, target in YARDSTICKS:
        per_second = 1e9 / times[name]
        table.append(f'| {what} | **{per_second:,.0f}** | {target:,} {verdict(per_second >= target)} |')
    none = times['step_none']
    table += ['', f'A route without steps takes {none / 1000:.2f} µs a message: parsing, the filter, planning the delivery. What a step adds to that, the '
              'changed message written out again included, as far as it changes it:', '',
              '| step | over a 1 KB ADT | µs |', '|---|---|---:|']
    for name, step, what in STEP_JOBS:
        table.append(f'| `{step}` | {what} | {max(0, times["step_" + name] - none) / 1000:.2f} |')
    return table


MAPPINGS = [('v2_to_fhir/adt', '1 KB ADT^A01 to a transaction', 20_000), ('v2_to_fhir/oru', '5 KB ORU^R01, 20 OBX, to a transaction', 6_000)]


def mapping():
    done = subprocess.run([os.path.join(build, 'tests', 'bench', 'bench_parsers'), '--benchmark_format=json', '--benchmark_filter=^v2_to_fhir/',
                           f'--benchmark_repetitions={ROUNDS}', '--benchmark_enable_random_interleaving=true',
                           f'--benchmark_min_time={SECONDS / 10}'], capture_output=True, text=True, check=True)
    found = {b['run_name'].removesuffix('/repeats:%d' % ROUNDS): b for b in json.loads(done.stdout)['benchmarks'] if b.get('aggregate_name') == 'median'}
    table = ['| HL7 v2 to FHIR by the guide\'s maps, one core | messages/s | with losses listed | Bundle | target |', '|---|---:|---:|---:|---:|']
    for name, what, target in MAPPINGS:
        plain, listed = found[f'{name}/0'], found[f'{name}/20']
        table.append(f'| {what} | **{plain["items_per_second"]:,.0f}** | {listed["items_per_second"]:,.0f} | {plain["bytes_out"] / 1000:.1f} KB | '
                     f'{target:,} {verdict(plain["items_per_second"] >= target)} |')
    return [*table, '', f'Parsing the message and writing the JSON are in it. The maps are read and compiled in {found["v2_to_fhir/load"]["cpu_time"]:.0f} ms, '
            'once for all routes that use the same files.']


# --- the page ------------------------------------------------------------------------------------------------------

def machine():
    with open('/proc/cpuinfo') as f:
        model = (re.search(r'model name\s*:\s*(.+)', f.read()) or ['', platform.machine()])[1]
    with open('/proc/meminfo') as f:
        gib = int(re.search(r'MemTotal:\s+(\d+)', f.read())[1]) / (1 << 20)
    fs = subprocess.run(['stat', '-f', '-c', '%T', options.dir or build], capture_output=True, text=True).stdout.strip()
    return f'{model}, {os.cpu_count()} cores, {gib:.0f} GiB, {fs}, Linux {platform.release()}'


def main():
    chosen = options.only.split(',')
    busy = os.getloadavg()[0]
    if busy > 0.5:
        say(f'the machine is not quiet (load {busy:.1f}): figures will be low and uneven')
    peak = []
    page = ['# Performance', '',
            'Measured by `tests/bench/run.py' + (' --quick' if options.quick else '') + '` '
            f'on {datetime.date.today().isoformat()}: {machine()}. The load generator, the receiver and the engine are processes '
            'of their own that share these cores; every message is about 1 KB (ADT^A01) and every acknowledgement follows an '
            f'fdatasync. Medians of {ROUNDS} rounds of {SECONDS} s. Load of the machine before the start: {busy:.1f}.', '']
    if 'intake' in chosen:
        page += ['## Intake', '',
                 f'A filter (`{FILTER}`), three `set` steps, one MLLP destination that is not there. The floor is a bare server '
                 'that frames, appends to a file, shares an fdatasync among those waiting and acknowledges, without parsing or '
                 'routes; of its variants the fastest at that number of connections is taken. Floor and engine run in turn; the '
                 'ratio is the median of the pairs.', '', *intake(peak), '']
    if 'fhir' in chosen:
        page += ['## FHIR over HTTP', '',
                 'JSON posted on 16 kept connections, stored with fdatasync, answered; a filter, one FHIR destination that is not there. '
                 'The floor is the same bare server with Beast\'s HTTP parser in place of the framing; it does not look into the JSON.', '',
                 *fhir(peak), '']
    if 'flow' in chosen:
        page += ['## End to end', '', 'The same, with an MLLP destination that acknowledges at once; every delivery is recorded.', '',
                 *flow(peak), '']
    if 'queues' in chosen:
        page += ['## Queues', '', 'From a full queue to a receiver that acknowledges at once, until the last result is recorded.', '', *queues(), '']
    if 'replay' in chosen:
        page += ['## Replay', '', 'From the start of the job until the last message is delivered and recorded.', '', *replay(), '']
    if 'parsers' in chosen:
        page += ['## Parsing', '', 'Nothing is cached between messages. No allocation per field (`tests/parsers/hl7/allocation_test.cpp` counts).', '',
                 *parsers(), '']
    if 'steps' in chosen:
        page += ['## Cost per step', '', *steps(), '']
    if 'mapping' in chosen:
        page += ['## Mapping to FHIR', '', *mapping(), '']
    rows = []
    if 'memory' in chosen:
        rows += memory(peak)
    if 'start' in chosen:
        rows += start()
    if 'idle' in chosen:
        rows += idle()
    if rows:
        page += ['## Memory and start', '', *limits(rows), '']
    text = '\n'.join(page)
    print(text)
    if options.write:
        with open(options.write, 'w') as f:
            f.write(text)


if __name__ == '__main__':
    main()
