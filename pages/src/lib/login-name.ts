import type { Login } from '../api/types';
import { t } from './language.svelte';
import { origin } from './logins';

/// Where a log-in came from, in the reader's language.
export function loginName(login: Login): string {
  return origin(login).name || t('login.web');
}
