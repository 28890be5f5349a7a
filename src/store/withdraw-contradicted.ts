import type { Withdrawal } from '../domain/withdrawal.ts'
import type { StoreWriter } from './store.ts'

/**
 * Ends what an older copy of the database would let work again: tokens, links and secrets that were withdrawn since.
 * A link that replaced a withdrawn one is not known to the copy, and a secret cannot be made here, where nothing can be
 * sealed: both are left out, so that nothing works rather than the wrong thing. Returns how many rows it changed.
 */
export async function withdrawContradicted(tx: StoreWriter, withdrawals: readonly Withdrawal[]): Promise<number> {
  let changed = 0
  // Links first: whether an enrolment link was used up is asked of the generation that is left.
  for (const kind of order) {
    const live = await tables[kind](tx)
    for (const withdrawal of withdrawals) {
      if (withdrawal.kind === kind && (await live(withdrawal))) changed += 1
    }
  }
  return changed
}

/** All but `moment`: what an older state of the database means as a whole is replay's to say. */
const order = ['api-token', 'invite', 'door-links', 'enrolment-link', 'sip-secret', 'passkey'] as const

type End = (withdrawal: Withdrawal) => Promise<boolean>

const tables: Readonly<Record<(typeof order)[number], (tx: StoreWriter) => Promise<End>>> = {
  async 'api-token'(tx) {
    const live = byId(await tx.find('apiToken', { revokedAt: null }))
    return async ({ subjectId: id, at }) => {
      if (!live.has(id)) return false
      await tx.update('apiToken', id, { revokedAt: at })
      return true
    }
  },

  async invite(tx) {
    const live = byId(await tx.find('invite', { closedAt: null }))
    return async ({ subjectId: id, at }) => {
      const invite = live.get(id)
      if (invite === undefined) return false
      await tx.update('invite', id, { closedAt: at })
      // A person has one invite at a time: what waits to be enrolled waits for links that were derived from this one.
      const { employeeId } = invite
      for (const handset of await tx.find('handset', { employeeId, removedAt: null, enrolledAt: null }))
        await tx.update('handset', handset.id, {
          enrolTokenHash: null,
          enrolExpiresAt: null,
          // A phone in use has its own link still; the one that it was to take came by this invite.
          ...(handset.formerTokenHash === null ? {} : { steadyTokenHash: null }),
        })
      return true
    }
  },

  async 'door-links'(tx) {
    const live = byId(await tx.find('handset', { removedAt: null }))
    const gateways = byId(await tx.find('gateway', { removedAt: null }))
    return async ({ subjectId: id, generation }) => {
      const gateway = gateways.get(id)
      if (gateway !== undefined && gateway.doorGeneration < generation) {
        await tx.update('gateway', id, { doorGeneration: generation, doorTokenHash: null, keyTokenHash: null })
        return true
      }
      const handset = live.get(id)
      if (handset === undefined || handset.doorGeneration >= generation) return false
      const links = { enrolTokenHash: null, steadyTokenHash: null, formerTokenHash: null }
      const none = { ...links, enrolExpiresAt: null, enrolledAt: null }
      await tx.update('handset', id, { doorGeneration: generation, ...none })
      return true
    }
  },

  async 'enrolment-link'(tx) {
    const live = byId(await tx.find('handset', { removedAt: null, enrolledAt: null }))
    const gateways = byId(await tx.find('gateway', { removedAt: null }))
    return async ({ subjectId: id, generation, at }) => {
      const gateway = gateways.get(id)
      if (gateway !== undefined) {
        if (gateway.doorGeneration > generation) return false
        const tunnels = await tx.find('tunnel', { carrierId: id, closedAt: null })
        const waiting = tunnels.filter(({ keyWindowEndsAt }) => keyWindowEndsAt !== null)
        for (const tunnel of waiting) await tx.update('tunnel', tunnel.id, { keyWindowEndsAt: null })
        return waiting.length > 0
      }
      const handset = live.get(id)
      if (handset === undefined || handset.doorGeneration > generation) return false
      await tx.update('handset', id, { enrolledAt: at })
      return true
    }
  },

  async 'sip-secret'(tx) {
    const live = byId(await tx.find('sipCredential', { closedAt: null }))
    return async ({ subjectId: id, generation }) => {
      const credential = live.get(id)
      if (credential === undefined || credential.generation >= generation) return false
      await tx.update('sipCredential', id, { generation, secretSealed: null })
      return true
    }
  },

  async passkey(tx) {
    const live = byId(await tx.find('passkey', { removedAt: null }))
    return async ({ subjectId: id, at }) => {
      if (!live.has(id)) return false
      await tx.update('passkey', id, { removedAt: at })
      return true
    }
  },
}

function byId<T extends { readonly id: string }>(rows: readonly T[]): ReadonlyMap<string, T> {
  return new Map(rows.map((row) => [row.id, row]))
}
