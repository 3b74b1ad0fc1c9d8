// Sends each file with @medplum/hl7 over one connection and prints `FILE<tab>MSA-1<tab>MSA-2`.
//   node medplum.mjs HOST PORT FILE...
import { readFileSync } from 'node:fs';
import { Hl7Message } from '@medplum/core';
import { Hl7Client } from '@medplum/hl7';

const [host, port, ...files] = process.argv.slice(2);
const client = new Hl7Client({ host, port: Number(port), keepAlive: true });
for (const file of files) {
  const answer = await client.sendAndWait(Hl7Message.parse(readFileSync(file, 'utf8')));
  const msa = answer.getSegment('MSA');
  console.log([file, msa.getField(1).toString(), msa.getField(2).toString()].join('\t'));
}
client.close();
