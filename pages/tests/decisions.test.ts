import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '../src/api/types';
import { folded } from '../src/lib/decisions';
import { hostOf, remedy } from '../src/lib/remedies';

const decision = (more: Partial<Decision>): Decision => ({
  number: 1, time: '2026-11-26T14:00:00Z', rule: 'auth-failed', what: '', operator: '', reply: '535 5.7.8', command: 'AUTH PLAIN',
  account: 'anna@example.com', client: '192.0.2.7:40001', listener: '[::]:587', tls: 'TLSv1.3', hello: 'pc', cause: '', meaning: '',
  session: 'S.1', facts: {}, ...more,
});
const links = (text: string, about: Partial<Decision>) =>
  remedy(text, decision(about)).filter((part) => part.command).map((part) => [part.text, part.href]);

test('what is refused again and again is one row, where it was last', () => {
  const rows = folded([
    decision({ number: 4, time: '2026-11-26T14:04:00Z', command: 'AUTH LOGIN' }), decision({ number: 3, client: '192.0.2.8:40001' }),
    decision({ number: 2, time: '2026-11-26T14:02:00Z', client: '192.0.2.7:40002' }), decision({ number: 1, cause: 'unknown_account' }),
  ]);
  assert.deepEqual(rows.map((row) => [row.last.number, row.first, row.times]),
    [[4, '2026-11-26T14:02:00Z', 2], [3, '2026-11-26T14:00:00Z', 1], [1, '2026-11-26T14:00:00Z', 1]]);
});

test('a command of a remedy is about the account at hand and leads to the page that does the same', () => {
  assert.deepEqual(links('`postern account show ADDRESS` shows it.', {}),
    [['postern account show anna@example.com', '#/accounts/anna%40example.com']]);
  assert.deepEqual(links('`postern account add ADDRESS`, or `postern account list`.', { account: '' }),
    [['postern account add ADDRESS', '#/accounts'], ['postern account list', '#/accounts']]);
  assert.deepEqual(links('`postern account add ADDRESS` makes it.', {}), [['postern account add ADDRESS', '#/accounts']]);
  assert.deepEqual(links('`postern account send-as add ACCOUNT ADDRESS` lets it.', {}),
    [['postern account send-as add anna@example.com ADDRESS', '#/accounts/anna%40example.com']]);
  assert.deepEqual(links('`postern guard lift NETWORK` ends it.', {}), [['postern guard lift 192.0.2.7', '#/guard']]);
  assert.deepEqual(links('`postern queue show ID` and `postern queue list`.', { facts: { queue_id: 'Q1' } }),
    [['postern queue show Q1', '#/queue/Q1'], ['postern queue list', '#/queue']]);
  assert.deepEqual(links('`postern config check` tells, `certbot renew` renews.', {}),
    [['postern config check', undefined], ['certbot renew', undefined]]);
});

test('a client is known by its address', () => {
  assert.deepEqual(['192.0.2.7:40001', '[2001:db8::7]:40001', '2001:db8::7', '192.0.2.7', ''].map(hostOf),
    ['192.0.2.7', '2001:db8::7', '2001:db8::7', '192.0.2.7', '']);
});

test('where the cause is known nobody is sent to the log for it', () => {
  const text = 'The line in the log says at `cause` which it was. `postern account show ADDRESS` shows the account.';
  assert.deepEqual(remedy(text, decision({ cause: 'wrong_password' })).map((part) => part.text).join(''),
    'postern account show anna@example.com shows the account.');
  assert.equal(links(text, {})[0]?.[0], 'cause');
});
