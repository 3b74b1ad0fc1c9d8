"""R8 to R10: senders and receivers that misbehave. Each has its outcome; the others do not notice."""

import os
import re
import resource
import threading
import time

import hilum_e2e as e2e
from hilum_e2e import START, END, check, say


class Bystander:
    """A well-behaved sender beside the bad one: its worst answer time tells whether it noticed."""

    def __init__(self, port):
        self.times, self.bad, self.running = [], [], True
        self.thread = threading.Thread(target=self._run, args=(port,))
        self.thread.start()

    def _run(self, port):
        with e2e.Connection(port) as connection:
            n = 0
            while self.running:
                n += 1
                begin = time.monotonic()
                answer = connection.send(e2e.adt(f'BY{n}'))
                self.times.append(time.monotonic() - begin)
                if answer is None or f'MSA|AA|BY{n}'.encode() not in answer:
                    self.bad.append(answer)
                    return
                time.sleep(0.005)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.running = False
        self.thread.join()
        if kind is None:
            check(not self.bad, f'the bystander got {self.bad[:1]}')
            check(self.times and max(self.times) < 1 * e2e.PATIENCE, f'the bystander waited {max(self.times):.2f} s')
            say(f'bystander: {len(self.times)} messages, slowest answer {max(self.times) * 1000:.0f} ms')


class Listening:
    """An engine with a short frame time and a small frame limit, and a bystander on it."""

    def __init__(self, **listener):
        self.options = {'frame_time': '1s', 'max_frame': '64KiB', **listener}

    def __enter__(self):
        self.folder = e2e.folder()
        self.dir = self.folder.__enter__()
        self.out = e2e.Receiver()
        self.engine = e2e.Engine(self.dir, e2e.straight(self.out.port, **self.options))
        self.engine.start()
        self.port = self.engine.port('in')
        self.bystander = Bystander(self.port)
        # It has its connection before anybody else asks for one.
        e2e.wait_until(lambda: self.bystander.times, 5, 'the bystander is served')
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.bystander.__exit__(kind)
            if kind is None:
                with e2e.Connection(self.port) as connection:
                    check(b'MSA|AA|LAST' in connection.send(e2e.adt('LAST')), 'the engine must go on')
        finally:
            self.engine.__exit__(kind, value, trace)
            self.out.close()
            self.folder.__exit__(kind, value, trace)

    def metric(self, name):
        return self.engine.metric(name, listener='in')


def acknowledged(answer, control_id):
    return answer is not None and b'MSA|AA|' + control_id.encode() in answer


def test_garbage_between_frames():
    with Listening() as on, e2e.Connection(on.port) as peer:
        for n, garbage in enumerate([b'\x00', b'GET / HTTP/1.1\r\n\r\n', b'\x1c\r', b'\xff' * 5000, b'\r\n\r\n', b'SECRETMARK']):
            peer.write(garbage + START + e2e.adt(f'G{n}') + END)
            answer = peer.read()
            check(acknowledged(answer, f'G{n}'), f'after {garbage[:20]!r}: {answer!r}')
        check(on.metric('hilum_garbage_bytes_total') >= 5000, 'garbage must be counted')
        log = on.engine.log()
        check('SECRETMARK' not in log, 'the log must not show content')
        lines = [line for line in log.splitlines() if 'bytes_outside_frame' in line]
        check(len(lines) == 1 and 'first_byte=0x00 offset=0' in lines[0], f'logged once, with byte and offset:\n{on.engine.log_tail()}')
        say('log:', lines[0])


def test_one_byte_at_a_time():
    with Listening(frame_time='60s') as on, e2e.Connection(on.port) as peer:
        for byte in START + e2e.adt('SLOW') + END:
            peer.write(bytes([byte]))
            time.sleep(0.0005)
        check(acknowledged(peer.read(), 'SLOW'), 'must be taken')


def test_frame_without_end():
    with Listening() as on, e2e.Connection(on.port) as peer:
        peer.write(START + e2e.adt('NEVER'))
        begin = time.monotonic()
        check(peer.closed_within(5), 'the frame time limit (1 s) must close the connection')
        say(f'closed after {time.monotonic() - begin:.1f} s')
        e2e.wait_until(lambda: on.metric('hilum_connection_timeouts_total') >= 1, 2, 'the time-out is counted')


def test_frame_over_the_limit():
    with Listening() as on, e2e.Connection(on.port) as peer:
        before = on.engine.rss_kb()
        try:
            peer.write(START + e2e.adt('HUGE'))
            for _ in range(64):
                peer.write(b'NTE|1|L|' + b'x' * (1 << 20) + b'\r')
            peer.write(END)
        except OSError:
            pass  # closed while we were still sending
        check(peer.closed_within(5), 'the connection must be closed')
        e2e.wait_until(lambda: on.metric('hilum_frames_too_large_total') >= 1, 2, 'the frame is counted')
        grown = on.engine.rss_kb() - before
        say(f'64 MB against a limit of 64 KiB: memory {grown:+} KB')
        check(e2e.SANITIZED or grown < 4096, f'memory grew by {grown} KB')


def test_large_message_within_the_limit():
    with Listening(max_frame='64MiB', frame_time='60s') as on, e2e.Connection(on.port) as peer:
        message = e2e.adt('LARGE') + b''.join(b'OBX|%d|TX|N||' % n + b'x' * 9000 + b'\r' for n in range(5000))
        check(acknowledged(peer.send(message), 'LARGE'), f'{len(message)} bytes must be taken')
        e2e.wait_until(lambda: message in on.out.messages, 30, 'it arrives byte for byte')


def test_reset_inside_a_frame():
    with Listening() as on:
        for n in range(50):
            peer = e2e.Connection(on.port)
            peer.write(START + e2e.adt(f'RST{n}')[:40 + n])
            peer.reset()
            peer = e2e.Connection(on.port)
            peer.write(START + e2e.adt(f'GONE{n}') + END)
            peer.reset()


def test_unusual_framing():
    with Listening() as on, e2e.Connection(on.port) as peer:
        message = e2e.adt('INNER')
        peer.write(START + e2e.adt('OUTER')[:30] + START + message + END)
        check(acknowledged(peer.read(), 'INNER'), 'a start byte inside a frame begins anew')
        peer.write(START + e2e.adt('P1') + END + START + e2e.adt('P2') + END)
        check(acknowledged(peer.read(), 'P1') and acknowledged(peer.read(), 'P2'), 'two messages in one packet')
        check(acknowledged(peer.send(e2e.adt('NOCR')[:-1]), 'NOCR'), 'no CR after the last segment')
        check(acknowledged(peer.send(e2e.adt('LF').replace(b'\r', b'\n')), 'LF'), 'LF as segment end')
        peer.write(START + e2e.adt('NOTRAILER') + b'\x1c' + START + e2e.adt('NEXT') + END)
        check(acknowledged(peer.read(), 'NOTRAILER') and acknowledged(peer.read(), 'NEXT'), 'no CR after the end byte')
        peer.write(START + END)
        answer = peer.send(b'this is no HL7 at all')
        check(answer is None or b'MSA|AA' not in answer, f'no HL7 must not be acknowledged: {answer!r}')


def test_frames_that_are_no_hl7():
    """Each gets a NAK, on a connection that lives."""
    with Listening() as on, e2e.Connection(on.port) as peer:
        rows = [('a text', b'this is no HL7 at all', b'100'), ('another format', b'{"resourceType": "Patient"}', b'100'),
                ('the beginning alone', b'MSH', b'100'), ('UTF-16', 'MSH|^~\\&|A'.encode('utf-16-le'), b'100'),
                ('letters as delimiters', b'MSHabcde' + e2e.adt('X')[8:], b'100'), ('NULs', b'\0' * 100, b'100'),
                ('no type', b'MSH|^~\\&|A|B|C|D|20260101|||N1|P|2.5\rPID|1||1\r', b'101'),
                ('no control ID', b'MSH|^~\\&|A|B|C|D|20260101||ADT^A01||P|2.5\rPID|1||1\r', b'101')]
        for n, (name, frame, code) in enumerate(rows):
            answer = peer.send(frame)
            check(answer is not None, f'{name}: the connection was closed')
            check(e2e.field(answer, b'MSA', 1) in (b'AE', b'AR') and code in answer, f'{name}: {answer!r}')
            check(acknowledged(peer.send(e2e.adt(f'OK{n}')), f'OK{n}'), f'after {name} the connection must live')
        check(on.metric('hilum_messages_rejected_total') == len(rows), 'each is counted')


def test_random_bytes():
    import random
    with Listening() as on:
        for n in range(200 if e2e.LONG else 40):
            with e2e.Connection(on.port) as peer:
                data = bytearray(START + e2e.adt(f'R{n}') + END) * 3
                for _ in range(random.randrange(1, 30)):
                    data[random.randrange(len(data))] = random.randrange(256)
                try:
                    peer.write(bytes(data))
                    peer.socket.settimeout(0.05)
                    peer.read()
                except (TimeoutError, OSError):
                    pass


def test_idle_connections():
    count = 5000 if e2e.LONG else 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + 200:
        raise e2e.Skip(f'{count} connections need more than {hard} file descriptors')
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 200), hard))
    with Listening(max_connections=count + 100) as on:
        before = on.engine.rss_kb()
        idle = [e2e.Connection(on.port) for _ in range(count)]
        e2e.wait_until(lambda: on.metric('hilum_connections_open') >= count, 10, 'all connections accepted')
        grown = on.engine.rss_kb() - before
        say(f'{count} idle connections: {grown / count:.1f} KB each')
        check(e2e.SANITIZED or grown / count <= 25, f'{grown / count:.1f} KB for each idle connection')
        time.sleep(0.5)
        check(acknowledged(idle[-1].send(e2e.adt('IDLE')), 'IDLE'), 'an idle connection still works')
        for peer in idle:
            peer.close()


def test_more_connections_than_allowed():
    with Listening(max_connections=20) as on:
        peers = [e2e.Connection(on.port) for _ in range(40)]
        e2e.wait_until(lambda: on.metric('hilum_connections_refused_total') >= 20, 5, 'the rest is refused')
        for peer in peers:
            peer.close()


# Destinations. A bad one and a good one get the same messages.

def destination(mode, messages=12, first=3, within=40, **options):
    """Runs messages against a receiver that treats its first ones badly; returns what each receiver saw."""
    with e2e.folder() as dir:
        bad_ledger, good_ledger = os.path.join(dir, 'bad'), os.path.join(dir, 'good')
        with e2e.Sink(ledger=bad_ledger, mode=mode, first=first, **options) as bad, e2e.Sink(ledger=good_ledger) as good:
            config = e2e.straight(good.port)
            config['destinations']['bad'] = {'mllp': {'connect': f'127.0.0.1:{bad.port}', 'answer_within': '500ms'},
                                             'retry': e2e.FAST_RETRY}
            config['routes'][0]['to'] = ['bad', 'out']
            with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
                sent = [f'M{n:04}' for n in range(messages)]
                slowest = 0
                for name in sent:
                    begin = time.monotonic()
                    check(acknowledged(sender.send(e2e.adt(name)), name), f'{name} must be acknowledged')
                    slowest = max(slowest, time.monotonic() - begin)
                check(slowest < 1 * e2e.PATIENCE, f'a sender waited {slowest:.2f} s for a destination')
                e2e.wait_until(lambda: len(e2e.arrivals(good_ledger)) >= messages, 5, 'the good destination served')
                seconds = e2e.wait_until(lambda: engine.queue('bad')['queued'] == 0, within, 'the bad lane empty')
                queue = engine.queue('bad')
                at_bad, at_good = e2e.arrivals(bad_ledger), e2e.arrivals(good_ledger)
                numbers = {name: engine.metric(f'hilum_{name}_total', destination='bad')
                           for name in ('delivered', 'held', 'retries', 'orphan_answers', 'possible_duplicates')}
                say(f'{mode}: lane empty after {seconds:.1f} s, {numbers}')
        check(at_good == sent, f'the good destination got {at_good}')
        first_arrivals = list(dict.fromkeys(at_bad))
        check(first_arrivals == sent, f'order at the bad destination: {at_bad}')
        return {'at_bad': at_bad, 'queue': queue, 'sent': sent, **numbers}


def test_destination_garbage():
    seen = destination('garbage')
    check(seen['delivered'] == 12 and seen['held'] == 0, f'{seen}')


def test_destination_twice():
    seen = destination('twice', first=0)
    check(seen['delivered'] == 12 and seen['at_bad'] == seen['sent'], f'each once: {seen}')
    check(seen['orphan_answers'] > 0, 'the second answers must be counted as orphans')


def test_destination_late():
    seen = destination('late', delay_ms=1200)
    check(seen['delivered'] == 12, f'{seen}')
    check(seen['possible_duplicates'] > 0, 'a time-out makes the next attempt a possible duplicate')


def test_destination_wrong_id():
    seen = destination('wrong-id')
    check(seen['delivered'] == 12 and seen['orphan_answers'] >= 3, f'{seen}')


def test_destination_silent():
    seen = destination('silent')
    check(seen['delivered'] == 12 and seen['retries'] >= 3, f'{seen}')


def test_destination_closes():
    seen = destination('close')
    check(seen['delivered'] == 12 and seen['retries'] >= 3, f'{seen}')


def test_destination_half_open():
    seen = destination('half-open')
    check(seen['delivered'] == 12, f'{seen}')


def test_destination_slow():
    seen = destination('slow', first=1, within=60)
    check(seen['delivered'] == 12, f'{seen}')


def test_destination_ae_and_ar_hold():
    for mode in ('ae', 'ar'):
        seen = destination(mode)
        check(seen['held'] == 3 and seen['delivered'] == 9, f'{mode}: {seen}')
        check(seen['queue']['held'] == 3, f'{mode}: {seen["queue"]}')
        check(seen['at_bad'] == seen['sent'], f'{mode}: no retry of what was refused for its content: {seen["at_bad"]}')


e2e.main(globals())
