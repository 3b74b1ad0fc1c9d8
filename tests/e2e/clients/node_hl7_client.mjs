// Sends each file with node-hl7-client over one connection and prints `FILE<tab>MSA-1<tab>MSA-2`.
//   node node_hl7_client.mjs HOST PORT FILE...
import { readFileSync } from 'node:fs';
import { Client, Message } from 'node-hl7-client';

const [host, port, ...files] = process.argv.slice(2);
let answered;
const client = new Client({ host });
const connection = client.createConnection({ port: Number(port) }, (response) => answered(response.getMessage()));
for (const file of files) {
  const answer = new Promise((resolve) => (answered = resolve));
  await connection.sendMessage(new Message({ text: readFileSync(file, 'utf8') }));
  const message = await answer;
  console.log([file, message.get('MSA.1').toString(), message.get('MSA.2').toString()].join('\t'));
}
await connection.close();
