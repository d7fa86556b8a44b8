import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groups, likely, program } from '../src/account/programs';
import type { Numbers } from '../src/api/types';
import { facts, text } from '../src/lib/facts';
import { keyed } from '../src/lib/keys';
import { readQr } from '../src/lib/qr';
import { byRule, latest, perMinute, sum } from '../src/lib/series';

test('what is guessed from a browser is one of the programs, and no program is there twice', () => {
  const agents = ['iPhone; CPU', 'Android 15', 'Macintosh; Intel', 'Windows NT 10.0', 'X11; Linux x86_64', 'something'];
  for (const agent of agents) for (const id of likely(agent)) assert.ok(program(id), id);
  assert.deepEqual(likely('Macintosh; Intel', 5), ['iphone']);  // an iPad
  const ids = groups.flatMap((group) => group.programs.map((one) => one.id));
  assert.equal(new Set(ids).size, ids.length);
});

test('facts of an event are texts, without what is told elsewhere', () => {
  assert.deepEqual(facts({ time: 't', event: 'x', remedy: {}, reverse_path: 'a@b', size: 3, none: null, list: ['a', 1], inner: { a: true } }),
    [['reverse_path', 'a@b'], ['size', '3'], ['list', 'a, 1'], ['inner', 'a: true']]);
  assert.equal(text(undefined), '');
});

test('counts become rates; steps without a server stay empty', () => {
  assert.deepEqual(perMinute([10, null, 0], 120), [5, null, 0]);
  assert.equal(sum([1, null, 2]), 3);
  assert.equal(latest([1, 2, null]), 2);
  assert.equal(latest([null]), null);
});

test('the most frequent rules come first, and no more than there is room for', () => {
  const rules = { a: [1, 1], b: [5, null], c: [0, 0] };
  assert.deepEqual(byRule({ rules } as unknown as Numbers, 2).map((line) => line.name), ['b', 'a']);
});

test('things that look the same get keys of their own', () => {
  assert.deepEqual(keyed(['a', 'b', 'a'], (one) => one).map((one) => one.key), ['a#1', 'b#1', 'a#2']);
});

test('a QR code is taken from the SVG of the server, and from nothing else', () => {
  const svg = '<svg viewBox="0 0 29 29"><title>x</title><rect width="29" height="29" fill="#fff"/><path fill="#000" d="M4 4h7v1h-7zM12 4h2v1h-2z"/></svg>';
  assert.deepEqual(readQr(svg), { side: 29, path: 'M4 4h7v1h-7zM12 4h2v1h-2z' });
  assert.equal(readQr('<svg viewBox="0 0 29 29"><path d="M0 0" onload="x"/></svg>')?.path, 'M0 0');
  assert.equal(readQr('<svg viewBox="0 0 29 29"><path d="url(x)"/></svg>'), null);
  assert.equal(readQr(''), null);
});
