// Refusals as an operator reads them. Pure.
import type { Decision } from '../api/types';
import { hostOf } from './remedies';

export interface Refusals {
  readonly last: Decision;
  readonly first: string;
  readonly times: number;
}

/// What is the same of the same client as one row, where it was last. `decisions`: the latest first.
export function folded(decisions: readonly Decision[]): Refusals[] {
  const rows = new Map<string, { last: Decision; first: string; times: number }>();
  for (const one of decisions) {
    const key = JSON.stringify([one.rule, one.cause, one.account, hostOf(one.client), one.hello]);
    const row = rows.get(key);
    if (row) {
      row.first = one.time;
      row.times += 1;
    } else {
      rows.set(key, { last: one, first: one.time, times: 1 });
    }
  }
  return [...rows.values()];
}
