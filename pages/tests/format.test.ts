import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ago, octets, seconds, span } from '../src/lib/format';

test('how long ago', () => {
  assert.equal(ago('en', 1000, 1000 + 59), '59 seconds ago');
  assert.equal(ago('en', 1000, 1000 + 300), '5 minutes ago');
  assert.equal(ago('en', 1000, 1000 + 86_400), 'yesterday');
  assert.equal(ago('en', 1000 + 7200, 1000), 'in 2 hours');
  assert.equal(ago('de', 1000, 1000 + 300), 'vor 5 Minuten');
});

test('octets in the largest unit that leaves a one before the point', () => {
  assert.equal(octets('en', 0), '0 B');
  assert.equal(octets('en', 1023), '1,023 B');
  assert.equal(octets('en', 1024), '1 KiB');
  assert.equal(octets('de', 3.45 * 1024 * 1024), '3,5 MiB');
});

test('spans of time', () => {
  assert.equal(span('en', 850.4), '850 ms');
  assert.equal(span('en', 1200), '1.2 s');
  assert.equal(span('en', 200_000), '3 min');
  assert.equal(span('en', 2 * 3_600_000 + 1), '2 h');
});

test('times of the server are seconds or what RFC 3339 writes', () => {
  assert.equal(seconds(12), 12);
  assert.equal(seconds('1970-01-01T00:01:00.500Z'), 60.5);
});
