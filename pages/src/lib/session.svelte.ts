// Who is signed in here, as far as this page knows; the server decides each time anew.
import { ask, Failure, onSignedOut, setCsrf } from '../api/client';
import type { Role, Session } from '../api/types';
const ranks: readonly Role[] = ['none', 'reader', 'operator', 'owner'];
const state = $state<{ session: Session | null; known: boolean; ended: boolean }>({ session: null, known: false, ended: false });

onSignedOut(() => {
  state.ended = state.session !== null;
  state.session = null;
});

export function enter(answer: Session): void {
  setCsrf(answer.csrf ?? '');
  state.session = answer;
  state.ended = false;
}

function leave(): void {
  state.session = null;
  setCsrf('');
}

/// After a change that ended all sessions: the new one, if it could begin.
export function changed(answer: Session): void {
  if (answer.csrf) enter(answer);
  else leave();
}

export function session(): Session | null {
  return state.session;
}

/// False until the server has said whether somebody is signed in.
export function known(): boolean {
  return state.known;
}

/// Whether a session has just come to its end by itself.
export function ended(): boolean {
  return state.ended;
}

export function may(role: Role): boolean {
  return ranks.indexOf(state.session?.role ?? 'none') >= ranks.indexOf(role);
}

export async function resume(): Promise<void> {
  try {
    enter(await ask<Session>('GET', '/session'));
  } catch (failure) {
    if (!(failure instanceof Failure) || failure.status !== 401) throw failure;
  } finally {
    state.known = true;
  }
}

export async function signIn(address: string, password: string): Promise<void> {
  enter(await ask<Session>('POST', '/session', { address, password }));
}

export async function signOut(): Promise<void> {
  await ask('DELETE', '/session');
  leave();
}
