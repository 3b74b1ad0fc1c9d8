// Calls a FHIR endpoint with a client library not written here, and prints what came back as a JSON list.
//   node fhir_client.mjs fhir-kit-client|medplum BASE < [[CALL, ARGUMENT...], ...]
// An argument "$N.a.b" is what the Nth call came to. Each comes to { ok, body, status, headers }, or { ok: false, outcome }:
// what the library throws. Medplum's hides status and headers, so they are taken from its fetch.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [library, base] = process.argv.slice(2);
let last = {};
const note = (response) => {
  const { status, headers } = response;
  last = { status, headers: { location: headers.get('location'), etag: headers.get('etag'), type: headers.get('content-type') } };
  return response;
};

// The Fhir.js of Lantana, for XML.
const xml = () => new (createRequire(import.meta.url)('fhir').Fhir)();

async function fhirKit() {
  const { Client } = await import('fhir-kit-client');
  const client = new Client({ baseUrl: base });
  const put = (resource, options) => client.update({ resourceType: resource.resourceType, id: resource.id, body: resource, options });
  return {
    metadata: () => client.capabilityStatement(),
    create: (resource, headers) => client.create({ resourceType: resource.resourceType, body: resource, options: { headers } }),
    createIfNone: (resource, query) =>
      client.create({ resourceType: resource.resourceType, body: resource, options: { headers: { 'If-None-Exist': query } } }),
    update: (resource, headers) => put(resource, { headers }),
    updateWhere: (resource, searchParams) => client.update({ resourceType: resource.resourceType, searchParams, body: resource }),
    remove: (resourceType, id) => client.delete({ resourceType, id }),
    read: (resourceType, id) => client.read({ resourceType, id }),
    vread: (resourceType, id, version) => client.vread({ resourceType, id, version }),
    search: (resourceType, searchParams) => client.search({ resourceType, searchParams }),
    postSearch: (resourceType, searchParams) => client.search({ resourceType, searchParams, options: { postSearch: true } }),
    nextPage: (bundle) => client.nextPage({ bundle }),
    history: (resourceType, id) => client.history({ resourceType, id }),
    bundle: (body) => (body.type === 'batch' ? client.batch({ body }) : client.transaction({ body })),
    validate: (resource) => client.operation({ name: 'validate', resourceType: resource.resourceType, input: resource }),
    createXml: (resource) => {
      const headers = { 'Content-Type': 'application/fhir+xml' };
      return client.request(resource.resourceType, { method: 'POST', body: xml().objToXml(resource), options: { headers } });
    },
    metadataXml: () => client.request('metadata', { options: { headers: { Accept: 'application/fhir+xml' } } }),
    message: (body) => client.operation({ name: 'process-message', input: body }),
    taken: (value) => {
      note(Client.httpFor(value).response);
      return value;
    },
    thrown(error) {
      if (!error.response) return null;
      const { status, data } = error.response;
      // It reads JSON only, and gives what it can't read back as text.
      return typeof data === 'string' && status < 300 ? { ok: true, status, body: xml().xmlToObj(data) } : { status, outcome: data };
    },
  };
}

function medplum() {
  const require = createRequire(import.meta.url);
  const { MedplumClient } = createRequire(require.resolve('@medplum/fhir-router'))('@medplum/core');
  const { origin, pathname } = new URL(base);
  // Without its cache, which would answer by itself, and without its tries.
  const client = new MedplumClient({
    baseUrl: origin, fhirUrlPath: pathname.slice(1), cacheTime: 0, fetch: async (...request) => note(await fetch(...request)),
  });
  const once = { maxRetries: 0 };
  return {
    metadata: () => client.get(client.fhirUrl('metadata'), once),
    create: (resource, headers) => client.createResource(resource, { ...once, headers }),
    createIfNone: (resource, query) => client.createResourceIfNoneExist(resource, query, { ...once }),
    update: (resource, headers) => client.updateResource(resource, { ...once, headers }),
    updateWhere: (resource, query) => client.upsertResource(resource, query, { ...once }),
    remove: (type, id) => client.deleteResource(type, id, { ...once }),
    read: (type, id) => client.readResource(type, id, { ...once }),
    vread: (type, id, version) => client.readVersion(type, id, version, { ...once }),
    search: (type, query) => client.search(type, query, { ...once }),
    postSearch: (type, query) =>
      client.post(client.fhirUrl(type, '_search'), new URLSearchParams(query).toString(), 'application/x-www-form-urlencoded', { ...once }),
    nextPage: (bundle) => client.get(bundle.link.find(({ relation }) => relation === 'next').url, { ...once }),
    history: (type, id) => client.readHistory(type, id, { ...once }),
    bundle: (body) => client.executeBatch(body, { ...once }),
    validate: (resource) => client.validateResource(resource, { ...once }),
    message: (body) => client.post(client.fhirUrl('$process-message'), body, undefined, { ...once }),
    taken: (value) => value,
    thrown: (error) => (error.outcome ? { outcome: error.outcome } : null),
  };
}

const results = [];
function resolved(value) {
  if (typeof value === 'string' && /^\$\d+\./.test(value)) return value.slice(1).split('.').reduce((at, key) => at?.[key], results);
  if (Array.isArray(value)) return value.map(resolved);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, resolved(v)]));
  return value;
}

const client = library === 'medplum' ? medplum() : await fhirKit();
for (const [call, ...args] of JSON.parse(readFileSync(0, 'utf8'))) {
  last = {};
  try {
    const body = client.taken(await client[call](...resolved(args)));
    results.push({ ok: true, body, ...last });
  } catch (error) {
    const thrown = client.thrown(error);
    if (!thrown) throw error;
    results.push({ ok: false, ...last, ...thrown });
  }
}
console.log(JSON.stringify(results));
process.exit(0); // the libraries keep connections and timers
