"""OAuth at the FHIR destination: tokens for a secret or a signed assertion, from a server not written here that verifies both."""

import os
import time

import hilum_e2e as e2e
from fhir_peers import Sender, Server, check_trace, configuration, drained, patient
from hilum_e2e import check, say


def oauth(server, key=None, **more):
    how = {'key_file': os.path.join(server.dir, key + '.pem'), 'key_id': key} if key else {'client_secret': 'not a secret: + & % ='}
    return {'oauth': {'token_url': f'http://127.0.0.1:{server.port}/token', 'client_id': 'hilum', 'scope': 'system/*.cud', **how, **more}}


def asked(server):
    return server.seen()['asked']


def statuses(server):
    return [call['status'] for call in server.seen()['calls']]


def test_keys_and_secret():
    with e2e.folder() as dir, Server(dir) as server:
        for key, algorithm in (('rs384', 'RS384'), ('es384', 'ES384'), (None, None)):
            server.control(reset=True, oauth={'method': 'private_key_jwt' if key else 'client_secret'})
            config = configuration(server, auth=oauth(server, key))
            with e2e.folder(dir) as own, e2e.Engine(own, config) as engine, Sender(engine) as sender:
                for n in range(5):
                    sender.create(patient(n))
                drained(engine)
                given = asked(server)
                check(('a secret in plain text' in engine.log()) == (not key), engine.log())
                check(given[0]['token'] not in engine.log(), 'a token in the log')
                check(statuses(server) == [200] * 5, f'{key}: {statuses(server)}')
                check(len(given) == 1 and given[0]['scope'] == 'system/*.cud', f'{key}: {given}')
                check((given[0].get('alg'), given[0].get('kid')) == (algorithm, key), f'{key}: {given}')


def test_what_is_shown():
    """Of secrets the variable's name at most."""
    with e2e.folder() as dir, Server(dir) as server:
        for auth, secret in ((oauth(server), 'not a secret'), ({'bearer': 'opensesame'}, 'opensesame')):
            path = e2e.Engine(dir, configuration(server, auth=auth)).path
            status, out, err = e2e.hilum('check', '--effective', path)
            check(status == 0 and secret not in out and 'a secret in plain text' in out + err, out + err)
            check('bearer' in auth or f'127.0.0.1:{server.port}/token' in out, f'the address is masked: {out}')


def test_renewed_before_its_end():
    """None is used that has ended, and short-lived ones serve for more than one request."""
    with e2e.folder() as dir, Server(dir) as server:
        server.control(oauth={'method': 'private_key_jwt', 'lives': 4})
        with e2e.Engine(dir, configuration(server, auth=oauth(server, 'es384'))) as engine, Sender(engine) as sender:
            began, sent = time.monotonic(), 0
            while time.monotonic() - began < 7:
                sender.create(patient(sent))
                sent += 1
                drained(engine)
                time.sleep(0.1)
            check(set(statuses(server)) == {200}, 'one that had ended was used')
            given, seconds = len(asked(server)), time.monotonic() - began
            say(f'{sent} requests, {given} tokens of 4 s in {seconds:.1f} s')
            check(2 <= given <= seconds / 3 + 1, f'{given} tokens in {seconds:.1f} s')


def test_a_token_that_ends_early():
    with e2e.folder() as dir, Server(dir) as server:
        server.control(oauth={'method': 'private_key_jwt'})
        with e2e.Engine(dir, configuration(server, auth=oauth(server, 'rs384'))) as engine, Sender(engine) as sender:
            sender.create(patient(1))
            drained(engine)
            server.control(revoke=True)
            sender.create(patient(2))
            drained(engine)
            check(statuses(server) == [200, 401, 200] and len(asked(server)) == 2, f'{statuses(server)} {asked(server)}')
            # A new one once; when that is refused too, nothing is wrong with the message: all wait until it is mended.
            server.control(faults=[{'status': 401}] * 4)
            number = sender.create(patient(3))
            sender.create(patient(4))
            drained(engine)
            check(len(server.of('Patient')) == 4, f'{server.of("Patient")}')
            check(statuses(server)[3:] == [401] * 4 + [200] * 2, f'{statuses(server)}')
            # None that was refused is used again, and none asked for that is not needed.
            check(len(asked(server)) == 6, f'{asked(server)}')
            check_trace(engine, number, 'HTTP 401', 'login: told to', 'see to auth')


def test_fixed_credentials_that_are_refused():
    with e2e.folder() as dir, Server(dir) as server:
        server.control(faults=[{'status': 401}] * 2)
        beside = {'order_by': 'Patient.identifier.value', 'connections': 4}
        with e2e.Engine(dir, configuration(server, beside=beside, auth={'bearer': 'opensesame'})) as engine, Sender(engine) as sender:
            engine.api('POST', '/queues/ehr/pause')
            first = sender.create(patient(1))
            for n in (2, 3):
                sender.create(patient(n))
            engine.api('POST', '/queues/ehr/resume')
            drained(engine)
            check(len(server.of('Patient')) == 3 and sorted(statuses(server)) == [200, 200, 200, 401, 401], f'{statuses(server)}')
            check_trace(engine, first, 'delivered')
            # What Hilum may not do there is about this resource.
            server.control(faults=[{'status': 403}])
            number = sender.create(patient(4))
            sender.create(patient(5))
            e2e.wait_until(lambda: engine.queue('ehr')['held'] == 1, 20, 'it is held')
            e2e.wait_until(lambda: len(server.of('Patient')) == 4, 20, 'the next went on')
            check_trace(engine, number, 'HTTP 403')


def test_a_token_server_that_is_busy():
    with e2e.folder() as dir, Server(dir) as server:
        server.control(oauth={'method': 'private_key_jwt'},
                       tokenFaults=[{'drop': True}, {'status': 503, 'retryAfter': 1}, {'status': 429, 'retryAfter': 1}])
        with e2e.Engine(dir, configuration(server, auth=oauth(server, 'es384'))) as engine, Sender(engine) as sender:
            sender.create(patient(1))
            drained(engine)
            at = [one['at'] for one in asked(server)]
            say(f'asked again after {[b - a for a, b in zip(at, at[1:])]} ms')
            check(len(at) == 3 and all(b - a >= 990 for a, b in zip(at, at[1:])), 'it asked too soon')
            check(statuses(server) == [200], f'{statuses(server)}')


def test_a_key_that_is_not_known():
    """Nothing is wrong with the messages: they wait, and go once it is mended."""
    with e2e.folder() as dir, Server(dir) as server:
        server.control(oauth={'method': 'private_key_jwt'})
        config = configuration(server, {'listen': f'127.0.0.1:{e2e.free_port()}'}, auth=oauth(server, 'stranger'),
                               beside={'order_by': 'Patient.identifier.value', 'connections': 4})
        with e2e.Engine(dir, config) as engine, Sender(engine) as sender:
            numbers = [sender.create(patient(n)) for n in range(6)]
            e2e.wait_until(lambda: len(asked(server)) > 6, 20, 'it asks again and again')
            queue = engine.queue('ehr')
            check(queue['held'] == 0 and queue['queued'] == 6, f'{queue}')
            check_trace(engine, numbers[0], 'token/HTTP 401', 'no applicable key', 'see to auth')
            check(not statuses(server), 'nothing was sent without a token')
            config['destinations']['ehr']['fhir']['auth'] = oauth(server, 'rs384')
            engine.configure(config)
            engine.api('POST', '/reload')
            drained(engine)
            check(len(server.of('Patient')) == 6, 'they did not go')


e2e.main(globals())
