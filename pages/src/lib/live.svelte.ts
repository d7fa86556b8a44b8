// Events as they happen (server-sent events). A connection that breaks is made again by the
// browser; the server is told which event was seen last.
export type LiveState = 'connecting' | 'open' | 'lost';

export class Live<Event> {
  state = $state<LiveState>('connecting');
  #source: EventSource;

  constructor(path: string, kinds: readonly string[], take: (event: Event, kind: string) => void) {
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
          take(JSON.parse(message.data) as Event, kind);
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
