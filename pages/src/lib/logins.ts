// Log-ins as a person reads them. Pure.
import type { Device, Login } from '../api/types';

/// What a log-in came from, in the words that are known best: the label that the person gave, the
/// program as guessed, what it called itself, the address.
export interface Origin {
  readonly name: string;
  readonly guessed: boolean;
}

export function origin(login: Login): Origin {
  if (login.label) return { name: login.label, guessed: false };
  if (login.device) return { name: login.device.name, guessed: login.device.probably };
  if (login.hello) return { name: login.hello, guessed: false };
  return { name: login.client, guessed: false };
}

/// What needs looking at: failures of each origin since which it has not got in, the latest first.
/// Older than `since` doesn't count any more.
export function troubles(logins: readonly Login[], since: number): Login[] {
  const settled = new Set<string>();
  const found: Login[] = [];
  for (const login of logins) {
    const who = `${origin(login).name}\n${login.client}`;
    if (settled.has(who)) continue;
    settled.add(who);
    if (login.result === 'refused' && Date.parse(login.time) / 1000 >= since) found.push(login);
  }
  return found;
}

/// Whether the device, when there is one already, has logged in with its app password, and what was
/// tried in vain until then by anybody, as the live box shows it: oldest first.
export interface Progress {
  readonly done: boolean;
  readonly tries: readonly Login[];
}

export function progress(device: Device | undefined, logins: readonly Login[], since: string): Progress {
  const began = Date.parse(since);
  const mine = (login: Login) => device !== undefined && login.result === 'ok' && login.credential === `app-password-${device.id}`;
  const tries = logins.filter((login) => Date.parse(login.time) >= began && (login.result === 'refused' || mine(login))).reverse();
  return { done: (device?.last_used ?? null) !== null || tries.some(mine), tries };
}
