// The language of the page: `?lang=`, else what was chosen here before, else the browser's.
import { type Arguments, choose, type Countable, fill, form, type Key, type Language, texts, type Values } from './messages';

const kept = 'postern-language';

function stored(): string | null {
  try {
    return localStorage.getItem(kept);
  } catch {
    return null; // a browser that keeps nothing
  }
}

const state = $state({
  language: choose([new URLSearchParams(location.search).get('lang'), stored(), ...navigator.languages]),
});

export function language(): Language {
  return state.language;
}

export function setLanguage(to: Language): void {
  state.language = to;
  try {
    localStorage.setItem(kept, to);
  } catch {
    // Then it is asked for again next time.
  }
}

export function t<K extends Key>(key: K, ...given: Arguments<K>): string {
  return fill(texts[state.language][key], (given[0] ?? {}) as Values);
}

/// A text that says how many; {n} is the number.
export function count(stem: Countable, n: number, values: Values = {}): string {
  return fill(texts[state.language][form(state.language, stem, n)], { n: new Intl.NumberFormat(state.language).format(n), ...values });
}

/// A text by a name that the server gave, or what to show when we have none for it.
export function named(prefix: string, name: string, otherwise = name): string {
  return (texts[state.language] as Readonly<Record<string, string>>)[`${prefix}.${name}`] ?? otherwise;
}

/// Where the help centre explains a rule.
export function helpAbout(rule: string): string {
  return `/help/${encodeURIComponent(rule)}?lang=${state.language}`;
}
