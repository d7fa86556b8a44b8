// How good or bad a word of the server's is, for the colour of its badge. The word stands there too.
const tones: Readonly<Record<string, 'good' | 'bad' | 'warn' | ''>> = {
  delivered: 'good', arrived: 'good', accepted: 'good', works: 'good', up: 'good', right: 'good', accept: 'good', ok: 'good', done: 'good',
  bounced: 'bad', expired: 'bad', failed: 'bad', revoked: 'bad', down: 'bad', missing: 'bad', refuse: 'bad', refused: 'bad', unreadable: 'bad',
  deferred: 'warn', held: 'warn', failing: 'warn', different: 'warn', unknown: 'warn', defer: 'warn', removed: 'warn',
};

export function tone(word: string): 'good' | 'bad' | 'warn' | '' {
  return Object.hasOwn(tones, word) ? (tones[word] ?? '') : '';
}
