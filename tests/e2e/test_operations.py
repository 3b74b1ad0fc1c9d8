"""docs/operations.md: its commands do what the page says, each in the trouble it is for."""

import os
import re

import hilum_e2e as e2e
from hilum_e2e import check, say

PAGE = os.path.join(e2e.ROOT, 'docs', 'operations.md')


def section(title):
    with open(PAGE) as f:
        text = f.read()
    check(f'\n## {title}\n' in text, f'operations.md has no section "{title}"')
    return text.split(f'\n## {title}\n')[1].split('\n## ')[0]


def commands(title):
    """The lines of the section's plain code blocks."""
    blocks = re.findall(r'^```\n(.*?)^```', section(title), re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if line.startswith('hilum ')]


def run(engine, line, code=0, **instead):
    import shlex
    for name, value in instead.items():
        line = re.sub(rf'\b{name}\b', str(value), line)
    words = shlex.split(line)[1:]
    got, out, err = e2e.hilum(*words, env={'HILUM_ADMIN': engine.admin})
    check(got == code, f'{line}: exit {got}\n{out}\n{err}')
    return out


class Refusing(e2e.Receiver):
    """Answers AE/207 to the control ids in `bad`."""
    bad = ()

    def keeps(self, message):
        return e2e.control_id(message).decode() not in self.bad

    def replies(self, message):
        identifier = e2e.control_id(message).decode()
        return [e2e.acknowledgement(identifier, 'AE', 'ERR||PID^1|207|E\r') if not self.keeps(message) else e2e.acknowledgement(identifier)]


def lab(port):
    config = e2e.straight(port)
    config['destinations'] = {'lab': config['destinations']['out']}
    config['routes'][0]['to'] = 'lab'
    return config


def send(engine, *ids):
    with e2e.Connection(engine.port('in')) as sender:
        for identifier in ids:
            check(b'MSA|AA' in sender.send(e2e.adt(identifier)), 'accepted')


def test_one_message_blocks_the_others():
    show, hold = commands('One message blocks the others')
    with e2e.folder() as dir, Refusing() as receiver:
        receiver.bad = ('B',)
        with e2e.Engine(dir, lab(receiver.port)) as engine:
            send(engine, 'A', 'B', 'C')
            e2e.wait_until(lambda: engine.queue('lab')['state'] == 'retrying', 10, 'it retries')
            shown = run(engine, show)
            check('busy AE/207' in shown, shown)
            number = engine.queue('lab')['head_message']
            e2e.wait_until(lambda: e2e.hilum(*['queues', 'hold', 'lab', '--message', str(number), '--reason', 'x'],
                                             env={'HILUM_ADMIN': engine.admin})[0] == 0 or
                           engine.queue('lab')['queued'] == 0, 10, 'taken out')
            e2e.wait_until(lambda: engine.queue('lab')['queued'] == 0, 10, 'the rest went')
            check([e2e.control_id(m) for m in receiver.messages] == [b'A', b'C'], f'{receiver.messages}')
            run(engine, hold, code=1)  # no such message stands there
            receiver.bad = ()
            run(engine, 'hilum messages resend 4711', **{'4711': number})
            e2e.wait_until(lambda: receiver.count() == 3, 10, 'resent')


def test_before_maintenance():
    pause, resume = commands('Before maintenance of a receiver')
    with e2e.folder() as dir, Refusing() as receiver:
        engine = e2e.Engine(dir, lab(receiver.port)).start()
        run(engine, pause)
        send(engine, 'A', 'B')
        check(engine.queue('lab')['state'] == 'paused' and engine.queue('lab')['queued'] == 2, 'they wait')
        engine.kill()
        engine.start()
        check(engine.queue('lab')['state'] == 'paused', 'after a restart, too')
        run(engine, resume)
        e2e.wait_until(lambda: receiver.count() == 2, 10, 'they go')
        engine.stop()


def test_the_words_for_states_are_those_of_the_engine():
    words = set(re.findall(r'^\| `(\w+)` \|', section('The state of a queue'), re.M))
    check(words == {'idle', 'running', 'retrying', 'paused', 'closed', 'stopped', 'removed'}, f'{words}')
    words = set(re.findall(r'^\| `(\w+)` \|', section('The state of a delivery'), re.M))
    with open(os.path.join(e2e.ROOT, 'engine', 'ops', 'openapi.yaml')) as f:
        known = re.search(r'enum: \[(queued, claimed[^\]]*)\]', f.read()).group(1).split(', ')
    check(words == set(known), f'{words ^ set(known)}')
    say(f'{len(words)} states of a delivery')


e2e.main(globals())
