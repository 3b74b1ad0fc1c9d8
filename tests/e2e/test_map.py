"""HL7 v2 comes in over MLLP, and transactions go to a FHIR server: `map: v2-to-fhir` in the running engine."""

import contextlib
import http.server
import json
import os
import signal
import threading

import fhir_peers as peers
import hilum_e2e as e2e
from hilum_e2e import check, say

SITE = {'table/namespaces': {'rows': {'WEST': 'https://west.example/id'}}}


class Server:
    """A FHIR server that keeps what transactions put, and the transactions."""

    def __init__(self):
        self.kept, self.bundles = {}, []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                bundle = json.loads(self.rfile.read(int(self.headers.get('Content-Length') or 0)))
                entries = bundle['entry'] if bundle.get('type') == 'transaction' else []
                for entry in entries:
                    server.kept[entry['request']['url']] = entry['resource']
                server.bundles.append((self.path, bundle))
                reply = json.dumps({'resourceType': 'Bundle', 'type': 'transaction-response',
                                    'entry': [{'response': {'status': '200'}} for _ in entries]}).encode()
                self.send_response(200 if entries else 422)
                self.send_header('Content-Type', 'application/fhir+json')
                self.send_header('Content-Length', str(len(reply)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):
                    self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def of(self, kind):
        return {at.split('/')[1]: resource for at, resource in self.kept.items() if at.startswith(kind + '/')}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


def site_map(dir, maps, name='site.yaml'):
    path = os.path.join(dir, name)
    with open(path, 'w') as f:
        json.dump(maps, f)
    return path


def configuration(server, **options):
    return {'listeners': {'in': {'mllp': {'listen': '127.0.0.1:0'}}},
            'destinations': {'ehr': {'fhir': {'base': f'http://127.0.0.1:{server.port}/r4'}, 'retry': e2e.FAST_RETRY}},
            'routes': [{'name': 'to-fhir', 'from': 'in', 'to': 'ehr', 'steps': [{'map': {'use': 'v2-to-fhir', **options}}]}]}


def adt(control_id, event='A01', **fields):
    """With the visit's number in PV1-19."""
    return e2e.adt(control_id, event, **fields).replace(b'||V1\r', b'|V1\r')


def oru(control_id, patient='P1', value='88.4', more=''):
    return (f'MSH|^~\\&|LIS|WEST|HILUM|CENTRAL|20260714111500+0000||ORU^R01^ORU_R01|{control_id}|P|2.5.1\r'
            f'PID|1||{patient}^^^WEST^MR||Probe^Linus||19710309|M\rPV1|1|I|2W^204^A||||||||||||||||V1\r'
            f'ORC|RE|O1^LIS|F1^LIS\rOBR|1|O1^LIS|F1^LIS|24323-8^Metabolic panel^LN|||20260714100000+0000|||||||||||||||20260714110000+0000||CH|F\r'
            f'OBX|1|NM|2160-0^Creatinine^LN||{value}|umol/L^^UCUM|||||F\rOBX|2|NM|2951-2^Sodium^LN||139|mmol/L^^UCUM|||||F\r{more}').encode()


def merge(control_id, patient='P1', old='P9'):
    return (f'MSH|^~\\&|LOAD|WEST|HILUM|CENTRAL|20260715101500+0000||ADT^A40^ADT_A39|{control_id}|P|2.5\rEVN|A40|20260715101500+0000\r'
            f'PID|1||{patient}^^^WEST^MR||Probe^Linus||19710309|M\rMRG|{old}^^^WEST^MR\r').encode()


def sent(engine, *messages):
    with e2e.Connection(engine.port('in')) as connection:
        for message in messages:
            answer = connection.send(message)
            check(b'MSA|AA' in answer, f'{e2e.control_id(message)}: {answer}')


def arrived(server, count):
    e2e.wait_until(lambda: len(server.bundles) == count, 10, f'{count} transactions at the server')


def show(engine, number):
    code, out, err = e2e.hilum('messages', 'show', number, env={'HILUM_ADMIN': engine.admin})
    check(code == 0, err)
    return out


def trace(engine, number, text):
    """What a person sees of the message, once it says that."""
    seen = ['']

    def says():
        seen[0] = show(engine, number)
        return text in seen[0]
    try:
        e2e.wait_until(says, 5, f'{text!r} in the trace of message {number}')
    except e2e.Failure as failure:
        raise e2e.Failure(f'{failure}: {seen[0]}') from None
    return seen[0]


def test_one_patient_over_messages_and_restarts():
    with e2e.folder() as dir, Server() as server:
        engine = e2e.Engine(dir, configuration(server, **{'with': site_map(dir, SITE)}))
        with engine:
            sent(engine, adt('A1'), oru('R1'), adt('A2', 'A08', family='Roe'), adt('B1', patient='P2'))
            arrived(server, 4)
        check({path for path, _ in server.bundles} == {'/r4'}, f'{server.bundles[0][0]}')
        patients = server.of('Patient')
        check(len(patients) == 2, f'{patients}')
        number = {p['identifier'][0]['value']: id for id, p in patients.items()}
        check(patients[number['P1']]['name'][0]['family'] == 'Roe', f'{patients}')
        check(patients[number['P1']]['identifier'][0]['system'] == 'https://west.example/id', f'{patients}')
        check({o['subject']['reference'] for o in server.of('Observation').values()} == {'urn:uuid:' + number['P1']}, f'{server.kept}')
        check(len(server.of('Observation')) == 2 and len(server.of('DiagnosticReport')) == 1, f'{list(server.kept)}')
        before = set(server.kept)
        with engine:
            sent(engine, adt('A3', 'A08'), oru('R2', value='91'))
            arrived(server, 6)
        check(set(server.kept) == before, f'after the restart: {set(server.kept) - before}')
        check({o['valueQuantity']['value'] for o in server.of('Observation').values()} == {91, 139}, f'{server.of("Observation")}')
        say(f'{len(before)} resources of 6 messages')


def test_a_server_that_was_not_written_here():
    """It holds what it is given against R4, and a transaction is all or nothing."""
    with e2e.folder() as dir, peers.Server(dir) as server:
        config = configuration(server)
        config['destinations']['ehr']['fhir']['base'] = server.base
        with e2e.Engine(dir, config) as engine:
            sent(engine, adt('A1'), oru('R1'), merge('M1'))
            peers.drained(engine)
            e2e.wait_until(lambda: len(server.of('Patient')) == 2, 10, 'both patients')
            one, = (id for id, p in server.of('Patient').items() if p['identifier'][0]['value'] == 'P1')
            results = server.of('Observation').values()
            check(len(results) == 2 and {o['subject']['reference'] for o in results} == {f'Patient/{one}'}, f'{results}')
            check(len(server.of('Encounter')) == 1, f'{server.of("Encounter")}')


def test_merge():
    with e2e.folder() as dir, Server() as server:
        with e2e.Engine(dir, configuration(server)) as engine:
            sent(engine, adt('A1', patient='P9'), adt('A2'), merge('M1'))
            arrived(server, 3)
            patients = server.of('Patient')
            check(len(patients) == 2, f'{patients}')
            by = {p['identifier'][0]['value']: (id, p) for id, p in patients.items()}
            (one, stays), (other, goes) = by['P1'], by['P9']
            check(goes['active'] is False and [(k['type'], k['other']['reference']) for k in goes['link']] == [('replaced-by', f'urn:uuid:{one}')], f'{goes}')
            check([(k['type'], k['other']['reference']) for k in stays['link']] == [('replaces', f'urn:uuid:{other}')], f'{stays}')


def test_deletions_and_nulls():
    with e2e.folder() as dir, Server() as server:
        with e2e.Engine(dir, configuration(server)) as engine:
            sent(engine, adt('A1'))
            arrived(server, 1)
            (id, patient), = server.of('Patient').items()
            check('active' not in patient and patient['gender'] == 'male', f'{patient}')
            sent(engine, adt('A2', 'A08').replace(b'|M\r', b'|""\r'))
            arrived(server, 2)
            check('gender' not in server.of('Patient')[id], f'{server.of("Patient")}')
            # Delete person information, delete visit: they stay, and say so.
            sent(engine, adt('A3', 'A29').replace(b'ADT_A01', b'ADT_A21'), adt('A4', 'A23').replace(b'ADT_A01', b'ADT_A21'))
            arrived(server, 4)
            check(server.bundles[2][1]['entry'][0]['resource']['active'] is False, f'{server.bundles[2]}')
            check([e['status'] for e in server.of('Encounter').values()] == ['entered-in-error'], f'{server.of("Encounter")}')


def test_losses_hold_and_count():
    with e2e.folder() as dir, Server() as server:
        config = configuration(server, lost_max=1, lost_ignore=['EVN', 'NK1'])
        with e2e.Engine(dir, config) as engine:
            secret = b'ZPD|SECRETWORD|second\rZPD|third\r'
            sent(engine, adt('A1') + b'ZPD|SECRETWORD\r', adt('A2') + secret, adt('A3'))
            arrived(server, 2)
            check(engine.queue('ehr')['held'] == 0, 'a queue is no place for what a step holds')
            told = trace(engine, 2, '3 values would be lost: ZPD-1, ZPD-2, ZPD[2]-1')
            check('held' in told and 'SECRETWORD' not in told, told)
            check('1 of ' in trace(engine, 1, 'values not carried: ZPD-1'), show(engine, 1))
            check('not carried' not in show(engine, 3), show(engine, 3))
            check(engine.metric('hilum_route_values_not_carried_total', route='to-fhir') == 4, 'the count is not 4')
            check('SECRETWORD' not in engine.log(), engine.log_tail())


def test_unmapped_holds_or_is_noted():
    with e2e.folder() as dir, Server() as server:
        config = configuration(server, unmapped='hold')
        config['routes'].append({'name': 'notes', 'from': 'in', 'to': 'ehr', 'steps': [{'map': 'v2-to-fhir'}]})
        with e2e.Engine(dir, config) as engine:
            sent(engine, adt('A1').replace(b'|M\r', b'|MAENNLICH\r'))
            arrived(server, 1)
            told = trace(engine, 1, 'PID-8: a code is not in the table')
            check('MAENNLICH' not in told, told)
            lines = [line.split() for line in told.splitlines()]
            check(['to-fhir', 'held'] in [line[:2] for line in lines] and ['notes', 'noted'] in [line[:2] for line in lines], told)
            patient = next(iter(server.of('Patient').values()))
            check('gender' not in patient, f'{patient}')


def test_what_a_site_has_named_is_no_finding():
    with e2e.folder() as dir, Server() as server:
        named = {'table/namespaces': {'rows': {'WEST': 'https://west.example/id', 'LIS': 'https://west.example/lis', '99LAB': 'https://west.example/tests'}}}
        config = configuration(server, unmapped='hold', lost_max=0, **{'with': site_map(dir, named)})
        with e2e.Engine(dir, config) as engine:
            sent(engine, oru('R1').replace(b'2951-2^Sodium^LN', b'NA^Sodium^99LAB'), oru('R2').replace(b'2951-2^Sodium^LN', b'NA^Sodium^98LAB'))
            trace(engine, 2, 'OBX[2]-3.3: a code is not in the table')
            arrived(server, 1)
            systems = {o['code']['coding'][0]['system'] for o in server.of('Observation').values()}
            check(systems == {'http://loinc.org', 'https://west.example/tests'}, f'{systems}')


def test_two_routes_share_the_maps():
    with e2e.folder() as dir, Server() as server:
        site = site_map(dir, SITE)
        config = configuration(server, **{'with': site})
        config['routes'][0]['when'] = "MSH-9.1 = 'ADT'"
        config['routes'].append({'name': 'results', 'from': 'in', 'to': 'ehr', 'when': "MSH-9.1 = 'ORU'",
                                 'steps': [{'map': {'use': 'v2-to-fhir', 'with': site}}]})
        with e2e.Engine(dir, config) as engine:
            sent(engine, adt('A1'), oru('R1', more='ZZZ|1|2\r'))
            arrived(server, 2)
            check(len(server.of('Patient')) == 1, f'{server.of("Patient")}')
            lost = {name: engine.metric('hilum_route_values_not_carried_total', route=name) for name in ('to-fhir', 'results')}
            # EVN has nothing to go to where no Provenance is asked for.
            check(lost == {'to-fhir': 2, 'results': 2}, f'{lost}')


def test_reload_takes_all_of_a_site_map_or_nothing():
    with e2e.folder() as dir, Server() as server:
        engine = e2e.Engine(dir, configuration(server, **{'with': site_map(dir, SITE)}))
        row = {'from': 'ZPD-1', 'to': 'name[1].text'}

        def reload(maps, event):
            site_map(dir, maps)
            before = engine.log().count(event)
            engine.process.send_signal(signal.SIGHUP)
            e2e.wait_until(lambda: engine.log().count(event) > before, 10, f'{event} in the log')

        with engine:
            message = lambda id: adt(id) + b'ZPD|nickname\r'
            sent(engine, message('A1'))
            arrived(server, 1)
            broken = {**SITE, 'segment/PID[Patient]': {'remove': [{'from': 'PID-5'}]}, 'segment/ZPD[Patient]': [{**row, 'to': 'nom'}],
                      'message/ADT_A01': {'add': [{'segment': 'ZPD', 'into': 'Patient', 'map': 'ZPD[Patient]'}]}}
            reload(broken, 'reload_refused')
            sent(engine, message('A2'))
            arrived(server, 2)
            patient = next(iter(server.of('Patient').values()))
            check(patient['name'][0]['family'] == 'Probe' and 'nickname' not in json.dumps(patient), f'{patient}')
            good = {**broken, 'segment/PID[Patient]': {'remove': [{'from': 'PID-7', 'to': 'birthDate'}]}, 'segment/ZPD[Patient]': [row]}
            reload(good, 'reloaded')
            sent(engine, message('A3'))
            arrived(server, 3)
            patient = next(iter(server.of('Patient').values()))
            check('birthDate' not in patient and 'nickname' in json.dumps(patient), f'{patient}')
            check(len(server.of('Patient')) == 1, 'another id')
            lost = engine.metric('hilum_route_values_not_carried_total', route='to-fhir')
            check(lost == 3 * 2 + 2 + 1, f'{lost} lost')  # EVN each time, ZPD-1 twice, PID-7 once


e2e.main(globals())
