"""The admin port and the commands that speak to it: health, metrics, queues, messages, trace, resend."""

import json
import re

import hilum_e2e as e2e
from hilum_e2e import check, say


def run(engine, *arguments, code=0):
    got, out, err = e2e.hilum(*arguments, env={'HILUM_ADMIN': engine.admin})
    check(got == code, f'hilum {" ".join(map(str, arguments))}: exit {got}\n{out}{err}')
    return out + err


def number_of(engine, control_id):
    rows = []

    def found():
        rows[:] = json.loads(run(engine, 'messages', 'list', '--control-id', control_id, '--json'))['messages']
        return rows

    e2e.wait_until(found, 10, f'{control_id} in the index')
    return rows[0]['message']


def test_health_and_metrics():
    with e2e.folder() as dir, e2e.Receiver() as lab, e2e.Engine(dir, e2e.straight(lab.port)) as engine:
        for path in ('/livez', '/readyz', '/metrics', '/api/v1/openapi.yaml', '/api/v1/status', '/api/v1/listeners'):
            status, text = engine.http('GET', path)
            check(status == 200 and text, f'{path}: {status}')
        check(engine.http('GET', '/nothing')[0] == 404, 'unknown paths are 404')
        check(engine.http('GET', '/api/v1/queues/nobody')[0] == 404, 'unknown queues are 404')
        with e2e.Connection(engine.port('in')) as sender:
            for n in range(10):
                sender.send(e2e.adt(f'A{n}', patient='MARKERPATIENT', family='MARKERNAME'))
            sender.send(b'MSH|^~\\&|A|B|C|D|20260101||ADT^A01|MARKERLESS|P')
        e2e.wait_until(lambda: engine.metric('hilum_delivered_total', destination='out') >= 10, 10, 'delivered')
        metrics = engine.http('GET', '/metrics')[1]
        for name in ('hilum_messages_received_total', 'hilum_messages_acknowledged_total', 'hilum_messages_rejected_total',
                     'hilum_messages_filtered_total', 'hilum_delivered_total', 'hilum_retries_total', 'hilum_held_total',
                     'hilum_queue_depth', 'hilum_queue_oldest_age_seconds', 'hilum_ack_seconds_bucket',
                     'hilum_delivery_seconds_count'):
            check(re.search(rf'^{name}\b', metrics, re.M), f'{name} is missing')
        for line in metrics.splitlines():
            check(re.fullmatch(r'# (HELP|TYPE) \S+ .+|\w+(\{.*\})? \S+', line), f'no Prometheus line: {line!r}')
        for text in (metrics, engine.log()):
            check('MARKERPATIENT' not in text and 'MARKERNAME' not in text, 'a patient in logs or metrics')


def test_queues():
    with e2e.folder() as dir, e2e.Engine(dir, e2e.straight(port := e2e.free_port())) as engine:
        with e2e.Connection(engine.port('in')) as sender:
            for n in range(5):
                sender.send(e2e.adt(f'Q{n}'))
            e2e.wait_until(lambda: engine.queue('out')['state'] == 'retrying', 5, 'the lane tries again')
            text = run(engine, 'queues', 'list')
            check(re.search(r'out\s+retrying\s+5', text), text)
            run(engine, 'queues', 'pause', 'out')
            e2e.wait_until(lambda: engine.queue('out')['state'] == 'paused', 5, 'paused')
            with e2e.Receiver(port) as lab:
                sender.send(e2e.adt('Q5'))
                check(not lab.messages and engine.queue('out')['queued'] == 6, 'a paused lane keeps its messages')
                head = engine.queue('out')['head_message']
                run(engine, 'queues', 'skip', 'out', '--message', head + 1, '--reason', 'test', code=1)
                run(engine, 'queues', 'skip', 'out', '--message', head, '--reason', 'test')
                e2e.wait_until(lambda: engine.queue('out')['queued'] == 5, 5, 'one less')
                run(engine, 'queues', 'resume', 'out')
                e2e.wait_until(lambda: lab.count() == 5, 10, 'the rest delivered')
                check([e2e.control_id(m) for m in lab.messages] == [b'Q1', b'Q2', b'Q3', b'Q4', b'Q5'], 'order')
                e2e.wait_until(lambda: engine.queue('out')['state'] in ('idle', 'running'), 5, 'idle again')
        run(engine, 'queues', 'pause', 'nobody', code=1)


def test_retry_now():
    with e2e.folder() as dir:
        port = e2e.free_port()
        config = e2e.straight(port)
        config['destinations']['out']['retry'] = {'first': '60s', 'max': '60s'}
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            sender.send(e2e.adt('LATER'))
            e2e.wait_until(lambda: engine.queue('out')['state'] == 'retrying', 5, 'it waits for its retry')
            with e2e.Receiver(port) as lab:
                run(engine, 'queues', 'retry', 'out')
                seconds = e2e.wait_until(lambda: lab.count() == 1, 5, 'delivered at once')
                say(f'delivered {seconds:.2f} s after `queues retry`, the planned retry was a minute away')


def test_messages_and_trace():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        config = e2e.straight(lab.port, steps=[{'set': {'MSH-5': 'LAB'}}], when="MSH-9.2 = 'A01'")
        with e2e.Engine(dir, config) as engine, e2e.Connection(engine.port('in')) as sender:
            message = e2e.adt('T1', patient='PAT77')
            sender.send(message)
            sender.send(e2e.adt('T2', event='A03'))
            e2e.wait_until(lambda: lab.count() == 1, 10, 'delivered')
            number = number_of(engine, 'T1')
            e2e.wait_until(lambda: '"delivered"' in run(engine, 'messages', 'show', number, '--json'), 10, 'the trace')
            trace = json.loads(run(engine, 'messages', 'show', number, '--json'))
            check(trace['deliveries'][0]['state'] == 'delivered' and trace['verdicts'][0]['outcome'] == 'sent', f'{trace}')
            check(len(trace['attempts']) == 1 and trace['attempts'][0]['outcome'] == 'delivered', f'{trace["attempts"]}')
            text = run(engine, 'messages', 'show', number)
            check('delivered' in text and 'PAT77' not in text, f'the trace shows no patient unasked:\n{text}')
            check('PAT77' in run(engine, 'messages', 'show', number, '--content'), '--content shows it')
            check(run(engine, 'messages', 'show', number, '--raw').encode() == message, '--raw is byte for byte')
            filtered = json.loads(run(engine, 'messages', 'show', number_of(engine, 'T2'), '--json'))
            check(filtered['state'] == 'filtered' and 'MSH-9.2' in filtered['verdicts'][0]['reason'],
                  f'the trace names the rule: {filtered["verdicts"]}')
            for query, wanted in (('--patient-id PAT77', 1), ('--type ADT^A03', 1), ('--state filtered', 1), ('--limit 1', 1)):
                rows = json.loads(run(engine, 'messages', 'list', '--json', *query.split()))['messages']
                check(len(rows) == wanted, f'{query}: {len(rows)} rows')
            run(engine, 'messages', 'show', 4711, code=1)

            run(engine, 'messages', 'resend', number)
            e2e.wait_until(lambda: lab.count() == 2, 10, 'sent again')
            check(lab.messages[0] == lab.messages[1], 'the same bytes')
            e2e.wait_until(lambda: len(json.loads(run(engine, 'messages', 'show', number, '--json'))['attempts']) == 2, 10,
                           'the trace has both attempts')


def test_held_by_a_route_then_reprocessed():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        with open(f'{dir}/wards.csv', 'w') as f:
            f.write('local,standard\n2W,WEST\n')
        config = e2e.straight(lab.port, steps=[{'lookup': {'field': 'PV1-3.1', 'table': 'wards', 'otherwise': 'hold'}}])
        config['tables'] = {'wards': {'csv': 'wards.csv', 'key': 'local', 'value': 'standard'}}
        engine = e2e.Engine(dir, config)
        with engine:
            with e2e.Connection(engine.port('in')) as sender:
                check(b'MSA|AA|HELD' in sender.send(e2e.adt('HELD', ward='9X')), 'acknowledged')
            number = number_of(engine, 'HELD')
        with open(f'{dir}/wards.csv', 'a') as f:
            f.write('9X,NINE\n')
        with engine:
            run(engine, 'messages', 'resend', number)
            e2e.wait_until(lambda: lab.count() == 1, 10, 'delivered by the routes as they are now')
            check(b'|NINE^' in lab.messages[0], f'{lab.messages[0]!r}')


def test_no_engine():
    code, out, err = e2e.hilum('queues', 'list', env={'HILUM_ADMIN': f'127.0.0.1:{e2e.free_port()}'})
    check(code == 1 and err and not out, f'{code} {out} {err}')


def test_reload():
    import signal
    with e2e.folder() as dir, e2e.Receiver() as lab:
        engine = e2e.Engine(dir, e2e.straight(lab.port))
        with engine, e2e.Connection(engine.port('in')) as sender:
            check(b'MSA|AA|L1' in sender.send(e2e.adt('L1')), 'before')
            changed = e2e.straight(lab.port, steps=[{'set': {'MSH-5': 'CHANGED'}}])
            engine.configure(changed)
            engine.process.send_signal(signal.SIGHUP)
            e2e.wait_until(lambda: 'reloaded' in engine.log(), 10, 'reloaded')
            check(b'MSA|AA|L2' in sender.send(e2e.adt('L2')), 'the open connection stays')
            e2e.wait_until(lambda: lab.count() == 2, 10, 'delivered')
            check(b'|CHANGED|' in lab.messages[1] and b'|CHANGED|' not in lab.messages[0], 'the new route works')
            engine.configure({**changed, 'routes': [{'name': 'all', 'from': 'nowhere', 'to': 'out'}]})
            engine.process.send_signal(signal.SIGHUP)
            e2e.wait_until(lambda: 'reload_refused' in engine.log(), 10, 'a broken configuration is refused')
            check(b'MSA|AA|L3' in sender.send(e2e.adt('L3')), 'and the old one stays in force')
            e2e.wait_until(lambda: lab.count() == 3, 10, 'delivered')
            check(b'|CHANGED|' in lab.messages[2], 'the old route')


def test_reload_command():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        engine = e2e.Engine(dir, e2e.straight(lab.port))
        with engine, e2e.Connection(engine.port('in')) as sender:
            sender.send(e2e.adt('C1'))
            check('nothing has changed' in run(engine, 'reload'), 'the same configuration')
            changed = e2e.straight(lab.port, steps=[{'set': {'MSH-5': 'CHANGED'}}])
            engine.configure(changed)
            answer = json.loads(run(engine, 'reload', '--json'))
            check([(c['section'], c['change']) for c in answer['changes']] == [('routes', 'changed')], answer)
            check(b'MSA|AA|C2' in sender.send(e2e.adt('C2')), 'the open connection stays')
            for control_id, config in (('C1', answer['was']), ('C2', answer['hash'])):
                text = run(engine, 'messages', 'show', number_of(engine, control_id))
                check(f'handled under configuration {config}' in text, text)
            engine.configure({**changed, 'routes': [{'name': 'all', 'from': 'nowhere', 'to': 'out'}]})
            text = run(engine, 'reload', code=1)
            check('there is no listener "nowhere"' in text and 'stays in force' in text, text)
            engine.configure({**changed, 'admin': {'listen': f'127.0.0.1:{e2e.free_port()}'}})
            check('restart' in run(engine, 'reload', code=1), 'what needs a restart is refused')
            check(b'MSA|AA|C3' in sender.send(e2e.adt('C3')), 'and the old one stays in force')


e2e.main(globals())
