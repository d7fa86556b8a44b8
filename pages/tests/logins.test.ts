import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Device, Login } from '../src/api/types';
import { origin, progress, troubles } from '../src/lib/logins';

const login = (more: Partial<Login>): Login => ({
  time: '2026-11-26T14:00:00Z', first: '2026-11-26T14:00:00Z', times: 1, result: 'ok', stage: 'log-in', near: true, rule: '', cause: '', meaning: '', remedy: '',
  device: null, hello: '', mechanism: 'PLAIN', client: '192.0.2.7', listener: 'submission', port: 587, tls: 'TLSv1.3',
  credential: 'password', label: '', session: 's', ...more,
});
const device = (more: Partial<Device>): Device => ({
  id: 7, label: 'phone', state: 'works', networks: [], senders: [], recipients: [], created: '2026-11-26T14:00:00Z', created_by: 'anna',
  expires: null, revoked: null, last_used: null, last_client: '', scram: true, ...more,
});

test('a log-in is named by the label, the program, the greeting, or the address, whichever is known', () => {
  const program = { name: 'Outlook', probably: true };
  assert.deepEqual(origin(login({ label: 'phone', device: program, hello: 'pc' })), { name: 'phone', guessed: false });
  assert.deepEqual(origin(login({ device: program, hello: 'pc' })), { name: 'pc', guessed: false }, 'what it says goes before a guess');
  assert.deepEqual(origin(login({ device: { name: 'Thunderbird', probably: false }, hello: 'thunderbird' })), { name: 'Thunderbird', guessed: false });
  for (const hello of ['', 'localhost', '[192.168.1.5]', '10.0.0.5'])
    assert.deepEqual(origin(login({ device: program, hello })), { name: 'Outlook', guessed: true }, 'many say the same');
  assert.deepEqual(origin(login({ hello: 'pc' })), { name: 'pc', guessed: false });
  assert.equal(origin(login({ hello: 'a'.repeat(200) })).name, `${'a'.repeat(47)}…`);
  assert.deepEqual(origin(login({})), { name: '192.0.2.7', guessed: false });
  assert.deepEqual(origin(login({ listener: 'web' })), { name: '', guessed: false });
});

test('a failure is a trouble until the same device has got in', () => {
  const failed = login({ result: 'refused', hello: 'pc' });
  assert.equal(troubles([failed], 0).length, 1);
  assert.equal(troubles([login({ hello: 'pc' }), failed], 0).length, 0, 'it got in afterwards');
  assert.equal(troubles([login({ hello: 'other' }), failed], 0).length, 1, 'another one got in');
  assert.equal(troubles([failed, login({ hello: 'pc' })], 0).length, 1, 'it got in before');
  assert.equal(troubles([failed, failed], 0).length, 1, 'twice the same is one trouble');
  const unticked = login({ result: 'refused', stage: 'no log-in', rule: 'auth-required', hello: 'pc' });
  assert.equal(troubles([unticked], 0).length, 1);
  assert.equal(troubles([{ ...unticked, near: false }], 0).length, 0, 'anybody can give this address');
  assert.equal(troubles([login({ result: 'refused', stage: 'sending', hello: 'pc' }), login({ hello: 'pc' })], 0).length, 1, 'it got in, but nothing out');
  assert.equal(troubles([failed], Date.parse(failed.time) / 1000 + 1).length, 0, 'too long ago');
});

test('the live box shows refused tries since the device was made, oldest first, and its own log-in', () => {
  const since = '2026-11-26T14:00:00Z';
  const before = login({ result: 'refused', time: '2026-11-26T13:59:59Z' });
  const refused = login({ result: 'refused', time: '2026-11-26T14:01:00Z', meaning: 'no' });
  const others = login({ credential: 'app-password-1', time: '2026-11-26T14:02:00Z' });
  const own = login({ credential: 'app-password-7', time: '2026-11-26T14:03:00Z' });
  assert.deepEqual(progress(device({}), [others, refused, before], since), { done: false, tries: [refused] });
  assert.deepEqual(progress(device({}), [own, others, refused], since), { done: true, tries: [refused, own] });
  const unsent = { ...own, result: 'refused', stage: 'sending', time: '2026-11-26T14:04:00Z' } as const;
  assert.deepEqual(progress(device({ last_used: own.time }), [unsent, own], since), { done: false, tries: [own, unsent] }, 'its mail was refused');
  const typed = login({ credential: 'password', time: '2026-11-26T14:05:00Z' });
  assert.equal(progress(undefined, [typed], since, true).done, true, 'with the password of the account');
  assert.equal(progress(undefined, [{ ...typed, listener: 'web' }], since, true).done, false, 'that was here');
  assert.equal(progress(undefined, [typed], since).done, false);
  assert.equal(progress(device({ last_used: '2026-11-26T14:03:00Z' }), [], since).done, true);
  assert.deepEqual(progress(undefined, [own, refused], since), { done: false, tries: [refused] }, 'a profile that nobody has opened');
});
