// The devices and programs that somebody may set up, in the groups that people think in. The ids
// are those of the help centre's guides.
import type { Key } from '../lib/messages';

export interface Program {
  readonly id: string;
  readonly name: string;
}
export interface Group {
  readonly title: Key;
  readonly programs: readonly Program[];
}

export const groups: readonly Group[] = [
  {
    title: 'set-up.group.phones',
    programs: [
      { id: 'iphone', name: 'iPhone, iPad' },
      { id: 'android-gmail', name: 'Android (Gmail)' },
      { id: 'k9', name: 'Thunderbird for Android, K-9' },
      { id: 'fairemail', name: 'FairEmail' },
    ],
  },
  {
    title: 'set-up.group.computers',
    programs: [
      { id: 'thunderbird', name: 'Thunderbird' },
      { id: 'outlook-new', name: 'Outlook (new)' },
      { id: 'outlook2016', name: 'Outlook 2016–365' },
      { id: 'apple-mail', name: 'Apple Mail' },
      { id: 'windows-mail', name: 'Windows Mail' },
      { id: 'evolution', name: 'Evolution' },
      { id: 'kmail', name: 'KMail' },
      { id: 'claws', name: 'Claws Mail' },
    ],
  },
  {
    title: 'set-up.group.things',
    programs: [
      { id: 'printer', name: 'set-up.printer' },
      { id: 'wordpress', name: 'WordPress' },
    ],
  },
  {
    title: 'set-up.group.old',
    programs: [
      { id: 'outlook2013', name: 'Outlook 2013' },
      { id: 'outlook2010', name: 'Outlook 2010' },
      { id: 'outlook2007', name: 'Outlook 2007' },
      { id: 'outlook2003', name: 'Outlook 2002, 2003' },
      { id: 'outlook98', name: 'Outlook 98, 2000' },
      { id: 'outlook-express', name: 'Outlook Express' },
      { id: 'windows-live-mail', name: 'Windows Live Mail' },
    ],
  },
  {
    title: 'set-up.group.code',
    programs: [
      { id: 'msmtp', name: 'msmtp' },
      { id: 'mutt', name: 'mutt' },
      { id: 'git', name: 'git send-email' },
      { id: 'cron', name: 'cron' },
      { id: 'python', name: 'Python' },
      { id: 'php', name: 'PHP' },
      { id: 'nodejs', name: 'Node.js' },
      { id: 'java', name: 'Java' },
      { id: 'csharp', name: 'C#' },
      { id: 'go', name: 'Go' },
      { id: 'curl', name: 'curl' },
    ],
  },
];

export function program(id: string): Program | undefined {
  return groups.flatMap((group) => group.programs).find((one) => one.id === id);
}

/// What the device that shows this page has most probably.
export function likely(agent: string, touches = 0): readonly string[] {
  // An iPad says that it is a Macintosh, which has no screen to touch.
  if (/iPhone|iPad/.test(agent) || (/Macintosh/.test(agent) && touches > 1)) return ['iphone'];
  if (/Android/.test(agent)) return ['android-gmail', 'k9'];
  if (/Macintosh/.test(agent)) return ['apple-mail', 'thunderbird'];
  if (/Windows/.test(agent)) return ['outlook-new', 'thunderbird'];
  if (/Linux/.test(agent)) return ['thunderbird', 'evolution'];
  return [];
}
