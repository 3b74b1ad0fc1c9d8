"""Seven faults that interface engines are known for, which must be impossible here (RELIABILITY, "what others learnt")."""

import os
import time

import hilum_e2e as e2e
from hilum_e2e import check, say

BACKLOG = 100_000 if e2e.LONG else 5_000


class Laboratory(e2e.Receiver):
    """Says to each message what `answers(control id)` gives: a list of (MSA-1, MSA-2), sent one after the other."""

    def __init__(self, answers, port=0):
        self.answers = answers
        super().__init__(port)

    def replies(self, message):
        return [e2e.acknowledgement(identifier, code) for code, identifier in self.answers(e2e.control_id(message).decode())]

    def ids(self):
        with self.lock:
            return [e2e.control_id(m).decode() for m in self.messages]


def send(engine, ids):
    with e2e.Connection(engine.port('in')) as sender:
        for identifier in ids:
            check(b'MSA|AA' in sender.send(e2e.adt(identifier)), f'{identifier} accepted')


def state(engine, number):
    deliveries = engine.api('GET', f'/messages/{number}')['deliveries']  # from the index, a moment behind
    return deliveries[0]['state'] if deliveries else None


def test_1_a_late_ack_is_not_booked_to_the_next_message():
    # B is refused; before that comes once more what was said of A.
    answers = lambda i: [('AA', 'A')] if i == 'A' else [('AA', 'A'), ('AE', 'B')] if i == 'B' else [('AA', i)]
    with e2e.folder() as dir, Laboratory(answers) as lab:
        with e2e.Engine(dir, e2e.straight(lab.port)) as engine:
            send(engine, 'ABC')
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 10, 'all dealt with')
            e2e.wait_until(lambda: (state(engine, 1), state(engine, 2), state(engine, 3)) == ('delivered', 'held', 'delivered'), 10,
                           'B is held')
            check(engine.metric('hilum_orphan_answers_total', destination='out') == 1, 'the late one is counted')


def test_2_a_time_out_floods_nobody():
    with e2e.folder() as dir, Laboratory(lambda i: []) as lab:
        config = e2e.straight(lab.port)
        out = config['destinations']['out']
        out['mllp']['answer_within'] = '200ms'
        out['retry'] = {'first': '400ms', 'max': '30s'}
        with e2e.Engine(dir, config) as engine:
            send(engine, [f'M{n}' for n in range(50)])
            time.sleep(6)
            came = lab.ids()
            say(f'{len(came)} attempts in 6 s')
            check(set(came) == {'M0'} and 2 <= len(came) <= 6, f'{came}')  # 0, 0.6, 1.6, 3.4 s ...
            view = engine.queue('out')
            check(view['queued'] == 50 and view['state'] == 'retrying', f'{view}')
            lab.answers = lambda i: [('AA', i)]
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 60, 'drained')
            rest = [i for n, i in enumerate(lab.ids()) if i not in lab.ids()[:n]]
            check(rest == [f'M{n}' for n in range(50)], f'{rest}')


def test_3_one_poisoned_message_blocks_no_feed():
    answers = lambda i: [('AE', i)] if i == 'M3' else [('AA', i)]
    with e2e.folder() as dir, Laboratory(answers) as lab:
        with e2e.Engine(dir, e2e.straight(lab.port)) as engine:
            send(engine, [f'M{n}' for n in range(10)])
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 10, 'all dealt with')
            check(lab.ids() == [f'M{n}' for n in range(10)], f'{lab.ids()}')
            check(engine.queue('out')['held'] == 1, 'the one is held')


def test_4_a_restart_keeps_the_order():
    port = e2e.free_port()
    with e2e.folder() as dir:
        engine = e2e.Engine(dir, e2e.straight(port))
        for round in range(4):
            engine.start()
            send(engine, [f'{round}-{n}' for n in range(50)])
            engine.stop() if round % 2 else engine.kill()
        engine.start()
        with Laboratory(lambda i: [('AA', i)], port) as lab:
            e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 30, 'drained')
            check(lab.ids() == [f'{round}-{n}' for round in range(4) for n in range(50)], 'in order')
        engine.stop()


def test_5_the_backlog_is_not_in_memory():
    with e2e.folder() as dir:
        config = e2e.straight(e2e.free_port())
        config['destinations']['out'].update({'order_by': 'MSH-10', 'connections': 4})
        config['listeners']['in']['mllp']['listen'] = f'127.0.0.1:{e2e.free_port()}'
        engine = e2e.Engine(dir, config).start()
        with e2e.Load(engine.port('in'), connections=16, messages=BACKLOG) as load:
            load.result()
        engine.kill()
        engine.start()
        e2e.wait_until(lambda: engine.queue('out')['queued'] == BACKLOG, 30, 'all there')
        time.sleep(1)
        mib = engine.rss_kb() / 1024
        say(f'{BACKLOG} waiting, {mib:.0f} MiB')
        check(mib < (400 if e2e.SANITIZED else 100), f'{mib:.0f} MiB')
        engine.stop()


def test_6_recovered_messages_do_not_go_to_destinations_added_later():
    with e2e.folder() as dir, Laboratory(lambda i: [('AA', i)]) as old, Laboratory(lambda i: [('AA', i)]) as new:
        port = e2e.free_port()
        config = e2e.straight(port)
        engine = e2e.Engine(dir, config).start()
        send(engine, ['A', 'B'])
        engine.kill()
        config['destinations']['late'] = {'mllp': {'connect': f'127.0.0.1:{new.port}'}}
        config['routes'][0]['to'] = ['out', 'late']
        config['destinations']['out']['mllp']['connect'] = f'127.0.0.1:{old.port}'
        engine.configure(config)
        engine.start()
        send(engine, ['C'])
        e2e.wait_until(lambda: engine.queue('out')['queued'] == 0 and engine.queue('late')['queued'] == 0, 10, 'drained')
        check(old.ids() == ['A', 'B', 'C'] and new.ids() == ['C'], f'{old.ids()} {new.ids()}')
        engine.stop()


def test_7_a_dead_destination_costs_the_live_one_nothing():
    ids = [f'M{n}' for n in range(500)]
    with e2e.folder() as dir, Laboratory(lambda i: [('AA', i)]) as live:
        port = e2e.free_port()
        config = e2e.straight(live.port)
        config['destinations']['dead'] = {'mllp': {'connect': f'127.0.0.1:{port}'}, 'retry': e2e.FAST_RETRY}
        config['routes'][0]['to'] = ['dead', 'out']
        engine = e2e.Engine(dir, config).start()
        send(engine, ids)
        e2e.wait_until(lambda: live.count() == 500, 10, 'the live one has all')
        check(live.ids() == ids, 'in order')
        engine.kill()
        engine.start()
        check(engine.queue('dead')['queued'] == 500, f'{engine.queue("dead")}')
        with Laboratory(lambda i: [('AA', i)], port) as back:
            e2e.wait_until(lambda: engine.queue('dead')['queued'] == 0, 30, 'drained')
            check(back.ids() == ids, 'nothing lost, in order')
        check(live.count() in (500, 501), f'{live.count()}')  # one may have been in flight at the kill
        engine.stop()


e2e.main(globals())
