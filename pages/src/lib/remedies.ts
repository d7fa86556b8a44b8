// What the catalogue tells the operator to do, for one who reads it in the console: commands are about the account, the
// client and the message at hand, and lead to where the console does the same. Pure.
import type { Decision } from '../api/types';
import { write } from './route';

export interface Part {
  readonly text: string;
  readonly command: boolean;
  readonly href?: string | undefined;
}

type About = Pick<Decision, 'account' | 'cause' | 'client' | 'session'> & { readonly facts: Readonly<Record<string, unknown>> };

/// Which page does what a command does; the longest beginning counts, so what is special stands first.
const pages: readonly (readonly [command: string, to: (about: About) => string])[] = [
  ['account list', () => write('accounts')],
  ['account add', () => write('accounts')],
  ['account ', (about) => (about.account ? write('accounts', [about.account]) : write('accounts'))],
  ['guard ', () => write('guard')],
  ['queue list', () => write('queue')],
  ['queue retry --all', () => write('queue')],
  ['queue ', (about) => (typeof about.facts['queue_id'] === 'string' ? write('queue', [about.facts['queue_id']]) : write('queue'))],
  ['why ', (about) => (about.session ? write('why', [about.session]) : write('live'))],
  ['explain ', () => write('explain')],
  ['domain add', () => write('domains')],
  ['certificate list', () => write('certificates')],
];

/// Of whom a refusal tells with the port that he came from.
export function hostOf(client: string): string {
  return /^\[(.*)\]:\d+$/.exec(client)?.[1] ?? client.replace(/^([^:]*):\d+$/, '$1');
}

function filled(command: string, about: About): string {
  // Where both are named, or an account is made, the address is another one.
  const address = /ACCOUNT|^postern account add|^postern forward/.test(command) ? undefined : about.account;
  const values: Readonly<Record<string, unknown>> =
    { ADDRESS: address, ACCOUNT: about.account, NETWORK: hostOf(about.client), ID: about.facts['queue_id'] };
  return command.replace(/\b(ADDRESS|ACCOUNT|NETWORK|ID)\b/g, (name) => {
    const value = values[name];
    return typeof value === 'string' && value ? value : name;
  });
}

/// A remedy's text, cut at its commands. Where the cause is known, nobody is sent to look for it in the log.
export function remedy(text: string, about: About): Part[] {
  const sentences = text.split(/(?<=[.!?]) (?=[\p{Lu}`])/u);
  const wanted = about.cause ? sentences.filter((sentence) => !sentence.includes('`cause`')) : sentences;
  return wanted.join(' ').split('`').map((part, at): Part => {
    if (at % 2 === 0) return { text: part, command: false };
    const page = part.startsWith('postern ') && pages.find(([command]) => part.slice('postern '.length).startsWith(command));
    return { text: filled(part, about), command: true, href: page ? page[1](about) : undefined };
  });
}
