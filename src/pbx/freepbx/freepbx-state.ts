import { Secret } from '../../domain/secret.ts'
import { digestHa1, parseExtension } from '../../domain/sip-account.ts'
import { type BookEntry, knownDigest } from '../account-book.ts'
import { type AmiMessage, type AmiSession, field } from '../asterisk/ami-conversation.ts'
import { shownAuths, shownEndpoints } from '../asterisk/asterisk-lists.ts'
import { listCalls, listRegistrations, readProduct } from '../asterisk/asterisk-state.ts'
import { joinAccounts } from '../joined-accounts.ts'
import type { PbxAccountInForce, PbxState } from '../pbx-driver.ts'

/** Which secret opens an extension in the running Asterisk; `digest` null: none that could be read. */
export interface Login {
  readonly digest: string | null
}

/** The id of the secret that nobody knows, which shuts an extension that must stay. */
export const shutId = 'shut'

/**
 * What is in force, from the manager interface alone: FreePBX's database says what will be after the next "Apply Config".
 * By extension, for every endpoint; an empty list takes calls from anybody.
 */
export async function readLogins(session: AmiSession, realm: string): Promise<ReadonlyMap<string, readonly Login[]>> {
  const [endpoints, auths] = await Promise.all([shownEndpoints(session), shownAuths(session)])
  const byName = new Map(auths.map((auth) => [field(auth, 'ObjectName'), auth]))
  return new Map(
    endpoints.map((endpoint) => {
      const names = field(endpoint, 'Auths').split(',').filter(Boolean)
      const logins = names.map((name) => ({ digest: digestOf(byName.get(name.trim()), realm) }))
      return [field(endpoint, 'ObjectName'), logins]
    }),
  )
}

/** FreePBX writes the password itself (`auth_type=userpass`); the digest of it is all that leaves this function. */
function digestOf(auth: AmiMessage | undefined, realm: string): string | null {
  if (!auth) return null
  const [username, password] = [field(auth, 'Username'), field(auth, 'Password')]
  if (password !== '') return digestHa1(username, field(auth, 'Realm') || realm, new Secret(password))
  const stored = /^(?:MD5:)?([0-9a-f]{32})$/i.exec(field(auth, 'PasswordDigest') || field(auth, 'Md5Cred'))
  return stored?.[1]?.toLowerCase() ?? null
}

export async function readFreepbx(
  session: AmiSession,
  book: ReadonlyMap<string, BookEntry>,
  realm: string,
): Promise<PbxState> {
  const [asterisk, logins, registrations, calls] = await Promise.all([
    readProduct(session),
    readLogins(session, realm),
    listRegistrations(session),
    listCalls(session),
  ])
  // One that we shut and left, or saw gone, is ours again only when it holds a secret that we know.
  const isOthers = (extension: string) => {
    const [entry, running] = [book.get(extension), logins.get(extension)]
    if (!running || (entry && (entry.credential !== null || entry.origin === 'being-made'))) return false
    return !running.some(({ digest }) => digest !== null && knownDigest(entry, digest))
  }
  const accounts = joinAccounts({ known: book.keys(), registrations, calls }, (extension) => ({
    credentials: isOthers(extension) ? [] : credentialsOf(book.get(extension), logins.get(extension) ?? []),
    policy: null,
  }))
    // What was shut or removed by hand and has no trace is not there.
    .filter((one) => one.credentials.length + one.registrations.length + one.calls.length > 0)
  const open = [...logins].filter(([name, { length }]) => length === 0 && /^[0-9]/.test(name))
  return {
    product: `FreePBX on ${asterisk}`,
    accounts,
    foreign: [...logins.keys()].filter((name) => parseExtension(name).ok && isOthers(name)).sort(),
    othersWaysIn: open.map(([extension]) => ({ extension, words: 'takes calls without a login' })),
  }
}

/** An older one counts as itself: noted is not yet done. A secret that was never noted was set by somebody else: shown as a credential of its own, which it is. */
function credentialsOf(entry: BookEntry | undefined, logins: readonly Login[]): PbxAccountInForce['credentials'] {
  if (!entry) return []
  const { credential } = entry
  return logins.flatMap(({ digest }) => {
    const noted = digest === null ? undefined : knownDigest(entry, digest)
    if (noted) return noted.id === shutId ? [] : [{ ...noted, digest }]
    // Being made: the secret is FreePBX's own, and nobody was told it.
    return credential ? [{ id: 'set-on-the-pbx', generation: 0, digest }] : []
  })
}
