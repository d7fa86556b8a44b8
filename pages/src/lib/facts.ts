// What else an event says, as names and texts to show. Pure.
const said = new Set(['time', 'event', 'remedy', 'level', 'meaning', 'what', 'number']);

export function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(text).join(', ');
  if (typeof value === 'object') return Object.entries(value).map(([key, inner]) => `${key}: ${text(inner)}`).join('; ');
  return String(value);
}

/// What the server says in a few words, by itself.
export function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? '' : '.');
}

export function facts(event: object): [string, string][] {
  return Object.entries(event)
    .filter(([key]) => !said.has(key))
    .map(([key, value]): [string, string] => [key, text(value)])
    .filter(([, value]) => value !== '');
}
