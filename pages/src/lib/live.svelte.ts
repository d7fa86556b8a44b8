// Events as they happen (server-sent events). A connection that breaks is made again by the
// browser; the server is told which event was seen last.
import type { Event } from '../api/types';
import type { Loaded } from './loaded.svelte';

export type LiveState = 'connecting' | 'open' | 'lost';

export class Live<E> {
  state = $state<LiveState>('connecting');
  #source: EventSource;

  constructor(path: string, kinds: readonly string[], take: (event: E, kind: string) => void) {
    this.#source = new EventSource(`/api/v1${path}`);
    this.#source.onopen = () => {
      this.state = 'open';
    };
    this.#source.onerror = () => {
      this.state = this.#source.readyState === EventSource.CLOSED ? 'lost' : 'connecting';
    };
    for (const kind of kinds) {
      this.#source.addEventListener(kind, (message) => {
        try {
          take(JSON.parse(message.data) as E, kind);
        } catch {
          // Half an event: the next one will be whole.
        }
      });
    }
  }

  close(): void {
    this.#source.close();
  }
}

/// Asks again for what was loaded at the account's events of these kinds, and every so often; returns what stops it.
/// Others can make events as often as they like: those that follow closely are one question.
export function keepFresh<T>(all: Loaded<T>, kinds: readonly string[], milliseconds: number): () => void {
  const apart = 2000;
  let asked = 0;
  let soon: ReturnType<typeof setTimeout> | undefined;
  const live = new Live<Event>('/events', [...kinds, 'gap'], () => {
    soon ??= setTimeout(() => {
      soon = undefined;
      asked = Date.now();
      void all.again();
    }, Math.max(0, asked + apart - Date.now()));
  });
  const stop = all.every(milliseconds);
  return () => {
    live.close();
    clearTimeout(soon);
    stop();
  };
}
