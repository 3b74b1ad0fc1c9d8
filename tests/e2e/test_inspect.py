"""hilum inspect and hilum convert, as a person at a desk or a script uses them."""

import json
import os

import hilum_e2e as e2e
from hilum_e2e import check, say

ADT = ('MSH|^~\\&|REG|EAST|LAB|WEST|20260102||ADT^A01^ADT_A01|M1|P|2.5.1\rEVN||20260102\r'
       'PID|1||100001^^^EAST&1.2.3&ISO^MR~77^^^^SS||DOE^JANE||19700101|F\rPV1|1|I|W1^101^A||||||||||||||||""\rZPI|x\r')
ORU = ('MSH|^~\\&|LAB|WEST|REG|EAST|20260102||ORU^R01^ORU_R01|M2|P|2.5.1\rPID|1||100001\rORC|RE\rOBR|1|||GLU\r'
       'OBX|1|NM|GLU||5.5||||||F\rORC|RE\rOBR|2|||K\rOBX|1|NM|K||4.0||||||F\rOBX|2|ST|K||caf\u00e9||||||F\r')


def write(dir, name, text):
    path = os.path.join(dir, name)
    with open(path, 'w', newline='') as f:
        f.write(text)
    return path


def run(*arguments, code=0, **more):
    got, out, err = e2e.hilum(*arguments, **more)
    check(got == code, f'{arguments}: exit code {got}, expected {code}\n{out}\n{err}')
    return out, err


def has(text, *lines):
    flat = [' '.join(line.split()) for line in text.splitlines()]
    for line in lines:
        check(line in flat, f'no line {line!r} in\n{text}')


def test_listing():
    with e2e.folder() as dir:
        out, err = run('inspect', write(dir, 'adt.hl7', ADT))
        has(out, 'PID Patient Identification', 'PID-8 Administrative Sex F (Female)',
            'PID-3[1].1 ID Number 100001', 'PID-3[1].4.2 Universal ID 1.2.3', 'PV1-19 Visit Number "" (null)',
            'note: ZPI: a segment of the sender\'s own')
        check('\x1b' not in out and not err, 'no colours but on a terminal')
        out, _ = run('inspect', write(dir, 'oru.hl7', ORU))
        lines = out.splitlines()
        groups = [line for line in lines if 'ORDER_OBSERVATION' in line]
        check(groups == ['  ORDER_OBSERVATION', '  ORDER_OBSERVATION[2]'], f'{groups}')
        check(any(line.startswith('      OBX[2]  ') for line in lines), out)


def test_colours():
    with e2e.folder() as dir:
        path = write(dir, 'adt.hl7', ADT)
        check('\x1b[' in run('inspect', '--color', 'always', path)[0], 'colours when asked for')
        check('\x1b' not in run('inspect', '--color', 'never', path)[0], 'none when not')
        run('inspect', '--color', 'pink', path, code=2)
        hostile = ADT.replace('JANE', 'J\x1b[31mE')
        out, _ = run('inspect', '--color', 'never', write(dir, 'hostile.hl7', hostile))
        check('\x1b' not in out, 'a message can\'t colour the terminal')


def test_paths():
    with e2e.folder() as dir:
        path = write(dir, 'oru.hl7', ORU)
        check(run('inspect', path, '--path', 'OBX[*]-5')[0] == '5.5\n4.0\ncaf\u00e9\n', 'plain path')
        check(run('inspect', path, '--path', 'ORDER_OBSERVATION[2]/OBX[2]-5')[0] == 'caf\u00e9\n', 'group path')
        run('inspect', path, '--path', 'NK1-2', code=1)
        _, err = run('inspect', path, '--path', 'PID-', code=2)
        check('--path' in err, err)


def test_json():
    with e2e.folder() as dir:
        path = write(dir, 'both.hl7', ORU + ADT.replace('|F\r', '|F\rOBX|1\rPID|2\r'))
        first, second = (json.loads(line) for line in run('inspect', '--json', path)[0].splitlines())
        check((first['message'], first['structure'], first['control_id']) == (1, 'ORU_R01', 'M2'), f'{first}')
        obx = first['segments'][-1]
        check((obx['path'], obx['name']) == ('OBX[3]', 'Observation/Result'), f'{obx}')
        check(obx['group'].endswith('ORDER_OBSERVATION[2]/OBSERVATION[2]'), f'{obx}')
        five = next(v for v in obx['values'] if v['path'] == 'OBX[3]-5')
        check(five == {'path': 'OBX[3]-5', 'name': 'Observation Value', 'datatype': 'ST', 'value': 'caf\u00e9'}, f'{five}')
        sex = next(v for s in second['segments'] for v in s['values'] if v['path'] == 'PID-8')
        check((sex['table'], sex['table_name'], sex['meaning']) == (1, sex['table_name'], 'Female'), f'{sex}')
        codes = {f['code'] for f in second['findings']}
        check({'too_many', 'local'} <= codes and all(f['place'] and f['text'] for f in second['findings']), f'{second["findings"]}')


def test_several_messages():
    with e2e.folder() as dir:
        batch = write(dir, 'batch.hl7', 'BHS|^~\\&|A\r' + ADT + ORU + 'BTS|3\r')
        out, err = run('inspect', batch)
        check([line.split(':')[0] for line in out.splitlines() if line.startswith('message ')] == ['message 1', 'message 2'], out)
        check('BTS' in err, err)
        check(run('inspect', batch, '--message', '2', '--path', 'MSH-10')[0] == 'M2\n', '--message')
        run('inspect', batch, '--message', '3', code=1)
        run('inspect', batch, '--message', '0', code=2)


def test_diff():
    with e2e.folder() as dir:
        a = write(dir, 'a.hl7', ORU)
        check('no difference' in run('inspect', a, '--diff', write(dir, 'lf.hl7', ORU.replace('\r', '\n')))[0], 'line ends')
        changed = ORU.replace('4.0', '4.1').replace('ORC|RE\rOBR|2', 'NTE|1||new\rORC|RE\rOBR|2').replace('OBX|1|NM|GLU||5.5||||||F\r', '')
        out, _ = run('inspect', a, '--diff', write(dir, 'b.hl7', changed), code=1)
        has(out, '- OBX Observation/Result OBX|1|NM|GLU||5.5||||||F', '+ NTE Notes and Comments NTE|1||new',
            'OBX[2]-5 / OBX-5 Observation Value 4.0 -> 4.1')
        check('caf' not in out, 'what is unchanged is left out')
        out, _ = run('inspect', a, '--diff', write(dir, 'b.hl7', changed), '--json', code=1)
        kinds = sorted(d['kind'] for d in json.loads(out)['differences'])
        check(kinds == ['added', 'changed', 'removed'], out)
        # A segment taken out moves the numbers of those behind it, not their content.
        many = ORU.split('ORC|RE')[0] + ''.join(f'OBX|{n}|NM|T{n}||{n}||||||F\r' for n in range(2, 9))
        fewer = many.replace('OBX|4|NM|T4||4||||||F\r', '')
        for n in range(5, 9):
            fewer = fewer.replace(f'OBX|{n}|NM', f'OBX|{n - 1}|NM')
        out, _ = run('inspect', write(dir, 'e.hl7', many), '--diff', write(dir, 'f.hl7', fewer), code=1)
        has(out, '- OBX[3] Observation/Result OBX|4|NM|T4||4||||||F', 'OBX[4]-1 / OBX[3]-1 Set ID - OBX 5 -> 4')
        check('T5' not in out, out)
        moved = ADT.replace('EVN||20260102\r', '') + 'EVN||20260102\r'
        check('another order' in run('inspect', write(dir, 'c.hl7', ADT), '--diff', write(dir, 'd.hl7', moved), code=1)[0], 'order')


def test_convert():
    with e2e.folder() as dir:
        for text in (ADT, ORU):
            path = write(dir, 'm.hl7', text)
            xml, _ = run('convert', '--to', 'xml', path)
            check('xmlns="urn:hl7-org:v2xml"' in xml, xml)
            back, _ = run('convert', '--to', 'hl7', write(dir, 'm.xml', xml))
            check(back == text, f'{back!r}')
            check(json.loads(run('convert', '--to', 'json', path)[0])['message'] == 1, 'json')
            check(run('inspect', '--path', 'MSH-10', os.path.join(dir, 'm.xml'))[0].startswith('M'), 'inspect reads XML')
        run('convert', '--to', 'xml', write(dir, 'both.hl7', ADT + ORU), code=2)
        run('convert', '--to', 'xml', '--message', '2', os.path.join(dir, 'both.hl7'))
        _, err = run('convert', '--to', 'hl7', write(dir, 'bomb.xml', '<a>' * 100000), code=1)
        check('xml_too_deep at byte' in err, err)
        run('convert', '--to', 'fish', path, code=2)


def test_convert_version():
    with e2e.folder() as dir:
        old = write(dir, 'old.hl7', 'MSH|^~\\&|A|B|C|D|20260102||ADT^A04|1|P|2.3\rPID|1|X1|4711||DOE\r')
        out, err = run('convert', '--to', 'hl7', '--version', '2.5.1', old)
        check(out == 'MSH|^~\\&|A|B|C|D|20260102||ADT^A04^ADT_A01|1|P|2.5.1\rPID|1||4711~X1||DOE\r', repr(out))
        check('moved PID-2' in err and 'X1' not in err, err)
        run('convert', '--to', 'hl7', '--version', '2.5.9', old, code=2)


def test_eval():
    patient = ('{"resourceType": "Patient", "birthDate": "1971-03-09",\n'
               ' "name": [{"use": "official", "given": ["Linus", "Q"], "family": "Probe"}, {"use": "old", "given": ["Lin"]}]}')
    with e2e.folder() as dir:
        write(dir, 'patient.json', patient)
        write(dir, 'adt.hl7', ADT)
        for expression, file, wanted in (
                ("name.where(use = 'official').given", 'patient.json', (0, 'Linus\nQ\n')),
                ('birthDate < @1980-01-01', 'patient.json', (0, 'true\n')),
                ("name.where(use = 'nickname')", 'patient.json', (1, '')),
                ('Patient.birthdate', 'patient.json', (2, '')),
                ('PID-5.1.lower() & PID-3.1', 'adt.hl7', (0, 'doe100001\n'))):
            code, out, err = e2e.hilum('eval', expression, os.path.join(dir, file))
            check((code, out) == wanted, f'{expression}: {code} {out!r} {err!r}')
            check(code != 2 or 'birthDate' in err, f'{expression}: {err!r}')
        code, out, _ = e2e.hilum('eval', '--json', 'birthDate', os.path.join(dir, 'patient.json'))
        check(json.loads(out) == {'resource': 'Patient', 'items': [{'type': 'date', 'text': '1971-03-09'}]}, out)


def test_shared_messages():
    """Every message of the collection, each way of showing it; a message has no difference from itself."""
    rows = [r for r in e2e.shared_messages() if r['class'] == 'single']
    shown = 0
    for row in rows[::1 if e2e.LONG else 10]:
        path = os.path.join(e2e.SHARED, 'messages', row['path'])
        out, _ = run('inspect', path)
        check('\x1b' not in out, f'{path}: a control character')
        for line in run('inspect', '--json', path)[0].splitlines():
            message = json.loads(line)
            check(message['segments'] and all(v['path'] for s in message['segments'] for v in s['values']), path)
            shown += 1
        run('inspect', path, '--diff', path)
        run('convert', '--to', 'hl7', '--version', '2.5.1', path)
    say(f'{shown} messages')


e2e.main(globals())
