"""Every message of the public collection: what is one is answered AA and passes byte for byte, what is none gets a NAK."""

import collections
import json
import os

import hilum_e2e as e2e
from hilum_e2e import check, say


def read(row):
    """A file's message without the framing bytes that some files have kept around it."""
    with open(os.path.join(e2e.SHARED, 'messages', row['path']), 'rb') as f:
        data = f.read()
    if b'\x0b' in data[:3]:
        data = data[data.index(b'\x0b') + 1:]
    return data.split(b'\x1c')[0] if b'\x1c' in data else data


def plain(port):
    """Every message is answered and waited for alike, whatever its MSH-15 and MSH-16 ask (test_ack.py has those)."""
    config = e2e.straight(port)
    return config


def test_single_messages():
    rows = [r for r in e2e.shared_messages() if r['class'] == 'single']
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, plain(out.port)) as engine, e2e.Connection(engine.port('in')) as sender:
            refused, wrong, sent = [], [], []
            for row in rows:
                message = read(row)
                answer = sender.send(message)
                check(answer is not None, f'{row["path"]}: the connection was closed')
                code, answered_id = e2e.field(answer, b'MSA', 1), e2e.field(answer, b'MSA', 2)
                if code != b'AA':
                    refused.append((row['path'], answer[-200:]))
                    continue
                if answered_id != e2e.control_id(message):
                    wrong.append((row['path'], answered_id, e2e.control_id(message)))
                sent.append((row['path'], message))
            say(f'{len(rows)} messages of {len({r["source"] for r in rows})} projects: {len(sent)} AA, {len(refused)} refused')
            for path, answer in refused[:10]:
                say('refused', path, repr(answer))
            check(not refused, f'{len(refused)} messages were refused')
            check(not wrong, f'MSA-2 is not MSH-10: {wrong[:5]}')
            e2e.wait_until(lambda: out.count() >= len(sent), 60, 'all delivered')
            changed = [path for (path, message), got in zip(sent, out.messages) if message != got]
            check(not changed, f'{len(changed)} messages changed on their way: {changed[:5]}')
            check(len(out.messages) == len(sent), f'{len(out.messages)} delivered')


def test_hilum_send():
    """The same by `hilum send`, which reads the files itself."""
    rows = [r for r in e2e.shared_messages() if r['class'] == 'single']
    files = [os.path.join(e2e.SHARED, 'messages', r['path']) for r in rows]
    with e2e.folder() as dir, e2e.Sink() as out, e2e.Engine(dir, plain(out.port)) as engine:
        code, stdout, stderr = e2e.hilum('send', '--to', f'127.0.0.1:{engine.port("in")}', *files)
        check(code == 0, f'exit code {code}: {stderr[-500:]} {stdout[-500:]}')
        accepted = engine.metric('hilum_messages_acknowledged_total', listener='in')
        say(f'{len(files)} files, {accepted:.0f} messages acknowledged')
        check(accepted >= len(files), 'every file is at least one message')


# What the collection's manifest says against a message, and what `hilum inspect` or docs/acceptance.md (quoted) says why it is
# taken all the same.
TAKEN_FOR = {
    'BAD-version': ['"Whether the version (MSH-12) is known'],
    'NO-version': ['"Whether the version (MSH-12) is known'],
    'BOM': ['"a UTF-8 byte order mark before `MSH`'],
    'delims': ['MSH-2 with a repeated character, one that is no ASCII, or more than five', '"delimiters other than the recommended'],
    'odd-lines': ['a segment name that is none', 'a line feed inside a text'],
}


def why_taken(row, message, dir):
    """The documented reasons for an AA to a message that the manifest calls malformed; none when a fault is without one."""
    path = os.path.join(dir, 'message.hl7')
    with open(path, 'wb') as f:
        f.write(message)
    code, out, err = e2e.hilum('inspect', '--json', path)
    check(code == 0, f'inspect {row["path"]}: {err}')
    tolerated = json.loads(out.splitlines()[0])['tolerated']
    with open(os.path.join(e2e.ROOT, 'docs', 'acceptance.md')) as f:
        documented = ' '.join(f.read().split())
    reasons = []
    for fault in (note.split('=')[0] for note in row['notes'].split(';')):
        fits = [r for r in TAKEN_FOR.get(fault, []) if (r[1:] in documented if r[0] == '"' else r in tolerated)]
        if fault in TAKEN_FOR and not fits:
            return []
        reasons += fits[:1]
    return reasons


def test_malformed_messages():
    rows = [r for r in e2e.shared_messages() if r['class'] == 'malformed-or-fragment']
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, plain(out.port)) as engine:
            sender, outcome, silent = e2e.Connection(engine.port('in')), collections.Counter(), []
            reasons, unexplained = collections.Counter(), []
            for row in rows:
                message = read(row)
                sender.write(e2e.START + message + e2e.END)
                # A message that is surely answered stands behind it, so that no answer can be told from a slow one.
                probe = b'MSH|^~\\&|P|P|P|P|20260101||ADT^A01|PROBE|P|2.5\rPID|1||P1\r'
                sender.write(e2e.START + probe + e2e.END)
                answer = sender.read()
                check(answer is not None, f'{row["path"]}: the connection was closed')
                if e2e.field(answer, b'MSA', 2) == b'PROBE' and e2e.control_id(message) != b'PROBE':
                    outcome['no answer'] += 1
                    silent.append(row['path'])
                    check(b'MSH' not in message[:10], f'{row["path"]} begins with MSH and got no answer')
                    continue
                code = e2e.field(answer, b'MSA', 1)
                outcome[code.decode()] += 1
                check(code in (b'AA', b'AE', b'AR', b'CA', b'CE', b'CR'), f'{row["path"]}: {answer!r}')
                if code == b'AA':
                    why = why_taken(row, message, dir)
                    reasons.update(why)
                    if not why:
                        unexplained.append((row['path'], row['notes']))
                else:
                    fault = b''.join(e2e.field(answer, b'ERR', n) for n in (1, 7, 8)) or e2e.field(answer, b'MSA', 3)
                    check(fault, f'{row["path"]}: the NAK names no fault: {answer!r}')
                answer = sender.read()
                check(answer and e2e.field(answer, b'MSA', 2) == b'PROBE', f'{row["path"]}: then {answer!r}')
            say(f'{len(rows)} malformed or fragments:', dict(outcome))
            say('accepted for:', dict(reasons))
            check(not unexplained, f'accepted, but for no documented reason: {unexplained}')
            check(engine.alive(), 'the engine must be up')
            check(sum(outcome[c] for c in ('AE', 'AR')) > 0, 'nothing was refused')
            sender.close()


def test_batches_do_no_harm():
    rows = [r for r in e2e.shared_messages() if r['class'] == 'batch/multi']
    with e2e.folder() as dir, e2e.Receiver() as out:
        with e2e.Engine(dir, plain(out.port)) as engine:
            outcome = collections.Counter()
            for row in rows:
                with e2e.Connection(engine.port('in'), timeout=3) as sender:
                    sender.write(e2e.START + read(row) + e2e.END)
                    try:
                        answer = sender.read()
                    except TimeoutError:
                        answer = b''
                    batch = (answer or b'')[:3] in (b'FHS', b'BHS')
                    outcome['a batch' if batch else e2e.field(answer or b'', b'MSA', 1).decode() or 'no answer'] += 1
            say(f'{len(rows)} batches in one frame:', dict(outcome))
            check(outcome['no answer'] == 0, 'every frame gets an answer')
            with e2e.Connection(engine.port('in')) as sender:
                check(b'MSA|AA|LAST' in sender.send(e2e.adt('LAST')), 'the engine must go on')


e2e.main(globals())
