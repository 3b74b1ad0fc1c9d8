"""A store with a budget: what nobody needs goes first, an alarm before it is full, then nothing is read until there is room."""

import http.client
import os
import threading
import time

import hilum_e2e as e2e
from hilum_e2e import check, say

MIB = 1 << 20


def big(control_id):
    return e2e.adt(control_id) + b'NTE|1|L|' + b'x' * 16000 + b'\r'


def budgeted(port, budget='8MiB'):
    config = e2e.straight(port)
    config['store'] = {'segment_size': '1MiB', 'budget': budget}
    return config


def fill(engine, prefix):
    """One sender until nothing is read any more: what was acknowledged, and what was refused."""
    acknowledged, refused = [], []
    with e2e.Connection(engine.port('in'), timeout=2) as sender:
        for n in range(5000):
            name = f'{prefix}{n:05}'
            try:
                answer = sender.send(big(name))
            except TimeoutError:
                break
            (acknowledged if b'MSA|AA' in answer else refused).append(name)
            if b'MSA|AA' not in answer:
                check(b'MSA|AR' in answer and b'|207^' in answer, f'refused as {answer}')
    return acknowledged, refused


def used(engine):
    return engine.api('GET', '/status')['store']['used_bytes']


def test_full_of_what_is_owed():
    with e2e.folder() as dir:
        port = e2e.free_port()
        config = budgeted(port)
        config['listeners']['web'] = {'http': {'listen': '127.0.0.1:0'}}
        inbox = os.path.join(dir, 'inbox')
        config['listeners']['files'] = {'file': {'dir': inbox, 'poll': '100ms', 'settle': '100ms'}}
        config['routes'][0]['from'] = ['in', 'web', 'files']
        with e2e.Engine(dir, config) as engine:
            acknowledged, refused = fill(engine, 'A')
            say(f'{len(acknowledged)} acknowledged, {len(refused)} refused, {used(engine) / MIB:.1f} MiB used')
            # One is refused at most for each that was under way; none when the store was seen to be full between two messages.
            check(len(acknowledged) > 300 and len(refused) <= 3, 'the budget is used, and then nothing is read')
            check(used(engine) <= 10 * MIB, f'and it holds, but for the index of what was taken: {used(engine)}')
            log = engine.log()
            places = [log.find(f'store_{level}') for level in ('filling', 'nearly_full', 'full')]
            # So small a budget may fill up from one level to the one after the next between two looks.
            check(0 < min(p for p in places[:2] if p > 0) < places[2], f'an alarm before it is full: {places}')
            check(engine.http('GET', '/readyz') == (503, 'not ready; the store is 100 % full\n'), 'not ready')
            check(engine.http('GET', '/livez')[0] == 200, 'alive')
            check(engine.api('GET', '/queues')['store'] == {'level': 'full', 'used_percent': 100}, 'beside the queues')
            check(engine.metric('hilum_store_limit_bytes') == 8 * MIB, 'the limit')

            client = http.client.HTTPConnection('127.0.0.1', engine.port('web'), timeout=10)
            client.request('POST', '/', big('W'), {'Content-Type': 'text/plain'})
            response = client.getresponse()
            check(response.status == 503 and response.headers['Retry-After'] and b'|207^' in response.read(), 'HTTP: come again')
            client.close()
            with open(os.path.join(inbox, 'f.hl7'), 'wb') as f:
                f.write(big('F'))
            # A sender that gives up and comes again, over and over: its message is to be taken once.
            for _ in range(5):
                with e2e.Connection(engine.port('in'), timeout=2) as sender:
                    sender.write(e2e.START + big('G') + e2e.END)
                    time.sleep(0.2)
            with e2e.Connection(engine.port('in'), timeout=60) as sender:
                sender.write(e2e.START + big('G') + e2e.END)
                time.sleep(1.5)
                check(not os.listdir(os.path.join(inbox, 'done')), 'the file waits')
                with e2e.Receiver(port) as out:
                    began = time.monotonic()
                    check(b'MSA|AA|G' in sender.read(), 'taken when what waited has been delivered and dropped')
                    say(f'taken {time.monotonic() - began:.1f} s after the receiver was there')
                    expected = set(acknowledged) | {'F', 'G'}
                    e2e.wait_until(lambda: out.count() >= len(expected), 30, f'{out.count()} of {len(expected)} delivered')
                    time.sleep(1)
                    names = [e2e.control_id(m).decode() for m in out.messages]
                    check(set(names) == expected, f'too many {sorted(set(names) - expected)[:5]}, missing {sorted(expected - set(names))[:5]}')
                    check(len(names) == len(set(names)), f'twice: {sorted(n for n in set(names) if names.count(n) > 1)[:5]}')
                    check(engine.http('GET', '/readyz')[0] == 200, 'ready again')
            check('store_has_room' in engine.log(), 'and told')


def test_what_nobody_needs_goes_first():
    with e2e.folder() as dir, e2e.Receiver() as out:
        config = budgeted(out.port, '32MiB')
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            most = 0
            for n in range(3000):
                check(b'MSA|AA' in sender.send(big(f'H{n:05}')), 'never refused')
                time.sleep(0.004)
                if n % 50 == 0:
                    most = max(most, used(engine))
            check(most <= 32 * MIB, f'{most} used')
            check('store_full' not in engine.log() and 'store_nearly_full' not in engine.log(), 'and nobody was alarmed')
            check(engine.api('GET', '/status')['store']['messages'] < 2000, 'the old ones went')
            e2e.wait_until(lambda: out.count() == 3000, 20, 'all were delivered')
            say(f'47 MiB went through a budget of 32 MiB, at most {most / MIB:.1f} MiB used')


def test_retention_by_size():
    with e2e.folder() as dir:
        port = e2e.free_port()
        config = e2e.straight(port)
        config['store'] = {'segment_size': '1MiB', 'retain': {'age': '30d', 'size': '4MiB'}, 'budget': '40MiB'}
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            for n in range(500):
                check(b'MSA|AA' in sender.send(big(f'R{n:05}')), 'taken')
            time.sleep(1)
            check(engine.api('GET', '/status')['store']['messages'] == 500, 'what is owed stays, whatever its size')


def test_broken_budgets():
    with e2e.folder() as dir:
        for store, what in (({'budget': '100MiB'}, 'four segments'), ({'retain': {'size': '1MiB'}}, 'four segments'),
                            ({'retain': {'age': '5m'}}, 'less than one hour'), ({'retain': {'ages': '5d'}}, 'did you mean "age"')):
            config = e2e.straight(1)
            config['store'] = store
            engine = e2e.Engine(dir, config)
            code, out, err = e2e.hilum('check', engine.path)
            check(code == 1 and what in out + err, f'{store}: {out}{err}')


e2e.main(globals())
