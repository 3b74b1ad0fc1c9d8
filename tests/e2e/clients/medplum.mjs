// Sends each file with @medplum/hl7 over one connection and prints `FILE<tab>MSA-1<tab>MSA-2`.
//   node medplum.mjs HOST PORT FILE...
// (Node can't load its ES module build as published, so the CommonJS one is used.)
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Hl7Message } = require('@medplum/core');
const { Hl7Client } = require('@medplum/hl7');

const [host, port, ...files] = process.argv.slice(2);
const client = new Hl7Client({ host, port: Number(port), keepAlive: true });
for (const file of files) {
  const answer = await client.sendAndWait(Hl7Message.parse(readFileSync(file, 'utf8')));
  const msa = answer.getSegment('MSA');
  console.log([file, msa.getField(1).toString(), msa.getField(2).toString()].join('\t'));
}
client.close();
