"""What the console shows: the overview and its stream, states of queues, history, causes of holding, a message's story."""

import http.client
import json
import os
import threading
import time

import api_schema
import hilum_e2e as e2e
from hilum_e2e import check, say

WARDS = 'local,standard\n'


def configuration(dir, lab, ehr):
    """Messages to a lab that takes them, and to an EHR that may not be there; a table in which every ward is missing."""
    with open(os.path.join(dir, 'wards.csv'), 'w') as f:
        f.write(WARDS)
    mllp = lambda port: {'mllp': {'connect': f'127.0.0.1:{port}'}, 'retry': e2e.FAST_RETRY}
    return {
        'listeners': {'adt_in': {'mllp': {'listen': '127.0.0.1:0'}}, 'oru_in': {'mllp': {'listen': '127.0.0.1:0'}}},
        'destinations': {'lab': mllp(lab), 'ehr': mllp(ehr)},
        'tables': {'wards': {'csv': 'wards.csv', 'key': 'local', 'value': 'standard'}},
        'routes': [
            {'name': 'all-adt', 'from': 'adt_in', 'when': "MSH-9.1 = 'ADT'", 'to': ['lab', 'to-ehr']},
            {'name': 'to-ehr', 'steps': [{'set': {'PID-5.1': 'NOBODY'}}], 'to': 'ehr'},
            {'name': 'wards', 'from': 'oru_in', 'to': 'lab', 'when': 'PV1-3.1.exists()', 'steps': [
                {'lookup': {'field': 'PV1-3.1', 'table': 'wards', 'otherwise': 'hold'}}]},
            {'name': 'heights', 'from': 'oru_in', 'to': 'lab', 'when': "PV1-3.2 = 'H'", 'steps': [
                {'lookup': {'field': 'PV1-3.2', 'table': 'wards', 'otherwise': 'hold'}}]},
        ],
    }


def by_name(overview, part, name):
    return next(one for one in overview[part] if one['name'] == name)


def send(engine, count):
    with e2e.Connection(engine.port('adt_in')) as sender:
        for n in range(count):
            sender.send(e2e.adt(f'A{n}', patient='700012344417', family='MARKERNAME'))


class Stream:
    """A reader of /api/v1/live that keeps what it is told."""

    def __init__(self, engine):
        host, port = engine.admin.rsplit(':', 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=20 * e2e.PATIENCE)
        self.connection.request('GET', '/api/v1/live')
        self.response = self.connection.getresponse()
        check(self.response.status == 200, self.response.status)
        check(self.response.headers['Content-Type'] == 'text/event-stream', self.response.headers)
        self.events, self.ended = [], False
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        event = {}
        for line in self.response:
            name, _, value = line.decode().rstrip('\n').partition(': ')
            if name:
                event[name] = value
            else:
                self.events.append((event['event'], int(event['id']), json.loads(event['data'])))
                event = {}
        self.ended = True

    def state(self):
        """The overview as a console has it: the whole, with the changes in their places."""
        whole = {}
        for kind, _, data in list(self.events):
            if kind == 'overview':
                whole = dict(data)
                continue
            for name, value in data.items():
                if name == 'changes':
                    whole[name] = value + whole[name]
                elif isinstance(value, list):
                    key = lambda one: (one.get('name'), one.get('from'), one.get('to'))
                    new = {key(one): one for one in value}
                    whole[name] = [new.pop(key(one), one) for one in whole[name]] + list(new.values())
                else:
                    whole[name] = value
        return whole


def test_overview():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        with e2e.Engine(dir, configuration(dir, lab.port, e2e.free_port())) as engine:
            quiet = engine.api('GET', '/overview')
            api_schema.reply('GET', '/api/v1/overview', quiet)
            check(by_name(quiet, 'destinations', 'lab')['state'] == 'idle', quiet)
            check(quiet['changes'][-1]['kind'] == 'started', quiet['changes'])
            send(engine, 100)
            e2e.wait_until(lambda: by_name(engine.api('GET', '/overview'), 'destinations', 'lab')['out_per_second'] > 0, 10,
                           'a rate')
            now = engine.api('GET', '/overview')
            api_schema.reply('GET', '/api/v1/overview', now)
            check(now['id'] > quiet['id'] and now['time'] > quiet['time'], 'another one')
            listener = by_name(now, 'listeners', 'adt_in')
            check(listener['received'] == 100 and listener['in_per_second'] > 0 and listener['last_in'], listener)
            edges = {(e['from'], e['to']): e for e in now['edges']}
            check(set(edges) == {('adt_in', 'all-adt'), ('all-adt', 'lab'), ('all-adt', 'to-ehr'), ('to-ehr', 'ehr'),
                                 ('oru_in', 'wards'), ('wards', 'lab'), ('oru_in', 'heights'), ('heights', 'lab')}, edges)
            check(edges['all-adt', 'to-ehr']['kind'] == 'route-route', edges)
            used = [e for e in edges if edges[e]['per_second'] > 0]
            check(len(used) == 4 and all('oru_in' not in e and 'wards' not in e for e in used), used)
            ehr = by_name(now, 'destinations', 'ehr')
            check(ehr['waiting'] == 100 and ehr['last_error'] == 'connect refused', ehr)
            seconds = e2e.wait_until(lambda: by_name(engine.api('GET', '/overview'), 'destinations', 'ehr')['state'] == 'stuck',
                                     25, 'the EHR is stuck')
            now = engine.api('GET', '/overview')
            ehr = by_name(now, 'destinations', 'ehr')
            say(f'stuck after {seconds:.0f} s: {ehr["last_error_text"]}, since {ehr["since"]}')
            check('refuses connections' in ehr['last_error_text'] and ehr['since'] == ehr['oldest'], ehr)
            check(now['changes'][0]['name'] == 'ehr' and now['changes'][0]['state'] == 'stuck', now['changes'])
            check(by_name(now, 'destinations', 'lab')['p50_ms'] > 0, now)
            text = json.dumps(now)
            check('4417' not in text and 'MARKERNAME' not in text, 'a patient in the overview')


def test_a_console_sees_it_live():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        with e2e.Engine(dir, configuration(dir, lab.port, e2e.free_port())) as engine:
            streams = [Stream(engine), Stream(engine)]
            e2e.wait_until(lambda: len(streams[0].events) >= 3, 10, 'the first events')
            send(engine, 50)
            e2e.wait_until(lambda: by_name(streams[0].state(), 'listeners', 'adt_in')['received'] == 50, 5, 'the messages')
            engine.api('POST', '/queues/lab/pause', {'reason': 'maintenance'})
            e2e.wait_until(lambda: by_name(streams[0].state(), 'destinations', 'lab')['state'] == 'paused', 5, 'the pause')
            time.sleep(1.5)
            first, second = (s.state() for s in streams)
            check(first['changes'][0]['kind'] == 'paused' and 'maintenance' in first['changes'][0]['text'], first['changes'])
            for part in ('listeners', 'routes', 'destinations'):
                names = [one['name'] for one in first[part]]
                check(names == [one['name'] for one in second[part]] and len(set(names)) == len(names), part)
            api_schema.check(first, api_schema.DOCUMENT['components']['schemas']['Overview'], 'put together')
            kinds = [kind for kind, _, _ in streams[0].events]
            check(kinds[0] == 'overview' and set(kinds[1:]) == {'changes'}, kinds)
            ids = [number for _, number, _ in streams[0].events]
            check(ids == list(range(ids[0], ids[0] + len(ids))), ids)

            engine.config['routes'][1]['steps'] = [{'set': {'PID-5.1': 'SOMEBODY'}}]
            engine.configure(engine.config)
            engine.api('POST', '/reload', {})
            e2e.wait_until(lambda: [k for k, _, _ in streams[0].events].count('overview') == 2, 5, 'a whole overview')
            check(streams[0].state()['changes'][0]['kind'] == 'reloaded', streams[0].state()['changes'])
            begin = time.monotonic()
            engine.stop()
            for stream in streams:
                stream.thread.join(5)
                check(stream.ended, 'the stream goes on')
            say(f'stopped in {time.monotonic() - begin:.1f} s with two consoles open')


def test_history():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        with e2e.Engine(dir, configuration(dir, lab.port, e2e.free_port())) as engine:
            engine.api('GET', '/overview')
            for path, name in (('/api/v1/queues/{name}/history', 'lab'), ('/api/v1/listeners/{name}/history', 'adt_in')):
                api_schema.reply('GET', path, engine.api('GET', path.removeprefix('/api/v1').format(name=name)))
            check(engine.http('GET', '/api/v1/queues/nobody/history')[0] == 404, 'no such queue')


def held(engine):
    groups = engine.api('GET', '/held')
    api_schema.reply('GET', '/api/v1/held', groups)
    return groups


def job_of(engine, group):
    job = engine.api('POST', '/replays', {**group['release'], 'by': 'console'})

    def planned():
        job.update(engine.api('GET', f'/replays/{job["job"]}'))
        return job['state'] != 'previewing'

    e2e.wait_until(planned, 10, 'the preview')
    return job


def test_held_by_cause():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        with e2e.Engine(dir, configuration(dir, lab.port, e2e.free_port())) as engine:
            with e2e.Connection(engine.port('oru_in')) as sender:
                for n in range(5):
                    sender.send(e2e.adt(f'W{n}', patient='700012344417', ward='WARD'))
                for n in range(2):
                    sender.send(e2e.adt(f'H{n}', patient='700012344417', ward='^H'))
            e2e.wait_until(lambda: held(engine)['messages'] == 7, 10, 'seven are held')
            groups = held(engine)['groups']
            say([(g['count'], g['cause']) for g in groups])
            check([g['count'] for g in groups] == [5, 2], groups)
            check((groups[0]['place'], groups[0]['table'], groups[0]['value']) == ('PV1-3.1', 'wards', 'WARD'), groups[0])
            check(groups[1]['place'] == 'PV1-3.2' and groups[1]['listeners'] == ['oru_in'], groups[1])
            check(len(groups[0]['samples']) == 5 and groups[0]['samples'][0] > groups[0]['samples'][4], 'newest first')
            check('4417' not in json.dumps(groups), 'a patient among the causes')
            e2e.wait_until(lambda: engine.api('GET', '/overview')['totals']['held'] == 7, 10, 'the overview counts them')

            with open(os.path.join(dir, 'wards.csv'), 'w') as f:
                f.write(WARDS + 'WARD,W1\n')
            engine.api('POST', '/reload', {})
            job = job_of(engine, groups[0])
            check(job['preview']['messages'] == 5, job)
            with e2e.Connection(engine.port('oru_in')) as sender:  # what comes later is not for it
                sender.send(e2e.adt('W9', ward='OTHER'))
            engine.api('POST', f'/replays/{job["job"]}/start', {})
            e2e.wait_until(lambda: lab.count() == 5, 10, 'five reach the lab')
            check([e2e.control_id(m) for m in lab.messages] == [b'W%d' % n for n in range(5)], 'in their order')
            e2e.wait_until(lambda: [(g['count'], g['value']) for g in held(engine)['groups']] == [(2, 'H'), (1, 'OTHER')], 10, 'the others are held still')
            time.sleep(1)  # an overview may be a second old
            kinds = [c['kind'] for c in engine.api('GET', '/overview')['changes']]
            check(kinds[:3] == ['job', 'job', 'reloaded'], kinds)


class Refuses(e2e.Receiver):
    def replies(self, message):
        return [e2e.acknowledgement(e2e.control_id(message).decode(), 'AE')]


def test_refused_by_cause():
    """Deliveries are gathered by destination and code, and released by the whole code."""
    with e2e.folder() as dir, Refuses() as lab:
        with e2e.Engine(dir, configuration(dir, lab.port, e2e.free_port())) as engine:
            send(engine, 3)
            e2e.wait_until(lambda: held(engine)['messages'] == 3, 10, 'three are held')
            group = held(engine)['groups'][0]
            say(group['cause'])
            check((group['kind'], group['destination'], group['code'], group['count']) == ('delivery', 'lab', 'AE', 3), group)
            check(job_of(engine, group)['preview']['messages'] == 3, 'all of them')
            check(job_of(engine, {'release': {**group['release'], 'cause': 'A'}})['preview']['messages'] == 0, 'exactly')


def test_search_trace_and_story():
    with e2e.folder() as dir, e2e.Receiver() as lab:
        with e2e.Engine(dir, configuration(dir, lab.port, e2e.free_port())) as engine:
            send(engine, 12)
            search = lambda **body: engine.api('POST', '/messages/search', body)
            e2e.wait_until(lambda: search(count=True)['count']['messages'] == 12, 10, 'in the index')
            page = search(patient_id='700012344417', limit=5, masked=True, count=True)
            api_schema.reply('POST', '/api/v1/messages/search', page)
            check(len(page['messages']) == 5 and page['count']['messages'] == 12 and not page['count']['at_least'], page)
            check(page['messages'][0]['patient_id'] == '****4417', page['messages'][0])
            check(search(listener='adt_in', destination='ehr', delivery_state='delivered', count=True)['count']['messages'] == 0,
                  'none')
            check(search(listener='nobody', count=True)['count']['messages'] == 0, 'none')
            check(engine.http('POST', '/api/v1/messages/search', {'state': 'gone'})[0] == 400, 'no such state')
            number = page['messages'][0]['message']
            trace = engine.api('GET', f'/messages/{number}?masked=true')
            api_schema.reply('GET', '/api/v1/messages/{number}', trace)
            api_schema.reply('GET', '/api/v1/messages/{number}', engine.api('GET', f'/messages/{number}'))
            check('MARKERNAME' not in json.dumps(trace) and '70001234' not in json.dumps(trace), trace)

            story = engine.api('GET', f'/messages/{number}/steps')
            api_schema.reply('GET', '/api/v1/messages/{number}/steps', story)
            check(story['same_config'], story)
            check([(r['route'], r['depth'], r['outcome'], r['destinations']) for r in story['routes']] ==
                  [('all-adt', 0, 'sent', ['lab']), ('to-ehr', 1, 'sent', ['ehr'])], story)
            step = story['routes'][1]['events'][0]
            check(step['step'] == 'set' and step['differences'][0]['path'] == 'PID-5.1', step)
            check('MARKERNAME' not in json.dumps(story) and 'NOBODY' not in json.dumps(story), story)
            shown = engine.api('GET', f'/messages/{number}/steps?values=true')
            api_schema.reply('GET', '/api/v1/messages/{number}/steps', shown)
            check('NOBODY' in json.dumps(shown['routes'][1]['events'][0]['differences']), shown)
            words = engine.api('GET', '/dictionary/2.5.1?segments=PID')
            api_schema.reply('GET', '/api/v1/dictionary/{version}', words)


def cpu_seconds(engine):
    with open(f'/proc/{engine.process.pid}/stat') as f:
        fields = f.read().rsplit(') ', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def cost_of(engine, seconds):
    begin, cpu = time.monotonic(), cpu_seconds(engine)
    time.sleep(seconds)
    return 100 * (cpu_seconds(engine) - cpu) / (time.monotonic() - begin)


def test_what_an_open_console_costs():
    """Of a core, with a thousand routes."""
    if e2e.SANITIZED:
        raise e2e.Skip('sanitizers change it')
    seconds = 30 if e2e.LONG else 8
    with e2e.folder() as dir, e2e.Receiver() as lab:
        config = configuration(dir, lab.port, e2e.free_port())
        for n in range(1000):
            config['destinations'][f'd{n}'] = {'file': {'dir': './out', 'name': '{MSH-10}.hl7'}}
            config['routes'].append({'name': f'r{n}', 'from': 'adt_in', 'when': f"MSH-9.1 = 'X{n}'", 'to': f'd{n}'})
        with e2e.Engine(dir, config) as engine:
            engine.api('GET', '/overview')
            time.sleep(2)
            alone = cost_of(engine, seconds)
            stream = Stream(engine)
            watched = cost_of(engine, seconds)
            check(len(stream.events) >= seconds - 1, f'{len(stream.events)} events in {seconds} s')
            size = len(json.dumps(stream.events[0][2]))
            say(f'{alone:.1f} % of a core alone, {watched:.1f} % with a console open; an overview has {size >> 10} KiB')
            check(watched - alone < 2, f'{watched - alone:.1f} %')


if __name__ == '__main__':
    e2e.main(globals())
