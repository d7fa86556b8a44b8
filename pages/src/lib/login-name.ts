import type { Login } from '../api/types';
import { t } from './language.svelte';
import { isStranger, lacksEncryption, origin } from './logins';

/// Where a log-in came from, in the reader's language.
export function loginName(login: Login): string {
  if (isStranger(login)) return t('login.somebody', { client: login.client });
  const { name, guessed } = origin(login);
  if (name === '') return t('login.web');
  return guessed ? t('login.guessed', { name }) : name;
}

/// How it ended, in a word or two.
export function loginResult(login: Login): string {
  if (login.result === 'ok') return t('login.ok');
  if (login.stage === 'sending') return t('login.not-sent');
  return login.stage === 'log-in' || lacksEncryption(login) ? t('login.refused') : t('login.none');
}

/// The same as a headline.
export function loginTrouble(login: Login): string {
  const name = loginName(login);
  if (login.stage === 'sending') return t('trouble.not-sent', { name });
  if (lacksEncryption(login)) return t('trouble.encryption', { name });
  return login.stage === 'log-in' ? t('trouble.log-in', { name }) : t('trouble.unticked', { name });
}
