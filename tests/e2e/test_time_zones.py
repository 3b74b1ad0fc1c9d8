"""Time zones in `date` steps, held against Python's zoneinfo, which reads the same files."""

import datetime
import json
import os
import random

import hilum_e2e as e2e
from hilum_e2e import check, say

try:
    import zoneinfo
except ImportError:
    zoneinfo = None

UTC = datetime.timezone.utc
# Summer time of either half of the year, none at all, half hours, changed for good, across the date line,
# at midnight, with winter as its daylight saving, twice a year around Ramadan.
ZONES = ['UTC', 'Europe/Berlin', 'Europe/London', 'Europe/Dublin', 'Europe/Amsterdam', 'Europe/Moscow', 'America/New_York',
         'America/Los_Angeles', 'America/Sao_Paulo', 'America/Santiago', 'America/St_Johns', 'America/Caracas', 'America/Nuuk',
         'Asia/Kolkata', 'Asia/Kathmandu', 'Asia/Tehran', 'Asia/Gaza', 'Asia/Pyongyang', 'Asia/Tokyo', 'Africa/Cairo',
         'Africa/Casablanca', 'Africa/Monrovia', 'Australia/Sydney', 'Australia/Lord_Howe', 'Pacific/Apia', 'Pacific/Auckland',
         'Pacific/Chatham', 'Pacific/Kiritimati', 'Antarctica/Troll', 'Etc/GMT+12']
FROM, TO = datetime.datetime(1926, 1, 1, tzinfo=UTC), datetime.datetime(2127, 1, 1, tzinfo=UTC)


def changes(zone):
    """The moments at which its offset changes, to the second."""
    moment, step = FROM, datetime.timedelta(days=7)
    while moment < TO:
        after = moment + step
        if moment.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            low, high = moment, after
            while high - low > datetime.timedelta(seconds=1):
                middle = low + datetime.timedelta(seconds=(high - low).total_seconds() // 2)
                if low.astimezone(zone).utcoffset() == middle.astimezone(zone).utcoffset():
                    low = middle
                else:
                    high = middle
            yield high
        moment = after


def moments(zone, random_count):
    span = int((TO - FROM).total_seconds())
    out = [FROM + datetime.timedelta(seconds=random.randrange(span)) for _ in range(random_count)]
    for change in changes(zone):
        for seconds in (-3601, -3600, -1800, -1, 0, 1, 1799, 1800, 3599, 3600, 3601):
            out.append(change + datetime.timedelta(seconds=seconds))
    return out


def hl7(time, offset):
    """None where HL7 has no way to write the offset."""
    seconds = int(offset.total_seconds())
    if seconds % 60:
        return None
    sign, minutes = '-' if seconds < 0 else '+', abs(seconds) // 60
    return time.strftime('%Y%m%d%H%M%S').rjust(14, '0') + f'{sign}{minutes // 60:02}{minutes % 60:02}'


def run_step(dir, options, values):
    with open(os.path.join(dir, 'hilum.yaml'), 'w') as f:
        f.write('listeners: { in: { mllp: { listen: "127.0.0.1:1" } } }\n'
                'destinations: { out: { mllp: { connect: "127.0.0.1:1" } } }\n'
                'routes:\n  - name: dates\n    from: in\n    to: out\n    steps:\n'
                f'      - date: {{ field: "OBX[*]-14", from: hl7, to: hl7, {options}, otherwise: default, default: none }}\n')
    with open(os.path.join(dir, 'in.hl7'), 'w') as f:
        f.write('MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|2.5\r' + ''.join(f'OBX|{i}||||||||||||{v}\r'.replace('||||||||||||', '|' * 13)
                                                                        for i, v in enumerate(values, 1)))
    code, out, err = e2e.hilum('explain', '--json', 'hilum.yaml', 'in.hl7', cwd=dir)
    check(code == 0, err + out[:500])
    body = json.loads(out)['deliveries'][0]['body']
    return [line.split('|')[14] for line in body.split('\r') if line.startswith('OBX')]


def test_like_python():
    if zoneinfo is None:
        raise e2e.Skip('this Python has no zoneinfo')
    known = zoneinfo.available_timezones()
    count = 0
    with e2e.folder() as dir:
        for name in ZONES:
            if name not in known:
                continue
            zone = zoneinfo.ZoneInfo(name)
            times = moments(zone, 300)
            # From UTC into the zone.
            came = run_step(dir, f'to_zone: {name}', [hl7(t, t.utcoffset()) for t in times])
            for time, value in zip(times, came, strict=True):
                there = time.astimezone(zone)
                check(value == (hl7(there, there.utcoffset()) or 'none'), f'{name}: {time} became {value}, should be {there}')
            # What clocks there show, left out and shown twice included, into UTC: fold=0 is the first.
            local = [t.astimezone(zone).replace(tzinfo=None, fold=0) for t in times]
            local += [t + datetime.timedelta(minutes=30) for t in local]
            came = run_step(dir, f'zone: {name}, to_offset: Z', [t.strftime('%Y%m%d%H%M%S') for t in local])
            for time, value in zip(local, came, strict=True):
                utc = time.replace(tzinfo=zone).astimezone(UTC)
                check(value == hl7(utc, utc.utcoffset()), f'{name}: {time} local became {value}, should be {utc}')
            count += len(times) + len(local)
    say(f'{count} times in {len(ZONES)} zones')
    check(count > 10_000, 'too few')


def test_round_trip():
    """Into a zone and back is the same moment, where HL7 can write the offset."""
    with e2e.folder() as dir:
        for name in ('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'Pacific/Apia'):
            times = [hl7(t, t.utcoffset()) for t in moments(zoneinfo.ZoneInfo(name), 300)]
            there = run_step(dir, f'to_zone: {name}', times)
            back = run_step(dir, 'to_offset: Z', there)
            for time, between, value in zip(times, there, back, strict=True):
                check(value == time or between == 'none', f'{name}: {time} became {between}, then {value}')


e2e.main(globals())
