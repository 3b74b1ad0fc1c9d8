#!/usr/bin/env python3
"""Which rows of the HL7 Version 2 to FHIR Implementation Guide our maps carry, which not, and why.

    python3 tests/guide/report.py [--all] [--map PATTERN] [--kind KIND] [--least PERCENT]

Reads the guide's tables (../shared/v2-to-fhir/ig.json, or below $HILUM_SHARED; without it there is nothing to say) and
routes/mapping/maps. A row of the guide is carried where our map of the same name brings the same field into the same FHIR element:
itself, through the maps that it calls, or by the conversion of the element's type. [n] tells instances apart and is not compared;
"extension[n].url" and "extension[n].valueX" are one thing. Conditions are not compared: those of the guide are pseudo code.

reasons.yaml says of the others why: rows that are carried otherwise (`instead:` names the map and element, or the reference that message
maps set; it must be there), and rows that are left out, by class. Left out counts as not carried. The exit status is 1 where less than --least percent are carried, where
a row has no reason, and where a reason has no row.
"""
import argparse
import collections
import fnmatch
import json
import os
import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MAPS = ROOT / 'routes' / 'mapping' / 'maps'
DEEPEST = 7


def shared():
    return pathlib.Path(os.environ.get('HILUM_SHARED') or ROOT.parent / 'shared')


def load(file):
    """All scalars as text: ".1" and ".10" are fields, no numbers."""
    return yaml.load(file.read_text(encoding='utf-8'), Loader=yaml.BaseLoader)


# ---------------------------------------------------------------------------------------------------- elements

SLIPS = {'sytem': 'system', 'Practioner': 'Practitioner', 'practioner': 'practitioner', 'organziation': 'organization', '.(': '(',
         'PractitionerRole.Practitioner(': 'PractitionerRole.practitioner(', 'valuedateTime': 'valueDateTime', 'TIming': 'Timing',
         'occurenceTiming': 'occurrenceTiming', 'occurneceTiming': 'occurrenceTiming', 'valueSampedData': 'valueSampledData',
         'https://hl7.org/fhir': 'http://hl7.org/fhir', 'fhir/v\\5.0/': 'fhir/5.0/'}


def plain(path):
    """One spelling for an element: no [n], resources as element(Type).element, without the slips of the guide's authors."""
    path = re.sub(r'\s+', '', path)
    for slip, right in SLIPS.items():
        path = path.replace(slip, right)
    path += ')' * (path.count('(') - path.count(')'))
    path = re.sub(r'\[\d+([.)])', r'\1', path)              # "coding[3.version"
    path = re.sub(r'\[(\d+|\d+-\d+|each|n)[\]}]', '', path)  # "[1]", "[1-3]", "suffix[2}"
    path = re.sub(r'\b(value)\.(CodeableConcept|Quantity|Range|Ratio)\b', r'\1\2', path)
    quoted = re.findall(r"extension\('[^']*'\)", path)
    path = re.sub(r"extension\('[^']*'\)", '\0', path)
    while True:   # "a(B.c.d)" -> "a(B).c.d"
        opened = re.sub(r'\((\w+)\.([^()]*(?:\(\w+\)[^()]*)*)\)', r'(\1).\2', path)
        if opened == path:
            break
        path = opened
    path = re.sub(r'\.reference\((\w+)\)', r'(\1)', path)
    path = path.replace('(Annotation)', '')   # a datatype: part of the resource itself
    for url in quoted:
        path = path.replace('\0', url, 1)
    path = re.sub(r'\.{2,}', '.', path).strip('.')
    return '$this' if path == '$value' else path or '$this'


def below(base, element):
    """`element` of `base`; "$this" is base itself."""
    if element == '$this':
        return base
    return element if base == '$this' else f'{base}.{element}'


def type_of(name):
    """What a map fills: "Observation" of "OBX[Observation-Component]"."""
    found = re.search(r'\[(\w+)', name)
    return found.group(1) if found else ''


# ---------------------------------------------------------------------------------------------------- our maps

class Ours:
    """What our maps bring where: for each map, pairs of a field and an element."""

    def __init__(self, folder):
        self.maps = {}
        self.pairs_of = {}
        self.references = set()   # "Encounter.diagnosis.condition": what message maps set
        for file in sorted(folder.glob('*.yaml')):
            if file.name.startswith('extra_'):
                continue
            for key, value in (load(file) or {}).items():
                kind, name = key.split('/', 1)
                if kind == 'message':
                    self._message(value)
                if kind not in ('segment', 'datatype'):
                    continue
                if isinstance(value, dict) and 'rows' not in value:
                    continue   # additions for a site
                rows = value if isinstance(value, list) else value['rows']
                self.maps[name] = (file.name, rows or [])

    def _message(self, value):
        for row in value.get('rows') or []:
            label = re.sub(r'\[.*', '', row.get('to') or row.get('into') or '')
            for element in row.get('refs') or {}:
                other = re.match(r'([A-Z]\w+)(?:\[\w*\])?\.(.*)', element)
                owner, element = (other.group(1), other.group(2)) if other else (label, element)
                self.references.add(f'{owner}.{plain(element)}')

    def pairs(self, name):
        """{element: {field}} of a map; a field of "*" is a constant."""
        if name not in self.pairs_of:
            out = collections.defaultdict(set)
            self._rows(self.maps[name][1], '', '$this', out, 0)
            self.pairs_of[name] = out
        return self.pairs_of[name]

    def fields(self, name, element):
        """The fields that come into an element; of an extension (its URL) all that come into it."""
        pairs = self.pairs(name)
        given = pairs.get(element, set())
        if not given and element.endswith("')"):
            given = set().union(*[fields for other, fields in pairs.items() if other.startswith(element + '.')])
        return given

    def carry(self, name, element, field, called='', constant=True):
        """Whether a map brings the field into the element: itself, as the resource that `called` makes, or part by part."""
        def from_field(given):
            return any(fits(field, one, constant) for one in given)

        if from_field(self.fields(name, element)):
            return True
        if not called:
            return False
        if not element.endswith(')') and from_field(self.fields(name, f'{element}({type_of(called).capitalize()})')
                                                    | self.fields(name, f'{element}({type_of(called)})')):
            return True
        parts = [given for other, given in self.pairs(name).items() if other.startswith(element + '.')]
        return bool(field) and any(from_field(given - {'*', '.'}) for given in parts)

    def _rows(self, rows, field, base, out, depth):
        for row in rows:
            own = row.get('from')
            here = field if own in (None, '.') else (field + own if own.startswith('.') else own)
            here = re.sub(r'\[(\d+|\*)\]', '', here)
            element = below(base, plain(row['to']))
            value = str(row['value']) if 'value' in row else None
            fields = {here or '.'} if own is not None else {field or '*'}
            if value is not None:
                if value.startswith('='):
                    for part in re.findall(r"(?<![\w.)'])(?:[A-Z][A-Z0-9]{2}-\d+)?(?:\.\d+)+|[A-Z][A-Z0-9]{2}-\d+", value):
                        fields.add(field + part if part.startswith('.') else part)
                else:
                    fields.add('*')
            called = row.get('map')
            inner = row.get('rows')
            url = [r['value'] for r in inner or [] if r.get('to') == 'url' and 'value' in r]
            if url and (element == 'extension' or element.endswith('.extension')):
                element = f"{element}('{url[0]}')"
            if called in self.maps and self._is_resource(called) and element != '$this' and not element.endswith(f'({type_of(called)})'):
                element += f'({type_of(called)})'
            out[element] |= fields
            if row.get('table') and called:
                coding = {'CodeableConcept': 'coding.', 'Coding': ''}.get(type_of(called))
                if coding is not None:
                    for part in ('code', 'system', 'display'):
                        out[f'{element}.{coding}{part}'] |= fields
            if depth < DEEPEST:
                if inner:
                    self._rows(inner, here, element, out, depth + 1)
                elif called and called in self.maps:
                    self._rows(self.maps[called][1], here, element, out, depth + 1)

    RESOURCES = set('''Account AllergyIntolerance Appointment Basic CarePlan CareTeam Condition Coverage Device DeviceDefinition
        DiagnosticReport DocumentReference Encounter Endpoint EpisodeOfCare Flag HealthcareService Immunization InsurancePlan Location Medication
        MedicationAdministration MedicationDispense MedicationRequest MedicationStatement MessageHeader Observation
        Organization Patient Person Practitioner PractitionerRole Procedure Provenance RelatedPerson Schedule ServiceRequest Slot Specimen
        Substance Task'''.split())

    def _is_resource(self, name):
        return type_of(name) in self.RESOURCES and not re.search(r'\[\w+\.', name)   # "HD[MessageHeader.source-name]" is of a part


def fits(wanted, given, constant=True):
    """Whether what we bring from `given` is what the guide has of the field `wanted`; a constant of ours only where the guide has one."""
    if not wanted or given == wanted or (given == '*' and constant):
        return True
    if given.startswith(wanted + '.') or (wanted.startswith(given + '.') and given != '.'):
        return True
    return given == '.' and wanted in ('.', '.1')


# ---------------------------------------------------------------------------------------------------- the guide

class Row:
    def __init__(self, kind, name, raw):
        self.kind, self.map = kind, name
        self.v2 = raw.get('v2', '').strip()
        self.raw = raw
        self.written = raw.get('fhir', '').strip()
        self.constant = raw.get('assign', '').strip()
        if '="' in self.written:   # 'status="finished"'
            self.written, self.constant = self.written.split('=', 1)
        self.element = plain(self.written) if self.written else None
        own = type_of(name)
        if self.element and self.element.startswith(own + '.'):
            self.element = self.element[len(own) + 1:]
        self.state, self.why, self.place = None, None, None

    @property
    def field(self):
        """PID-3.1; of a datatype .1; "." for all of it."""
        if self.kind == 'datatypes':
            found = re.fullmatch(r'[A-Z][A-Z0-9]*(?:[.-](\d+(?:\.\d+)*))?', self.v2)
            if not found:
                return ''
            return '.' + found.group(1) if found.group(1) else '.'
        return self.v2 if re.fullmatch(r'[A-Z][A-Z0-9]{2}-\d+(\.\d+)*', self.v2) else ''


def read_guide(path):
    guide = json.loads(path.read_text(encoding='utf-8'))
    maps = {}
    for kind in ('segments', 'datatypes'):
        for name, rows in guide[kind].items():
            maps[name] = [Row(kind, name, raw) for raw in rows]
            join_extensions(maps[name])
    return maps


def join_extensions(rows):
    """Gives "extension[n].url" and "extension[n].valueX" the extension's URL, also of extensions in extensions."""
    urls = {}
    for row in rows:
        bare = row.written.rstrip(')')
        if re.search(r'extension(\[\d+\])?\.ur[li]$', bare) and row.constant:   # ".uri" is a slip of the guide
            for key in ((row.v2, bare[:-4]), (None, bare[:-4])):
                urls.setdefault(key, row.constant.strip('"'))
    unsaid = {(row.v2, row.written.rstrip(')')[:-4]) for row in rows if row.written.rstrip(')').endswith('.url') and not row.constant}
    for row in rows:
        out, at = '', 0
        for found in re.finditer(r'extension(\[\d+\])?(?=\.)', row.written):
            place = row.written[:found.end()]
            url = urls.get((row.v2, place)) or (None if (row.v2, place) in unsaid else urls.get((None, place)))
            if url:
                out += row.written[at:found.start()] + f"extension('{url}')"
                at = found.end()
        if at:
            row.element = plain(out + re.sub(r'^\.ur[li](?=\)*$)', '', row.written[at:]))


# ---------------------------------------------------------------------------------------------------- reasons

class Reason:
    def __init__(self, raw):
        unknown = set(raw) - {'map', 'v2', 'fhir', 'why', 'instead', 'class'}
        if unknown or 'why' not in raw or 'map' not in raw:
            raise SystemExit(f'reasons.yaml: {raw}: map and why are needed, v2, fhir, instead, class are possible')
        many = lambda value: [str(x) for x in (value if isinstance(value, list) else [value])]
        self.maps, self.v2, self.fhir = many(raw['map']), many(raw.get('v2', '*')), many(raw.get('fhir', '*'))
        self.why, self.instead, self.kind = raw['why'], raw.get('instead'), raw.get('class', 'left out')
        self.rows = 0

    @staticmethod
    def _like(value, patterns):
        for pattern in patterns:
            literal = re.sub(r'([\[\]])', lambda m: '[' + m.group(1) + ']', pattern)   # brackets are meant as they are
            if fnmatch.fnmatchcase(value, literal):
                return True
        return False

    def matches(self, row):
        return self._like(row.map, self.maps) and self._like(row.v2, self.v2) and self._like(row.written, self.fhir)

    def place_of(self, row, ours):
        """"map: element" where the row is carried instead; None: it is not there."""
        for place in (self.instead if isinstance(self.instead, list) else [self.instead]):
            if 'refs' in place:
                if place['refs'] in ours.references:
                    return f'message maps: {place["refs"]}'
                continue
            name = place.get('map', row.map)
            if 'of' in place:   # what the guide has below this element stands in a map of its own
                head = plain(place['of']) + '.'
                if not row.element.startswith(head):
                    continue
                element = row.element[len(head):]
            else:
                element = plain(place['to'])
            if name not in ours.maps:
                continue
            wanted = place.get('from', row.field if name.split('[')[0] == row.map.split('[')[0] else '')
            if ours.carry(name, element, wanted, row.raw.get('dtmap', '')):
                return f'{name}: {element}'
        return None


# ---------------------------------------------------------------------------------------------------- the report

PRIMITIVES = {'string', 'code', 'uri', 'url', 'boolean', 'dateTime', 'decimal', 'positiveInt', 'unsignedInt', 'integer', 'date', 'instant'}


def judge(row, ours, reasons):
    if row.element is None:
        row.state = 'no target'
        return
    if row.map in ours.maps:
        if ours.carry(row.map, row.element, row.field, row.raw.get('dtmap', ''), bool(row.constant)):
            row.state = 'carried'
            return
    elif row.kind == 'datatypes' and type_of(row.map) in PRIMITIVES and row.element == '$this':
        row.state = 'conversion'
        return
    for reason in reasons:
        if not reason.matches(row):
            continue
        reason.rows += 1
        row.why = reason.why
        if reason.instead:
            row.place = reason.place_of(row, ours)
            row.state = 'otherwise' if row.place else 'missing'
        else:
            row.state = 'left out'
            row.kind_of_reason = reason.kind
        return
    row.state = 'no reason'


STATES = ['carried', 'conversion', 'otherwise', 'left out', 'no reason', 'missing', 'no target']
CARRIED = {'carried', 'conversion', 'otherwise'}


def percent(count):
    with_target = sum(n for state, n in count.items() if state != 'no target')
    carried = sum(n for state, n in count.items() if state in CARRIED)
    return 100.0 * carried / with_target if with_target else 100.0


def line(name, count):
    with_target = sum(n for state, n in count.items() if state != 'no target')
    numbers = ' '.join(f'{count.get(state, 0):>10}' for state in STATES)
    return f'{name:<58} {with_target:>6} {numbers} {percent(count):8.2f}'


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--all', action='store_true', help='print each row')
    parser.add_argument('--map', default='*', help='only maps like this: "CX*", "PID[Patient]"')
    parser.add_argument('--kind', choices=['segments', 'datatypes'], help='only these')
    parser.add_argument('--least', type=float, default=95.0, help='how many percent must be carried')
    args = parser.parse_args()

    path = shared() / 'v2-to-fhir' / 'ig.json'
    if not path.exists():
        print(f'skipped: the guide\'s tables are not here ({path})')
        return 0
    guide = read_guide(path)
    ours = Ours(MAPS)
    reasons = [Reason(raw) for raw in load(HERE / 'reasons.yaml') or []]

    like = re.sub(r'([\[\]])', lambda m: '[' + m.group(1) + ']', args.map)
    total, by_map, classes = collections.Counter(), {}, collections.Counter()
    for name, rows in guide.items():
        for row in rows:
            judge(row, ours, reasons)
        if not fnmatch.fnmatchcase(name, like) or (args.kind and rows and rows[0].kind != args.kind):
            continue
        by_map[name] = collections.Counter(row.state for row in rows)
        total += by_map[name]
        for row in rows:
            if row.state == 'left out':
                classes[row.kind_of_reason] += 1
            if args.all or row.state in ('no reason', 'missing'):
                more = f'  [{row.place}]' if row.place else ''
                more += f'  # {row.why}' if row.why else ''
                print(f'{row.state:<10} {name}  {row.v2 or "-"} -> {row.written or "(no target in the guide)"}{more}')

    print()
    print(f'{"map":<58} {"target":>6} ' + ' '.join(f'{state:>10}' for state in STATES) + '       %')
    for name, count in by_map.items():
        print(line(name + ('' if name in ours.maps else ' (no map)'), count))
    print(line('all', total))
    if classes:
        print('left out: ' + ', '.join(f'{n} {kind}' for kind, n in classes.most_common()))

    failed = False
    if percent(total) < args.least:
        print(f'{percent(total):.2f} percent are carried, less than {args.least:g}')
        failed = True
    if total['no reason'] or total['missing']:
        print(f'{total["no reason"]} rows are not carried and have no reason in {HERE.name}/reasons.yaml; '
              f'{total["missing"]} are not where their reason says')
        failed = True
    for reason in reasons:
        if reason.rows == 0:
            print(f'a reason without a row that needs it: map {reason.maps}, v2 {reason.v2}, fhir {reason.fhir}')
            failed = True
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
