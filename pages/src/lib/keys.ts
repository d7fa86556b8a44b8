/// Each thing with a key of its own, also where two look the same: lists from the server may repeat
/// themselves, and what is unfolded must stay so when new rows come.
export function keyed<T>(things: readonly T[], key: (thing: T) => string): { key: string; thing: T }[] {
  const seen = new Map<string, number>();
  return things.map((thing) => {
    const name = key(thing);
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return { key: `${name}#${times}`, thing };
  });
}
