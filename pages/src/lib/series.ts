// Numbers over time, made ready for a plot. Pure.
import type { Numbers } from '../api/types';

export type Values = readonly (number | null)[];
export interface Line {
  readonly name: string;
  readonly values: Values;
}

/// What was counted in each step, as so many a minute.
export function perMinute(values: Values, step: number): Values {
  return values.map((value) => (value === null ? null : (value * 60) / step));
}

export function sum(values: Values): number {
  return values.reduce<number>((so, value) => so + (value ?? 0), 0);
}

export function latest(values: Values): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

/// The most frequent rules first; at most `most` of them.
export function byRule(numbers: Numbers, most: number): Line[] {
  return Object.entries(numbers.rules)
    .map(([name, values]) => ({ name, values }))
    .sort((a, b) => sum(b.values) - sum(a.values))
    .slice(0, most);
}
