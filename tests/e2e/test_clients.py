"""Senders that were not written here: npm's @medplum/hl7 and node-hl7-client, one message of each type."""

import json
import os
import shutil
import subprocess

import hilum_e2e as e2e
from hilum_e2e import check, say

CLIENTS = os.path.join(e2e.ROOT, 'tests', 'e2e', 'clients')
# Debian 12's Node 18 is too old for node-hl7-client, so npm brings one along.
OWN_NODE = os.path.join(CLIENTS, 'node_modules', '.bin', 'node')
NODE = OWN_NODE if os.path.exists(OWN_NODE) else 'node'


def one_of_each_type():
    """Well-formed messages that end their segments with CR and are plain ASCII: what both clients can read."""
    chosen = {}
    for row in e2e.shared_messages():
        kind = '^'.join(row['type'].split('^')[:2])
        if row['class'] != 'single' or kind in chosen or int(row['bytes']) > 20000:
            continue
        path = os.path.join(e2e.SHARED, 'messages', row['path'])
        with open(path, 'rb') as f:
            data = f.read()
        if data.startswith(b'MSH|^~\\&|') and data.isascii() and b'\n' not in data and b'\x0b' not in data and row['version']:
            chosen[kind] = path
    return chosen


def run(client, messages):
    if not shutil.which(NODE):
        raise e2e.Skip('no node')
    major = int(subprocess.run([NODE, '--version'], capture_output=True, text=True).stdout.strip('v\n').split('.')[0])
    with open(os.path.join(CLIENTS, 'package-lock.json')) as f:
        needs = json.load(f)['packages'][f'node_modules/{client}']['engines']['node']
    if major < int(needs.strip('>=').split('.')[0]):
        raise e2e.Skip(f'{client} needs node {needs}, here is {major}')
    if not os.path.isdir(os.path.join(CLIENTS, 'node_modules', client)):
        raise e2e.Skip('run `npm ci` in tests/e2e/clients first (tests/run.sh does)')
    script = {'@medplum/hl7': 'medplum.mjs', 'node-hl7-client': 'node_hl7_client.mjs'}[client]
    with e2e.folder() as dir, e2e.Receiver() as out, e2e.Engine(dir, e2e.straight(out.port)) as engine:
        sent, declined = 0, []
        for kind, path in sorted(messages.items()):
            done = subprocess.run([NODE, script, '127.0.0.1', str(engine.port('in')), path], cwd=CLIENTS,
                                  capture_output=True, text=True, timeout=60 * e2e.PATIENCE)
            if done.returncode != 0 and engine.metric('hilum_messages_received_total') == sent:
                declined.append(kind)  # the client itself refused to send it
                continue
            check(done.returncode == 0, f'{kind}: {done.stderr[-500:]}')
            with open(path, 'rb') as f:
                control_id = e2e.control_id(f.read()).decode()
            sent += 1
            _, code, answered_id = done.stdout.rstrip('\n').split('\t')
            check(code == 'AA', f'{kind} ({path}): {code}')
            check(answered_id == control_id, f'{kind} ({path}): MSA-2 is {answered_id!r}, MSH-10 {control_id!r}')
        e2e.wait_until(lambda: out.count() == sent, 20, 'all delivered')
        say(f'{client}: {sent} types sent and answered AA; {len(declined)} the client itself would not send {declined}')
        check(sent > len(messages) / 2, 'most must have been sent')


def test_medplum():
    run('@medplum/hl7', one_of_each_type())


def test_node_hl7_client():
    run('node-hl7-client', one_of_each_type())


e2e.main(globals())
