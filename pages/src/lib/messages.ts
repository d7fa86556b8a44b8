// Texts in the reader's language. English is the source: a key that is missing elsewhere, or a
// placeholder that isn't filled, stops the build. No state here, so that tests need no browser.
import { de } from '../i18n/de';
import { en } from '../i18n/en';

export type Key = keyof typeof en;
export type Texts = Readonly<Record<Key, string>>;
export type Language = 'en' | 'de';
export type Values = Readonly<Record<string, string | number>>;

/// The {names} in a text.
export type Names<Text extends string> =
  Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
/// What has to be given with a key: nothing, or a value for each of its names.
export type Arguments<K extends Key> =
  [Names<(typeof en)[K]>] extends [never] ? [] : [values: Readonly<Record<Names<(typeof en)[K]>, string | number>>];

/// The keys that have a form for one and a form for several.
export type Countable = { [K in Key]: K extends `${infer Stem}.one` ? `${Stem}.other` extends Key ? Stem : never : never }[Key];

export const texts: Readonly<Record<Language, Texts>> = { en, de };

/// The first language that somebody asks for and that we have.
export function choose(wanted: readonly (string | null | undefined)[]): Language {
  for (const tag of wanted) {
    const short = tag?.slice(0, 2).toLowerCase();
    if (short === 'en' || short === 'de') return short;
  }
  return 'en';
}

export function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => Object.hasOwn(values, name) ? String(values[name]) : whole);
}

/// The form that a language has for this number.
export function form(language: Language, stem: Countable, count: number): Key {
  const one = new Intl.PluralRules(language).select(count) === 'one';
  return `${stem}.${one ? 'one' : 'other'}` as Key;
}
