// Log-ins as a person reads them. Pure.
import type { Device, Login } from '../api/types';

/// What a log-in came from, in the words that are known best: the label that the person gave, the
/// program's name for itself, the program as guessed, the address. Empty: these very pages.
export interface Origin {
  readonly name: string;
  readonly guessed: boolean;
}

/// Whoever connects chooses what it calls itself; more than this says nothing to anybody.
function short(name: string): string {
  return name.length > 48 ? `${name.slice(0, 47)}…` : name;
}

/// What many programs say alike is no name.
function names(hello: string): boolean {
  return hello !== '' && !/^(\[|localhost)|^[\d.:]+$/i.test(hello);
}

export function origin(login: Login): Origin {
  if (login.listener === 'web') return { name: '', guessed: false };
  if (login.label) return { name: login.label, guessed: false };
  if (login.device && !login.device.probably) return { name: login.device.name, guessed: false };
  if (names(login.hello)) return { name: short(login.hello), guessed: false };
  if (login.device) return { name: login.device.name, guessed: true };
  return { name: login.client, guessed: false };
}

/// Whether it may be anybody who only gave this account's address as the sender.
export function isStranger(login: Login): boolean {
  return login.stage === 'no log-in' && !login.near;
}

/// Whether what was wrong is the encryption, and not that nobody logged in.
export function lacksEncryption(login: Login): boolean {
  return login.stage === 'no log-in' && /tls/.test(login.rule);
}

/// What needs looking at: failures of each device since which it has not got in, the latest first.
/// Older than `since` doesn't count any more, nor what anybody may have done.
export function troubles(logins: readonly Login[], since: number): Login[] {
  const settled = new Set<string>();
  const found: Login[] = [];
  for (const login of logins) {
    const who = `${login.hello}\n${login.client}`;
    if (isStranger(login) || settled.has(who)) continue;
    settled.add(who);
    if (login.result === 'refused' && Date.parse(login.time) / 1000 >= since) found.push(login);
  }
  return found;
}

/// Whether the device, when there is one already, has logged in with its app password and had nothing
/// refused then, and what was tried in vain until then by anybody, as the live box shows it: oldest first.
export interface Progress {
  readonly done: boolean;
  readonly tries: readonly Login[];
}

/// `asks`: it has none of its own, but asks for the account's password.
export function progress(device: Device | undefined, logins: readonly Login[], since: string, asks = false): Progress {
  const began = Date.parse(since);
  const credential = asks ? 'password' : device && `app-password-${device.id}`;
  const mine = (login: Login) => (login.result === 'ok' || login.stage === 'sending') && login.listener !== 'web' && login.credential === credential;
  const tries = logins.filter((login) => Date.parse(login.time) >= began && (login.result === 'refused' || mine(login))).reverse();
  const last = tries.filter(mine).at(-1);
  return { done: last ? last.result === 'ok' : (device?.last_used ?? null) !== null, tries };
}
