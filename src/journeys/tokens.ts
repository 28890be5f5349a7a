import { tokenHash } from '../domain/invite.ts'
import { Secret } from '../domain/secret.ts'
import { type Actor, type ApiToken, type Role, roles } from '../domain/token.ts'
import { withdrawalOf } from '../domain/withdrawal.ts'
import { AppError } from '../errors.ts'
import { newId } from '../system.ts'
import type { TokenView } from './application.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { appendToJournal, withdraw } from './withdraw.ts'

type TokenContext = Pick<JourneyContext, 'store' | 'system'>

/** The prefix lets secret scanners and people recognise it. */
const prefix = 'rf_'

export async function createToken(
  context: TokenContext,
  label: string,
  role: Role,
  actor: Actor,
): Promise<{ view: TokenView; token: Secret }> {
  const name = label.trim()
  if (name === '' || name.length > 80 || /\p{Cc}/u.test(name))
    throw new AppError('INVALID_INPUT', 'the token needs a label of 1 to 80 characters', {
      hint: 'say what will use it, such as "HR script"',
    })
  if (!roles.includes(role))
    throw new AppError('INVALID_INPUT', `${JSON.stringify(role)} is not a role`, { hint: `one of ${roles.join(', ')}` })
  const token = `${prefix}${context.system.randomBytes(32).toString('base64url')}`
  const row: ApiToken = {
    id: newId(context.system),
    label: name,
    role,
    tokenHash: tokenHash(token),
    createdAt: context.system.now().toISOString(),
    createdBy: actor.name,
    lastUsedAt: null,
    revokedAt: null,
  }
  await context.store.transaction(async (tx) => {
    await tx.insert('apiToken', [row])
    await tx.record(auditEvent(context, 'token.created', { subjectId: row.id, actor }, { label: name, role }))
  })
  return { view: tokenView(row), token: new Secret(token) }
}

export async function listTokens({ store }: TokenContext): Promise<readonly TokenView[]> {
  return (await store.find('apiToken', {})).map(tokenView)
}

export async function revokeToken(
  context: TokenContext & Pick<JourneyContext, 'journal' | 'log'>,
  id: string,
  actor: Actor,
): Promise<TokenView> {
  const { view, withdrawn } = await context.store.transaction(async (tx) => {
    const row = await tx.get('apiToken', id)
    if (!row) throw new AppError('NOT_FOUND', 'there is no such token')
    if (row.revokedAt !== null) return { view: tokenView(row), withdrawn: [] }
    const revokedAt = context.system.now().toISOString()
    await tx.update('apiToken', id, { revokedAt })
    const withdrawn = await withdraw(tx, [withdrawalOf('api-token', id, { employeeId: null, at: revokedAt })])
    await tx.record(auditEvent(context, 'token.revoked', { subjectId: id, actor }, { label: row.label }))
    return { view: tokenView({ ...row, revokedAt }), withdrawn }
  })
  await appendToJournal(context, withdrawn)
  return view
}

/** A use is noted at most once an hour: a busy script must not cost a write each time. */
const useNotedMs = 3_600_000

export async function authenticate({ store, system }: TokenContext, token: string): Promise<Actor | null> {
  const row = (await store.find('apiToken', { tokenHash: tokenHash(token) }))[0]
  if (!row || row.revokedAt !== null) return null
  const now = system.now()
  if (row.lastUsedAt === null || now.getTime() - Date.parse(row.lastUsedAt) > useNotedMs) {
    await store.transaction((tx) => tx.update('apiToken', row.id, { lastUsedAt: now.toISOString() }))
  }
  return { name: `token ${row.label}`, role: row.role, via: 'token' }
}

function tokenView({ id, label, role, createdAt, createdBy, lastUsedAt, revokedAt }: ApiToken): TokenView {
  return { id, label, role, createdAt, createdBy, lastUsedAt, revokedAt }
}
