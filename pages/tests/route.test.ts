import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, write } from '../src/lib/route';

test('a route is read from what stands after #', () => {
  assert.deepEqual(parse(''), { page: '', rest: [], query: {} });
  assert.deepEqual(parse('#/'), { page: '', rest: [], query: {} });
  assert.deepEqual(parse('#/accounts/a%40b.example'), { page: 'accounts', rest: ['a@b.example'], query: {} });
  assert.deepEqual(parse('#/queue?state=held&domain=x.example'), { page: 'queue', rest: [], query: { state: 'held', domain: 'x.example' } });
});

test('what is written is read again as it was', () => {
  for (const rest of [['a@b.example'], ['a/b?c#d'], ['100%', 'ä ö'], ['<script>']]) {
    assert.deepEqual(parse(write('accounts', rest, { q: rest[0] ?? '' })), { page: 'accounts', rest, query: { q: rest[0] } });
  }
});

test('a percent sign of somebody who typed it does no harm', () => {
  assert.deepEqual(parse('#/accounts/100%').rest, ['100%']);
});
