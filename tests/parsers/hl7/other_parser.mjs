// What @medplum/core (npm) reads in every single message of the public collection: file, path, raw value in hex, by tabs.
// For other_parser_test.cpp. It knows the delimiters of MSH-1 and MSH-2. Exit 3: it is not installed.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const clients = join(dirname(fileURLToPath(import.meta.url)), '../../e2e/clients');
if (!existsSync(join(clients, 'node_modules/@medplum/core'))) process.exit(3);
const { Hl7Message } = createRequire(join(clients, 'package.json'))('@medplum/core');

const folder = process.argv[2];
const rows = readFileSync(join(folder, 'manifest.csv'), 'utf8').split('\n').filter((line) => /,single,/.test(line));
let out = '';
for (const row of rows) {
  const file = row.slice(0, row.indexOf(',')).replaceAll('"', '');
  let text = readFileSync(join(folder, file), 'latin1');
  text = text.slice(text.indexOf('MSH')).replace(/\r\n?|\n/g, '\r');
  const message = Hl7Message.parse(text);
  const seen = {};
  for (const segment of message.segments) {
    seen[segment.name] = (seen[segment.name] ?? 0) + 1;
    if (!/^[A-Z][A-Z0-9]{2}$/.test(segment.name)) continue;
    const header = ['MSH', 'FHS', 'BHS'].includes(segment.name);
    segment.fields.forEach((field, n) => {
      if (n === 0 || (header && n === 1)) return;
      const at = `${segment.name}[${seen[segment.name]}]-${header ? n + 1 : n}`;
      field.components.forEach((repetition, r) => repetition.forEach((value, c) => {
        out += `${file}\t${at}[${r + 1}].${c + 1}\t${Buffer.from(value, 'latin1').toString('hex')}\n`;
      }));
    });
  }
}
process.stdout.write(out);
