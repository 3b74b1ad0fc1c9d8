"""What the end-to-end tests share: the engine, load and sink as real processes, an MLLP client and receiver, ledgers.

Each test file ends with `hilum_e2e.main(globals())`, which runs its functions test_*; names on the command line choose
among them. HILUM_BIN is the engine's path, HILUM_BENCH_BIN_DIR holds load and sink, HILUM_LONG=1 asks for the numbers of
RELIABILITY.md instead of the short form, HILUM_SEED repeats a run."""

import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HILUM = os.environ.get('HILUM_BIN', os.path.join(ROOT, 'build', 'release', 'hilum'))
TOOLS = os.environ.get('HILUM_BENCH_BIN_DIR', os.path.join(ROOT, 'build', 'release', 'tests', 'bench'))
SHARED = os.environ.get('HILUM_SHARED', os.path.join(ROOT, '..', 'shared'))
LONG = os.environ.get('HILUM_LONG') == '1'
SEED = int(os.environ.get('HILUM_SEED') or random.SystemRandom().randrange(1 << 32))
# Sanitizers make everything slower and larger: time limits stretch, and memory is not measured.
SANITIZED = os.environ.get('HILUM_SANITIZED') == '1'
PATIENCE = 5 if SANITIZED else 1

START, END = b'\x0b', b'\x1c\r'


class Skip(Exception):
    """This machine can't run the test; the reason is printed."""


class Failure(AssertionError):
    pass


def check(condition, what):
    if not condition:
        raise Failure(what)


def say(*words):
    print('   ', *words, flush=True)


def wait_until(condition, seconds, what):
    """Polls until condition() is true; returns the seconds it took."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds * PATIENCE:
            raise Failure(f'not within {seconds * PATIENCE} s: {what}')
        time.sleep(0.02)
    return time.monotonic() - begin


def free_port():
    """A port nobody listens on now: for a destination that is to come later, or an engine that comes back."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def folder(parent=None):
    path = tempfile.mkdtemp(prefix='hilum-e2e-', dir=parent)
    try:
        yield path
    except BaseException:
        if os.environ.get('HILUM_KEEP') == '1':
            say('kept:', path)
        else:
            shutil.rmtree(path, ignore_errors=True)
        raise
    shutil.rmtree(path, ignore_errors=True)


# --- processes -----------------------------------------------------------------------------------------------------

class Engine:
    """`hilum run` on a configuration given as a dict (JSON is YAML) in `dir`."""

    def __init__(self, dir, config, name='hilum.yaml', env=None, preexec=None):
        self.dir = dir
        self.path = os.path.join(dir, name)
        self.log_path = os.path.join(dir, 'engine.log')
        self.process = None
        self.env, self.preexec = env, preexec
        self.configure(config)

    def configure(self, config):
        config.setdefault('store', {}).setdefault('dir', os.path.join(self.dir, 'data'))
        config.setdefault('admin', {}).setdefault('listen', '127.0.0.1:0')
        self.config = config
        with open(self.path, 'w') as f:
            json.dump(config, f, indent=1)

    def start(self, within=30):
        log = open(self.log_path, 'ab')
        begin = time.monotonic()
        self.process = subprocess.Popen([HILUM, 'run', self.path], stdout=subprocess.PIPE, stderr=log, cwd=self.dir,
                                        env={**os.environ, **(self.env or {})}, preexec_fn=self.preexec)
        log.close()
        timer = threading.Timer(within * PATIENCE, self.process.kill)
        timer.start()
        line = self.process.stdout.readline().decode()
        timer.cancel()
        self.ready_seconds = time.monotonic() - begin
        if 'ready' not in line:
            self.process.kill()
            self.process.wait()
            raise Failure(f'the engine did not get ready in {within * PATIENCE} s; said {line!r}; log:\n{self.log_tail()}')
        endpoints = dict(re.findall(r'(\S+?)=\D*?(127\.0\.0\.1:\d+)', line))
        self.admin = endpoints.pop('admin', None)
        self.ports = {name: int(endpoint.rsplit(':', 1)[1]) for name, endpoint in endpoints.items()}
        return self

    def port(self, listener):
        return self.ports[listener]

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, within=20):
        """SIGTERM: drains, syncs, exits 0."""
        if not self.process:
            return
        self.process.terminate()
        try:
            code = self.process.wait(within * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f'the engine did not stop within {within * PATIENCE} s of SIGTERM; log:\n{self.log_tail()}')
        self.process.stdout.close()
        self.process = None
        check(code == 0, f'the engine ended with {code} after SIGTERM; log:\n{self.log_tail()}')

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is None:
            check(self.process is None or self.alive(), f'the engine ended by itself; log:\n{self.log_tail()}')
            self.stop()
        else:
            if self.process:
                say('engine', 'alive' if self.alive() else f'ended with {self.process.poll()}', 'log:', self.log_tail())
            self.kill()

    def log(self):
        with open(self.log_path, errors='replace') as f:
            return f.read()

    def log_tail(self, lines=25):
        return '\n'.join(self.log().splitlines()[-lines:])

    def rss_kb(self):
        with open(f'/proc/{self.process.pid}/status') as f:
            return int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1))

    # The admin port.
    def http(self, method, path, body=None):
        host, port = self.admin.rsplit(':', 1)
        connection = http.client.HTTPConnection(host.strip('[]'), int(port), timeout=10 * PATIENCE)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {} if body is None else {'Content-Type': 'application/json'})
            response = connection.getresponse()
            return response.status, response.read().decode('utf-8', 'replace')
        finally:
            connection.close()

    def api(self, method, path, body=None):
        status, text = self.http(method, '/api/v1' + path, body)
        check(status == 200, f'{method} {path}: {status} {text}')
        return json.loads(text)

    def queue(self, destination):
        return self.api('GET', '/queues/' + urllib.parse.quote(destination))

    def metric(self, name, **labels):
        """The sum over all samples of that name whose labels include `labels`."""
        status, text = self.http('GET', '/metrics')
        check(status == 200, f'/metrics: {status}')
        total = 0.0
        for line in text.splitlines():
            match = re.fullmatch(r'(\w+)(?:\{(.*)\})? (\S+)', line)
            if match and match.group(1) == name and all(f'{k}="{v}"' in (match.group(2) or '') for k, v in labels.items()):
                total += float(match.group(3))
        return total


def hilum(*arguments, cwd=None, input=None, env=None):
    """Runs a subcommand; returns (exit code, stdout, stderr)."""
    done = subprocess.run([HILUM, *map(str, arguments)], cwd=cwd, input=input, capture_output=True, timeout=60 * PATIENCE,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stdout.decode('utf-8', 'replace'), done.stderr.decode('utf-8', 'replace')


class Tool:
    def __init__(self, name, *arguments):
        self.process = subprocess.Popen([os.path.join(TOOLS, name), *map(str, arguments)], stdout=subprocess.PIPE)

    def alive(self):
        return self.process.poll() is None

    def result(self, within=600):
        """Waits for the end; the JSON it printed."""
        try:
            out, _ = self.process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise Failure(f'{self.process.args[0]} did not end within {within} s')
        check(out.strip(), f'{self.process.args}: no result')
        return json.loads(out.splitlines()[-1])

    def terminate(self, within=60):
        if self.alive():
            self.process.terminate()
        return self.result(within)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.alive():
            self.process.kill()
        self.process.wait()
        if self.process.stdout and not self.process.stdout.closed:
            self.process.stdout.close()


class Load(Tool):
    def __init__(self, port, **options):
        arguments = ['--to', f'127.0.0.1:{port}', '--json']
        for name, value in options.items():
            arguments += [f'--{name}'] if value is True else [f'--{name}', value]
        super().__init__('load', *arguments)


class Sink(Tool):
    def __init__(self, port=0, ledger=None, **options):
        arguments = ['--listen', port] + (['--ledger', ledger] if ledger else [])
        for name, value in options.items():
            arguments += [f'--{name.replace("_", "-")}', value]
        super().__init__('sink', *arguments)
        line = self.process.stdout.readline().decode()
        check(line.startswith('ready '), f'sink said {line!r}')
        self.port = int(line.split()[1])


# --- ledgers -------------------------------------------------------------------------------------------------------

def sent_ledger(path):
    """The control ids load was given an AA for, in order."""
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return f.read().split()


def arrivals(path):
    """The control ids that reached a sink, in order."""
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [line.split()[1] for line in f.read().splitlines()]


def sender_of(control_id):
    """Control ids of load: run (6), connection (5), counter (9)."""
    return control_id[:11]


def check_delivery(acknowledged, arrived, duplicates_at_most):
    """Nothing acknowledged is missing, first arrivals keep each sender's order, repeats are within the window."""
    seen, last, out_of_order = set(), {}, []
    duplicates = 0
    for control_id in arrived:
        if control_id in seen:
            duplicates += 1
            continue
        seen.add(control_id)
        sender, counter = sender_of(control_id), int(control_id[11:])
        if counter <= last.get(sender, 0):
            out_of_order.append(control_id)
        last[sender] = max(counter, last.get(sender, 0))
    lost = [c for c in acknowledged if c not in seen]
    say(f'{len(acknowledged)} acknowledged, {len(arrived)} arrived, {len(seen)} different, {duplicates} duplicates '
        f'(allowed {duplicates_at_most}), {len(lost)} lost, {len(out_of_order)} out of order')
    check(not lost, f'acknowledged but never delivered: {lost[:5]}')
    check(not out_of_order, f'overtaken: {out_of_order[:5]}')
    check(duplicates <= duplicates_at_most, f'{duplicates} duplicates, at most {duplicates_at_most} can have been in flight')


# --- MLLP ----------------------------------------------------------------------------------------------------------

def field(message, name, number):
    """Field `number` of the first segment `name`, as bytes; MSH counts its separator."""
    for line in message.replace(b'\n', b'\r').split(b'\r'):
        if line.startswith(name):
            fields = line.split(line[3:4] if name == b'MSH' else message[3:4])
            number -= 1 if name == b'MSH' else 0
            return fields[number] if number < len(fields) else b''
    return b''


def control_id(message):
    return field(message, b'MSH', 10)


class Connection:
    """An MLLP client."""

    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=timeout * PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.searched = bytearray(), 0

    def write(self, data):
        self.socket.sendall(data)

    def read(self):
        """The next frame's content; None when the peer has closed."""
        while True:
            start = self.buffer.find(START)
            end = self.buffer.find(END, max(start, self.searched)) if start >= 0 else -1
            if end >= 0:
                frame = bytes(self.buffer[start + 1:end])
                del self.buffer[:end + 2]
                self.searched = 0
                return frame
            self.searched = max(0, len(self.buffer) - 1)
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.buffer += data

    def send(self, message):
        """Sends one message; its answer."""
        self.write(START + message + END)
        return self.read()

    def silent_for(self, seconds):
        """True when nothing comes and the connection stays open."""
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
            return False
        except TimeoutError:
            return not self.buffer
        except ConnectionResetError:
            return False
        finally:
            self.socket.settimeout(before)

    def closed_within(self, seconds):
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds * PATIENCE)
        try:
            while self.socket.recv(65536):
                pass
            return True
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True
        finally:
            self.socket.settimeout(before)

    def reset(self):
        """Ends with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        self.socket.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def acknowledgement(identifier, code='AA', more=''):
    """Of the message with that control id; `more` are segments behind MSA."""
    return f'MSH|^~\\&|||||20260101||ACK|{identifier}|P|2.5\rMSA|{code}|{identifier}\r{more}'.encode('latin-1')  # byte for byte


class Receiver:
    """An MLLP receiver that keeps what it gets, byte for byte, and answers AA. Others override what it keeps and says."""

    def keeps(self, message):
        return True

    def replies(self, message):
        return [acknowledgement(control_id(message).decode('latin-1'))]

    def __init__(self, port=0):
        self.server = socket.create_server(('127.0.0.1', port), backlog=64)
        self.port = self.server.getsockname()[1]
        self.messages = []
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        connection = Connection.__new__(Connection)
        connection.socket, connection.buffer, connection.searched = peer, bytearray(), 0
        with contextlib.suppress(OSError), peer:
            while (message := connection.read()) is not None:
                if self.keeps(message):
                    with self.lock:
                        self.messages.append(message)
                for reply in self.replies(message):
                    connection.write(START + reply + END)

    def count(self):
        with self.lock:
            return len(self.messages)

    def close(self):
        self.server.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def adt(control_id, event='A01', **fields):
    """A small synthetic ADT message. Keywords name what differs: ward, patient, family."""
    get = lambda name, value: fields.get(name, value)
    return (f"MSH|^~\\&|LOAD|WEST|HILUM|CENTRAL|20260714101500+0000||ADT^{event}^ADT_A01|{control_id}|P|2.5\r"
            f"EVN|{event}|20260714101500+0000\r"
            f"PID|1||{get('patient', 'P1')}^^^WEST^MR||{get('family', 'Probe')}^Linus||19710309|M\r"
            f"NK1|1|Probe^Ada|SPO\r"
            f"PV1|1|I|{get('ward', '2W')}^204^A|||||||||||||||||V1\r").encode()


# --- configurations ------------------------------------------------------------------------------------------------

FAST_RETRY = {'first': '100ms', 'max': '500ms'}


def straight(destination_port, steps=None, when=None, **listener):
    """One MLLP listener `in`, one route, one MLLP destination `out`."""
    route = {'name': 'all', 'from': 'in', 'to': 'out'}
    if steps:
        route['steps'] = steps
    if when:
        route['when'] = when
    return {
        'listeners': {'in': {'mllp': {'listen': '127.0.0.1:0', **listener}}},
        'destinations': {'out': {'mllp': {'connect': f'127.0.0.1:{destination_port}'}, 'retry': FAST_RETRY}},
        'routes': [route],
    }


def shared_messages():
    """The rows of the public message collection's manifest."""
    import csv
    path = os.path.join(SHARED, 'messages', 'manifest.csv')
    if not os.path.exists(path):
        raise Skip('the public messages are not here')
    with open(path, newline='') as f:
        return list(csv.DictReader(f))


# --- the runner ----------------------------------------------------------------------------------------------------

def main(names):
    tests = [(n, f) for n, f in names.items() if n.startswith('test_') and callable(f)]
    chosen = sys.argv[1:]
    if unknown := set(chosen) - {n for n, _ in tests}:
        sys.exit(f'no such test: {", ".join(sorted(unknown))}; there are {", ".join(n for n, _ in tests)}')
    print(f'seed {SEED} (HILUM_SEED={SEED} repeats), {"long" if LONG else "short"} form', flush=True)
    failed = 0
    for name, test in tests:
        if chosen and name not in chosen:
            continue
        random.seed(f'{SEED} {name}')
        print(name, flush=True)
        begin = time.monotonic()
        try:
            test()
        except Skip as reason:
            print(f'  skipped: {reason}', flush=True)
        except Exception as error:  # the next test still runs
            failed += 1
            if not isinstance(error, Failure):
                traceback.print_exc(file=sys.stdout)
            print(f'  FAILED after {time.monotonic() - begin:.1f} s: {error}', flush=True)
        else:
            print(f'  ok, {time.monotonic() - begin:.1f} s', flush=True)
    sys.exit(1 if failed else 0)
