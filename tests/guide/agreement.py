#!/usr/bin/env python3
"""How far our conversion from HL7 v2 to FHIR agrees with the published results of other converters.

    python3 tests/guide/agreement.py [--all] [--file PATTERN] [--class PATTERN]

Converts the inputs of ../shared/fhir-expected (or below $HILUM_SHARED; skips where that is missing) with $HILUM_BIN and compares facts:
resource type, element without indexes (extensions by their URL), value. Ids and fullUrls are no facts; a reference is the type that it
refers to. Resources that many others refer to (Organization, Practitioner, ...) are compared as sets: we make one where others copy.

Recall: of the expected facts that the guide defines, those that we make. The guide defines a fact where one of its rows has that element
as target, and the row's field has a value in the message. Precision: of our facts, those that are expected, or that a row of the guide
makes, or that a decision defends. differences*.yaml decide every other class of difference: who is right, and why; the facts of a class in
which the other converter is not right (who: guide, dialect, invalid, defect, ours) leave the recall, those with `who: open` stay.
Both figures are printed without any decision too. Exits 1 below the limits, where a class has no decision, and where a decision has no class.
"""
import argparse
import collections
import concurrent.futures
import csv
import datetime
import fnmatch
import json
import os
import re
import subprocess
import sys

import yaml

from report import HERE, ROOT, Ours, plain, read_guide, shared, type_of

RECALL, PRECISION = 95.0, 98.0
SHARED_TYPES = {'Organization', 'Practitioner', 'PractitionerRole', 'Location', 'Device'}
WHO = {'guide', 'dialect', 'invalid', 'defect', 'ours', 'open'}


# ---------------------------------------------------------------------------------------------------- facts

def normal(value):
    """One spelling of a value: times as UTC, numbers without trailing zeros."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f'{value:g}'
    text = str(value).strip()
    if re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)', text):
        try:
            time = datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).astimezone(datetime.timezone.utc)
            return time.isoformat(timespec='milliseconds')
        except ValueError:
            return text
    return text


class Fact(collections.namedtuple('Fact', 'type path value')):
    @property
    def element(self):
        return f'{self.type}.{self.path}'


def facts_of(bundle):
    """[(fact, "Patient/id.identifier[0].value")] of a Bundle, the Bundle's own first."""
    entries = bundle.get('entry') or []
    found = {}
    for entry in entries:
        resource = entry.get('resource')
        if resource:
            for key in (entry.get('fullUrl'), resource.get('id'), f"{resource['resourceType']}/{resource.get('id')}"):
                found[key] = resource['resourceType']
    out = []

    def walk(value, kind, path, place):
        if isinstance(value, list):
            for at, item in enumerate(value):
                if item is not None:
                    walk(item, kind, path, f'{place}[{at}]')
        elif isinstance(value, dict):
            if 'resourceType' in value and path:   # contained
                kind, path = value['resourceType'], ''
            for key, item in value.items():
                if key in ('id', 'resourceType', 'fullUrl', 'lastUpdated', 'versionId') or (key == 'text' and 'div' in str(item)[:200]):
                    continue
                if key == 'reference' and isinstance(item, str):
                    target = found.get(item) or found.get(item.split('/')[-1]) or item.split('/')[0]
                    out.append((Fact(kind, f'{path}.reference', '-> ' + target), f'{place}.reference'))
                    continue
                bare = key.lstrip('_')
                if bare in ('extension', 'modifierExtension'):
                    for at, one in enumerate(item):
                        url = one.get('url', '')
                        rest = {k: v for k, v in one.items() if k != 'url'}
                        walk(rest, kind, f"{path}.{bare}('{url}')".lstrip('.'), f'{place}.{bare}[{at}]')
                    continue
                walk(item, kind, f'{path}.{bare}'.lstrip('.'), f'{place}.{bare}')
        else:
            out.append((Fact(kind, path, normal(value)), place))

    own = {key: bundle[key] for key in ('identifier', 'timestamp') if key in bundle}
    walk(own, 'Bundle', '', 'Bundle')
    for entry in entries:
        resource = entry.get('resource')
        if resource:
            walk(resource, resource['resourceType'], '', f"{resource['resourceType']}/{resource.get('id')}")
    return out


def counted(facts):
    """Facts with how often they occur; those of shared resources count once."""
    bag = collections.Counter(facts)
    for fact in bag:
        if fact.type in SHARED_TYPES:
            bag[fact] = 1
    return bag


# ---------------------------------------------------------------------------------------------------- the guide

class Target(collections.namedtuple('Target', 'path whole field part constant free text map')):
    """One expanded row: element; whether all below belongs to it; its field, and the component of that; what it sets, where that is fixed."""

    def makes(self, fact, message):
        """Whether the row can make this value of this message: it is the row's constant, stands in its component, or a table translates it."""
        if self.field not in message:
            return False
        if self.constant:
            return self.constant in (fact.value, '') or not re.fullmatch(r'[\w :/.-]+', self.constant)
        if not self.field[3:]:
            return True
        given = [value for value in (component(one, self.part) for one in message[self.field]) if value]
        if not given or self.free or fact.value.startswith('-> '):
            return bool(given)
        return any(alike(fact.value, one) for one in given)


def component(field, part):
    """PID-3.4.1 of "a^b^c^d&e"; a component without further parts is its own first one."""
    for at, delimiter in zip(part, '^&'):
        parts = field.split(delimiter)
        field = parts[at - 1] if at <= len(parts) else ''
    return field if all(at == 1 for at in part[2:]) else ''


def alike(value, raw):
    digits = re.sub(r'\D', '', raw.split('.')[0].split('+')[0])
    if len(digits) >= 4 and re.match(r'\d{4}(-|$)', value):
        return value[:4] == digits[:4]
    if re.fullmatch(r'-?[\d.]+', value) and re.fullmatch(r'[+-]?[\d.]+', raw):
        return value.rstrip('0').rstrip('.') == raw.lstrip('+').rstrip('0').rstrip('.') or value == raw
    return value.lower() in raw.lower() or (len(raw) > 1 and raw.lower() in value.lower())


class Guide:
    """Which of the guide's rows make an element."""

    def __init__(self, path):
        self.maps = read_guide(path)
        self.names = {name.lower(): name for name in self.maps}
        self.rows = collections.defaultdict(list)   # "Patient": [Target]
        for name in self.maps:
            if self.maps[name] and self.maps[name][0].kind == 'segments':
                self._expand(name, type_of(name), '', None, (), set(), None)
        self.memo = {}
        self.messages = {}   # "ADT_A01": {segment map: the segments that must be there for it}
        for name, rows in json.loads(path.read_text(encoding='utf-8'))['messages'].items():
            used = self.messages[name] = {}
            for row in rows:
                for one in re.findall(r'\w+\[[\w.-]+\]', row.get('Segment Map', '')):
                    needs = re.fullmatch(r'IF (\w{3}) VALUED', row.get('Computable ANTLR', '').strip())
                    used.setdefault(one, set()).add(needs.group(1) if needs else '')

    def maps_of(self, structure, message):
        """The segment maps that the guide's message map of this structure uses; where it lacks the
        event, those of its first of the kind."""
        alike = {'ADT': 'ADT_A01', 'MDM': 'MDM_T02', 'SIU': 'SIU_S12', 'ORU': 'ORU_R01', 'OML': 'OML_O21', 'ORM': 'ORM_O01', 'VXU': 'VXU_V04'}
        used = self.messages.get(structure) or self.messages.get(alike.get(structure[:3]), {})
        return {name for name, needs in used.items() if any(not one or one in message for one in needs)}

    def _expand(self, name, kind, base, top, part, inside, segment):
        for row in self.maps.get(name, ()):
            if row.element is None:
                continue
            here, path = kind, '.'.join(one for one in (base, '' if row.element == '$this' else row.element) if one)
            numbers = tuple(int(one) for one in re.findall(r'\d+', row.field.split('-')[-1]))
            field, within = (top, part + numbers) if top else (row.field.split('.')[0] or name.split('[')[0], numbers[1:])
            text = f'{name}: {row.v2} > {row.written}'
            constant = row.constant.strip('"').strip() if row.constant else ''
            vocabulary = bool(row.raw.get('vocab'))
            fixed = (field, within, constant, vocabulary or path.endswith('system'), text, segment or name)
            while made := re.match(r"((?:[^(]|\('[^']*'\))*)\((\w+)\)\.?(.*)", path):   # element(Type).rest
                self._add(here, made.group(1) + '.reference', True, *fixed)
                here, path = made.group(2), made.group(3)
            called = row.raw.get('dtmap', '').strip()
            called = self.names.get(called.lower(), called)   # "PL[location]" is a slip
            if vocabulary:
                for one in ('code', 'system', 'display'):
                    self._add(here, f'{path}.coding.{one}', True, *fixed)
            target = type_of(called)
            if called in self.maps and called not in inside:
                if target in Ours.RESOURCES and not re.search(r'\[\w+\.', called):
                    if path and target != here:
                        self._add(here, path + '.reference', True, *fixed)
                    if target != here:
                        self._expand(called, target, '', field, within, inside | {called}, segment or name)
                        continue
                    path = ''
                if not vocabulary:
                    self._expand(called, here, path, field, within, inside | {called}, segment or name)
            if called not in self.maps or vocabulary or path.endswith('system'):
                self._add(here, path, True, *fixed)

    def _add(self, kind, path, whole, *fixed):
        self.rows[kind].append(Target(path.lstrip('.'), whole, *fixed))

    def deciding(self, fact, message):
        """The rows that make this fact of this message."""
        key = (fact.type, fact.path)
        if key not in self.memo:
            self.memo[key] = [one for one in self.rows.get(fact.type, ())
                              if one.path and (one.path == fact.path or (one.whole and fact.path.startswith(one.path + '.')
                                                                      and "extension('" not in fact.path[len(one.path):]))]
        return [one.text for one in self.memo[key] if one.map in message['maps'] and one.makes(fact, message)]

    def has(self, row):
        """Whether the row of ours that a trace names is one of the guide's: same map, and an element at, above or below its own."""
        found = re.match(r'(?:segment|datatype)/(.+?\])(?: > (.*?))?: (?:.* > )?(\S.*)$', row)
        name = found.group(1) if found else ''
        if name not in self.maps:
            # Ours is a part of the guide's map: PL[Location-Bed] of PL[Location].
            name = re.sub(r'-[^\]]*\]', ']', name)
            if name not in self.maps:
                return None
        element = plain('.'.join(part for part in (found.group(2), found.group(3)) if part))
        for one in self.maps[name]:
            if one.element and (one.element == element or one.element.endswith(f'({type_of(name)}).{element}')
                                or one.element.startswith(element + '.') or element.startswith(one.element + '.')
                                or re.sub(r'\(\w+\)$', '', one.element) == element):
                return f'{one.map}: {one.v2} > {one.written}'
        return None


def fields_of(text):
    """The populated fields of a message, each with its repetitions: {"PID": [""], "PID-3": ["1", "2"]}."""
    out = collections.defaultdict(list)
    for line in re.split(r'[\r\n]+', text):
        name, _, rest = line.strip('\x0b\x1c').partition('|')
        out[name].append('')
        for at, field in enumerate(rest.split('|'), 2 if name == 'MSH' else 1):
            if re.sub(r'[\^~&"\s]', '', field):
                out[f'{name}-{at}'] += field.split('~') if (name, at) != ('MSH', 2) else [field]
    return dict(out)


# ---------------------------------------------------------------------------------------------------- ours

def convert(file):
    """(Bundle or None, {place: row})"""
    tool = os.environ.get('HILUM_BIN') or str(ROOT / 'build' / 'release' / 'hilum')
    common = [tool, 'convert', '--to', 'fhir', '--bundle', 'message', '--provenance', '--message', '1']
    made = subprocess.run([*common, str(file)], capture_output=True, check=False)
    if made.returncode < 0:
        raise SystemExit(f'{file}: hilum died with signal {-made.returncode}')
    line = next((one for one in made.stdout.splitlines() if one.startswith(b'{')), None)
    if not line:
        return None, {}
    trace = subprocess.run([*common, '--trace', str(file)], capture_output=True, check=False).stdout.decode('utf-8', 'replace')
    rows = {}
    for one in trace.splitlines():
        found = re.search(r'^(\S+) .* ((?:segment|datatype|message)/.*)$', one)
        if found:
            rows[found.group(1)] = found.group(2)
    return json.loads(line), rows


# ---------------------------------------------------------------------------------------------------- decisions

class Decision:
    def __init__(self, raw):
        unknown = set(raw) - {'element', 'kind', 'from', 'value', 'who', 'why'}
        if unknown or raw.get('who') not in WHO or not raw.get('why') or 'element' not in raw:
            raise SystemExit(f'differences.yaml: {raw}: element, who ({", ".join(sorted(WHO))}) and why are needed; kind, from, value are possible')
        many = lambda value: value if isinstance(value, list) else [value]
        self.elements, self.kinds = many(raw['element']), many(raw.get('kind', '*'))
        self.values = many(raw.get('value', '*'))
        self.source, self.who, self.why = raw.get('from', '*'), raw['who'], raw['why']
        self.used = 0

    def matches(self, fact, kind, source):
        like = lambda value, patterns: any(fnmatch.fnmatchcase(value, p.replace('[', '[[]')) for p in patterns)
        return like(fact.element, self.elements) and like(fact.value, self.values) and like(kind, self.kinds) and like(source, [self.source])


class Class:
    def __init__(self):
        self.count, self.undecided, self.rank = 0, 0, -1
        self.example, self.value, self.rows, self.decision, self.auto = '', '', set(), None, None


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


class Tally:
    def __init__(self):
        self.expected = self.defined = self.hit = self.all_hit = self.ours = self.right = self.raw_defined = 0


def compare(name, source, expected, made, rows, message, guide, decide, tallies, classes):
    want = counted(fact for fact, _ in facts_of(expected))
    ours = facts_of(made) if made else []
    have = counted(fact for fact, _ in ours)
    row_of = {fact: rows.get(place, '') for fact, place in ours}
    missing, extra = want - have, have - want
    by_path = collections.Counter()
    for fact, count in extra.items():
        by_path[fact.element] += count
    missing_path = collections.Counter()
    for fact, count in missing.items():
        missing_path[fact.element] += count
    for fact, count in want.items():
        tally = tallies[fact.type]
        lost = missing[fact]
        tally.expected += count
        tally.all_hit += count - lost
        defined = guide.deciding(fact, message)
        if defined:
            tally.raw_defined += count
            tally.defined += count
            tally.hit += count - lost
        if lost:
            kind = 'different' if by_path[fact.element] else 'missing'
            one = classes[(fact.element, kind, source)]
            decision = decide(fact, kind, source, bool(defined))
            if defined and decision and decision.who != 'open':
                tally.defined -= lost
            note(one, lost, name, fact, defined, decision, None if defined else 'the guide has no row')
    for fact, count in have.items():
        tally = tallies[fact.type]
        more = extra[fact]
        tally.ours += count
        tally.right += count - more
        if more:
            kind = 'different' if missing_path[fact.element] else 'extra'
            by_guide = guide.has(row_of[fact]) if row_of[fact] else None
            by_guide = by_guide or next(iter(guide.deciding(fact, message)), None)
            one = classes[(fact.element, kind, source)]
            decision = decide(fact, kind, source, kind == 'different' or not by_guide)
            if by_guide and kind == 'extra':
                tally.right += more
                note(one, more, name, fact, [by_guide], decision, 'a row of the guide')
            else:
                tally.right += more if decision and decision.who != 'open' else 0
                note(one, 0 if kind == 'different' else more, name, fact, [by_guide] if by_guide else [row_of[fact]], decision, None)


def note(one, count, name, fact, rows, decision, auto):
    """A difference in its class; the example is one that needs a decision, best one that has none."""
    one.count += count
    one.rows.update(row for row in rows if row)
    rank = 0 if auto else 1 if decision else 2
    if auto:
        one.auto = auto
    elif decision:
        one.decision = decision
    else:
        one.undecided += 1
    if rank > one.rank:
        one.rank, one.example, one.value = rank, name, fact.value


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--all', action='store_true', help='also classes that need no decision, as the guide has no row, or one that makes it')
    options.add_argument('--file', default='*', help='only inputs like this')
    options.add_argument('--class', dest='like', default='*', help='only elements like this')
    options = options.parse_args()
    folder = shared() / 'fhir-expected'
    if not (folder / 'manifest.csv').exists() or not (shared() / 'v2-to-fhir' / 'ig.json').exists():
        print(f'skipped: {folder} is not there')
        return 0
    guide = Guide(shared() / 'v2-to-fhir' / 'ig.json')
    decisions = [Decision(raw) for path in sorted(HERE.glob('differences*.yaml')) for raw in yaml.safe_load(path.read_text(encoding='utf-8')) or []]

    def decide(fact, kind, source, needed):
        for one in decisions:
            if needed and one.matches(fact, kind, source):
                one.used += 1
                return one
        return None

    with open(folder / 'manifest.csv', encoding='utf-8') as file:
        pairs = [row for row in csv.DictReader(file) if row['direction'] == 'v2->fhir' and fnmatch.fnmatchcase(row['input'], options.file)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda row: convert(folder / row['input']), pairs))
    tallies, classes, unconverted = collections.defaultdict(Tally), collections.defaultdict(Class), collections.Counter()
    for row, (made, rows) in zip(pairs, results):
        if made is None:
            unconverted[f"{row['type']} ({row['source']})"] += 1
            continue
        expected = json.loads((folder / row['expected']).read_text(encoding='utf-8-sig'))
        message = fields_of((folder / row['input']).read_text(encoding='utf-8', errors='replace'))
        event = row['type'].split('^')
        message['maps'] = guide.maps_of(event[2] if len(event) > 2 else '_'.join(event[:2]), message)
        compare(row['input'], row['source'], expected.get('fhirResource', expected), made, rows, message, guide, decide, tallies, classes)
    return show(options, pairs, tallies, classes, unconverted, decisions)


def show(options, pairs, tallies, classes, unconverted, decisions):
    undecided = 0
    for (element, kind, source), one in sorted(classes.items(), key=lambda item: -item[1].count):
        automatic = one.rank == 0
        bare = one.undecided > 0
        undecided += bare
        if (automatic and not options.all) or not fnmatch.fnmatchcase(element, options.like.replace('[', '[[]')):
            continue
        verdict = 'NO DECISION' if bare else f'{one.decision.who}: {one.decision.why}' if one.decision else one.auto
        rows = sorted(one.rows)
        print(f'{one.count:5} {kind:9} {element}  [{source}] e.g. {one.value[:60]!r} in {one.example}\n'
              f'        {verdict}\n        row: {rows[0] if rows else "none"}{f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""}')
    total = Tally()
    print(f'\n{"resource":22} {"expected":>8} {"defined":>8} {"made":>7} {"recall":>7} {"raw":>6}   {"ours":>7} {"right":>7} {"precision":>9}')
    for kind, one in [*sorted(tallies.items()), ('all', total)]:
        if one is not total:
            for key, value in vars(one).items():
                setattr(total, key, getattr(total, key) + value)
        print(f'{kind:22} {one.expected:8} {one.defined:8} {one.hit:7} {percent(one.hit, one.defined):6.1f}% {percent(one.hit, one.raw_defined):5.1f}%'
              f'   {one.ours:7} {one.right:7} {percent(one.right, one.ours):8.1f}%')
    agreed = total.all_hit
    print(f'\n{len(pairs) - sum(unconverted.values())} of {len(pairs)} inputs compared; no map for: {dict(unconverted)}')
    print(f'without guide and decisions: recall {percent(agreed, total.expected):.1f}% of {total.expected}, precision {percent(agreed, total.ours):.1f}% of {total.ours}')
    print(f'that the guide defines, without decisions: recall {percent(total.hit, total.raw_defined):.1f}% of {total.raw_defined}')
    recall, precision = percent(total.hit, total.defined), percent(total.right, total.ours)
    print(f'recall {recall:.1f}% (at least {RECALL}), precision {precision:.1f}% (at least {PRECISION}), {undecided} of {len(classes)} classes without a decision')
    whole = options.file == '*'
    idle = [one for one in decisions if whole and not one.used]
    for one in idle:
        print(f'a decision without a class: {one.elements} {one.kinds}: {one.why}')
    if not total.ours:
        print('nothing was converted')
        return 1
    return 1 if whole and (undecided or idle or recall < RECALL or precision < PRECISION) else 0


if __name__ == '__main__':
    sys.exit(main())
