import type { Administrator, Passkey } from '../domain/administrator.ts'
import { AppError } from '../errors.ts'
import type { StoreReader, StoreWriter } from '../store/store.ts'
import { newId } from '../system.ts'
import { auditEvent, inPerson, type JourneyContext } from './context.ts'

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
