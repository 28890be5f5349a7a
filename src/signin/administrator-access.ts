import type { AccessSystem, Finding } from '../access/access-system.ts'
import type { AdministratorSubject } from '../domain/access.ts'
import { counted } from '../domain/counted.ts'

/** What is still there of a way into the console. */
export interface ConsoleTraces {
  readonly disabled: boolean
  readonly password: boolean
  readonly authenticatorApp: boolean
  readonly sessions: number
  readonly passkeys: number
  readonly links: number
  /** Ids of live API tokens that are said to be theirs. */
  readonly tokens: readonly string[]
}

export interface AdministratorAccessOptions {
  /** Read anew, by id of the administrator; absent: there is no such row. */
  readonly traces: (subjects: readonly AdministratorSubject[]) => Promise<ReadonlyMap<string, ConsoleTraces>>
  readonly all: () => Promise<readonly AdministratorSubject[]>
  /** Shuts again what somebody opened past us. */
  readonly shut: (subjects: readonly AdministratorSubject[]) => Promise<void>
}

/**
 * The console as an access system, for administrators who left or were disabled. The click's transaction has shut it
 * already; looking means reading the rows again that every request is checked against.
 */
export function administratorAccess({
  traces,
  all,
  shut,
}: AdministratorAccessOptions): AccessSystem<AdministratorSubject, ReadonlyMap<string, ConsoleTraces>> {
  return {
    kind: 'administrator',
    instance: 'console',
    read: async () => traces(await all()),
    readSome: (subjects) => traces(subjects),
    apply: (subjects) => shut(subjects),
    judge({ id }, found): Finding {
      const left = found.get(id)
      if (left === undefined)
        return { state: 'as-desired', evidence: { summary: 'nobody of this id can sign in to the console', facts: {} } }
      const { disabled, password, authenticatorApp, sessions, passkeys, links, tokens } = left
      const facts = { disabled, password, authenticatorApp, sessions, passkeys, links, tokens: tokens.length }
      const open = [
        !disabled && 'the account is not disabled',
        password && 'a password is set',
        authenticatorApp && 'an authenticator app is set up',
        sessions > 0 && counted(sessions, 'live session'),
        passkeys > 0 && counted(passkeys, 'passkey'),
        links > 0 && 'a set-up link works',
        tokens.length > 0 && counted(tokens.length, 'live API token'),
      ].filter((each) => each !== false)
      if (open.length === 0) {
        const summary = 'console account disabled; no session, passkey, password or API token of theirs on re-read'
        return { state: 'as-desired', evidence: { summary, facts } }
      }
      const problem = `the console is still open to them: ${open.join(', ')}`
      return { state: 'differs', evidence: { summary: problem, facts }, problem }
    },
  }
}
