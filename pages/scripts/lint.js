// What the pages must not contain, whatever it is meant for. Text from strangers (names that
// mail programs gave, subjects, addresses) reaches a page as text only, and the content
// security policy forbids inline styles and scripts.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const forbidden = [
  [/\{@html/, 'markup from text: {@html}'],
  [/\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b/, 'markup from text'],
  [/\b(eval|Function)\s*\(/, 'code from text'],
  [/<[a-z][^>]*\sstyle\s*=/, 'an inline style'],
  [/\b(transition|in|out|animate):[a-z]+/, 'a Svelte transition: it writes inline styles'],
  [/https?:\/\/(?!www\.w3\.org\/)/, 'an address elsewhere: pages ask nobody but their own server'],
];

/// The lines of the sources in a folder that break a rule, each with its place.
export function lint(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return lint(path);
    if (!/\.(svelte|ts)$/.test(entry.name) || path.endsWith('api/types.ts')) return []; // types have no code
    return readFileSync(path, 'utf8').split('\n').flatMap((line, at) =>
      forbidden.filter(([pattern]) => pattern.test(line)).map(([, what]) => `${path}:${at + 1}: ${what}`));
  });
}
