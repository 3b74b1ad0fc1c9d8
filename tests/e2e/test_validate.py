"""Validation: what is observed, what is refused and why, and how many messages conform."""

import json
import os
import re

import hilum_e2e as e2e
from hilum_e2e import check


def hilum(engine, *arguments):
    code, out, err = e2e.hilum(*arguments, env={'HILUM_ADMIN': engine.admin})
    check(code == 0, f'hilum {" ".join(map(str, arguments))}: exit {code}\n{out}{err}')
    return out


def bad(control_id, version='2.5', marker='MARKERNAME'):
    """No PID-3, a birth date that is none, a status that is in no table."""
    return (f'MSH|^~\\&|LAB|EAST|HILUM|CENTRAL|20260714101500||ADT^A01^ADT_A01|{control_id}|P|{version}\r'
            f'EVN||20260714101500\rPID|1||||{marker}^J||19700230|F\rPV1|1|I\r').encode()


def segments(answer, name):
    return [s.split('|') for s in answer.decode().split('\r') if s.startswith(name)]


def test_observe():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        with e2e.Engine(dir, e2e.straight(lab.port, validate='observe')) as engine, e2e.Connection(engine.port('in')) as sender:
            for n in range(3):
                check(b'|AA|' in sender.send(e2e.adt(f'G{n}')), 'a good message is accepted')
            check(b'|AA|' in sender.send(bad('B1')), 'a bad one too')
            e2e.wait_until(lambda: lab.count() == 4, 10, 'all delivered')
            counts = json.loads(engine.http('GET', '/api/v1/conformance')[1])['conformance']
            by_sender = {c.get('sender'): c for c in counts}
            check(set(by_sender) == {None, 'LOAD|WEST', 'LAB|EAST'}, f'{counts}')
            check(by_sender['LAB|EAST']['conformant'] == 0 and by_sender['LOAD|WEST']['conformant'] == 3, f'{counts}')
            rules = {r['rule']: r for r in by_sender['LAB|EAST']['rules']}
            check(set(rules) == {'required', 'datatype'} and rules['required']['messages'] == 1, f'{rules}')
            check(engine.metric('hilum_messages_conformant_total', listener='in') == 3, 'three conform')
            check(engine.metric('hilum_validation_findings_total', listener='in', rule='datatype') == 1, 'one date')
            text = hilum(engine, 'messages', 'conformance')
            check(re.search(r'in +\(all\) +4 +75\.0 %', text) and re.search(r'LAB\|EAST +1 +0\.0 %', text), text)
            found = []

            def in_index():
                found[:] = json.loads(hilum(engine, 'messages', 'list', '--control-id', 'B1', '--json'))['messages']
                return found

            e2e.wait_until(in_index, 10, 'in the index')
            trace = json.loads(hilum(engine, 'messages', 'show', found[0]['message'], '--json'))
            noted = [v for v in trace['verdicts'] if v['route'] == '(validation)']
            check(len(noted) == 1 and noted[0]['outcome'] == 'noted', f'{trace["verdicts"]}')
            check('E PID[1]-3 required' in noted[0]['reason'] and 'E PID[1]-7 datatype' in noted[0]['reason'], noted[0]['reason'])
            for told in (noted[0]['reason'], engine.log(), engine.http('GET', '/metrics')[1]):
                check('MARKERNAME' not in told and '19700230' not in told, 'content in a finding')


def test_enforce():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        with e2e.Engine(dir, e2e.straight(lab.port, validate='enforce')) as engine, e2e.Connection(engine.port('in')) as sender:
            check(b'|AA|' in sender.send(e2e.adt('G1')), 'a good message is accepted')
            answer = sender.send(bad('B1'))
            check(segments(answer, 'MSA')[0][1:3] == ['AE', 'B1'], answer)
            errors = segments(answer, 'ERR')
            check([(e[2], e[3].split('^')[0], e[4]) for e in errors] == [('PID^1^3', '101', 'E'), ('PID^1^7^1', '102', 'E')], answer)
            check(all(e[8] for e in errors) and b'MARKERNAME' not in answer, answer)
            old = sender.send(bad('B2', version='2.3.1'))
            errors = segments(old, 'ERR')
            check(len(errors) == 1 and [r.split('^')[:3] for r in errors[0][1].split('~')] == [['PID', '1', '3'], ['PID', '1', '7']], old)
            e2e.wait_until(lambda: lab.count() == 1, 10, 'the good one delivered')
            check(engine.metric('hilum_messages_rejected_total', listener='in') == 2, 'two refused')


def test_profile():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        profile = os.path.join(dir, 'adt.yaml')
        with open(profile, 'w') as f:
            f.write('messages: [ { type: ADT, segments: { PID: { fields: { 8: { codes: [F] } } } } } ]\n')
        config = e2e.straight(lab.port, validate='enforce', profile=profile)
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            answer = sender.send(e2e.adt('P1'))
            check(segments(answer, 'ERR')[0][2:4] == ['PID^1^8^1', '103^Table value not found^HL70357'], answer)
            check(b'|AA|' in sender.send(e2e.adt('P2').replace(b'|M\r', b'|F\r')), 'as the profile says')


def test_a_closed_table():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        config = e2e.straight(lab.port, validate='enforce')
        config['dictionary'] = {'tables': {'1': {'closed': True, 'codes': {'Q': 'asked, not told'}}}}
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            check(b'|AA|' in sender.send(e2e.adt('C1')) and b'|AA|' in sender.send(e2e.adt('C2').replace(b'|M\r', b'|Q\r')), 'known')
            answer = sender.send(e2e.adt('C3').replace(b'|M\r', b'|B\r'))
            check(segments(answer, 'ERR')[0][2:4] == ['PID^1^8^1', '103^Table value not found^HL70357'], answer)


def test_mistakes_are_found_by_check():
    with e2e.folder() as dir:
        for options, told in (({'validate': 'enforce', 'profile': 'nowhere.yaml'}, 'cannot read the profile'),
                              ({'validate': 'strict'}, 'validate'), ({'profile': 'x.yaml'}, 'validate is off')):
            path = os.path.join(dir, 'hilum.yaml')
            with open(path, 'w') as f:
                json.dump(e2e.straight(1, **options), f)
            code, out, err = e2e.hilum('check', path)
            check(code == 1 and told in out + err, f'{options}: {code}\n{out}{err}')


e2e.main(globals())
