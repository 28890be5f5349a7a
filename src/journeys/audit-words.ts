/** What happened, as a sentence for people: one for each kind of audit event, and one for each visit to the phone door. */
import type { AuditKind } from '../domain/audit.ts'
import { counted } from '../domain/counted.ts'
import { systemName } from '../domain/system-name.ts'
import type { DoorFetch } from '../store/store.ts'
import { signInTellers } from './sign-in-words.ts'

export interface Told {
  /** The particulars as they were recorded; empty where they were erased. */
  readonly detail: Readonly<Record<string, unknown>>
  /** What it is about in words ("Yealink T54W"), or null. */
  readonly subject: string | null
}

type Teller = (told: Told) => string

const resyncOutcomes: Readonly<Record<string, string>> = {
  told: ': the PBX sent it the message',
  'not-registered': ', at its next poll: it is not registered now',
  'no-event': ', at its next poll: no way is known to tell this model',
  'pbx-cannot': ', at its next poll: this PBX could not tell it',
}

const tellers = {
  'settings.changed': () =>
    'names or addresses of this installation changed; files handed out before still say the old',
  'templates.reloaded': () => 'the templates of phone files were read anew',
  'employee.onboarded': ({ detail }) => {
    const handsets = list(detail.handsets)
    return `onboarded with extension ${text(detail.extension, 'unknown')}${detail.pbx === undefined ? '' : `@${text(detail.pbx)}`}${detail.adopted === true ? ', which was there before' : ''}${handsets.length === 0 ? '' : `: ${handsets.join(', ')}`}`
  },
  'employee.imported': ({ detail }) => `a roster of ${text(detail.people, 'some')} people was handed in`,
  'employee.import-stopped': ({ detail }) => `the roster was stopped after ${text(detail.done, 'some')} people`,
  'employee.offboarding-requested': ({ detail }) =>
    `offboarding began${count(detail.doors, 'door')}${text(detail.reason) === '' ? '' : `, reason: ${text(detail.reason)}`}`,
  'employee.offboarded': ({ detail }) =>
    `every door is shut or ticked: the leaver file is frozen${typeof detail.durationMs === 'number' ? `, ${seconds(detail.durationMs)} after the click` : ''}`,
  'employee.erased': () => 'personal data was erased',
  'leaving.set': ({ detail }) =>
    `a leaving date was set: ${text(detail.at, 'unknown')}${text(detail.reason) === '' ? '' : `, reason: ${text(detail.reason)}`}`,
  'leaving.cancelled': ({ detail }) => `the leaving date ${text(detail.at)} was cancelled`.replace('  ', ' '),
  'leaving.suspended': ({ detail }) =>
    `the leaving date${text(detail.at) === '' ? '' : ` ${text(detail.at)}`} was given up, nobody was offboarded: ${text(detail.why, 'no reason kept')}`,
  'handset.added': ({ detail, subject }) => `got one more handset: ${subject ?? text(detail.model, 'unknown model')}`,
  'handset.removed': ({ detail, subject }) =>
    `${subject ?? text(detail.model, 'a handset')} was taken back${text(detail.reason) === '' ? '' : `, reason: ${text(detail.reason)}`}`,
  'handset.enrolled': ({ subject }) =>
    `${subject ?? 'a handset'} took over its own link: the one from the invite is used up`,
  'handset.blanked': ({ subject }) => `${subject ?? 'a handset'} fetched the document that takes its account away`,
  'handset.mismatch': ({ detail, subject }) =>
    `${subject ?? 'a handset'} is not what was handed out: ${text(detail.finding, 'it says something else of itself')}`,
  'handset.passwords-shown': ({ subject }) => `the passwords of ${subject ?? 'a handset'} were looked at`,
  'handset.resync-asked': ({ detail, subject }) =>
    `${subject ?? 'a handset'} was asked to fetch its file${resyncOutcomes[text(detail.outcome)] ?? ''}`,
  'phone-setting.changed': ({ detail }) => `a phone setting was changed${named(detail.name)}`,
  'calls.changed': ({ detail }) => `what may be dialled was changed to: ${text(detail.to, 'unknown')}`,
  'dial-plan.changed': () => 'what dialled numbers mean was changed',
  'invite.created': ({ detail }) =>
    `a new link was made${text(detail.expiresAt) === '' ? '' : `, good until ${text(detail.expiresAt)}`}`,
  'invite.shown': ({ detail }) =>
    detail.links === 1 ? 'the link was looked at' : `${text(detail.links, 'some')} links of a roster were looked at`,
  'gateway.handed-over': () => 'a home gateway of somebody who left is theirs from now on',
  'mail.sent': () => 'the link was sent by mail: the mail server has taken it',
  'mail.failed': () => 'the mail with the link was given up',
  'mail.cancelled': () => 'the mail with the link was not sent',
  'mail.retried': () => 'the mail with the link was to be tried again at once',
  'mail.tested': () => 'a letter without a link was sent to see whether mails go out',
  'tunnel.key-replaced': () => 'the tunnel got a new key',
  'tunnel.profile-taken': () => 'the tunnel was taken as a profile for a managed device',
  'tunnel.first-handshake': () => 'the tunnel was heard for the first time',
  'tunnel.key-erased': () => 'our copy of the tunnel’s private key was erased',
  'sip-credential.rotated': () => 'the SIP password was changed',
  'sip-credential.shown': () => 'the SIP password was looked at',
  'access.closed': ({ detail }) => `${door(detail.system)} was seen shut: ${text(detail.summary, 'no evidence kept')}`,
  'access.drift': ({ detail }) =>
    `${door(detail.system)} was not as it should be: ${text(detail.summary, 'no particulars')}`,
  'access.acknowledged': ({ detail }) =>
    `${door(detail.system)} was ticked by hand${text(detail.summary) === '' ? '' : `: ${text(detail.summary)}`}`,
  'access.half-done': ({ detail }) =>
    `${door(detail.system)} was seen as it should be, but a change failed and part of it may be undone: ${text(detail.summary, 'no particulars')}`,
  'stranger.seen': ({ detail }) => {
    const strangers = list(detail.strangers)
    const more = strangers.length > 3 ? `, and ${strangers.length - 3} more` : ''
    return strangers.length === 0
      ? `${door(detail.system)} holds what Ringfence did not issue`
      : `found, and left alone: ${strangers.slice(0, 3).join('; ')}${more}`
  },
  'step.overdue': ({ detail }) =>
    `a step of ${door(detail.system)} waits to be ${detail.wanted === 'closed' ? 'done for somebody who left' : 'done'}: open for ${text(detail.hours, 'many')} hours`,
  'journal.replayed': ({ detail }) => {
    if (text(detail.reason) !== '') return text(detail.reason)
    const ended = [
      things(detail.sessions, 'session'),
      things(detail.setupLinks, 'set-up link'),
      things(detail.invites, 'invite'),
      things(detail.leavings, 'leaving date'),
      things(detail.imports, 'import'),
    ].filter((each) => each !== null)
    const told = ended.length === 0 ? '' : `; ended with it: ${ended.join(', ')}`
    return `the database was older than the leaver journal: what was shut since was shut again${told}`
  },
  'token.created': ({ detail }) => `an API token was made${named(detail.label)}, role ${text(detail.role, 'unknown')}`,
  'token.revoked': ({ detail }) => `an API token was revoked${named(detail.label)}`,
  ...signInTellers,
} satisfies Readonly<Record<AuditKind, Teller>> & Readonly<Record<string, Teller>>

export const toldKinds: readonly string[] = Object.keys(tellers)

export function tellEvent(kind: AuditKind, told: Told): string {
  return tellers[kind](told)
}

/** `isFirst`: nothing came from this address before. */
export function tellFetch(
  { outcome, fileName, reason, remoteAddress }: Pick<DoorFetch, 'outcome' | 'fileName' | 'reason' | 'remoteAddress'>,
  isFirst: boolean,
  subject: string | null,
): string {
  const from = isFirst ? ` from an address never seen before (${remoteAddress})` : ` from ${remoteAddress}`
  const file = fileName === null ? 'a file' : `its file ${fileName}`
  const phone = subject ?? 'a phone'
  if (subject === null && reason === 'invite')
    return fileName === 'page'
      ? `the invite was opened${from}`
      : `${fileName ?? 'a file'} was downloaded from the invite${from}`
  switch (outcome) {
    case 'served':
      return `${phone} asked for ${file}${from} and got it`
    case 'not-modified':
      return `${phone} asked for ${file}${from}; nothing had changed`
    case 'blanked':
      return `${phone} asked for ${file}${from} and got the document that takes its account away`
    default:
      return `${phone} asked for ${file}${from} and was refused: ${reason}`
  }
}

function text(value: unknown, otherwise = ''): string {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : otherwise
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.map((each) => text(each)).filter(Boolean) : []
}

function named(value: unknown): string {
  return text(value) === '' ? '' : ` (${text(value)})`
}

function count(value: unknown, thing: string): string {
  return typeof value === 'number' ? `: ${counted(value, thing)} to shut` : ''
}

function things(value: unknown, thing: string): string | null {
  return typeof value === 'number' && value > 0 ? counted(value, thing) : null
}

/** Where the bare name would not make a sentence. */
const doors: Readonly<Record<string, string>> = {
  extension: 'what goes on under the extension',
  administrator: 'the way into the console',
}

function door(system: unknown): string {
  const name = text(system)
  return name === '' ? 'a door' : (doors[name] ?? `the ${systemName(name)}`)
}

function seconds(milliseconds: number): string {
  return milliseconds < 1_000 ? `${milliseconds} ms` : `${(milliseconds / 1_000).toFixed(1)} s`
}
