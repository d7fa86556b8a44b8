// Asking the server. Every answer is JSON; what goes wrong comes as a Failure that a person can
// read. The token against forged requests is kept here and nowhere else.
import { language } from '../lib/language.svelte';

const patience = 30_000;
let csrf = '';
let signedOut: () => void = () => {};

export function setCsrf(token: string): void {
  csrf = token;
}

/// Called when the server no longer knows the session.
export function onSignedOut(then: () => void): void {
  signedOut = then;
}

/// Why something was not done. `rule` names a row of the catalogue; "" when no server answered.
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly rule: string,
    text: string,
    readonly remedy: string,
  ) {
    super(text);
  }
}

interface Told {
  error?: { rule?: string; text?: string; remedy?: string };
}

async function read(answer: Response): Promise<unknown> {
  const text = await answer.text();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return {}; // no JSON: a proxy in between, say
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export async function ask<T>(method: Method, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': language() };
  if (method !== 'GET') headers['X-CSRF-Token'] = csrf;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let answer: Response;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(patience),
    });
  } catch {
    throw new Failure(0, '', '', '');
  }
  const said = await read(answer);
  if (answer.ok) return said as T;
  const told = (said as Told).error;
  if (answer.status === 401 && path !== '/session') signedOut();
  throw new Failure(answer.status, told?.rule ?? '', told?.text ?? '', told?.remedy ?? '');
}

/// A path with values in it, each escaped: path`/devices/${id}`.
export function path(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts.reduce((so, part, at) => so + encodeURIComponent(String(values[at - 1] ?? '')) + part);
}

/// "?a=1&b=2" of what is there; "" of nothing.
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string | number] => entry[1] !== undefined && entry[1] !== '');
  const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return text && `?${text}`;
}
