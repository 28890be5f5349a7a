import type { Administrator } from '../domain/administrator.ts'
import type { StoreReader, StoreWriter } from '../store/store.ts'
import { passkeysOf } from './own-passkeys.ts'

/** Owners who have a way to sign in: an invitation that nobody took up yet keeps no installation manageable. */
export async function usableOwners(store: Pick<StoreReader, 'find'>): Promise<readonly Administrator[]> {
  const usable: Administrator[] = []
  for (const owner of await store.find('administrator', { role: 'owner', disabledAt: null })) {
    const { passwordHash, oidcIdentity, id } = owner
    if (passwordHash !== null || oidcIdentity !== null || (await passkeysOf(store, id)).length > 0) usable.push(owner)
  }
  return usable
}

/** Once there was an owner, a link that an earlier start printed makes nobody owner, also not after that owner is gone. */
export async function spendFirstOwnerLinks(tx: Pick<StoreWriter, 'find' | 'update'>, at: string): Promise<void> {
  for (const { id } of await tx.find('setupLink', { purpose: 'first-owner', usedAt: null }))
    await tx.update('setupLink', id, { usedAt: at })
}
