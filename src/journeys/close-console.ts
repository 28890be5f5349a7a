/** Shuts, in the caller's transaction, an administrator's every way into the console; for leavers and by an owner's hand. */

import { type AdministratorSubject, closed } from '../domain/access.ts'
import type { Administrator } from '../domain/administrator.ts'
import { type Actor, type ApiToken, mayDo } from '../domain/token.ts'
import { tombstoneOf } from '../domain/tombstone.ts'
import { type Withdrawal, withdrawalOf } from '../domain/withdrawal.ts'
import type { StoreWriter } from '../store/store.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { spendFirstOwnerLinks } from './owners.ts'
import { withdraw } from './withdraw.ts'

interface Closing {
  readonly email: string
  /** Whose offboarding it is; null when an owner disables somebody who stays. */
  readonly employeeId: string | null
  readonly at: string
  readonly actor: Actor
}

export interface ClosedConsole {
  /** For the lane, which looks whether it is so. */
  readonly shut: readonly AdministratorSubject[]
  readonly withdrawn: readonly Withdrawal[]
}

export async function closeConsole(
  context: Pick<JourneyContext, 'system'>,
  tx: StoreWriter,
  { email, employeeId, at, actor }: Closing,
): Promise<ClosedConsole> {
  const shut: AdministratorSubject[] = []
  const withdrawn: Withdrawal[] = []
  for (const administrator of await tx.find('administrator', { email: email.toLowerCase(), disabledAt: null })) {
    const tokens = tokensOf(administrator, await tx.find('apiToken', {}))
    const ended = await tx.shutAdministrator(administrator.id, at)
    if (mayDo(administrator.role, 'administer')) await spendFirstOwnerLinks(tx, at)
    for (const { id } of tokens) await tx.update('apiToken', id, { revokedAt: at })
    withdrawn.push(
      ...(await withdraw(
        tx,
        tokens.map(({ id }) => withdrawalOf('api-token', id, { employeeId, at })),
      )),
    )
    const subject = closed<AdministratorSubject>(
      {
        kind: 'administrator',
        id: administrator.id,
        employeeId,
        wanted: 'open',
        generation: openGeneration,
        tokenIds: tokens.map(({ id }) => id),
      },
      at,
    )
    await tx.put('tombstone', [tombstoneOf(subject, at)])
    await tx.record(
      auditEvent(
        context,
        'administrator.disabled',
        { employeeId, subjectId: administrator.id, actor },
        { role: administrator.role, ...ended, tokens: tokens.length },
      ),
    )
    shut.push(subject)
  }
  return { shut, withdrawn }
}

/** A disabled administrator never comes back under this id: whoever is invited again is a new one. */
const openGeneration = 1

/** The live ones that they made, and those made with one of theirs (revoked or not), which are told apart by label. */
function tokensOf({ email }: Administrator, all: readonly ApiToken[]): readonly ApiToken[] {
  const theirs = new Set<ApiToken>()
  let makers = new Set([email])
  while (makers.size > 0) {
    const found = all.filter((token) => makers.has(token.createdBy) && !theirs.has(token))
    for (const token of found) theirs.add(token)
    makers = new Set(found.map(({ label }) => `token ${label}`))
  }
  return [...theirs].filter(({ revokedAt }) => revokedAt === null)
}
