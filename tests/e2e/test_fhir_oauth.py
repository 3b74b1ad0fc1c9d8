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
            # A new one once; when that is refused too, it is for a person.
            server.control(faults=[{'status': 401}, {'status': 401}])
            number = sender.create(patient(3))
            sender.create(patient(4))
            e2e.wait_until(lambda: engine.queue('ehr')['held'] == 1, 20, 'it is held')
            e2e.wait_until(lambda: len(server.of('Patient')) == 3, 20, 'the next went on')
            check(statuses(server)[3:] == [401, 401, 200], f'{statuses(server)}')
            check_trace(engine, number, 'HTTP 401', 'login: told to')


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
    with e2e.folder() as dir, Server(dir) as server:
        server.control(oauth={'method': 'private_key_jwt'})
        with e2e.Engine(dir, configuration(server, auth=oauth(server, 'stranger'))) as engine, Sender(engine) as sender:
            number = sender.create(patient(1))
            e2e.wait_until(lambda: engine.queue('ehr')['held'] == 1, 20, 'it is held')
            check_trace(engine, number, 'token/HTTP 401', 'no applicable key')
            check(not statuses(server), 'nothing was sent without a token')


e2e.main(globals())
