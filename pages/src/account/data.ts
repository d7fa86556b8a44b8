// What the account page asks for.
import { ask, path, query } from '../api/client';
import { changed } from '../lib/session.svelte';
import type { Account, AndroidSetUp, Device, DeviceWithPassword, Ended, Limit, Login, NewDevice, Profile, Revoked, Sent, Servers, Session, SignedIn, TestMail } from '../api/types';

export const account = () => ask<Account>('GET', '/account');
export const devices = async () => (await ask<{ devices: Device[] }>('GET', '/account/devices')).devices;
/// `waiting_since`: a device is being set up since then, and what it does wrong may show nowhere else.
export const logins = async (limit = 100, waiting_since?: string) =>
  (await ask<{ logins: Login[] }>('GET', `/account/logins${query({ limit, waiting_since: waiting_since && Math.floor(Date.parse(waiting_since) / 1000) })}`)).logins;
export const sent = async (limit = 100) => (await ask<{ messages: Sent[] }>('GET', `/account/sent${query({ limit })}`)).messages;
export const sessions = async () => (await ask<{ sessions: SignedIn[] }>('GET', '/account/sessions')).sessions;
export const endSession = (id: string) => ask('DELETE', path`/account/sessions/${id}`);
export const endOtherSessions = () => ask<Ended>('POST', '/account/sessions/end', { others: true });
export const limits = async () => (await ask<{ limits: Limit[] }>('GET', '/account/limits')).limits;

export const servers = () => ask<Servers>('GET', '/account/servers');

export const addDevice = (device: NewDevice) => ask<DeviceWithPassword>('POST', '/account/devices', device);
/// A link to a configuration profile, good once; with a password, the device that opens it gets one of its own.
export const makeProfile = (label: string, with_password: boolean) => ask<Profile>('POST', '/account/profile', { label, with_password });
/// What Thunderbird for Android imports by its camera; it asks for the password.
export const androidCode = () => ask<AndroidSetUp>('GET', '/account/android');
export const revokeDevice = (id: number) => ask<Revoked>('DELETE', path`/account/devices/${id}`);
export const switchSmtpAuth = (on: boolean) => ask<Account>('PUT', '/account/smtp-auth', { on });
/// Ends all sessions but this one, which goes on under a new cookie, if it can.
export const changePassword = async (old_password: string, new_password: string) =>
  changed(await ask<Session>('PUT', '/account/password', { old_password, new_password }));
export const sendTestMail = () => ask<TestMail>('POST', '/account/test-mail', {});
export const testMail = (id: string) => ask<TestMail>('GET', path`/account/test-mail/${id}`);
