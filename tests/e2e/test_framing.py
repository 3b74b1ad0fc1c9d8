"""R9: framing. However a stream of bytes is cut, the same messages come of it; what is over the limit is closed and counted;
and a connection takes no more memory than the limit and 64 KB."""

import hashlib
import random
import threading
import time

import hilum_e2e as e2e
from hilum_e2e import START, END, check, say

KB, MB = 1 << 10, 1 << 20


def a(name):
    return e2e.adt(name)


# What is sent, and whose acknowledgements come back, in this order.
STREAMS = {
    'one': (START + a('M1') + END, ['M1']),
    'two in one packet': (START + a('M1') + END + START + a('M2') + END, ['M1', 'M2']),
    'thirty in one packet': (b''.join(START + a(f'M{n}') + END for n in range(30)), [f'M{n}' for n in range(30)]),
    'no start byte': (a('LOST') + END + START + a('M1') + END, ['M1']),
    'a start byte inside': (START + a('LOST')[:90] + START + a('M1') + END, ['M1']),
    'start bytes one after the other': (START * 5 + a('M1') + END, ['M1']),
    'no final CR before the next': (START + a('M1') + END[:1] + START + a('M2') + END, ['M1', 'M2']),
    'LF for the final CR': (START + a('M1') + END[:1] + b'\n' + START + a('M2') + END, ['M1', 'M2']),
    'an end byte inside': (START + a('M1').replace(b'Probe', b'Pro\x1cbe') + END + START + a('M2') + END, ['M1', 'M2']),
    'ends without a beginning': (END * 3 + START + a('M1') + END, ['M1']),
    'blank lines between': (START + a('M1') + END + b'\r\n\r\n' + START + a('M2') + END, ['M1', 'M2']),
    'no final CR at all': (START + a('M1') + END[:1], ['M1']),
}


def cuts(stream):
    """The stream in pieces: whole, byte by byte, and at random places."""
    yield 'whole', [stream]
    yield 'byte by byte', [bytes([b]) for b in stream[:4000]] + [stream[4000:]]
    for n in range(20 if e2e.LONG else 2):
        at = sorted(random.randrange(len(stream)) for _ in range(random.randrange(1, 12)))
        yield f'cut {n}', [stream[i:j] for i, j in zip([0, *at], [*at, len(stream)])]


def test_however_it_is_cut():
    with e2e.folder() as dir, e2e.Receiver() as out, e2e.Engine(dir, e2e.straight(out.port)) as engine:
        tried = 0
        for name, (stream, expected) in STREAMS.items():
            for how, pieces in cuts(stream):
                with e2e.Connection(engine.port('in')) as peer:
                    for piece in pieces:
                        peer.write(piece)
                        if how.startswith('cut'):
                            time.sleep(0.002)
                    for identifier in expected:
                        answer = peer.read()
                        check(answer and f'MSA|AA|{identifier}\r'.encode() in answer, f'{name}, {how}: {answer!r} for {identifier}')
                    check(peer.silent_for(0.02), f'{name}, {how}: more than was asked')
                tried += 1
        check(engine.metric('hilum_garbage_bytes_total', listener='in') > 0, 'garbage is counted')
        say(f'{tried} streams')


def large(name, size):
    text = b'OBX|1|TX|N||' + b'x' * 9000 + b'\r'
    return a(name) + text * (size // len(text))


class Peak:
    """The most memory of the engine while it lasts, in KB above what it was before."""

    def __init__(self, engine):
        self.engine, self.before, self.most, self.running = engine, engine.rss_kb(), 0, True
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        while self.running:
            self.most = max(self.most, self.engine.rss_kb() - self.before)
            time.sleep(0.01)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.running = False
        self.thread.join()


def in_parallel(count, work):
    failed = []

    def run(n):
        try:
            work(n)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]


def test_messages_of_50_mb():
    peers, each = (4, 5) if e2e.LONG else (2, 1)
    with e2e.folder() as dir, e2e.Receiver() as out:
        config = e2e.straight(out.port, max_frame='64MiB', frame_time='120s')
        config['store'] = {'segment_size': '256MiB'}
        with e2e.Engine(dir, config) as engine:
            sent = set()

            def send(n):
                with e2e.Connection(engine.port('in'), timeout=120) as peer:
                    for i in range(each):
                        message = large(f'L{n}-{i}', 50_000_000)
                        sent.add(hashlib.sha256(message).digest())
                        answer = peer.send(message)
                        check(answer and f'MSA|AA|L{n}-{i}\r'.encode() in answer, f'{answer!r}')

            in_parallel(peers, send)
            e2e.wait_until(lambda: out.count() == peers * each, 120, 'all delivered')
            check({hashlib.sha256(m).digest() for m in out.messages} == sent, 'byte for byte')
            e2e.wait_until(lambda: e2e.SANITIZED or engine.rss_kb() < 100 * KB, 10, 'the memory is given back')
            say(f'{peers * each} of 50 MB; {engine.rss_kb() // KB} MB of memory afterwards')


def test_50_mb_over_the_limit():
    peers = 32 if e2e.LONG else 8
    with e2e.folder() as dir, e2e.Receiver() as out, e2e.Engine(dir, e2e.straight(out.port)) as engine:
        message = large('HUGE', 50_000_000)

        def send(n):
            with e2e.Connection(engine.port('in'), timeout=60) as peer:
                try:
                    peer.write(START + message + END)
                except OSError:
                    pass  # closed while it was still sent
                check(peer.closed_within(10), 'closed at the limit')

        with Peak(engine) as peak:
            in_parallel(peers, send)
        check(engine.metric('hilum_frames_too_large_total', listener='in') == peers, 'each is counted')
        at_most = peers * (16 * MB + 64 * KB) // KB + 4 * KB
        say(f'{peers} at a time against a limit of 16 MiB: at most {peak.most // KB} MB more memory, allowed {at_most // KB} MB')
        check(e2e.SANITIZED or peak.most <= at_most, f'{peak.most} KB')
        with e2e.Connection(engine.port('in')) as peer:
            check(b'MSA|AA|LAST' in peer.send(a('LAST')), 'the engine goes on')


def test_memory_of_messages_that_do_not_end():
    """Each connection holds a frame just below the limit."""
    peers, limit = (64 if e2e.LONG else 16), 4 * MB
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, e2e.straight(out.port, max_frame='4MiB', frame_time='120s')) as engine:
            content = large('OPEN', limit - 20 * KB)
            opened = [e2e.Connection(engine.port('in'), timeout=60) for _ in range(peers)]
            opened[0].write(START + content + END)  # the code and tables a first message touches are no frame's memory
            opened[0].read()
            with Peak(engine) as peak:
                in_parallel(peers, lambda n: opened[n].write(START + content))
                time.sleep(0.5)
            # The kernel books a thread's pages in batches, so a megabyte more or less says nothing of a frame.
            at_most = (peers * (limit + 64 * KB) + MB) // KB
            say(f'{peers} open frames of {len(content) // KB} KB: {peak.most} KB more memory at most, allowed {at_most}')
            check(e2e.SANITIZED or peak.most <= at_most, f'{peak.most} KB')
            for n, peer in enumerate(opened):
                peer.write(END)
                check(b'MSA|AA|OPEN' in peer.read(), 'and then they end')
                peer.close()


def test_memory_of_messages_that_have_just_begun():
    peers = 2000 if e2e.LONG else 500
    with e2e.folder() as dir, e2e.Receiver() as out, e2e.Engine(dir, e2e.straight(out.port, frame_time='120s')) as engine:
        before = engine.rss_kb()
        opened = [e2e.Connection(engine.port('in')) for _ in range(peers)]
        for peer in opened:
            peer.write(START + b'MSH|')
        e2e.wait_until(lambda: engine.metric('hilum_connections_open') >= peers, 30, 'all are there')
        time.sleep(0.5)
        each = (engine.rss_kb() - before) / peers
        say(f'{peers} frames that have begun: {each:.1f} KB each')
        check(e2e.SANITIZED or each <= 64, f'{each} KB')
        for peer in opened:
            peer.close()


e2e.main(globals())
