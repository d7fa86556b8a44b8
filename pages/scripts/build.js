// Builds the pages into the folder given: build.js FOLDER. Types of the API come first, then
// the rules of our own, then Vite.
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { generate } from './api-types.js';
import { lint } from './lint.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = resolve(process.argv[2] ?? 'dist');

generate(join(root, '../src/web/openapi.json'), join(root, 'src/api/types.ts'));
const wrong = lint(join(root, 'src'));
if (wrong.length) {
  for (const line of wrong) console.error(line);
  process.exit(1);
}
process.chdir(root);
await build({ root, logLevel: 'warn', build: { outDir: out } });
