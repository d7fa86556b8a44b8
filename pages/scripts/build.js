// Builds the pages into the folder given: build.js FOLDER. Types of the API come first, then
// the rules of our own, then Vite; in the end each file gets its gzip and brotli twins, which
// the server sends as they are.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'vite';
import { generate } from './api-types.js';
import { lint } from './lint.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = resolve(process.argv[2] ?? 'dist');

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)]);
}

function compress(file) {
  const content = readFileSync(file);
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params }));
}

generate(join(root, '../src/web/openapi.json'), join(root, 'src/api/types.ts'));
const wrong = lint(join(root, 'src'));
if (wrong.length) {
  for (const line of wrong) console.error(line);
  process.exit(1);
}
process.chdir(root);
await build({ root, logLevel: 'warn', build: { outDir: out } });
for (const file of files(out)) compress(file);
