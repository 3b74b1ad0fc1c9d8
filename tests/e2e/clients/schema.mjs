// Validates YAML files as an editor does: `node schema.mjs SCHEMA < {"name": "yaml text", ...}` prints a JSON object
// of what is wrong with each, "" for nothing.
import { readFileSync } from 'node:fs';
import Ajv from 'ajv/dist/2020.js';
import { parseDocument } from 'yaml';

const ajv = new Ajv({ strict: false, allErrors: true });
const validate = ajv.compile(JSON.parse(readFileSync(process.argv[2], 'utf8')));
const out = {};
for (const [name, text] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  const document = parseDocument(text, { merge: true });
  if (document.errors.length) out[name] = `no YAML: ${document.errors[0].message}`;
  else out[name] = validate(document.toJS()) ? '' : ajv.errorsText(validate.errors);
}
console.log(JSON.stringify(out));
