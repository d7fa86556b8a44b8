// Runs tests/*.test.ts with node's own runner: bundled first, since old nodes don't read TypeScript.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const tests = fileURLToPath(new URL('../tests', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'postern-pages-'));
try {
  const entryPoints = readdirSync(tests).filter((name) => name.endsWith('.test.ts')).map((name) => join(tests, name));
  await build({ entryPoints, outdir: out, outExtension: { '.js': '.mjs' }, bundle: true, platform: 'node', format: 'esm' });
  const built = readdirSync(out).map((name) => join(out, name));
  const { status } = spawnSync(process.execPath, ['--test', ...built], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
