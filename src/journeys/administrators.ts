/** Who may sign in to the console: invited, brought back, given another role, disabled. */
import { type Administrator, needsSecondFactor, newAdministrator } from '../domain/administrator.ts'
import { parseEmail, parseName } from '../domain/employee.ts'
import { noting, type Problem } from '../domain/parse.ts'
import { Secret } from '../domain/secret.ts'
import { type Actor, type Role, roles } from '../domain/token.ts'
import { tombstoneOf } from '../domain/tombstone.ts'
import { AppError } from '../errors.ts'
import type { StoreReader, StoreWriter } from '../store/store.ts'
import { newId } from '../system.ts'
import { closeConsole } from './close-console.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { demandLocalWays } from './local-ways.ts'
import { usableOwners } from './owners.ts'
import { invalid } from './refusal.ts'
import { endSessions } from './sessions.ts'
import { makeLink } from './set-up.ts'
import type { AdministratorDeeds, AdministratorLink, AdministratorView } from './sign-in-view.ts'
import { appendToJournal } from './withdraw.ts'

type AdministratorContext = Pick<JourneyContext, 'store' | 'system' | 'config' | 'loop' | 'journal' | 'log' | 'signIn'>

export function administratorDeeds(context: AdministratorContext): AdministratorDeeds {
  const { store } = context
  return {
    async list() {
      const rows = await store.find('administrator', {})
      return Promise.all(rows.map((row) => view(store, row)))
    },
    invite: (input, actor) => invite(context, input, actor),
    recover: (who, actor) =>
      linked(context, async (tx) => {
        const administrator = await present(tx, who)
        demandLocalWays(context, administrator)
        await tx.record(auditEvent(context, 'administrator.recovery', { subjectId: administrator.id, actor }))
        return {
          administrator,
          ...(await makeLink(context, tx, { purpose: 'recovery', administratorId: administrator.id })),
        }
      }),
    async setRole(who, role, actor) {
      const changed = await store.transaction(async (tx) => {
        const administrator = await present(tx, who)
        if (administrator.role === knownRole(role)) return administrator
        await keepAnOwner(tx, administrator)
        await tx.update('administrator', administrator.id, { role })
        // They came in with less than the new role asks for.
        if (needsSecondFactor(role) && !needsSecondFactor(administrator.role))
          await endSessions(tx, administrator.id, context.system.now().toISOString())
        const detail = { from: administrator.role, to: role }
        await tx.record(
          auditEvent(context, 'administrator.role-changed', { subjectId: administrator.id, actor }, detail),
        )
        return { ...administrator, role }
      })
      return view(store, changed)
    },
    disable: (who, actor) => disable(context, who, actor),
  }
}

async function invite(
  context: AdministratorContext,
  given: { name: string; email: string; role: Role },
  actor: Actor,
): Promise<AdministratorLink> {
  const problems: Problem[] = []
  const take = noting(problems)
  const [name, email] = [take(parseName(given.name)), take(parseEmail(given.email))]
  if (name === null || email === null) throw invalid(problems)
  const role = knownRole(given.role)
  return linked(context, async (tx) => {
    if ((await tx.find('administrator', { email, disabledAt: null })).length > 0)
      throw new AppError('CONFLICT', `${email} is an administrator already`, {
        hint: 'give them a recovery link, or another role',
      })
    const administrator = newAdministrator({
      id: newId(context.system),
      name,
      email,
      role,
      createdAt: context.system.now().toISOString(),
      createdBy: actor.name,
    })
    await tx.insert('administrator', [administrator])
    await tx.record(
      auditEvent(context, 'administrator.invited', { subjectId: administrator.id, actor }, { role, name }),
    )
    return { administrator, ...(await makeLink(context, tx, { purpose: 'new', administratorId: administrator.id })) }
  })
}

/** The same transaction as for a leaver who is an administrator; here the employee, if there is one, stays. */
async function disable(context: AdministratorContext, who: string, actor: Actor): Promise<AdministratorView> {
  const at = context.system.now().toISOString()
  const { id, shut, withdrawn } = await context.store.transaction(async (tx) => {
    const administrator = await present(tx, who)
    await keepAnOwner(tx, administrator)
    const closing = { email: administrator.email, employeeId: null, at, actor }
    return { id: administrator.id, ...(await closeConsole(context, tx, closing)) }
  })
  context.loop.close(shut)
  await appendToJournal(context, [...shut.map((subject) => tombstoneOf(subject, at)), ...withdrawn])
  return view(context.store, (await context.store.get('administrator', id))!)
}

async function linked(
  context: AdministratorContext,
  deed: (tx: StoreWriter) => Promise<{ administrator: Administrator; token: string; expiresAt: string }>,
): Promise<AdministratorLink> {
  const { administrator, token, expiresAt } = await context.store.transaction(deed)
  return {
    administrator: await view(context.store, administrator),
    link: new Secret(`${context.config.console.url}/setup/${token}`),
    expiresAt,
  }
}

/** By id or e-mail address, and not disabled. @throws NOT_FOUND */
async function present(tx: Pick<StoreReader, 'get' | 'find'>, who: string): Promise<Administrator> {
  const email = who.trim().toLowerCase()
  const found = (await tx.get('administrator', who)) ?? (await tx.find('administrator', { email, disabledAt: null }))[0]
  if (found && found.disabledAt === null) return found
  throw new AppError('NOT_FOUND', `no administrator is ${JSON.stringify(who.slice(0, 80))}`, {
    hint: '`ringfence admin list` shows them all',
  })
}

/** @throws CONFLICT when nobody would be left who can manage the others */
async function keepAnOwner(tx: StoreWriter, { id, role }: Administrator): Promise<void> {
  if (role !== 'owner') return
  const owners = await usableOwners(tx)
  if (owners.some((owner) => owner.id !== id)) return
  throw new AppError('CONFLICT', 'this is the last owner', { hint: 'make another owner first, who has signed in once' })
}

function knownRole(role: Role): Role {
  if (roles.includes(role)) return role
  throw new AppError('INVALID_INPUT', `${JSON.stringify(role)} is not a role`, { hint: `one of ${roles.join(', ')}` })
}

async function view(store: StoreReader, row: Administrator): Promise<AdministratorView> {
  const { id, name, email, role, createdAt, createdBy, disabledAt } = row
  const passkeys = await store.find('passkey', { administratorId: id, removedAt: null })
  const sessions = await store.find('session', { administratorId: id })
  const ways = [
    row.passwordHash !== null && 'password',
    row.totpConfirmedAt !== null && 'authenticator app',
    passkeys.length > 0 && 'passkey',
    row.oidcIdentity !== null && disabledAt === null && 'single sign-on',
  ].filter((way) => way !== false)
  const seen = sessions.map(({ lastSeenAt }) => lastSeenAt).sort()
  return { id, name, email, role, createdAt, createdBy, disabledAt, ways, lastSeenAt: seen.at(-1) ?? null }
}
