// What the console asks for and does.
import { ask, path, query } from '../api/client';
import type {
  Account, Answer, AuditRow, Certificate, Decision, Destination, Device, DiscoveryRow, Domain, DomainRecords, Guard, Lifted, Limit,
  LiveSession, Login, Numbers, Question, QueueChange, QueueChanged, QueueMessage, QueueSummary, Revoked, Role, Sent, Status,
} from '../api/types';

export const status = () => ask<Status>('GET', '/status');
export const numbers = (step: number, since: number) => ask<Numbers>('GET', `/numbers${query({ step, since })}`);

export const accounts = async () => (await ask<{ accounts: Account[] }>('GET', '/accounts')).accounts;
export const account = (address: string) => ask<Account>('GET', path`/accounts/${address}`);
export const addAccount = (address: string, password: string) => ask<Account>('POST', '/accounts', { address, password });
export const removeAccount = (address: string) => ask<void>('DELETE', path`/accounts/${address}`);
export const setPassword = (address: string, password: string) => ask<Account>('PUT', path`/accounts/${address}/password`, { password });
export const setEnabled = (address: string, on: boolean) => ask<Account>('PUT', path`/accounts/${address}/enabled`, { on });
export const setSmtpAuth = (address: string, on: boolean) => ask<Account>('PUT', path`/accounts/${address}/smtp-auth`, { on });
export const setBasicPasswords = (address: string, state: 'on' | 'off' | 'inherit') =>
  ask<Account>('PUT', path`/accounts/${address}/basic-passwords`, { state });
export const setRole = (address: string, role: Role) => ask<Account>('PUT', path`/accounts/${address}/role`, { role });
export const addAlias = (address: string, alias: string) => ask<Account>('POST', path`/accounts/${address}/aliases`, { alias });
export const removeAlias = (address: string, alias: string) => ask<Account>('DELETE', path`/accounts/${address}/aliases/${alias}`);
export const addSender = (address: string, sender: string) => ask<Account>('POST', path`/accounts/${address}/send-as`, { sender });
export const removeSender = (address: string, sender: string) => ask<Account>('DELETE', path`/accounts/${address}/send-as/${sender}`);
export const devices = async (address: string) =>
  (await ask<{ devices: Device[] }>('GET', path`/accounts/${address}/devices`)).devices;
export const revokeDevice = (address: string, id: number) => ask<Revoked>('DELETE', path`/accounts/${address}/devices/${id}`);
export const logins = async (address: string) =>
  (await ask<{ logins: Login[] }>('GET', `${path`/accounts/${address}/logins`}?limit=50`)).logins;
export const sent = async (address: string) => (await ask<{ messages: Sent[] }>('GET', `${path`/accounts/${address}/sent`}?limit=20`)).messages;
export const limits = async (address: string) => (await ask<{ limits: Limit[] }>('GET', path`/accounts/${address}/limits`)).limits;

export const domains = async () => (await ask<{ domains: Domain[] }>('GET', '/domains')).domains;
export const addDomain = (domain: string) => ask<Domain>('POST', '/domains', { domain });
export const removeDomain = (domain: string) => ask<void>('DELETE', path`/domains/${domain}`);
export const records = (domain: string) => ask<DomainRecords>('GET', path`/domains/${domain}/records`);

export const guard = () => ask<Guard>('GET', '/guard?limit=200');
export const lift = (what: string) => ask<Lifted>('POST', '/guard/lift', { what });
export const deny = (network: string) => ask<Lifted>('POST', '/guard/deny', { network });
export const allow = (network: string) => ask<Lifted>('POST', '/guard/allow', { network });

export const queue = () => ask<QueueSummary>('GET', '/queue');
export const destinations = async () => (await ask<{ destinations: Destination[] }>('GET', '/queue/destinations?limit=200')).destinations;
export const messages = async (filter: Readonly<Record<string, string | undefined>>) =>
  (await ask<{ messages: QueueMessage[] }>('GET', `/queue/messages${query({ ...filter, limit: 100 })}`)).messages;
export const message = (id: string) => ask<QueueMessage>('GET', path`/queue/messages/${id}`);
export type MessageAction = 'retry' | 'hold' | 'release' | 'expire';
export const change = (id: string, what: MessageAction) => ask<QueueChanged>('POST', path`/queue/messages/${id}/${what}`);
export const removeMessage = (id: string) => ask<void>('DELETE', path`/queue/messages/${id}`);
export const changeMany = (what: 'retry' | 'hold' | 'release', which: QueueChange) => ask<QueueChanged>('POST', `/queue/${what}`, which);

export const sessions = async () => (await ask<{ sessions: LiveSession[] }>('GET', '/sessions?limit=300')).sessions;
export const decisions = async (filter: Readonly<Record<string, string | undefined>>) =>
  (await ask<{ decisions: Decision[] }>('GET', `/decisions${query({ ...filter, limit: 100 })}`)).decisions;
export const explain = (question: Question) => ask<Answer>('POST', '/explain', question);
export const discovery = async () => (await ask<{ requests: DiscoveryRow[] }>('GET', '/discovery?limit=200')).requests;
export const certificates = async () => (await ask<{ certificates: Certificate[] }>('GET', '/certificates')).certificates;
export const auditPage = 200;
export const audit = async (filter: Readonly<Record<string, string | undefined>>) =>
  (await ask<{ rows: AuditRow[] }>('GET', `/audit${query({ ...filter, limit: auditPage })}`)).rows;
