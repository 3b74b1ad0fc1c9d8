"""FHIR peers that were not written here: client libraries at the listener, a server that goes wrong behind the destination."""

import atexit
import shutil
import tempfile
import urllib.parse
import uuid

import fhir_peers
import hilum_e2e as e2e
from fhir_peers import MRN, Sender, call, check_trace, configuration, drained, number_of, patient
from hilum_e2e import check, say

LIBRARIES = ('fhir-kit-client', 'medplum')
started = []


def fresh_server():
    """One for the whole file: it takes a second to read R4."""
    if not started:
        dir = tempfile.mkdtemp(prefix='hilum-e2e-')
        atexit.register(shutil.rmtree, dir, ignore_errors=True)
        started.append(fhir_peers.Server(dir))
    started[0].control(reset=True)
    return started[0]


def codes(outcome):
    return [issue['code'] for issue in outcome['issue']]


def transaction(number, value, kind='transaction'):
    """A patient, and an observation that refers to it by what only this Bundle knows."""
    urn = f'urn:uuid:{uuid.UUID(int=number, version=4)}'
    return {'resourceType': 'Bundle', 'type': kind, 'entry': [
        {'resource': {'resourceType': 'Observation', 'identifier': [{'system': MRN, 'value': f'O{number}'}], 'status': 'final',
                      'code': {'text': 'heart rate'}, 'subject': {'reference': urn}, 'valueInteger': value},
         'request': {'method': 'POST', 'url': 'Observation'}},
        {'fullUrl': urn, 'resource': patient(number), 'request': {'method': 'POST', 'url': 'Patient'}}]}


MESSAGE = {'resourceType': 'Bundle', 'type': 'message', 'entry': [
    {'resource': {'resourceType': 'MessageHeader', 'id': 'mh-1', 'eventUri': 'urn:probe:event',
                  'source': {'endpoint': 'urn:probe:sender'}}},
    {'resource': patient(8)}]}


def test_clients_at_a_listener_that_is_done():
    """answers: done, for libraries that know nothing but REST."""
    nameless = {'resourceType': 'Observation', 'status': 'final', 'code': {'text': 'heart rate'}, 'valueInteger': 58}
    with e2e.folder() as dir:
        server = fresh_server()
        config = configuration(server, {'answers': 'done', 'validate': 'enforce'})
        config['routes'][0]['when'] = '%request.url != \'$process-message\''
        with e2e.Engine(dir, config) as engine:
            for library in LIBRARIES:
                server.control(reset=True)
                got = call(library, engine,
                           ['metadata'], ['create', patient(1)], ['createIfNone', patient(2), f'identifier={MRN}|P2'],
                           ['update', patient(3, id='three')], ['updateWhere', patient(4), {'identifier': f'{MRN}|P4'}],
                           ['bundle', transaction(5, 60)], ['bundle', transaction(6, 61, 'batch')],
                           ['update', patient(7, id='seven')], ['remove', 'Patient', 'seven'],
                           ['validate', patient(1, gender='f')], ['create', patient(1, gender='f')],
                           ['read', 'Patient', 'three'], ['message', MESSAGE],
                           ['update', patient(1, 2, id='$1.body.id')], ['create', nameless], ['update', {**nameless, 'id': '$14.body.id'}])
                (metadata, made, if_none, put, where, whole, batch, _, removed, valid, refused, read, message, again, *_) = got
                check(metadata['body']['fhirVersion'] == '4.0.1', metadata)
                place = f'http://127.0.0.1:{engine.port("in")}/fhir/Patient/'
                check(made['status'] == 201 and made['headers']['location'].startswith(place), f'{library}: {made}')
                check(made['headers']['etag'] and number_of(made['body']) == 'P1', f'{library}: {made}')
                check(made['body']['id'] == made['headers']['location'].split('/')[-3], f'{library}: {made}')
                check(again['ok'], f'{library}: {again}')
                check(if_none['status'] == 201 and put['status'] == 200 and where['status'] == 200, f'{library}: {if_none} {put} {where}')
                check([e['response']['status'][:3] for e in whole['body']['entry']] == ['201', '201'], f'{library}: {whole}')
                check(batch['body']['type'] == 'batch-response', f'{library}: {batch}')
                check(removed['ok'], f'{library}: {removed}')
                check(valid['ok'] and codes(valid['body']) == ['code-invalid'], f'{library}: {valid}')
                check(not refused['ok'] and refused['status'] == 422, f'{library}: {refused}')
                check(codes(refused['outcome']) == ['code-invalid'], f'{library}: {refused}')
                check(not read['ok'] and read['status'] == 405 and codes(read['outcome']) == ['not-supported'], f'{library}: {read}')
                header = message['body']['entry'][0]['resource']
                check(header['response'] == {'identifier': 'mh-1', 'code': 'ok'}, f'{library}: {message}')
                drained(engine)
                # Who asks for a change of what the answer named means the same resource at the server.
                there = sorted(number_of(p) for p in server.of('Patient').values())
                check(there == ['P1', 'P2', 'P3', 'P4', 'P5', 'P6'], f'{library}: {there}')
                named = {e['response']['location'] for bundle in (whole, batch) for e in bundle['body']['entry']}
                check(len(named) == 4 and named <= set(server.seen()['resources']), f'{library}: {named}')
                check(len(server.of('Observation')) == 3, f'{library}: {server.of("Observation")}')
                check(server.of('Patient')[made['body']['id']]['multipleBirthInteger'] == 2, f'{library}: {server.of("Patient")}')
                say(f'{library}: {len(got)} calls, {len(there)} patients at the server')


def test_clients_at_a_listener_that_accepts():
    """202 and an OperationOutcome: neither library takes it for a failure."""
    with e2e.folder() as dir:
        server = fresh_server()
        with e2e.Engine(dir, configuration(server)) as engine:
            for library in LIBRARIES:
                server.control(reset=True)
                got = call(library, engine, ['create', patient(1)], ['update', patient(2, id='two')], ['bundle', transaction(3, 60)],
                           ['createIfNone', patient(4), f'identifier={MRN}|P4'], ['create', {'resourceType': 'Nothing'}])
                *taken, unknown = got
                for one in taken:
                    check(one['ok'] and one['status'] == 202 and codes(one['body']) == ['informational'], f'{library}: {one}')
                check(not unknown['ok'] and unknown['status'] == 404, f'{library}: {unknown}')
                check(codes(unknown['outcome']) == ['not-supported'], f'{library}: {unknown}')
                drained(engine)
                there = sorted(number_of(p) for p in server.of('Patient').values())
                check(there == ['P1', 'P2', 'P3', 'P4'], f'{library}: {there}')


def test_clients_through_the_facade():
    """ack: { mode: delivered }: the libraries see the server behind."""
    with e2e.folder() as dir:
        server = fresh_server()
        config = configuration(server, ack={'mode': 'delivered', 'from': 'ehr', 'within': '20s'}, **{'as': 'create'})
        with e2e.Engine(dir, config) as engine:
            for library in LIBRARIES:
                server.control(reset=True, faults=[{'on': 'POST /Patient', 'status': 503, 'retryAfter': 0},
                                                    {'on': 'PUT /Patient/page', 'status': 422, 'page': True}])
                got = call(library, engine,
                           ['create', patient(1)],                                                 # 0
                           ['read', 'Patient', '$0.body.id'],
                           ['update', patient(1, 2, id='$0.body.id'), {'If-Match': '$0.headers.etag'}],
                           ['update', patient(1, 3, id='$0.body.id'), {'If-Match': '$0.headers.etag'}],
                           ['vread', 'Patient', '$0.body.id', '$0.body.meta.versionId'],
                           ['createIfNone', patient(1), f'identifier={MRN}|P1'],                  # 5
                           ['updateWhere', patient(1, 4), {'identifier': f'{MRN}|P1'}],
                           ['search', 'Patient', {'identifier': f'{MRN}|P1'}],
                           ['postSearch', 'Patient', {'identifier': f'{MRN}|P1'}],
                           ['history', 'Patient', '$0.body.id'],
                           ['bundle', transaction(2, 60)],                                         # 10
                           ['bundle', {'resourceType': 'Bundle', 'type': 'batch', 'entry': [
                               {'request': {'method': 'GET', 'url': 'Patient/nobody'}},
                               {'request': {'method': 'GET', 'url': f'Patient?identifier={MRN}|P2'}}]}],
                           ['create', patient(3, shoe=43)],
                           ['remove', 'Patient', '$0.body.id'],
                           ['read', 'Patient', '$0.body.id'],
                           ['metadata'],                                                           # 15
                           ['update', patient(9, id='page')])
                (made, read, second, stale, old, if_none, where, found, posted, history, whole, batch, wrong, removed, gone, metadata,
                 page) = got
                check(made['status'] == 201 and number_of(read['body']) == 'P1', f'{library}: {made} {read}')
                place = f':{engine.port("in")}/fhir/Patient/{made["body"]["id"]}/_history/{made["body"]["meta"]["versionId"]}'
                check(made['headers']['location'] == 'http://127.0.0.1' + place, f'{library}: {made["headers"]}, expected {place}')
                check(not page['ok'] and page['status'] == 422 and codes(page['outcome']) == ['exception'], f'{library}: {page}')
                check(second['status'] == 200 and second['body']['multipleBirthInteger'] == 2, f'{library}: {second}')
                check(not stale['ok'] and stale['status'] == 412 and 'issue' in stale['outcome'], f'{library}: {stale}')
                check(old['body']['multipleBirthInteger'] == 1, f'{library}: {old}')
                check(if_none['status'] == 200 and if_none['body']['id'] == made['body']['id'], f'{library}: {if_none}')
                check(where['body']['id'] == made['body']['id'], f'{library}: {where}')
                for bundle in (found, posted):
                    check(bundle['body']['type'] == 'searchset' and bundle['body']['total'] == 1, f'{library}: {bundle}')
                    check(bundle['body']['entry'][0]['resource']['multipleBirthInteger'] == 4, f'{library}: {bundle}')
                check(len(history['body']['entry']) == 3, f'{library}: {history}')
                check([e['response']['status'] for e in whole['body']['entry']] == ['201', '201'], f'{library}: {whole}')
                observed, subject = (e['resource'] for e in whole['body']['entry'])
                check(observed['subject']['reference'] == 'Patient/' + subject['id'], f'{library}: {whole}')
                check([e['response']['status'] for e in batch['body']['entry']] == ['404', '200'], f'{library}: {batch}')
                check(not wrong['ok'] and wrong['status'] == 400 and codes(wrong['outcome']) == ['structure'], f'{library}: {wrong}')
                check(removed['ok'] and not gone['ok'] and gone['status'] == 404, f'{library}: {removed} {gone}')
                offered = metadata['body']['rest'][0]['resource'][0]['interaction']
                check({'code': 'search-type'} in offered, f'{library}: {offered}')
                say(f'{library}: {len(got)} calls')


def test_pages_of_the_facade():
    """What leads to the server leads to the facade: clients that can't reach the server turn the pages."""
    with e2e.folder() as dir:
        server = fresh_server()
        config = configuration(server, ack={'mode': 'delivered', 'from': 'ehr', 'within': '20s'}, **{'as': 'create'})
        with e2e.Engine(dir, config) as engine:
            for library in LIBRARIES:
                server.control(reset=True)
                here = f'http://127.0.0.1:{engine.port("in")}/fhir'
                seen = {'resourceType': 'Observation', 'status': 'final', 'code': {'text': 'heart rate'},
                        'subject': {'reference': f'{server.base}/Patient/one'},
                        'hasMember': [{'reference': 'http://elsewhere.example/fhir/Observation/1'}, {'reference': f'{server.base}'},
                                      {'reference': server.base + 'x/Observation/1'}]}
                got = call(library, engine, *(['create', patient(n)] for n in range(5)), ['create', seen],
                           ['search', 'Patient', {'_count': '2'}], ['nextPage', '$6.body'], ['nextPage', '$7.body'],
                           ['read', 'Observation', '$5.body.id'],
                           ['bundle', {'resourceType': 'Bundle', 'type': 'batch', 'entry': [{'request': {'method': 'GET', 'url': 'Patient?_count=1'}}]}])
                pages = [page['body'] for page in got[6:9]]
                there = [e['resource']['identifier'][0]['value'] for page in pages for e in page['entry']]
                check(sorted(there) == [f'P{n}' for n in range(5)], f'{library}: {there}')
                batch = got[10]['body']['entry'][0]['resource']
                for page in [*pages, batch]:
                    check(all(link['url'].startswith(here + '/Patient?') for link in page['link']), f'{library}: {page["link"]}')
                    for e in page['entry']:
                        check(e['fullUrl'] == f'{here}/Patient/{e["resource"]["id"]}', f'{library}: {e["fullUrl"]}')
                check(len(server.seen()['calls']) == 11, 'a page was asked for past the facade')
                # Relative: right at either address, also when the client puts it back.
                body = got[9]['body']
                check(body['subject']['reference'] == 'Patient/one', f'{library}: {body}')
                check([m['reference'] for m in body['hasMember']] == ['http://elsewhere.example/fhir/Observation/1', here,
                                                                      server.base + 'x/Observation/1'], f'{library}: {body}')


def test_xml_from_and_to_others():
    """XML that another library writes comes in, and what is sent as XML, packed, is read by it."""
    with e2e.folder() as dir:
        server = fresh_server()
        div = '<div xmlns="http://www.w3.org/1999/xhtml">P &amp; 1</div>'
        told = patient(3, text={'status': 'generated', 'div': div}, extension=[{'url': 'urn:probe:shoe', 'valueInteger': 43}])
        with e2e.Engine(dir, configuration(server, form='xml', gzip=True)) as engine, Sender(engine) as sender:
            made, metadata = call('fhir-kit-client', engine, ['createXml', told], ['metadataXml'])
            check(made['ok'] and made['status'] == 202, made)
            check(metadata['ok'] and metadata['body']['fhirVersion'] == '4.0.1' and metadata['body']['rest'], metadata)
            sender.create(patient(1))
            sender.send('POST', '', transaction(2, 60))
            drained(engine)
            seen = server.seen()
            check(all('xml' in c['type'] and c['coding'] == 'gzip' for c in seen['calls']), seen['calls'])
            there = {number_of(p): p for p in server.of('Patient').values()}
            check(sorted(there) == ['P1', 'P2', 'P3'], there)
            check({k: v for k, v in there['P3'].items() if k not in ('id', 'meta')} == told, there['P3'])


def test_everything_once_and_in_order_whatever_the_server_does():
    with e2e.folder() as dir:
        server = fresh_server()
        patients, versions = (100, 40) if e2e.LONG else (10, 8)
        kinds = [{'status': 429, 'retryAfter': 0}, {'status': 503, 'retryAfter': 0}, {'status': 500}, {'status': 409},
                 {'drop': 'before'}, {'drop': 'after'}, {'drop': 'midway'}, {'hang': True}]
        faults = [{'from': 2 * n, **kind} for n, kind in enumerate(kinds * (40 if e2e.LONG else 4))]
        server.control(faults=faults)
        beside = {'order_by': 'Patient.identifier.value', 'connections': 4}
        config = configuration(server, beside=beside, answer_within='300ms')
        with e2e.Engine(dir, config) as engine, Sender(engine) as sender:
            for version in range(1, versions + 1):
                for number in range(patients):
                    sender.create(patient(number, version))
            drained(engine, 400 if e2e.LONG else 40)
            seen = server.seen()
            check(seen['faults'] == 0, f'{seen["faults"]} faults did not happen')
            check(len(seen['resources']) == patients, f'{len(seen["resources"])} at the server for {patients}')
            written = 0
            for path, history in seen['history'].items():
                came = [p['multipleBirthInteger'] for p in history]
                check(came == sorted(came) and set(came) == set(range(1, versions + 1)), f'{path}: {came}')
                check(seen['resources'][path]['multipleBirthInteger'] == versions, f'{path}: not its last state')
                written += len(came)
            ambiguous = sum(1 for f in faults if f.get('drop') in ('after', 'midway') or f.get('hang'))
            check(written <= patients * versions + ambiguous, f'{written} writes, {ambiguous} without an answer')
            say(f'{patients * versions} messages, {len(seen["calls"])} requests, {len(faults)} went wrong, {written} writes, '
                f'{patients} resources')


def test_killed_while_it_sends():
    """What was under way is sent again, and is still there once."""
    with e2e.folder() as dir:
        server = fresh_server()
        server.control(delay=10)
        beside = {'order_by': 'Patient.identifier.value', 'connections': 2}
        engine = e2e.Engine(dir, configuration(server, beside=beside))
        with engine:
            for round in range(4):
                with Sender(engine) as sender:
                    for number in range(5):
                        sender.create(patient(number, round + 1))
                e2e.wait_until(lambda: len(server.seen()['calls']) > 4 * round, 10, 'it sends')
                engine.kill()
                engine.start()
            drained(engine)
            seen = server.seen()
            check(len(seen['resources']) == 5, f'{len(seen["resources"])} at the server for 5')
            for path, history in seen['history'].items():
                came = [p['multipleBirthInteger'] for p in history]
                check(came == sorted(came) and set(came) == {1, 2, 3, 4}, f'{path}: {came}')
            say(f'20 messages, 4 kills, {len(seen["calls"])} requests, 5 resources')


def test_conditional_creates_never_race():
    """Two at a time of one identifier would be two resources: servers look first and create then."""
    with e2e.folder() as dir:
        server = fresh_server()
        server.control(delay=30, faults=[{'from': 3, 'drop': 'after'}, {'from': 6, 'drop': 'midway'}, {'from': 9, 'drop': 'before'}])
        config = configuration(server, beside={'order_by': 'Patient.identifier.value', 'connections': 4}, **{'as': 'conditional'})
        with e2e.Engine(dir, config) as engine, Sender(engine) as sender:
            engine.api('POST', '/queues/ehr/pause')  # so that all of them can go at once
            for round in range(4):
                for number in range(6):
                    sender.create(patient(number, round))
            engine.api('POST', '/queues/ehr/resume')
            drained(engine)
            seen = server.seen()
            check(len(seen['calls']) == 27 and len(seen['resources']) == 6, f'{len(seen["calls"])} requests, {len(seen["resources"])} made')
            calls = [c for c in seen['calls'] if 'done' in c]
            during = lambda a, b: a['at'] < b['done'] and b['at'] < a['done']
            met = [(a, b) for i, a in enumerate(calls) for b in calls[i + 1:] if during(a, b)]
            check(met, 'none at the same time: four connections are as one')
            check(all(a['ifNoneExist'] != b['ifNoneExist'] for a, b in met), f'two of one identifier at a time: {met[:2]}')


def test_what_is_known_by_an_expression():
    """Its value has no system, which is another search than one for identifiers without a system."""
    for how in ('update', 'conditional'):
        with e2e.folder() as dir:
            server = fresh_server()
            config = configuration(server, identifier=f"identifier.where(system = '{MRN}').value", **{'as': how})
            with e2e.Engine(dir, config) as engine, Sender(engine) as sender:
                for n in (1, 2, 1, 2):
                    other = {'system': 'urn:visit', 'value': str(uuid.uuid4())}
                    sender.create({**patient(n), 'identifier': [other, *patient(n)['identifier']]})
                drained(engine)
                check(len(server.of('Patient')) == 2, f'{how}: {server.of("Patient")}')
    with e2e.folder() as dir:
        server = fresh_server()
        with e2e.Engine(dir, configuration(server, **{'as': 'conditional'})) as engine, Sender(engine) as sender:
            sender.create(patient('1,2|3'))
            drained(engine)
            asked = urllib.parse.unquote(server.seen()['calls'][0]['ifNoneExist'])
            check(asked == f'identifier={MRN}|P1\\,2\\|3', f'{asked}: what parts values in a search is not escaped')


def test_retry_after_is_obeyed():
    with e2e.folder() as dir:
        server = fresh_server()
        server.control(faults=[{'status': 429, 'retryAfter': 1}, {'status': 503, 'retryUntil': 1}])
        with e2e.Engine(dir, configuration(server)) as engine, Sender(engine) as sender:
            sender.create(patient(1))
            drained(engine)
            busy, later, done = server.seen()['calls']
            say(f'came again after {later["at"] - busy["at"]} ms (1 s), and {done["at"] - later["until"]} ms after the date')
            check(later['at'] - busy['at'] >= 990, 'too soon after 429')
            check(done['at'] >= later['until'] - 10, 'too soon after 503')


def test_what_a_server_refuses_is_held_with_its_reason():
    with e2e.folder() as dir:
        server = fresh_server()
        with e2e.Engine(dir, configuration(server)) as engine, Sender(engine) as sender:
            wrong = sender.create(patient(1, shoe=43))
            sender.create(patient(2))
            stale = sender.send('PUT', '/Patient/two', patient(3, id='two'), If_Match='W/"7"')
            batch = transaction(4, 60, 'batch')
            batch['entry'][1]['resource']['shoe'] = 43
            partly = sender.send('POST', '', batch)
            # A conflict that would be there again; of other writes it is a race, and they are tried again.
            server.control(faults=[{'on': 'DELETE', 'status': 409}])
            needed = sender.send('DELETE', '/Patient/two')
            e2e.wait_until(lambda: engine.queue('ehr')['held'] == 4, 20, 'four are held')
            expected = {wrong: ('HTTP 400', 'structure: Invalid additional property "shoe"'), stale: ('HTTP 404', 'not-found: Not found'),
                        needed: ('HTTP 409', 'told to'),
                        partly: ('HTTP 400', 'entry 2: structure: Invalid additional property "shoe"')}
            for number, (code, text) in expected.items():
                check_trace(engine, number, code, text)
            check([number_of(p) for p in server.of('Patient').values()] == ['P2'], 'the one that is right went on')


def test_transactions():
    """References by urn:uuid lead to what the server made, each once however often the Bundle comes."""
    for how in ('update', 'conditional'):
        with e2e.folder() as dir:
            server = fresh_server()
            server.control(faults=[{'drop': 'after'}, {'drop': 'before'}, {'status': 503}, {'from': 5, 'drop': 'midway'}])
            with e2e.Engine(dir, configuration(server, **{'as': how})) as engine, Sender(engine) as sender:
                for number in range(4):
                    sender.send('POST', '', transaction(number, 60 + number))
                    sender.send('POST', '', transaction(number, 70 + number))
                drained(engine)
                patients, observations = server.of('Patient'), server.of('Observation')
                check(len(patients) == 4 and len(observations) == 4, f'{how}: {len(patients)} patients, {len(observations)} observations')
                for o in observations.values():
                    kind, id = o['subject']['reference'].split('/')
                    check(kind == 'Patient' and number_of(patients[id])[1:] == number_of(o)[1:], f'{how}: {o}')
                    at = (70 if how == 'update' else 60) + int(number_of(o)[1:])
                    check(o['valueInteger'] == at, f'{how}: {o["valueInteger"]}, expected {at}')


def test_a_transaction_that_conflicts():
    """Of writes that change nothing twice it is a race; of one that would conflict again it is for a person."""
    with e2e.folder() as dir:
        server = fresh_server()
        with e2e.Engine(dir, configuration(server)) as engine, Sender(engine) as sender:
            server.control(faults=[{'status': 409}])
            sender.send('POST', '', transaction(1, 60))
            drained(engine)
            deletes = transaction(2, 61)
            deletes['entry'].append({'request': {'method': 'DELETE', 'url': 'Patient/one'}})
            versioned = transaction(3, 62)
            versioned['entry'].append({'resource': patient(3, id='two'), 'request': {'method': 'PUT', 'url': 'Patient/two', 'ifMatch': 'W/"7"'}})
            server.control(faults=[{'status': 409}, {'status': 409}])
            numbers = [sender.send('POST', '', one) for one in (deletes, versioned)]
            e2e.wait_until(lambda: engine.queue('ehr')['held'] == 2, 20, 'both are held')
            for number in numbers:
                check_trace(engine, number, 'HTTP 409', 'told to')


def test_an_id_that_the_sender_gave():
    """Of what is created it counts for nothing: another sender has a resource with that id too. Unless it is asked for."""
    def observation(value):
        return {'resourceType': 'Observation', 'id': '1', 'status': 'final', 'code': {'text': 'heart rate'}, 'valueInteger': value}

    entries = [{'resource': observation(n), 'request': {'method': 'POST', 'url': 'Observation'}} for n in (63, 64)]
    for own in (False, True):
        with e2e.folder() as dir:
            server = fresh_server()
            config = configuration(server, {'answers': 'done'}, **({'identifier': 'id'} if own else {}))
            with e2e.Engine(dir, config) as engine:
                got = call('fhir-kit-client', engine, ['create', observation(60)], ['create', observation(61)],
                           ['bundle', {'resourceType': 'Bundle', 'type': 'batch', 'entry': entries}])
                drained(engine)
                there = server.of('Observation')
                if own:
                    check(list(there) == ['1'] and there['1']['valueInteger'] == 64, f'{there}')
                    continue
                told = {one['headers']['location'].split('/')[-3] for one in got[:2]}
                told |= {one['response']['location'].split('/')[1] for one in got[2]['body']['entry']}
                check(set(there) == told and len(told) == 4, f'{set(there)} at the server, {told} told')
    with e2e.folder() as dir:
        path = e2e.Engine(dir, configuration(fresh_server(), identifier='id', **{'as': 'conditional'})).path
        status, out, err = e2e.hilum('check', path)
        check(status == 1 and 'an id of its own' in out + err, out + err)


def test_a_batch_that_deletes_may_come_twice():
    """What it deleted the first time is not there the second time, which is no failure."""
    with e2e.folder() as dir:
        server = fresh_server()
        with e2e.Engine(dir, configuration(server)) as engine, Sender(engine) as sender:
            sender.send('PUT', '/Patient/one', patient(1, id='one'))
            drained(engine)
            server.control(faults=[{'drop': 'after'}])
            sender.send('POST', '', {'resourceType': 'Bundle', 'type': 'batch', 'entry': [
                {'request': {'method': 'DELETE', 'url': 'Patient/one'}},
                {'request': {'method': 'GET', 'url': 'Patient/nobody'}},
                {'resource': patient(2), 'request': {'method': 'POST', 'url': 'Patient'}}]})
            drained(engine)
            check([number_of(p) for p in server.of('Patient').values()] == ['P2'], 'deleted and created')


e2e.main(globals())
