"""Damage to the store's files: each does what docs/journal.md says. The reader below is written from that page alone."""

import glob
import os
import re
import shutil
import struct

import hilum_e2e as e2e
from hilum_e2e import check, say

RECORD = struct.Struct('<IIIHBBIIQ')  # header, front and body checksums; magic; kind; 0; front and body length; message
MESSAGE, RESULT, SYNC_MARK, CLEAN_END = 1, 3, 6, 7


class Record:
    def __init__(self, segment, offset, header):
        self.segment, self.offset = segment, offset
        _, _, _, magic, self.kind, _, self.front, self.body, self.message = header
        self.good = magic == 0x48A7
        self.end = offset + 32 + self.front + self.body


def segments(store):
    return sorted(glob.glob(os.path.join(store, 'journal', '*.log')))


def records(segment):
    with open(segment, 'rb') as f:
        data = f.read()
    check(data[:8] == b'HILUMJNL' and data[:64] == data[64:128], f'{segment}: no segment header')
    offset = 128
    while offset + 32 <= len(data) and data[offset:offset + 32] != bytes(32):
        record = Record(segment, offset, RECORD.unpack_from(data, offset))
        check(record.good, f'{segment}:{offset} is no record')
        yield record
        offset = record.end


def patch(path, offset, data):
    with open(path, 'r+b') as f:
        f.seek(offset)
        f.write(data)


def flip(path, offset, bit=0):
    with open(path, 'r+b') as f:
        f.seek(offset)
        byte = f.read(1)[0]
        f.seek(offset)
        f.write(bytes([byte ^ (1 << bit)]))


class Hospital:
    """An engine with messages in its store that their destination has not taken yet."""

    def __init__(self, dir, messages=2500, stop=True):
        self.sent, self.arrived = os.path.join(dir, 'sent'), os.path.join(dir, 'arrived')
        self.sink_port = e2e.free_port()
        config = e2e.straight(self.sink_port)
        config['store'] = {'dir': os.path.join(dir, 'data'), 'segment_size': '1MiB'}
        self.engine = e2e.Engine(dir, config)
        self.store = config['store']['dir']
        self.engine.start()
        with e2e.Load(self.engine.port('in'), connections=8, messages=messages, ledger=self.sent) as load:
            check(load.result()['errors'] == 0, 'the load was not taken')
        self.engine.stop() if stop else self.engine.kill()

    def deliver(self, expected):
        with e2e.Sink(self.sink_port, ledger=self.arrived):
            e2e.wait_until(lambda: len(e2e.arrivals(self.arrived)) >= expected, 60, f'{expected} deliveries')

    def verify(self):
        code, out, err = e2e.hilum('store', 'verify', self.store)
        return code, out + err


def test_the_format_is_as_documented():
    with e2e.folder() as dir:
        hospital = Hospital(dir)
        found = [r for s in segments(hospital.store) for r in records(s)]
        numbers = [r.message for r in found if r.kind == MESSAGE]
        check(numbers == list(range(1, 2501)), 'message numbers must count from 1 without gaps')
        check(found[-1].kind == CLEAN_END, 'a clean stop ends with its mark')
        check(len(segments(hospital.store)) >= 3, 'there must be several segments')
        code, text = hospital.verify()
        check(code == 0, f'verify: {code} {text}')
        say(f'{len(found)} records in {len(segments(hospital.store))} segments read')


def test_torn_tail():
    with e2e.folder() as dir:
        hospital = Hospital(dir, stop=False)
        last = segments(hospital.store)[-1]
        found = list(records(last))
        message = next(r for r in reversed(found) if r.kind == MESSAGE)
        with open(last, 'rb') as f:
            f.seek(message.offset)
            copy = f.read(message.end - message.offset)
        # What a write leaves that was cut off by a power failure: the record's header and half of it.
        patch(last, found[-1].end, copy[:len(copy) // 2])
        with hospital.engine as engine:
            check(re.search(r'torn|cut', engine.log()), f'the log must tell of the torn tail:\n{engine.log_tail()}')
            cut = max(int(n) for n in re.findall(r'cut_bytes=(\d+)', engine.log()))
            check(cut > 0, 'nothing was cut')
            say(f'cut {cut} bytes')
            check(engine.queue('out')['queued'] == 2500, f'{engine.queue("out")}')
            with e2e.Connection(engine.port('in')) as sender:
                check(b'MSA|AA|' in sender.send(e2e.adt(f'AFTER0{"0" * 14}')), 'the engine must go on')
            hospital.deliver(2501)
        e2e.check_delivery(e2e.sent_ledger(hospital.sent), [c for c in e2e.arrivals(hospital.arrived) if not c.startswith('AFTER')], 0)
        code, text = hospital.verify()
        check(code == 0, f'verify afterwards: {code} {text}')


def test_flipped_bit_in_a_message():
    with e2e.folder() as dir:
        hospital = Hospital(dir)
        victim = [r for r in records(segments(hospital.store)[0]) if r.kind == MESSAGE][100]
        flip(victim.segment, victim.end - 50)
        code, text = hospital.verify()
        check(code == 1, f'verify must say no: {code} {text}')
        check(re.search(rf'\b{victim.message}\b', text), f'verify must name message {victim.message}: {text}')
        with hospital.engine as engine:
            hospital.deliver(2499)
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 20, 'the lane got past it')
            queue = engine.queue('out')
            say(f'message {victim.message} damaged; queue afterwards:', {k: queue[k] for k in ('state', 'queued', 'held')})
            check(re.search(rf'damage.*\b{victim.message}\b|\b{victim.message}\b.*damage', engine.log()),
                  f'the log must name message {victim.message}:\n{engine.log_tail()}')
        arrived = e2e.arrivals(hospital.arrived)
        check(len(arrived) == len(set(arrived)) == 2499, f'{len(arrived)} arrived')
        lost = set(e2e.sent_ledger(hospital.sent)) - set(arrived)
        check(len(lost) == 1, f'{len(lost)} missing, one is damaged')
        e2e.check_delivery([c for c in e2e.sent_ledger(hospital.sent) if c not in lost], arrived, 0)


def test_flipped_bits_anywhere_are_found():
    with e2e.folder() as dir:
        hospital = Hospital(dir)
        step = 997 if e2e.LONG else 40_009
        tried, missed = 0, []
        for segment in segments(hospital.store):
            found = list(records(segment))
            # The clean end proves all before it, not itself.
            end = found[-1].offset if found[-1].kind == CLEAN_END else found[-1].end
            for offset in range(128, end, step):
                bit = offset % 8
                flip(segment, offset, bit)
                code, text = hospital.verify()
                if code != 1:
                    missed.append((os.path.basename(segment), offset, code, text[-200:]))
                flip(segment, offset, bit)
                tried += 1
        say(f'{tried} flipped bits, {len(missed)} not found')
        check(tried >= 50 and not missed, f'{missed[:3]}')
        code, text = hospital.verify()
        check(code == 0, f'put back, verify must be content: {text}')


def test_damaged_segment_header():
    with e2e.folder() as dir:
        hospital = Hospital(dir)
        patch(segments(hospital.store)[0], 0, b'\xff' * 64)
        with hospital.engine:
            hospital.deliver(2500)
        e2e.check_delivery(e2e.sent_ledger(hospital.sent), e2e.arrivals(hospital.arrived), 0)


def test_deleted_index():
    with e2e.folder() as dir:
        hospital = Hospital(dir, messages=500)

        def listing(engine):
            e2e.wait_until(lambda: engine.api('GET', '/status')['store']['index_lag'] == 0, 20, 'the index')
            rows = engine.api('GET', '/messages?limit=1000')['messages']
            return [{k: r[k] for k in ('message', 'control_id', 'type', 'state', 'patient_id', 'bytes')} for r in rows]

        with hospital.engine as engine:
            before = listing(engine)
        for path in glob.glob(os.path.join(hospital.store, 'index.sqlite*')):
            os.remove(path)
        with hospital.engine as engine:
            after = listing(engine)
        check(len(before) == 500 and before == after, 'the rebuilt index must tell the same')
        # An index that is no database is made anew, too.
        with open(os.path.join(hospital.store, 'index.sqlite'), 'wb') as f:
            f.write(b'this is no database' * 1000)
        for path in glob.glob(os.path.join(hospital.store, 'index.sqlite-*')):
            os.remove(path)
        with hospital.engine as engine:
            check(listing(engine) == before, 'the index made anew must tell the same')
        code, out, err = e2e.hilum('store', 'reindex', hospital.store)
        check(code == 0, f'store reindex: {code} {out} {err}')
        with hospital.engine as engine:
            check(listing(engine) == before, 'after `hilum store reindex`')
        say('500 messages listed alike after the index was deleted, overwritten and dropped by hand')


def test_a_store_in_use_is_refused():
    with e2e.folder() as dir:
        hospital = Hospital(dir, messages=10)
        with hospital.engine:
            code, text = hospital.verify()
            check(code == 1 and 'open' in text, f'verify beside a running engine: {code} {text}')
            second = e2e.Engine(dir, {**hospital.engine.config}, name='second.yaml')
            second.log_path = os.path.join(dir, 'second.log')
            try:
                second.start(within=10)
                raise AssertionError('two engines on one store')
            except e2e.Failure:
                say('a second engine is refused:', second.log_tail(1))


e2e.main(globals())
