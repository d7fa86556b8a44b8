// The present, in seconds, for "5 minutes ago": moves on by itself every ten seconds.
const state = $state({ now: Date.now() / 1000 });
setInterval(() => {
  state.now = Date.now() / 1000;
}, 10_000);

export function now(): number {
  return state.now;
}
