// What was asked of the server and what came of it. An answer that is overtaken by a later
// question is dropped; in another language all is asked for anew. Made while its component is.
import { untrack } from 'svelte';
import { language } from './language.svelte';

export class Loaded<T> {
  value = $state.raw<T | undefined>(undefined);
  failure = $state.raw<unknown>(undefined);
  #fetch: () => Promise<T>;
  #turn = 0;

  constructor(fetch: () => Promise<T>) {
    this.#fetch = fetch;
    $effect(() => {
      language();
      untrack(() => void this.again());
    });
  }

  async again(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const value = await this.#fetch();
      if (turn !== this.#turn) return;
      this.value = value;
      this.failure = undefined;
    } catch (failure) {
      if (turn === this.#turn) this.failure = failure;
    }
  }

  /// Asks again every so often; returns what stops it. Nothing is asked while nobody looks.
  every(milliseconds: number): () => void {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void this.again();
    }, milliseconds);
    return () => clearInterval(timer);
  }
}
