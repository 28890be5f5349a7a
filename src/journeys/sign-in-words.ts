/** What happened around signing in, as sentences for people; audit-words.ts has all others. */
import type { Told } from './audit-words.ts'

type Teller = (told: Told) => string

const word = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')
const from = ({ detail }: Told): string => (word(detail.from) === '' ? '' : `, from ${word(detail.from)}`)
const how = ({ detail }: Told): string => (word(detail.how) === '' ? '' : ` by ${word(detail.how)}`)
const named = ({ detail }: Told): string => (word(detail.label) === '' ? '' : ` (${word(detail.label)})`)
const ended = (value: unknown, thing: string): string =>
  typeof value === 'number' && value > 0 ? `, ${value} ${thing}${value === 1 ? '' : 's'} ended` : ''

export const signInTellers = {
  'administrator.invited': ({ detail }) => `an administrator was invited as ${word(detail.role) || 'somebody'}`,
  'administrator.set-up': ({ detail }) =>
    detail.how === 'single sign-on'
      ? `an administrator came by single sign-on for the first time, as ${word(detail.role)}`
      : `a one-time link was used to set a ${word(detail.way) || 'way in'}`,
  'administrator.recovery': () => 'a link to come back in was made for an administrator',
  'administrator.role-changed': ({ detail }) =>
    `an administrator's role was changed${word(detail.to) === '' ? '' : ` from ${word(detail.from)} to ${word(detail.to)}`}`,
  'administrator.disabled': ({ detail }) =>
    `their way into the console was shut${ended(detail.sessions, 'session')}${ended(detail.passkeys, 'passkey')}${ended(detail.tokens, 'API token')}`,
  'sign-in.done': (told) => `signed in to the console${how(told)}${from(told)}`,
  'sign-in.failed': (told) => {
    const { failures, addresses, known, reason } = told.detail
    if (typeof addresses === 'number')
      return `signing in failed ${word(failures)} times within an hour, from ${addresses} address${addresses === 1 ? '' : 'es'}: such failures are only counted for now`
    const who = known === false ? ' for somebody unknown' : ''
    const times = typeof failures === 'number' && failures > 1 ? `, ${failures} times in a row` : ''
    return `signing in${how(told)} failed${who}${times}${from(told)}${word(reason) === '' ? '' : `: ${word(reason)}`}`
  },
  'session.ended': (told) => `a session was ended${from(told)}`,
  'password.changed': ({ detail }) => `a password was changed${ended(detail.otherSessionsEnded, 'other session')}`,
  'authenticator.added': () => 'an authenticator app was set up',
  'authenticator.removed': () => 'an authenticator app was removed',
  'passkey.added': (told) => `a passkey was added${named(told)}`,
  'passkey.removed': (told) => `a passkey was removed${named(told)}`,
} satisfies Readonly<Record<string, Teller>>
