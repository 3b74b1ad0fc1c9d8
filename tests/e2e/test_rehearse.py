"""`hilum rehearse`: a changed configuration over what a running engine has stored."""

import copy
import json
import os
import resource

import hilum_e2e as e2e
from hilum_e2e import check, say

MESSAGES = 100_000 if e2e.LONG else 5_000
DISCHARGES = 7


def configuration():
    nobody = e2e.free_port()
    return {
        'listeners': {'in': {'mllp': {'listen': '127.0.0.1:0'}}},
        'destinations': {'lab': {'mllp': {'connect': f'127.0.0.1:{nobody}'}}, 'copy': {'mllp': {'connect': f'127.0.0.1:{nobody}'}}},
        'routes': [
            {'name': 'to-lab', 'from': 'in', 'when': "MSH-9.1 = 'ADT' and MSH-9.2 in ('A01' | 'A04')", 'to': 'lab',
             'steps': [{'set': {'MSH-5': 'LAB', 'PID-5.1': '=PID-5.1.upper()', 'PV1-3.4': 'EAST'}}, {'delete': 'NK1[*]'}]},
            {'name': 'keep', 'from': 'in', 'to': 'copy'},
        ],
    }


def rehearse(dir, candidate, *arguments):
    path = os.path.join(dir, 'new.yaml')
    with open(path, 'w') as f:
        json.dump(candidate, f)
    cpu = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    before = cpu()
    code, out, err = e2e.hilum('rehearse', path, '--config', os.path.join(dir, 'hilum.yaml'), '--json', *arguments)
    check(code in (0, 1), f'{code}: {err}')
    result = json.loads(out)
    # A second of a core: what else the machine does is not its fault.
    result['rate'] = result['messages'] / max(cpu() - before, 0.001)
    return code, result, out


def one_cluster(result, **wanted):
    check(len(result['clusters']) == 1, f"not one cluster but {result['clusters']}")
    cluster = result['clusters'][0]
    check({key: cluster.get(key) for key in wanted} == wanted, f'{cluster}, not {wanted}')
    return cluster


def test_a_seeded_mistake_is_one_cluster():
    with e2e.folder() as dir:
        config = configuration()
        with e2e.Engine(dir, config) as engine:
            with e2e.Connection(engine.port('in')) as sender:
                for i in range(DISCHARGES):
                    sender.send(e2e.adt(f'D{i}', event='A03'))
            with e2e.Load(engine.port('in'), connections=32, messages=MESSAGES) as load:
                check(load.result()['errors'] == 0, 'the load had errors')

            # While the engine runs, and it writes nothing.
            code, result, _ = rehearse(dir, config)
            check(code == 0 and result['alike'] == result['messages'] == MESSAGES + DISCHARGES, f'{code}: {result}')
            check(result['routes']['to-lab']['was'] == {'sent': MESSAGES, 'filtered': DISCHARGES, 'held': 0, 'rejected': 0}, result['routes'])
            check(result['routes']['to-lab']['now'] == result['routes']['to-lab']['was'], result['routes'])
            alike = result['rate']
            say(f"{result['messages']} messages alike, {alike:.0f} a second and core")

            # One wrong digit in one line: the given name where the family name belongs.
            wrong = copy.deepcopy(config)
            wrong['routes'][0]['steps'][0]['set']['PID-5.1'] = '=PID-5.2.upper()'
            code, result, out = rehearse(dir, wrong)
            cluster = one_cluster(result, subject='lab', path='PID-5', kind='changed', messages=MESSAGES, name='Patient Name')
            check(code == 1 and cluster['example'] == DISCHARGES + 1, f'{code}: {cluster}')
            check('PROBE' not in out.upper(), 'content without --show-values')
            _, shown, _ = rehearse(dir, wrong, '--show-values')
            check(shown['clusters'][0]['before'].startswith('PROBE^') and shown['clusters'][0]['after'].startswith('LINUS^'), shown['clusters'])
            say(f"{MESSAGES} of them otherwise, {result['rate']:.0f} a second and core")
            check(e2e.SANITIZED or min(alike, result['rate']) >= 10_000, 'slower than 10,000 messages a second and core')

            # A step that is gone, and a segment that stays with it.
            wrong = copy.deepcopy(config)
            wrong['routes'][0]['steps'].pop()
            _, result, _ = rehearse(dir, wrong)
            one_cluster(result, subject='lab', path='NK1', kind='new', messages=MESSAGES)

            # A filter that lets nothing through; one that lets all through.
            wrong['routes'][0] = {**config['routes'][0], 'when': "MSH-9.2 in ('A10' | 'A04')"}
            _, result, _ = rehearse(dir, wrong)
            one_cluster(result, subject='route to-lab', kind='was sent, now filtered', messages=MESSAGES,
                        reason="when: MSH-9.2 in ('A10' | 'A04')")
            wrong['routes'][0] = {key: value for key, value in config['routes'][0].items() if key != 'when'}
            _, result, _ = rehearse(dir, wrong)
            one_cluster(result, subject='route to-lab', kind='was filtered, now sent', messages=DISCHARGES, example=1)

            # Newly held, newly refused, newly sent.
            wrong['routes'][0] = {**config['routes'][0], 'steps': [*config['routes'][0]['steps'], {'set': {'NK1[3]-2': 'x'}}]}
            _, result, _ = rehearse(dir, wrong)
            one_cluster(result, subject='route to-lab', kind='was sent, now held', messages=MESSAGES)
            wrong['routes'][0]['on_error'] = 'reject'
            _, result, _ = rehearse(dir, wrong)
            one_cluster(result, subject='intake', kind='was AA, now AE', messages=MESSAGES)
            wrong = copy.deepcopy(config)
            wrong['routes'][1]['to'] = ['copy', 'lab']
            _, result, _ = rehearse(dir, wrong)
            one_cluster(result, subject='lab', kind='newly sent', reason='route keep', messages=MESSAGES + DISCHARGES)

            # What is older than --last is left out; a listener that is no more is named.
            _, result, _ = rehearse(dir, config, '--last', '1d')
            check(result['messages'] == MESSAGES + DISCHARGES, result)
            renamed = copy.deepcopy(config)
            renamed['listeners'] = {'other': renamed['listeners']['in']}
            for route in renamed['routes']:
                route['from'] = 'other'
            _, result, _ = rehearse(dir, renamed)
            check(result['left_out'] == {'in': MESSAGES + DISCHARGES} and result['messages'] == 0, result)

        # And of a store without an engine.
        code, result, _ = rehearse(dir, config)
        check(code == 0 and result['unreadable'] == 0, f'{code}: {result}')


def test_used_wrongly():
    with e2e.folder() as dir:
        path = os.path.join(dir, 'hilum.yaml')
        with open(path, 'w') as f:
            json.dump({**configuration(), 'store': {'dir': os.path.join(dir, 'data')}}, f)
        code, _, err = e2e.hilum('rehearse', path)
        check(code == 2 and 'no store here' in err, f'{code}: {err}')
        code, _, err = e2e.hilum('rehearse', path, '--last', 'long')
        check(code == 2 and '30d' in err, f'{code}: {err}')
        check(e2e.hilum('rehearse', os.path.join(dir, 'nothing.yaml'))[0] == 2, 'a candidate that is not there')


e2e.main(globals())
