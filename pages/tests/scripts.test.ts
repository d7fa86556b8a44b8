import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generate } from '../scripts/api-types.js';
import { lint } from '../scripts/lint.js';

function inFolder<T>(then: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'postern-pages-'));
  try {
    return then(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('what pages must not contain is found', () => {
  const wrong: readonly string[] = [
    '<p>{@html subject}</p>', 'node.innerHTML = subject;', 'node.insertAdjacentHTML("a", b)', '<p style="color: red">', 'eval(text)',
    '<p transition:fade>', '<img src="https://elsewhere.example/x.png">',
  ];
  const right: readonly string[] = ['<p>{subject}</p>', '<p class="style">', 'node.textContent = subject;', '<div in="x">'];
  inFolder((folder) => {
    for (const [at, line] of wrong.entries()) {
      writeFileSync(join(folder, 'a.svelte'), line);
      assert.equal(lint(folder).length, 1, `${at}: ${line}`);
    }
    for (const line of right) {
      writeFileSync(join(folder, 'a.svelte'), line);
      assert.deepEqual(lint(folder), [], line);
    }
  });
});

test('schemas become types; what is not understood stops the build', () => {
  const types = (schemas: object) => inFolder((folder) => {
    writeFileSync(join(folder, 'api.json'), JSON.stringify({ components: { schemas } }));
    generate(join(folder, 'api.json'), join(folder, 'types.ts'));
    return readFileSync(join(folder, 'types.ts'), 'utf8').split('\n').slice(1).join('\n').trim();
  });
  assert.equal(types({ A: { type: 'object', properties: { a: { type: 'string' }, b: { type: ['integer', 'null'] } }, required: ['a'] } }),
    'export type A = { "a": string; "b"?: number | null };');
  assert.equal(types({ A: { enum: ['x', 'y'] }, B: { type: 'array', items: { $ref: '#/components/schemas/A' } } }),
    'export type A = "x" | "y";\nexport type B = Array<A>;');
  assert.equal(types({ A: { type: 'object', additionalProperties: { type: 'number' } } }), 'export type A = Record<string, number>;');
  assert.throws(() => types({ A: { type: 'tuple' } }));
  assert.throws(() => types({ A: { $ref: 'elsewhere.json' } }));
});
