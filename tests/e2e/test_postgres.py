"""`enrich` with a real PostgreSQL server, which comes and goes."""

import glob
import json
import os
import pwd
import subprocess

import hilum_e2e as e2e
from hilum_e2e import check

MESSAGE = 'MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|{n}|P|2.5\rPID|1||{mrn}||DOE^JANE||19800203|F\rPV1|1|I|W1\r'
TABLE = """
CREATE TABLE beds (mrn text PRIMARY KEY, bed text, floor int, weight numeric, free boolean, plan jsonb, note text);
INSERT INTO beds VALUES ('P1', 'B7', 3, 1.50, true, '{"nurse": {"name": "Ann"}}', NULL), ('P2', 'B"8', -1, 'NaN', false, NULL, 'é');
"""


class Server:
    """A private server, as the system's postgres user where the tests run as root (it refuses root)."""

    def __init__(self, dir):
        programs = sorted(glob.glob('/usr/lib/postgresql/*/bin/initdb'))
        check(programs, 'PostgreSQL is not installed (package postgresql)')
        self.bin = os.path.dirname(programs[-1])
        self.data, self.port = os.path.join(dir, 'pg'), e2e.free_port()
        self.user = 'postgres' if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        os.makedirs(self.data)
        if os.geteuid() == 0:
            os.chmod(dir, 0o755)
            os.chown(self.data, pwd.getpwnam('postgres').pw_uid, pwd.getpwnam('postgres').pw_gid)
        self.run('initdb', '-D', self.data, '-U', 'hilum', '--auth=trust', '-N', '-E', 'UTF8', '--locale=C')
        self.start()
        for statement in [TABLE]:
            self.sql(statement)

    def run(self, program, *arguments, input=None):
        as_user = ['runuser', '-u', self.user, '--'] if os.geteuid() == 0 else []
        done = subprocess.run([*as_user, os.path.join(self.bin, program), *arguments], input=input, capture_output=True, text=True,
                              cwd='/', timeout=120)
        check(done.returncode == 0, f'{program}: {done.stdout}{done.stderr}')

    def start(self):
        options = f'-p {self.port} -h 127.0.0.1 -k {self.data} -F'
        self.run('pg_ctl', '-D', self.data, '-w', '-l', os.path.join(self.data, 'log'), '-o', options, 'start')

    def stop(self):
        self.run('pg_ctl', '-D', self.data, '-w', '-m', 'immediate', 'stop')

    def sql(self, text):
        self.run('psql', '-h', '127.0.0.1', '-p', str(self.port), '-U', 'hilum', 'postgres', '-v', 'ON_ERROR_STOP=1', input=text)


def configuration(dir, port, query, then, values=('=PID-3.1',), within='2s', **keys):
    enrich = {'postgres': {'connect': f'host=127.0.0.1 port={port} dbname=postgres user=hilum', 'query': query, 'values': list(values),
                           'within': within}, 'otherwise': 'hold', 'then': then, **keys}
    return {
        'listeners': {'in': {'mllp': {'listen': '127.0.0.1:0'}}},
        'destinations': {'out': {'file': {'dir': os.path.join(dir, 'out'), 'name': '{MSH-10}.hl7'}}},
        'routes': [{'name': 'r', 'from': 'in', 'steps': [{'enrich': enrich}], 'to': 'out'}],
    }


LANE = '(route r)'


def send(engine, n, mrn):
    with e2e.Connection(engine.port('in')) as connection:
        answer = connection.send(MESSAGE.format(n=n, mrn=mrn).encode())
        check(b'MSA|AA|' in answer, f'{answer}')


def made(dir, n):
    path = os.path.join(dir, 'out', f'{n}.hl7')
    e2e.wait_until(lambda: os.path.exists(path), 20, f'message {n} is delivered')
    with open(path, encoding='utf-8') as f:
        return f.read()


def test_rows_types_and_failures():
    with e2e.folder() as dir:
        server = Server(dir)
        try:
            columns = ['bed', 'floor', 'weight', 'free', 'plan.nurse.name', 'note']
            then = [{'set': {f'PV1-{20 + i}': f'=%answer.{column}' for i, column in enumerate(columns)}}]
            config = configuration(dir, server.port, 'SELECT * FROM beds WHERE mrn = $1', then)
            with e2e.Engine(dir, config) as engine:
                send(engine, 1, 'P1')
                text = made(dir, 1)
                check('|B7|3|1.50|true|Ann|' in text, text)
                send(engine, 2, 'P2')
                check('|B"8|-1|NaN|false||\u00e9' in made(dir, 2), made(dir, 2))

                # Bound, never pasted; and nothing is known of it.
                send(engine, 3, "' OR 1=1 --")
                e2e.wait_until(lambda: engine.queue(LANE)['held'] == 1, 10, 'no row: held')

                # The server goes and comes; the kept connection is made anew, and nothing is lost.
                server.stop()
                send(engine, 4, 'P1')
                e2e.wait_until(lambda: engine.queue(LANE)['state'] == 'retrying', 10, 'no server: tried again')
                server.start()
                check('|B7|' in made(dir, 4), 'and then it goes on')
                server.stop()
                server.start()
                send(engine, 5, 'P1')
                check('|B7|' in made(dir, 5), 'a restart in between is not noticed')
                check('P1' not in engine.log() and 'beds' not in engine.log(), 'the log holds what was asked')
        finally:
            server.stop()


def test_what_is_refused():
    with e2e.folder() as dir:
        server = Server(dir)
        try:
            rows = [("DELETE FROM beds WHERE mrn = $1 RETURNING *", '25006'), ('SELECT nonsense FROM beds WHERE mrn = $1', '42703'),
                    ('SELECT floor FROM beds WHERE floor = $1::int', '22P02')]
            for n, (query, state) in enumerate(rows, 1):
                config = configuration(dir, server.port, query, [{'set': {'PV1-20': 'x'}}], on_failure='hold')
                config['store'] = {'dir': os.path.join(dir, f'data{n}')}
                with e2e.Engine(dir, config) as engine:
                    send(engine, n, 'P1')
                    e2e.wait_until(lambda: engine.queue(LANE)['held'] == 1, 10, f'{query}: held')
                    def told():
                        attempts = engine.api('GET', '/messages/1')['attempts']
                        return attempts and attempts[0].get('text', '')
                    e2e.wait_until(told, 10, 'the trace says why')
                    check(state in told() and 'P1' not in told(), f'{query}: {told()}')
            # A query that takes too long, and an answer that is too large.
            for n, (query, why) in enumerate([('SELECT pg_sleep(30), $1::text AS x', 'in time'),
                                              ("SELECT repeat('x', 1000) AS x, $1::text AS y FROM generate_series(1, 100000)", 'longer')]):
                config = configuration(dir, server.port, query, [{'set': {'PV1-20': 'x'}}], on_failure='hold',
                                       within='500ms' if n == 0 else '20s')
                config['store'] = {'dir': os.path.join(dir, f'more{n}')}
                with e2e.Engine(dir, config) as engine:
                    send(engine, n, 'P1')
                    e2e.wait_until(lambda: engine.queue(LANE)['held'] == 1, 30, f'{query}: held')
                    e2e.wait_until(lambda: engine.api('GET', '/messages/1')['attempts'], 10, 'the trace says why')
                    check(why in engine.api('GET', '/messages/1')['attempts'][0]['text'], f'{engine.api("GET", "/messages/1")}')
                    check(engine.rss_kb() < 100_000 or e2e.SANITIZED, f'{engine.rss_kb()} kB')
        finally:
            server.stop()


def test_check_connect():
    with e2e.folder() as dir:
        server = Server(dir)
        path = os.path.join(dir, 'hilum.yaml')

        def tried(query):
            with open(path, 'w') as f:
                json.dump(configuration(dir, server.port, query, [{'set': {'PV1-20': 'x'}}]), f)
            code, out, err = e2e.hilum('check', '--connect', '--json', path)
            row = [c for c in json.loads(out)['connections'] if c['kind'] == 'enrich postgres'][0]
            check(row['reached'] == (code == 0) and row['where'] == f'127.0.0.1:{server.port}/postgres', f'{code} {out} {err}')
            return row.get('problem', '')

        try:
            check(tried('SELECT bed FROM beds WHERE mrn = $1') == '', 'the query is known')
            check(tried('SELECT bed FROM beds WHERE mrn = $1 AND floor > 1') == '', 'the query is known')
            check('42703' in tried('SELECT nonsense FROM beds WHERE mrn = $1'), 'no such column')
            check('42P01' in tried('SELECT bed FROM bedz WHERE mrn = $1'), 'no such table')
        finally:
            server.stop()
        check('no connection' in tried('SELECT bed FROM beds WHERE mrn = $1'), 'no server')


e2e.main(globals())
