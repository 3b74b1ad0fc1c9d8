"""Rate limits: a listener takes no more than its rate, and senders of more are kept waiting, not refused."""

import http.client
import os
import socket
import threading
import time

import hilum_e2e as e2e
from hilum_e2e import check, say


def limited(port, rate, kind=None):
    config = e2e.straight(port)
    if kind:
        config['listeners']['in'] = kind
    config['listeners']['in']['rate'] = rate
    return config


def test_mllp():
    with e2e.folder() as dir, e2e.Receiver() as out:
        config = limited(out.port, '50/s')
        config['listeners']['free'] = {'mllp': {'listen': '127.0.0.1:0'}}
        config['routes'][0]['from'] = ['in', 'free']
        with e2e.Engine(dir, config) as engine:
            taken, lock = {'in': 0, 'free': 0}, threading.Lock()
            end = time.monotonic() + 4

            def sender(listener, n):
                with e2e.Connection(engine.port(listener)) as connection:
                    i = 0
                    while time.monotonic() < end:
                        i += 1
                        check(b'MSA|AA' in connection.send(e2e.adt(f'{listener}{n}-{i}')), 'never refused')
                        with lock:
                            taken[listener] += 1

            threads = [threading.Thread(target=sender, args=('in', n)) for n in range(8)] + [threading.Thread(target=sender, args=('free', 0))]
            begin = time.monotonic()
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            seconds = time.monotonic() - begin
            say(f'{taken["in"]} in {seconds:.1f} s at 50/s, {taken["free"]} beside it')
            check(taken['in'] <= 50 + 50 * seconds + 1, 'no more than the rate, and a burst of a second')
            check(taken['in'] >= 0.8 * 50 * 4, 'and not much less')
            check(taken['free'] > taken['in'], 'another listener does not notice')
            check(engine.metric('hilum_messages_delayed_total', listener='in') > 0, 'counted')


def test_burst():
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, limited(out.port, {'limit': '20/s', 'burst': 1})) as engine, e2e.Connection(engine.port('in')) as sender:
            begin = time.monotonic()
            for n in range(41):
                sender.send(e2e.adt(f'B{n}'))
            took = time.monotonic() - begin
            check(1.95 < took < 2.5 * e2e.PATIENCE, f'{took:.2f} s')


def test_a_sender_that_closes_its_side():
    """`nc -N` and the like: all is said, and the answer is still waited for."""
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, limited(out.port, {'limit': '5/s', 'burst': 1})) as engine:
            for n in range(4):
                with e2e.Connection(engine.port('in')) as sender:
                    sender.write(e2e.START + e2e.adt(f'C{n}') + e2e.END)
                    sender.socket.shutdown(socket.SHUT_WR)
                    check(b'MSA|AA' in (sender.read() or b''), 'answered')
            e2e.wait_until(lambda: out.count() == 4, 5, 'delivered')


def test_a_sender_that_gives_up():
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, limited(out.port, '1/min')) as engine:
            with e2e.Connection(engine.port('in')) as sender:
                check(b'MSA|AA' in sender.send(e2e.adt('G1')), 'the first')
                sender.write(e2e.START + e2e.adt('G2') + e2e.END)
                check(sender.silent_for(0.5), 'the second waits')
            e2e.wait_until(lambda: engine.metric('hilum_connections_given_up_total', listener='in') == 1, 3, 'noticed')
            e2e.wait_until(lambda: out.count() == 1, 5, 'and not taken')
            # Whatever waits, the engine stops at once.
            sender = e2e.Connection(engine.port('in'))
            sender.write(e2e.START + e2e.adt('G3') + e2e.END)
            time.sleep(0.2)
            begin = time.monotonic()
            engine.stop()
            check(time.monotonic() - begin < 3 * e2e.PATIENCE, 'stopped')
            sender.close()


def test_http():
    with e2e.folder() as dir, e2e.Receiver() as out:
        config = limited(out.port, {'limit': '2/s', 'burst': 2}, {'http': {'listen': '127.0.0.1:0'}})
        with e2e.Engine(dir, config) as engine:
            replies, lock = [], threading.Lock()

            def post(n):
                client = http.client.HTTPConnection('127.0.0.1', engine.port('in'), timeout=30 * e2e.PATIENCE)
                begin = time.monotonic()
                client.request('POST', '/', e2e.adt(f'W{n}'), {'Content-Type': 'text/plain'})
                response = client.getresponse()
                response.read()
                client.close()
                with lock:
                    replies.append((response.status, response.headers['Retry-After'], time.monotonic() - begin))

            threads = [threading.Thread(target=post, args=(n,)) for n in range(30)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            good = [seconds for status, _, seconds in replies if status == 200]
            told = [after for status, after, _ in replies if status == 429]
            say(f'{len(good)} taken within {max(good):.1f} s, {len(told)} told to come again')
            check(len(good) + len(told) == 30 and 20 <= len(good) <= 24, f'{replies}')
            check(all(told), 'each with Retry-After')
            check(max(good) < 11 * e2e.PATIENCE, 'nobody waits longer than ten seconds')
            check(engine.metric('hilum_messages_over_rate_total', listener='in') == len(told), 'counted')
            e2e.wait_until(lambda: out.count() == len(good), 10, 'delivered')


def test_files_and_batches():
    with e2e.folder() as dir, e2e.Receiver() as out:
        inbox = os.path.join(dir, 'inbox')
        config = limited(out.port, {'limit': '20/s', 'burst': 1}, {'file': {'dir': inbox, 'poll': '50ms', 'settle': '50ms'}})
        config['listeners']['batches'] = {'mllp': {'listen': '127.0.0.1:0'}, 'rate': {'limit': '20/s', 'burst': 1}}
        config['routes'][0]['from'] = ['in', 'batches']
        with e2e.Engine(dir, config) as engine:
            begin = time.monotonic()
            with open(os.path.join(inbox, '.f'), 'wb') as f:
                f.write(b''.join(e2e.adt(f'F{n}') for n in range(21)))
            os.rename(os.path.join(inbox, '.f'), os.path.join(inbox, 'f.hl7'))
            e2e.wait_until(lambda: out.count() == 21, 10, 'all')
            took = time.monotonic() - begin
            check(took > 0.95, f'{took:.2f} s')
            begin = time.monotonic()
            with e2e.Connection(engine.port('batches')) as sender:
                batch = b'BHS|^~\\&|A|B|C|D|20260101||||1\r' + b''.join(e2e.adt(f'T{n}') for n in range(21)) + b'BTS|21\r'
                answer = sender.send(batch)
            check(answer.count(b'MSA|AA') == 21, 'each is acknowledged')
            check(time.monotonic() - begin > 0.95, 'at the rate')


e2e.main(globals())
