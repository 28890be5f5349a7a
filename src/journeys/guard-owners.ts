/** Offboarding also shuts the way into the console: whoever may not manage owners must not be rid of them that way. */
import { type Actor, mayDo, type Role } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import type { StoreReader } from '../store/store.ts'
import { factsOf } from './event-facts.ts'
import { usableOwners } from './owners.ts'

type Reader = Pick<StoreReader, 'find' | 'auditTrail'>
export type Asker = Pick<Actor, 'role' | 'via'>

/**
 * Anybody can be onboarded under any address, so the address alone decides whose console account goes. Over the local
 * socket it is always done: who can open that makes the next owner there.
 * @throws FORBIDDEN for an owner's address by somebody who may not manage owners, CONFLICT for the last one
 */
export async function guardOwners(store: Reader, email: string, { role, via }: Asker): Promise<void> {
  if (via === 'local-socket') return
  const administrators = await store.find('administrator', { email: email.toLowerCase(), disabledAt: null })
  const owners = administrators.filter((each) => mayDo(each.role, 'administer'))
  if (owners.length === 0) return
  if (!mayDo(role, 'administer'))
    throw new AppError('FORBIDDEN', 'this address belongs to an owner of the console', {
      hint: 'ask an owner to do it, or type it on the server',
    })
  const usable = await usableOwners(store)
  const ids = new Set(owners.map(({ id }) => id))
  if (usable.some(({ id }) => ids.has(id)) && usable.every(({ id }) => ids.has(id)))
    throw new AppError('CONFLICT', 'this address belongs to the last owner of the console', {
      hint: 'make another owner first, who has signed in once, or type it on the server',
    })
}

/** What whoever set a leaving date may do today: roles change, and are taken away, before its time comes. */
export async function askerOf(
  store: Reader,
  { id, employeeId, askedBy }: { readonly id: string; readonly employeeId: string; readonly askedBy: string },
): Promise<Asker> {
  const trail = await store.auditTrail({ employeeId, limit: 1_000 })
  const set = trail.find(({ kind, subjectId }) => kind === 'leaving.set' && subjectId === id)
  // A name that is claimed over the socket may be an owner's address; how it came is what was recorded.
  const { via } = factsOf(set?.detail ?? null)
  if (via === 'local-socket') return { role: 'owner', via }
  return { role: (await roleOf(store, askedBy, via)) ?? 'auditor', via: 'system' }
}

async function roleOf(store: Reader, name: string, via: unknown): Promise<Role | undefined> {
  if (via === 'session') return (await store.find('administrator', { email: name, disabledAt: null }))[0]?.role
  const tokens = await store.find('apiToken', { revokedAt: null })
  const theirs = tokens.filter(({ label }) => `token ${label}` === name)
  // Labels need not be unique: of several, the one that may least.
  return (theirs.find(({ role }) => !mayDo(role, 'administer')) ?? theirs[0])?.role
}
