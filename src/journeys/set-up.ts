/** One-time links: for the first owner, for somebody who was invited, and to come back in. */
import {
  type Administrator,
  needsSecondFactor,
  newAdministrator,
  type Passkey,
  type SetupLink,
  setupLinkHours,
} from '../domain/administrator.ts'
import { parseEmail, parseName } from '../domain/employee.ts'
import { looksLikeToken, tokenHash } from '../domain/invite.ts'
import { noting, type Problem } from '../domain/parse.ts'
import { Secret } from '../domain/secret.ts'
import { mayDo } from '../domain/token.ts'
import type { Withdrawal } from '../domain/withdrawal.ts'
import type { StoreWriter } from '../store/store.ts'
import { newId } from '../system.ts'
import { auditEvent, inPerson, type JourneyContext } from './context.ts'
import { type Guesses, inTurn } from './guesses.ts'
import { mayUseLocalWays } from './local-ways.ts'
import { openSession, type SignInContext } from './open-session.ts'
import { addPasskeyRow, passkeysOf, removePasskeyRows } from './own-passkeys.ts'
import { spendFirstOwnerLinks, usableOwners } from './owners.ts'
import { invalid } from './refusal.ts'
import type { SetupInput, SetupView, SignedIn, SignInDeeds, Visitor } from './sign-in-view.ts'
import { appendToJournal } from './withdraw.ts'

export function setUpDeeds(
  context: SignInContext,
  guesses: Guesses,
): Pick<SignInDeeds, 'setup' | 'setupWithPassword' | 'setupWithPasskey'> {
  const { passwords, passkeys } = context.signIn
  return {
    setup: (token) => view(context, token),
    async setupWithPassword(token, input, password, visitor) {
      const link = await openLink(context, context.store, token)
      if (link === null) return null
      const { name, email } = await person(context.store, link, input)
      const weakness = await passwords.weakness(password, [name, email, 'ringfence'])
      if (weakness !== null) throw invalid([weakness])
      const passwordHash = await inTurn(guesses, visitor, () => passwords.hash(password))
      return comeIn(context, { token, input, way: { passwordHash }, visitor })
    },
    async setupWithPasskey(token, input, answer, visitor) {
      if ((await openLink(context, context.store, token)) === null) return null
      const passkey = await passkeys.created(answer, context.system.now())
      if (passkey === null) throw invalid([{ message: 'the passkey could not be checked', hint: 'try it again' }])
      return comeIn(context, { token, input, way: { passkey }, visitor })
    },
  }
}

/** In the caller's transaction: a link in place of older ones for the same person. Only its hash is stored. */
export async function makeLink(
  { system }: Pick<JourneyContext, 'system'>,
  tx: StoreWriter,
  { purpose, administratorId }: Pick<SetupLink, 'purpose' | 'administratorId'>,
): Promise<{ readonly token: string; readonly expiresAt: string }> {
  const now = system.now()
  const token = system.randomBytes(32).toString('base64url')
  const expiresAt = new Date(now.getTime() + setupLinkHours * 3_600_000).toISOString()
  for (const { id } of await tx.find('setupLink', { administratorId, usedAt: null }))
    await tx.update('setupLink', id, { usedAt: now.toISOString() })
  await tx.insert('setupLink', [
    {
      id: newId(system),
      tokenHash: tokenHash(token),
      purpose,
      administratorId,
      createdAt: now.toISOString(),
      expiresAt,
      usedAt: null,
    },
  ])
  return { token, expiresAt }
}

/** For the banner: a new one at each start while nobody could sign in as owner; else null. */
export async function firstOwnerLink(context: Pick<JourneyContext, 'store' | 'system'>): Promise<Secret | null> {
  return context.store.transaction(async (tx) => {
    if ((await usableOwners(tx)).length > 0) {
      await spendFirstOwnerLinks(tx, context.system.now().toISOString())
      return null
    }
    return new Secret((await makeLink(context, tx, { purpose: 'first-owner', administratorId: null })).token)
  })
}

async function view(context: SignInContext, token: string): Promise<SetupView | null> {
  const link = await openLink(context, context.store, token)
  if (link === null) return null
  const { passkeys } = context.signIn
  const administrator =
    link.administratorId === null ? undefined : await context.store.get('administrator', link.administratorId)
  const { id, name, email } = administrator ?? { id: link.id, name: 'Owner', email: 'owner' }
  return {
    purpose: link.purpose,
    email: administrator?.email ?? null,
    name: administrator?.name ?? null,
    role: administrator?.role ?? 'owner',
    expiresAt: link.expiresAt,
    passkeyCreation: await passkeys.creation({ id, name, email }, [], context.system.now()),
    passkeyHost: passkeys.host,
    consoleUrl: context.config.console.url,
  }
}

/** Null for used, run out, unknown, and for what belongs to somebody who was disabled or comes by the provider alone. */
async function openLink(
  context: Pick<SignInContext, 'system' | 'signIn'>,
  store: Pick<StoreWriter, 'find' | 'get'>,
  token: string,
): Promise<SetupLink | null> {
  if (!looksLikeToken(token)) return null
  const [link] = await store.find('setupLink', { tokenHash: tokenHash(token), usedAt: null })
  if (!link || !(Date.parse(link.expiresAt) > context.system.now().getTime())) return null
  if (link.administratorId === null) return (await usableOwners(store)).length === 0 ? link : null
  const administrator = await store.get('administrator', link.administratorId)
  if (!administrator || administrator.disabledAt !== null) return null
  return mayUseLocalWays(context, administrator) ? link : null
}

/** @throws INVALID_INPUT for the first owner's e-mail address or name */
async function person(
  store: Pick<StoreWriter, 'get'>,
  { administratorId }: SetupLink,
  input: SetupInput,
): Promise<SetupInput> {
  if (administratorId !== null) return (await store.get('administrator', administratorId))!
  const problems: Problem[] = []
  const take = noting(problems)
  const [email, name] = [take(parseEmail(input.email)), take(parseName(input.name))]
  if (email === null || name === null) throw invalid(problems)
  return { email, name }
}

type Way =
  | { readonly passwordHash: string }
  | { readonly passkey: Pick<Passkey, 'credentialId' | 'publicKey' | 'counter'> }

async function comeIn(
  context: SignInContext,
  { token, input, way, visitor }: { token: string; input: SetupInput; way: Way; visitor: Visitor },
): Promise<SignedIn | null> {
  const done = await context.store.transaction(async (tx) => {
    const used = await useLink(context, tx, token, input, way)
    if (used === null) return null
    const { administrator, withdrawn } = used
    // Whoever needs more than a password goes on to it at once.
    const level = 'passwordHash' in way && needsSecondFactor(administrator.role) ? 'password' : 'full'
    const session = { level, how: 'set-up link', visitor, instead: null } as const
    return { withdrawn, signedIn: await openSession(context, tx, administrator, session) }
  })
  if (done === null) return null
  await appendToJournal(context, done.withdrawn)
  return done.signedIn
}

/** A link of recovery starts the account anew: what was there before is gone with its use, wherever it lies now. */
async function useLink(
  context: SignInContext,
  tx: StoreWriter,
  token: string,
  input: SetupInput,
  way: Way,
): Promise<{ readonly administrator: Administrator; readonly withdrawn: readonly Withdrawal[] } | null> {
  const link = await openLink(context, tx, token)
  if (link === null) return null
  const at = context.system.now().toISOString()
  await tx.update('setupLink', link.id, { usedAt: at })
  const passwordHash = 'passwordHash' in way ? way.passwordHash : null
  const administrator =
    link.administratorId === null
      ? await makeOwner(context, tx, link, await person(tx, link, input))
      : (await tx.get('administrator', link.administratorId))!
  if (mayDo(administrator.role, 'administer')) await spendFirstOwnerLinks(tx, at)
  // Shut like one who leaves, the other links of this person too, then opened for the new way alone.
  const passkeys = (await passkeysOf(tx, administrator.id)).map(({ id }) => id)
  const withdrawn = await removePasskeyRows(tx, passkeys, at)
  await tx.shutAdministrator(administrator.id, at)
  const fresh = { passwordHash, totpSealed: null, totpConfirmedAt: null, totpLastStep: 0, disabledAt: null }
  await tx.update('administrator', administrator.id, fresh)
  if ('passkey' in way) await addPasskeyRow(context, tx, administrator, 'first passkey', way.passkey)
  const detail = { purpose: link.purpose, way: passwordHash === null ? 'passkey' : 'password' }
  const who = { subjectId: administrator.id, actor: inPerson(administrator) }
  await tx.record(auditEvent(context, 'administrator.set-up', who, detail))
  return { administrator: { ...administrator, ...fresh }, withdrawn }
}

async function makeOwner(
  context: SignInContext,
  tx: StoreWriter,
  link: SetupLink,
  { name, email }: SetupInput,
): Promise<Administrator> {
  // Somebody who was invited as this address and never came is overtaken by the owner.
  const [waiting] = await tx.find('administrator', { email, disabledAt: null })
  if (waiting) {
    await tx.update('administrator', waiting.id, { name, role: 'owner' })
    return { ...waiting, name, role: 'owner' }
  }
  const owner = newAdministrator({
    // The link's own id: the browser was told it before anybody was made.
    id: link.id,
    name,
    email,
    role: 'owner',
    createdAt: context.system.now().toISOString(),
    createdBy: 'set-up link',
  })
  await tx.insert('administrator', [owner])
  return owner
}
