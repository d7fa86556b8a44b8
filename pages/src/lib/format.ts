// Numbers and times as people read them. Pure: the language and the present are arguments.
const units: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31536000], ['month', 2592000], ['week', 604800], ['day', 86400], ['hour', 3600], ['minute', 60],
];

/// "5 minutes ago". `now` and `then` in seconds since 1970.
export function ago(language: string, then: number, now: number): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const seconds = then - now;
  for (const [unit, size] of units) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(Math.trunc(seconds), 'second');
}

export function moment(language: string, seconds: number): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(seconds * 1000);
}

export function clock(language: string, seconds: number): string {
  return new Intl.DateTimeFormat(language, { timeStyle: 'medium' }).format(seconds * 1000);
}

export function number(language: string, value: number): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(value);
}

/// "3.4 MiB".
export function octets(language: string, value: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  while (value >= 1024 && at < names.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${number(language, value)} ${names[at]}`;
}

/// "850 ms", "1.2 s", "3 min".
export function span(language: string, milliseconds: number): string {
  if (milliseconds < 1000) return `${number(language, Math.round(milliseconds))} ms`;
  if (milliseconds < 120_000) return `${number(language, milliseconds / 1000)} s`;
  if (milliseconds < 7_200_000) return `${number(language, Math.round(milliseconds / 60_000))} min`;
  return `${number(language, milliseconds / 3_600_000)} h`;
}

/// A time of the server's: seconds, or what RFC 3339 writes.
export function seconds(time: number | string): number {
  return typeof time === 'number' ? time : Date.parse(time) / 1000;
}
