"""Charsets and batches from end to end: what a listener is told, what a route writes, what a batch is answered with."""

import glob
import os

import hilum_e2e as e2e
from hilum_e2e import check


def adt(control_id, charset=b'', family=b'Probe'):
    """Synthetic; `family` and MSH-18 as bytes."""
    return (b'MSH|^~\\&|LOAD|' + family + b'|HILUM|CENTRAL|2026||ADT^A01^ADT_A01|' + control_id.encode() + b'|P|2.5||||||' + charset +
            b'\rPID|1||P1^^^WEST||' + family + b'^Linus||19710309|M\r')


def outputs(dir, count):
    pattern = os.path.join(dir, '*.hl7')
    e2e.wait_until(lambda: len(glob.glob(pattern)) >= count, 20, f'{count} files')
    found = {}
    for path in glob.glob(pattern):
        with open(path, 'rb') as f:
            found[os.path.splitext(os.path.basename(path))[0]] = f.read()
    return found


def test_charsets():
    with e2e.folder() as dir:
        as_is, converted = os.path.join(dir, 'as_is'), os.path.join(dir, 'converted')
        engine = e2e.Engine(dir, {
            'listeners': {'plain': {'mllp': {'listen': '127.0.0.1:0'}},
                          'told': {'mllp': {'listen': '127.0.0.1:0', 'charset': '8859/5'}}},
            'destinations': {'as_is': {'file': {'dir': as_is, 'name': '{MSH-10}.hl7'}},
                             'converted': {'file': {'dir': converted, 'name': '{MSH-10}.hl7'}}},
            'routes': [{'name': 'keep', 'from': ['plain', 'told'], 'to': 'as_is'},
                       {'name': 'convert', 'from': ['plain', 'told'],
                        'when': "PID-5.1 != 'Nobody'",
                        'steps': [{'set': {'MSH-18': 'UNICODE UTF-8'}}, {'set': {'PID-5.1': '=PID-5.1.upper()', 'MSH-5': 'ÄRZTE'}}],
                        'to': 'converted'}],
        })
        rows = [  # listener, MSH-18, the text, its bytes
            ('plain', b'8859/1', 'müller €', 'müller €'.encode('cp1252')),
            ('plain', b'', 'müller', 'müller'.encode()),
            ('plain', b'~ISO IR87', '滯愛', '滯愛'.encode('iso2022_jp')),
            ('plain', b'BIG-5', '許功蓋', '許功蓋'.encode('big5')),
            ('plain', b'GB 18030-2000', '億丂', '億丂'.encode('gb18030')),
            ('plain', b'KS X 1001', '김희중', '김희중'.encode('euc_kr')),
            ('told', b'', 'иван', 'иван'.encode('iso8859_5')),
            ('told', b'8859/1', 'иван', 'иван'.encode('iso8859_5')),
        ]
        with engine:
            sent = []
            for i, (listener, charset, _, family) in enumerate(rows):
                with e2e.Connection(engine.port(listener)) as sender:
                    sent.append(adt(f'C{i}', charset, family))
                    answer = sender.send(sent[-1])
                check(e2e.field(answer, b'MSA', 1) == b'AA', f'answer {answer!r}')
                check(b'|' + family + b'|' in answer, f'MSH-6 of {answer!r}')
            kept, written = outputs(as_is, len(rows)), outputs(converted, len(rows))
            for i, (_, charset, text, _) in enumerate(rows):
                check(kept[f'C{i}'] == sent[i], f'{charset}: {kept[f"C{i}"]!r}')
                expected = adt(f'C{i}', b'UNICODE UTF-8', text.encode()).replace(b'||' + text.encode() + b'^', b'||' + text.upper().encode() + b'^')
                expected = expected.replace(b'|HILUM|', '|ÄRZTE|'.encode())
                check(written[f'C{i}'] == expected, f'{charset}: {written[f"C{i}"]!r}\nnot {expected!r}')
            # Undeclared, and a plain one more with bytes that are no characters: counted, kept.
            tolerated = engine.metric('hilum_tolerated_total', listener='plain')
            check(tolerated == 1, f'{tolerated} tolerated')
            with e2e.Connection(engine.port('plain')) as sender:
                damaged = adt('D1', b'UNICODE UTF-8', b'M\xfcller')
                check(e2e.field(sender.send(damaged), b'MSA', 1) == b'AA', 'damaged')
            check(outputs(as_is, len(rows) + 1)['D1'] == damaged, 'damaged bytes')
            check(engine.metric('hilum_tolerated_total', listener='plain') == 2, 'the damaged one is not counted')

        with open(os.path.join(dir, 'wrong.yaml'), 'w') as f:
            f.write('listeners:\n  a:\n    file: { dir: ., charset: KLINGON }\n'
                    'destinations:\n  b: { file: { dir: ., name: x } }\nroutes:\n  - { name: r, from: a, to: b }\n')
        code, out, err = e2e.hilum('check', os.path.join(dir, 'wrong.yaml'), cwd=dir)
        check(code == 1 and 'KLINGON' in out + err and ':3:' in out + err, f'{code} {out}{err}')


def test_batch_in_a_frame():
    with e2e.folder() as dir:
        out = os.path.join(dir, 'out')
        engine = e2e.Engine(dir, {
            'listeners': {'split': {'mllp': {'listen': '127.0.0.1:0'}},
                          'refuse': {'mllp': {'listen': '127.0.0.1:0', 'batch': 'refuse'}},
                          'files': {'file': {'dir': os.path.join(dir, 'in'), 'poll': '50ms', 'settle': '50ms'}}},
            'destinations': {'out': {'file': {'dir': out, 'name': '{MSH-10}.hl7'}}},
            'routes': [{'name': 'all', 'from': ['split', 'refuse', 'files'], 'to': 'out'}],
        })
        head = b'BHS|^~\\&|LAB|WEST|HILUM|CENTRAL|2026||b||B77\r'
        with engine:
            with e2e.Connection(engine.port('split')) as sender:
                bad = b'MSH|^~\\&|A|B|||2026||ADT^A01||P|2.5\r'  # no MSH-10
                answer = sender.send(b'FHS|^~\\&|LAB|WEST\r' + head + adt('B1') + bad + adt('B2') + b'BTS|3\rFTS|1\r')
                lines = answer.split(b'\r')
                check(lines[0].startswith(b'FHS|^~\\&|||LAB|WEST|'), f'{answer!r}')
                check(lines[1].startswith(b'BHS|^~\\&|HILUM|CENTRAL|LAB|WEST|') and lines[1].endswith(b'|B77'), f'{answer!r}')
                codes = [line.split(b'|')[1] for line in lines if line.startswith(b'MSA')]
                check(codes == [b'AA', b'AE', b'AA'], f'{answer!r}')
                check(lines[-3:] == [b'BTS|3', b'FTS|1', b''], f'{answer!r}')
                # A wrong count, no message, then a message alone on the same connection.
                answer = sender.send(head + adt('B3') + b'BTS|2\r')
                check(b'BTS|1|batch_count at BTS[1]-1' in answer, f'{answer!r}')
                answer = sender.send(head + b'BTS|0\r')
                check(answer.startswith(b'BHS') and answer.endswith(b'BTS|0\r'), f'{answer!r}')
                check(e2e.field(sender.send(adt('B4')), b'MSA', 1) == b'AA', 'a message behind batches')
                # Text that belongs to no message: nothing is taken.
                answer = sender.send(head + adt('B5') + b'BTS|1\rPID|1\r')
                check(e2e.field(answer, b'MSA', 1) == b'AR', f'{answer!r}')
            with e2e.Connection(engine.port('refuse')) as sender:
                answer = sender.send(head + adt('B6') + b'BTS|1\r')
                check(e2e.field(answer, b'MSA', 1) == b'AR', f'{answer!r}')
            with open(os.path.join(dir, 'in', 'batch.hl7'), 'wb') as f:
                f.write(head + adt('B7') + adt('B8') + b'BTS|3\r')
            found = outputs(out, 6)
            check(sorted(found) == ['B1', 'B2', 'B3', 'B4', 'B7', 'B8'], f'{sorted(found)}')
            check(found['B2'] == adt('B2'), f'{found["B2"]!r}')
            e2e.wait_until(lambda: os.path.exists(os.path.join(dir, 'in', 'done', 'batch.hl7')), 20, 'the file is done')
            check(engine.log().count('batch_findings') == 2, engine.log_tail())


e2e.main(globals())
