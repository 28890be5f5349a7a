import type { Administrator, Passkey } from '../domain/administrator.ts'
import { type Withdrawal, withdrawalOf } from '../domain/withdrawal.ts'
import { AppError } from '../errors.ts'
import type { StoreReader, StoreWriter } from '../store/store.ts'
import { newId } from '../system.ts'
import { auditEvent, inPerson, type JourneyContext } from './context.ts'
import { withdraw } from './withdraw.ts'

export function passkeysOf(store: Pick<StoreReader, 'find'>, administratorId: string): Promise<readonly Passkey[]> {
  return store.find('passkey', { administratorId, removedAt: null })
}

export async function addPasskeyRow(
  context: Pick<JourneyContext, 'system'>,
  tx: StoreWriter,
  administrator: Administrator,
  label: string,
  proved: Pick<Passkey, 'credentialId' | 'publicKey' | 'counter'>,
): Promise<void> {
  const id = newId(context.system)
  const name = label.trim().slice(0, 60) || 'passkey'
  if (/\p{C}/u.test(name)) throw new AppError('INVALID_INPUT', 'the name of the passkey holds a control character')
  await tx.insert('passkey', [
    {
      id,
      administratorId: administrator.id,
      ...proved,
      label: name,
      createdAt: context.system.now().toISOString(),
      lastUsedAt: null,
      removedAt: null,
    },
  ])
  await tx.record(
    auditEvent(
      context,
      'passkey.added',
      { subjectId: administrator.id, actor: inPerson(administrator) },
      { label: name },
    ),
  )
}

/** Of somebody who stays. What it returns goes into the journal: an older copy of the database must not take them again. */
export async function removePasskeyRows(
  tx: StoreWriter,
  ids: readonly string[],
  at: string,
): Promise<readonly Withdrawal[]> {
  for (const id of ids) await tx.update('passkey', id, { removedAt: at })
  return withdraw(
    tx,
    ids.map((id) => withdrawalOf('passkey', id, { employeeId: null, at })),
  )
}
