"""`hilum replay`: what is stored goes again, as it was sent or through the routes of now; previewed, paced, resumed, once."""

import json
import os
import random
import re
import subprocess
import time

import hilum_e2e as e2e
from hilum_e2e import check, say

FROM = ('--from', '2h')


def configuration(lab, copy_to=None, steps=None):
    config = {
        'listeners': {'in': {'mllp': {'listen': '127.0.0.1:0'}}},
        'destinations': {'lab': {'mllp': {'connect': f'127.0.0.1:{lab}'}, 'retry': e2e.FAST_RETRY}},
        'routes': [{'name': 'to-lab', 'from': 'in', 'to': 'lab', 'steps': steps or [{'set': {'MSH-5': 'LAB'}}]}],
    }
    if copy_to:
        config['destinations']['copy'] = {'mllp': {'connect': f'127.0.0.1:{copy_to}'}, 'retry': e2e.FAST_RETRY}
        config['routes'].append({'name': 'keep', 'from': 'in', 'to': 'copy'})
    return config


def cli(engine, *arguments, code=0):
    """A command that talks to the engine; what it printed."""
    got, out, err = e2e.hilum(*arguments, '--admin', engine.admin)
    check(got == code, f'hilum {" ".join(map(str, arguments))}: {got}\n{out}{err}')
    return out if code == 0 else out + err


def job_of(engine, *arguments):
    """A replay to its end; the job."""
    job = json.loads(cli(engine, 'replay', *FROM, *arguments, '--wait', '--json'))
    check(job['state'] == 'done', job)
    return job


class Moody(e2e.Receiver):
    """A receiver that answers what self.answer is at the moment."""

    answer = b'AA'

    def keeps(self, message):
        return False  # replies() does, by the same look at `answer`

    def replies(self, message):
        answer = self.answer
        if answer == b'AA':
            with self.lock:
                self.messages.append(message)
        return [e2e.acknowledgement(e2e.control_id(message).decode(), answer.decode())]


def feed(engine, count, first=0, **fields):
    with e2e.Connection(engine.port('in')) as sender:
        for i in range(first, first + count):
            answer = sender.send(e2e.adt(f'M{i:06}', **fields))
            check(e2e.field(answer, b'MSA', 1) == b'AA', answer)


def ids(messages):
    return [e2e.control_id(m).decode() for m in messages]


def drained(engine, *destinations):
    e2e.wait_until(lambda: all(engine.queue(d)['queued'] == 0 for d in destinations), 30, f'{destinations} drained')


def indexed(engine):
    e2e.wait_until(lambda: engine.api('GET', '/status')['store']['index_lag'] == 0, 20, 'the index')


def jobs_of(engine, message):
    """The jobs that have sent a message again, one for each order."""
    return [int(re.match(r'replayed by job (\d+), asked by ', r['by'])[1]) for r in engine.api('GET', f'/messages/{message}')['resends']]


def test_as_sent():
    with e2e.folder() as dir, e2e.Receiver() as lab, e2e.Receiver() as copy_of:
        with e2e.Engine(dir, configuration(lab.port, copy_of.port)) as engine:
            feed(engine, 30)
            feed(engine, 10, first=30, event='A03')
            e2e.wait_until(lambda: lab.count() == 40 and copy_of.count() == 40, 20, 'delivered')
            sent, copied = list(lab.messages), list(copy_of.messages)

            # The preview counts, and sends nothing.
            told = cli(engine, 'replay', *FROM, '--dry-run')
            check(re.search(r'^lab +40 +%d$' % sum(map(len, sent)), told, re.M) and '40 messages, 80 deliveries' in told, told)
            check('Probe' not in told, told)
            check(json.loads(cli(engine, 'replay', *FROM, '--dry-run', '--destination', 'lab', '--json'))['preview']['destinations'] ==
                  [{'destination': 'lab', 'deliveries': 40, 'bytes': sum(map(len, sent))}], 'one destination')
            time.sleep(0.3)
            check(lab.count() == 40 and engine.api('GET', '/replays')['replays'] == [], 'a dry run sent something, or is kept')

            # The same bytes in the same order.
            job = job_of(engine, '--route', 'to-lab')
            check(job['messages'] == job['deliveries'] == 40, job)
            e2e.wait_until(lambda: lab.count() == 80, 20, 'delivered again')
            check(lab.messages[40:] == sent and copy_of.messages == copied, 'other bytes, another order, or another destination')
            indexed(engine)
            check(jobs_of(engine, 7) == [job['job']], engine.api('GET', '/messages/7')['resends'])
            told = cli(engine, 'messages', 'show', '7')
            check(f"replayed by job {job['job']}, asked by cli" in told, told)

            # A part of it.
            job_of(engine, '--destination', 'copy', '--where', "MSH-9.2 = 'A03'")
            e2e.wait_until(lambda: copy_of.count() == 50, 20, 'the discharges again')
            check(copy_of.messages[40:] == copied[30:], ids(copy_of.messages[40:]))

            # To somebody else: each body once. What is sent there counts as delivered there.
            job_of(engine, '--destination', 'lab', '--to-destination', 'copy', '--where', "MSH-10 = 'M000003'")
            e2e.wait_until(lambda: copy_of.count() == 51, 20, 'sent to another destination')
            check(copy_of.messages[50] == sent[3] and lab.count() == 80, 'not what lab got')
            indexed(engine)
            rows = engine.api('GET', '/messages/4')['deliveries']
            check([(d['ordinal'], d['destination'], d['state']) for d in rows if d['ordinal'] == 0] ==
                  [(0, 'lab', 'delivered'), (0, 'copy', 'delivered')], rows)

            # What is wrong is said, and nothing begins.
            check('did you mean' in cli(engine, 'replay', *FROM, '--where', 'MSH-9.1 = PID-3.1.uper()', code=2), 'a mistake in an expression')
            check('no such destination' in cli(engine, 'replay', *FROM, '--to-destination', 'nobody', code=1), 'a destination that is none')
            check('--from' in cli(engine, 'replay', code=2), 'no time')
            check('before it begins' in cli(engine, 'replay', '--from', '1h', '--to', '2h', code=2), 'a range backwards')
            check('no_such_job' in cli(engine, 'replay', 'show', '99', code=1), 'a job that is none')
            jobs = engine.api('GET', '/replays')['replays']
            check([j['state'] for j in jobs] == ['done'] * 3, jobs)
            check(re.search(r'^\d+ +as-sent +done +40 +40 +40 ', cli(engine, 'replay', 'list'), re.M), cli(engine, 'replay', 'list'))
            check('Probe' not in engine.log(), 'content in the log')
        # Jobs that have ended are still known after a restart.
        with e2e.Engine(dir, configuration(lab.port, copy_of.port)) as engine:
            check([j['state'] for j in engine.api('GET', '/replays')['replays']] == ['done'] * 3, engine.api('GET', '/replays'))
            time.sleep(0.5)
            check(lab.count() == 80 and copy_of.count() == 51, 'a job that was done went on')


def test_reprocess():
    with e2e.folder() as dir, e2e.Receiver() as lab, e2e.Receiver() as copy_of:
        with e2e.Engine(dir, configuration(lab.port, copy_of.port)) as engine:
            feed(engine, 20)
            with e2e.Connection(engine.port('in')) as sender:
                refused = sender.send(b'MSH|^~\\&|A\rPID|1\r')
                check(e2e.field(refused, b'MSA', 1) in (b'AR', b'AE'), refused)
            e2e.wait_until(lambda: lab.count() == 20 and copy_of.count() == 20, 20, 'delivered')

            same = json.loads(cli(engine, 'replay', *FROM, '--reprocess', '--dry-run', '--json'))['preview']
            check(same['messages'] == same['alike'] == 20 and same['different'] == 0 and same['clusters'] == [], same)

            # A mended configuration: the family name in capitals, for lab.
            engine.configure(configuration(lab.port, copy_of.port, steps=[{'set': {'MSH-5': 'LAB', 'PID-5.1': '=PID-5.1.upper()'}}]))
            cli(engine, 'reload')
            told = cli(engine, 'replay', *FROM, '--reprocess', '--dry-run')
            check('0 come out as they were sent before, 20 otherwise' in told, told)
            check('20 messages  lab: PID-5 (Patient Name) changed; the first is 1' in told, told)
            check('PROBE' not in told.upper(), told)

            job = job_of(engine, '--reprocess', '--route', 'to-lab')
            check(job['messages'] == 20 and job['preview']['destinations'][0]['deliveries'] == 20, job)
            e2e.wait_until(lambda: lab.count() == 40, 20, 'delivered again')
            check(ids(lab.messages[20:]) == ids(lab.messages[:20]), ids(lab.messages[20:]))
            check(all(b'|PROBE^Linus|' in m for m in lab.messages[20:]), lab.messages[20])
            check(copy_of.count() == 20, 'another route sent, too')

            # The trace, both ways.
            indexed(engine)
            rows = engine.api('GET', '/messages?limit=1000')['messages']
            again = [r['message'] for r in rows if r['source'].startswith('replayed by job')]
            check(len(again) == 20, f'{len(again)} of {len(rows)}')
            made = engine.api('GET', f'/messages/{min(again)}')
            check(made['origin'] == 1 and re.match(rf"replayed by job {job['job']}, asked by cli", made['source']), made)
            told = cli(engine, 'messages', 'show', '1')
            check(f"as message {min(again)}, replayed by job {job['job']}, asked by cli" in told, told)
            told = cli(engine, 'messages', 'show', min(again))
            check('reprocessed from message 1' in told and f"replayed by job {job['job']}" in told, told)
            # What was made by reprocessing is no original.
            check(json.loads(cli(engine, 'replay', *FROM, '--reprocess', '--dry-run', '--json'))['preview']['messages'] == 20, 'copies count')


def kill_now_and_then(engine, done, between):
    """Kills and starts the engine until done(); how often."""
    kills = 0
    while True:
        time.sleep(random.uniform(*between))
        engine.kill()
        engine.start(within=10)
        kills += 1
        if done():
            return kills


def kill_in_the_middle(mode, count, rate, between):
    with e2e.folder() as dir, e2e.Receiver() as lab:
        config = configuration(lab.port)
        config['listeners']['in']['mllp']['listen'] = f'127.0.0.1:{e2e.free_port()}'
        config['admin'] = {'listen': f'127.0.0.1:{e2e.free_port()}'}
        engine = e2e.Engine(dir, config).start()
        try:
            with e2e.Load(engine.port('in'), connections=1, messages=count) as load:
                check(load.result()['errors'] == 0, 'the load had errors')
            e2e.wait_until(lambda: lab.count() == count, 60, 'delivered')
            drained(engine, 'lab')
            first = ids(lab.messages)
            indexed(engine)
            told = cli(engine, 'replay', *FROM, mode, '--rate', f'{rate}/s')
            job = int(re.search(r'started as job (\d+)', told)[1])
            state = lambda: engine.api('GET', f'/replays/{job}')
            kills = kill_now_and_then(engine, lambda: state()['state'] == 'done' or state()['messages'] > count * 0.7, between)
            e2e.wait_until(lambda: state()['state'] == 'done', 60, 'the job ended')
            drained(engine, 'lab')
            say(f'{mode}, {rate} a second: {kills} kills, {lab.count() - count} deliveries of {count} messages')
            check(state()['messages'] == count, state())

            # Once per job, as the journal has it.
            indexed(engine)
            if mode == '--as-sent':
                for n in range(1, count + 1):
                    check(jobs_of(engine, n) == [job], f'message {n}: {jobs_of(engine, n)}')
            else:
                origins = [engine.api('GET', f'/messages/{n}').get('origin') for n in range(count + 1, 2 * count + 1)]
                check(origins == list(range(1, count + 1)), 'not each once, in order')
                check(engine.http('GET', f'/api/v1/messages/{2 * count + 1}')[0] == 404, 'a message too many')
                marks = [a['text'] for n in range(1, count + 1) for a in engine.api('GET', f'/messages/{n}')['attempts']
                         if a['outcome'] == 'released']
                check(len(marks) == count, f'{len(marks)} of {count} messages are marked')
            # In order on the wire; what was in flight at a kill may come twice.
            again = ids(lab.messages[count:])
            different = list(dict.fromkeys(again))
            check(different == first, 'out of order, or not all')
            check(len(again) - len(different) <= kills, f'{len(again) - len(different)} duplicates, {kills} kills')
            engine.stop()
        except BaseException:
            say(engine.log_tail())
            engine.kill()
            raise


def test_kill_in_the_middle():
    for mode in ('--as-sent', '--reprocess'):
        kill_in_the_middle(mode, *((5000, 500) if e2e.LONG else (400, 150)), (0.2, 1.0))


def test_kill_between_commits_of_many():
    for mode in ('--as-sent', '--reprocess'):
        kill_in_the_middle(mode, *((40000, 4000) if e2e.LONG else (3000, 2500)), (0.05, 0.3))


def test_kill_while_held_ones_go():
    count, rate = (3000, 500) if e2e.LONG else (300, 100)
    with e2e.folder() as dir, Moody() as lab:
        config = configuration(lab.port)
        config['listeners']['in']['mllp']['listen'] = f'127.0.0.1:{e2e.free_port()}'
        config['admin'] = {'listen': f'127.0.0.1:{e2e.free_port()}'}
        engine = e2e.Engine(dir, config).start()
        try:
            lab.answer = b'AE'
            feed(engine, count)
            drained(engine, 'lab')
            indexed(engine)
            check(engine.queue('lab')['held'] == count, engine.queue('lab'))
            lab.answer = b'AA'
            told = cli(engine, 'messages', 'resend', '--held', '--rate', rate, '--yes')
            job = int(re.search(r'started as job (\d+)', told)[1])
            state = lambda: engine.api('GET', f'/replays/{job}')
            kills = kill_now_and_then(engine, lambda: state()['state'] == 'done' or state()['messages'] > count * 0.7, (0.2, 1.0))
            e2e.wait_until(lambda: state()['state'] == 'done', 60, 'the job ended')
            drained(engine, 'lab')
            indexed(engine)
            say(f'{kills} kills, {lab.count()} deliveries of {count} messages')
            check(list(dict.fromkeys(ids(lab.messages))) == [f'M{i:06}' for i in range(count)], 'out of order, or not all')
            check(lab.count() - count <= kills, f'{lab.count() - count} duplicates, {kills} kills')
            for n in range(1, count + 1):
                check(jobs_of(engine, n) == [job], f'message {n}: {jobs_of(engine, n)}')
            check(engine.queue('lab')['held'] == 0, engine.queue('lab'))
            check(cli(engine, 'messages', 'resend', '--held').count('\n') == 2, 'something is still held')
            engine.stop()
        except BaseException:
            say(engine.log_tail())
            engine.kill()
            raise


def test_a_disk_that_fills_up_on_the_way():
    count = 600
    with e2e.folder() as dir, e2e.Receiver() as lab:
        disk = os.path.join(dir, 'disk')
        os.mkdir(disk)
        done = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=32m', 'hilum-e2e', disk], capture_output=True, text=True)
        if done.returncode != 0:
            raise e2e.Skip(f'can not mount a tmpfs here: {done.stderr.strip()}')
        try:
            config = {**configuration(lab.port, steps=[{'set': {'MSH-5': 'LAB'}}]),
                      'store': {'dir': os.path.join(disk, 'data'), 'segment_size': '4MiB'}}
            with e2e.Engine(dir, config) as engine:
                with e2e.Connection(engine.port('in')) as sender:
                    for i in range(count):
                        sender.send(e2e.adt(f'M{i:06}') + b'NTE|1|L|' + b'x' * 8000 + b'\r')
                e2e.wait_until(lambda: lab.count() == count, 30, 'delivered')
                indexed(engine)
                free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
                with open(os.path.join(disk, 'filler'), 'wb') as f:
                    f.write(bytes(max(0, free - (5 << 20))))
                told = cli(engine, 'replay', *FROM, '--reprocess', '--rate', '5000/s')
                job = int(re.search(r'started as job (\d+)', told)[1])
                state = lambda: engine.api('GET', f'/replays/{job}')
                e2e.wait_until(lambda: 'disk_full' in state().get('waits_for', ''), 30, 'the job waits for room')
                say(f"{state()['messages']} of {count} when the disk was full")
                check(0 < state()['messages'] < count, state())
                time.sleep(1.2)
                os.remove(os.path.join(disk, 'filler'))
                e2e.wait_until(lambda: state()['state'] == 'done', 30, 'the job ended')
                drained(engine, 'lab')
                check(ids(lab.messages[count:]) == ids(lab.messages[:count]), 'not each once, in order')
        finally:
            subprocess.run(['umount', '-l', disk], check=False)


def test_a_restart_on_the_way():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        engine = e2e.Engine(dir, configuration(lab.port))
        with engine:
            feed(engine, 100)
            e2e.wait_until(lambda: lab.count() == 100, 20, 'delivered')
            told = cli(engine, 'replay', *FROM, '--rate', '50/s')
            job = int(re.search(r'started as job (\d+)', told)[1])
            e2e.wait_until(lambda: lab.count() > 110, 20, 'it has begun')
        count = lab.count()
        say(f'{count - 100} of 100 before the restart')
        check(count < 190, 'too late')
        with engine:
            e2e.wait_until(lambda: engine.api('GET', f'/replays/{job}')['state'] == 'done', 20, 'the job ended')
            drained(engine, 'lab')
            check(ids(lab.messages[100:]) == ids(lab.messages[:100]), 'not each once, in order')
            check(engine.api('GET', f'/replays/{job}')['deliveries'] == 100, engine.api('GET', f'/replays/{job}'))


def test_a_reload_on_the_way():
    with e2e.folder() as dir, e2e.Receiver() as lab, e2e.Receiver() as copy_of:
        with e2e.Engine(dir, configuration(lab.port, copy_of.port)) as engine:
            feed(engine, 60)
            e2e.wait_until(lambda: lab.count() == 60 and copy_of.count() == 60, 20, 'delivered')
            # What is reprocessed goes by the new configuration from then on.
            told = cli(engine, 'replay', *FROM, '--listener', 'in', '--route', 'to-lab', '--reprocess', '--rate', '50/s')
            job = int(re.search(r'started as job (\d+)', told)[1])
            state = lambda: engine.api('GET', f'/replays/{job}')
            # A second job waits for its turn, and can be cancelled there.
            behind = int(re.search(r'started as job (\d+)', cli(engine, 'replay', *FROM, '--destination', 'lab'))[1])
            check(engine.api('GET', f'/replays/{behind}')['state'] == 'queued', 'two at once')
            check('cancelled' in cli(engine, 'replay', 'cancel', behind), 'not cancelled')
            e2e.wait_until(lambda: lab.count() > 70, 20, 'it has begun')
            engine.configure(configuration(lab.port, copy_of.port, steps=[{'set': {'MSH-5': 'NEW'}}]))
            cli(engine, 'reload')
            e2e.wait_until(lambda: state()['state'] == 'done' and lab.count() == 120, 20, 'the job ended')
            new = [b'|NEW|' in m for m in lab.messages[60:]]
            check(new == sorted(new) and new.count(True) > 10, new)
            # A destination that is taken away: the job says so.
            told = cli(engine, 'replay', *FROM, '--destination', 'lab', '--to-destination', 'copy', '--rate', '20/s')
            job = int(re.search(r'started as job (\d+)', told)[1])
            e2e.wait_until(lambda: copy_of.count() > 65, 20, 'it has begun')
            engine.configure(configuration(lab.port))
            cli(engine, 'reload')
            e2e.wait_until(lambda: state()['state'] == 'failed', 20, 'the job gave up')
            check('copy' in state()['why'], state())


def test_a_route_that_waits():
    """What went through the lane of a route went nowhere there: what came of it goes again, once."""
    with e2e.folder() as dir, e2e.Receiver() as lab:
        config = configuration(lab.port, steps=[{'deduplicate': {'key': 'MSH-3 & MSH-10', 'within': '1h', 'otherwise': 'hold'}}])
        with e2e.Engine(dir, config) as engine:
            feed(engine, 5)
            e2e.wait_until(lambda: lab.count() == 5, 20, 'delivered')
            job = job_of(engine)
            check(job['messages'] == job['deliveries'] == 5, job)
            e2e.wait_until(lambda: lab.count() == 10, 20, 'delivered again')
            check(lab.messages[5:] == lab.messages[:5], ids(lab.messages))
            # Through the route again it is no repetition of itself.
            preview = json.loads(cli(engine, 'replay', *FROM, '--reprocess', '--dry-run', '--json'))['preview']
            check(preview['messages'] == 5 and [(d['destination'], d['deliveries']) for d in preview['destinations']] == [('(route to-lab)', 5)], preview)
            for n in (2, 3):
                job_of(engine, '--reprocess')
                e2e.wait_until(lambda: lab.count() == 5 + 5 * n, 20, 'through the route again')
                check(lab.messages[-5:] == lab.messages[:5], ids(lab.messages))
            feed(engine, 5)
            drained(engine, '(route to-lab)', 'lab')
            check(lab.count() == 20, 'a real repetition was sent')


def test_a_queue_that_stands_still_is_not_buried():
    count = 1500
    with e2e.folder() as dir:
        port = e2e.free_port()
        config = configuration(port)
        with e2e.Engine(dir, config) as engine:
            with e2e.Sink(port) as sink:
                with e2e.Load(engine.port('in'), connections=8, messages=count) as load:
                    check(load.result()['errors'] == 0, 'the load had errors')
                drained(engine, 'lab')
                indexed(engine)
            told = cli(engine, 'replay', *FROM, '--rate', '100000/s')
            job = int(re.search(r'started as job (\d+)', told)[1])
            state = lambda: engine.api('GET', f'/replays/{job}')
            e2e.wait_until(lambda: state()['state'] == 'waiting' and 'queue lab' in state().get('waits_for', ''), 60, 'the job waits')
            queued = engine.queue('lab')['queued']
            check(900 <= queued <= 1000, queued)
            told = cli(engine, 'replay', 'cancel', job)
            check('cancelled' in told, told)
            check(engine.queue('lab')['queued'] == queued, 'the queue changed')
            check('not_now' in cli(engine, 'replay', 'cancel', job, code=1), 'cancelled twice')


def delivery(engine, message, destination):
    return next(d for d in engine.api('GET', f'/messages/{message}')['deliveries'] if d['destination'] == destination)


def test_held_ones_after_a_fix():
    with e2e.folder() as dir, Moody() as lab, e2e.Receiver() as other:
        with open(f'{dir}/wards.csv', 'w') as f:
            f.write('local,standard\n2W,WEST\n')
        config = configuration(lab.port, steps=[{'lookup': {'field': 'PV1-3.1', 'table': 'wards', 'otherwise': 'hold'}}])
        config['tables'] = {'wards': {'csv': 'wards.csv', 'key': 'local', 'value': 'standard'}}
        config['destinations']['other'] = {'mllp': {'connect': f'127.0.0.1:{other.port}'}, 'retry': e2e.FAST_RETRY}
        config['routes'].append({'name': 'never', 'from': 'in', 'when': "MSH-9.1 = 'ZZZ'", 'to': 'other'})
        with e2e.Engine(dir, config) as engine:
            lab.answer = b'AE'
            feed(engine, 6)
            e2e.wait_until(lambda: engine.queue('lab')['queued'] == 0, 20, 'held')
            lab.answer = b'AR'
            feed(engine, 2, first=6)
            e2e.wait_until(lambda: engine.queue('lab')['queued'] == 0, 20, 'held')
            feed(engine, 3, first=8, ward='9X')
            lab.answer = b'AA'
            feed(engine, 1, first=11)
            e2e.wait_until(lambda: lab.count() == 1, 20, 'the good one is delivered')
            check(engine.queue('lab')['held'] == 8, engine.queue('lab'))
            held = lambda *arguments: cli(engine, 'messages', 'resend', '--held', *arguments)

            # A preview by default.
            indexed(engine)
            code = delivery(engine, 1, 'lab')['code']
            told = held()
            check('11 messages, 8 deliveries' in told and '--yes does it' in told, told)
            check('6 messages, 6 deliveries' in held('--code', code), held('--code', code))
            check('0 messages' in held('--code', 'XX') and '0 messages' in held('--route', 'never'), 'what does not fit')
            check(engine.queue('lab')['held'] == 8 and lab.count() == 1, 'a preview did something')

            # One is cancelled, one goes elsewhere.
            check('cancelled for lab' in cli(engine, 'messages', 'cancel', 1, '--reason', 'merged'), 'a delivery')
            check('the message is cancelled' in cli(engine, 'messages', 'cancel', 9, '--reason', 'merged too'), 'a message')
            check('not_now' in cli(engine, 'messages', 'cancel', 12, '--reason', 'x', code=1), 'what was delivered')
            check('not_now' in cli(engine, 'messages', 'cancel', 1, '--reason', 'x', code=1), 'cancelled twice')
            cli(engine, 'messages', 'resend', 2, '--destination', 'lab', '--to', 'other')
            e2e.wait_until(lambda: other.count() == 1, 20, 'sent to another destination')
            check(ids(other.messages) == ['M000001'], ids(other.messages))
            check('no such destination' in cli(engine, 'messages', 'resend', 2, '--to', 'nobody', code=1), 'to nobody')
            indexed(engine)
            for message, text in ((1, 'merged'), (9, 'merged too')):
                told = cli(engine, 'messages', 'show', message)
                check(re.search(rf'cancelled +cancelled +{text}', told), told)
            check(engine.queue('lab')['held'] == 6, engine.queue('lab'))

            # All with one code; then the rest, messages that a route held among them.
            told = held('--code', code, '--yes', '--wait')
            check('4 of 4 messages, 4 deliveries' in told, told)
            e2e.wait_until(lambda: lab.count() == 5, 20, 'tried again')
            check(ids(lab.messages[1:]) == [f'M{i:06}' for i in range(2, 6)], ids(lab.messages))
            with open(f'{dir}/wards.csv', 'a') as f:
                f.write('9X,NINE\n')
            cli(engine, 'reload')
            e2e.wait_until(lambda: '4 messages, 3 deliveries' not in held(), 20, 'the index')
            told = held('--yes', '--wait')
            check('4 of 4 messages, 2 deliveries' in told, told)
            e2e.wait_until(lambda: lab.count() == 9, 20, 'tried again')
            check(ids(lab.messages[5:]) == ['M000006', 'M000007', 'M000009', 'M000010'], ids(lab.messages[5:]))
            check(lab.messages[8].find(b'|NINE^') > 0, lab.messages[8])
            check(engine.queue('lab')['held'] == 0, engine.queue('lab'))
            e2e.wait_until(lambda: '0 messages' in held(), 20, 'nothing is held any more')
        # A restart finds the same.
        with e2e.Engine(dir, config) as engine:
            check(engine.queue('lab')['held'] == 0 and lab.count() == 9, engine.queue('lab'))
            check('0 messages' in cli(engine, 'messages', 'resend', '--held'), 'held again after a restart')


def test_a_held_order_is_cancelled_and_sent_again():
    with e2e.folder() as dir, Moody() as lab:
        with e2e.Engine(dir, configuration(lab.port)) as engine:
            lab.answer = b'AE'
            feed(engine, 2)
            held = lambda n: e2e.wait_until(lambda: engine.queue('lab')['held'] == n and engine.queue('lab')['queued'] == 0, 20, f'{n} held')
            held(2)
            for _ in range(2):  # held, sent again, held again
                indexed(engine)
                cli(engine, 'messages', 'resend', 1)
                held(2)
            indexed(engine)
            cli(engine, 'messages', 'cancel', 1, '--reason', 'no more')
            held(1)
            lab.answer = b'AA'
            cli(engine, 'messages', 'resend', 2)
            e2e.wait_until(lambda: lab.count() == 1, 20, 'delivered')
            held(0)
        with e2e.Engine(dir, configuration(lab.port)) as engine:
            check(engine.queue('lab')['held'] == 0, engine.queue('lab'))


def test_a_removed_queue_is_moved():
    count, first = 400, 50
    with e2e.folder() as dir, e2e.Receiver() as lab:
        nobody = e2e.free_port()
        config = configuration(nobody)
        config['admin'] = {'listen': f'127.0.0.1:{e2e.free_port()}'}
        engine = e2e.Engine(dir, config).start()
        try:
            feed(engine, count)
            check('in use' in cli(engine, 'queues', 'move', 'lab', '--to', 'lab', code=1), 'a queue that is in use')
            changed = configuration(lab.port)
            changed['admin'] = config['admin']
            changed['destinations'] = {'new': changed['destinations']['lab']}
            changed['routes'][0]['to'] = 'new'
            engine.configure(changed)
            cli(engine, 'reload')
            check(engine.queue('lab')['state'] == 'removed', engine.queue('lab'))
            feed(engine, first, first=count)
            e2e.wait_until(lambda: lab.count() == first, 20, 'new ones go')

            told = cli(engine, 'queues', 'move', 'lab', '--to', 'new')
            check(re.search(rf'^{count} messages, \d+ bytes, wait for lab\n', told) and '--yes' in told, told)
            check('no such destination' in cli(engine, 'queues', 'move', 'lab', '--to', 'nobody', code=1), 'to nobody')
            check('no_such_queue' in cli(engine, 'queues', 'move', 'nobody', '--to', 'new', code=1), 'from nobody')
            time.sleep(0.2)
            check(engine.queue('lab')['queued'] == count, 'a preview moved something')

            # A kill on the way: what is left waits where it was.
            cli(engine, 'queues', 'move', 'lab', '--to', 'new', '--yes')
            e2e.wait_until(lambda: lab.count() > first + 20, 20, 'some have moved')
            engine.kill()
            engine.start()
            left = engine.queue('lab')['queued'] if lab.count() < first + count else 0
            say(f'{left} left at the kill')
            if left:
                cli(engine, 'queues', 'move', 'lab', '--to', 'new', '--yes')
                e2e.wait_until(lambda: engine.queue('lab')['queued'] == 0 and engine.queue('lab')['state'] == 'removed', 60, 'moved')
            drained(engine, 'new')
            moved = ids(lab.messages[first:])
            check(list(dict.fromkeys(moved)) == [f'M{i:06}' for i in range(count)], 'lost, or out of order')
            check(len(moved) - count <= 2, f'{len(moved) - count} duplicates')
            indexed(engine)
            check(delivery(engine, 7, 'lab')['state'] == 'cancelled' and delivery(engine, 7, 'lab')['code'] == 'moved', 'the old delivery')
            engine.stop()
        except BaseException:
            say(engine.log_tail())
            engine.kill()
            raise


e2e.main(globals())
