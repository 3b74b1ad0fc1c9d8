"""R15: backup under load, restore, compare."""

import glob
import os
import shutil
import time

import hilum_e2e as e2e
from hilum_e2e import check, say


def test_backup_under_load():
    rounds = 10 if e2e.LONG else 3
    with e2e.folder() as dir:
        ledger = os.path.join(dir, 'sent')
        out_port = e2e.free_port()
        config = e2e.straight(out_port)
        config['listeners']['in']['deduplicate'] = 'control_id'
        config['store'] = {'segment_size': '1MiB'}
        backups = []
        with e2e.Engine(dir, config) as engine:
            with e2e.Load(engine.port('in'), connections=16, rate=300 if e2e.SANITIZED else 2000, seconds=60, ledger=ledger) as load:
                for n in range(rounds):
                    time.sleep(1.3)
                    if n == rounds - 1:
                        engine.api('POST', '/queues/out/pause')
                    before = len(e2e.sent_ledger(ledger))
                    target = os.path.join(dir, f'backup{n}')
                    code, out, err = e2e.hilum('store', 'backup', engine.config['store']['dir'], target)
                    check(code == 0, out + err)
                    say(f'{before} acknowledged before, then: {out.strip()}')
                    backups.append((target, before))
                load.terminate()
            # Twice into one folder, and of no store.
            code, out, err = e2e.hilum('store', 'backup', engine.config['store']['dir'], backups[0][0])
            check(code == 1 and 'something in this folder' in err, out + err)
            code, out, err = e2e.hilum('store', 'backup', dir, os.path.join(dir, 'nothing'))
            check(code == 1 and 'no store here' in err, out + err)

        sent = e2e.sent_ledger(ledger)
        original = os.path.join(dir, 'original')
        shutil.move(engine.config['store']['dir'], original)
        for target, before in backups:
            code, out, err = e2e.hilum('store', 'verify', target)
            check(code == 0, out + err)
            segments = sorted(glob.glob(os.path.join(target, 'journal', '*.log')))
            check(segments, 'segments')
            for segment in segments:
                with open(segment, 'rb') as f:
                    copy = f.read().rstrip(b'\0')
                with open(os.path.join(original, 'journal', os.path.basename(segment)), 'rb') as f:
                    check(f.read(len(copy)) == copy, f'{segment} is not as it was')

            # Restored, it delivers everything that was acknowledged before the backup began.
            shutil.rmtree(engine.config['store']['dir'], ignore_errors=True)
            shutil.copytree(target, engine.config['store']['dir'])
            arrived = os.path.join(dir, 'arrived-' + os.path.basename(target))
            with e2e.Sink(out_port, ledger=arrived), engine:
                last = target == backups[-1][0]
                check(engine.queue('out')['state'] == 'paused' if last else engine.queue('out')['state'] != 'paused', 'paused as it was')
                if last:
                    engine.api('POST', '/queues/out/resume')
                e2e.wait_until(lambda: engine.queue('out')['queued'] == 0, 60, 'drained')
                restored = engine.api('GET', '/status')['store']['messages']
            ids = e2e.arrivals(arrived)
            check(len(ids) == len(set(ids)) == restored, f'{len(ids)} arrived, {restored} in the store')
            missing = set(sent[:before]) - set(ids)
            check(not missing, f'acknowledged before the backup, and not in it: {sorted(missing)[:5]}')
            say(f'{os.path.basename(target)}: {restored} messages restored, the {before} that were acknowledged among them')


e2e.main(globals())
