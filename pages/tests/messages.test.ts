import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose, fill, form, texts } from '../src/lib/messages';

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort();

test('every text has the same placeholders in each language', () => {
  for (const [key, text] of Object.entries(texts.en)) {
    assert.deepEqual(names(texts.de[key as keyof typeof texts.de]), names(text), key);
  }
});

test('no text is empty, and no key is in one language only', () => {
  assert.deepEqual(Object.keys(texts.de).sort(), Object.keys(texts.en).sort());
  for (const all of Object.values(texts)) for (const [key, text] of Object.entries(all)) assert.notEqual(text.trim(), '', key);
});

test('the first language that is wanted and there is taken', () => {
  assert.equal(choose([null, undefined, 'fr-CH', 'de-AT', 'en']), 'de');
  assert.equal(choose(['en-GB', 'de']), 'en');
  assert.equal(choose(['fr', 'nl']), 'en');
  assert.equal(choose([]), 'en');
});

test('values go into their places, as text; a name without a value stays', () => {
  assert.equal(fill('{a} of {b}, {a}', { a: 1, b: '<b>' }), '1 of <b>, 1');
  assert.equal(fill('{a} {constructor}', { a: '{b}' }), '{b} {constructor}');
});

test('one and several have forms of their own', () => {
  assert.equal(form('en', 'login.times', 1), 'login.times.one');
  assert.equal(form('en', 'login.times', 0), 'login.times.other');
  assert.equal(form('de', 'login.times', 14), 'login.times.other');
});
