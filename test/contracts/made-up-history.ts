/** What may happen in a company, made up of single deeds, and what then still works. */
import type { Subject } from '../../src/domain/access.ts'
import type { Tombstone } from '../../src/domain/tombstone.ts'
import { type Withdrawal, type WithdrawalKind, withdrawalOf } from '../../src/domain/withdrawal.ts'
import type { JournalRow } from '../../src/store/journal-rows.ts'
import type { Store, StoreWriter } from '../../src/store/store.ts'
import * as cast from './store-cast.ts'
import { at } from './store-cast.ts'

export async function openDoors(store: Store): Promise<readonly Subject[]> {
  const kinds = ['tunnel', 'certificate', 'sip-credential', 'phone-door'] as const
  const all: readonly Subject[] = (await Promise.all(kinds.map((kind) => store.subjects(kind)))).flat()
  return all.filter((door) => door.wanted === 'open')
}

/** One thing that happened, if it could; returns what it shut. */
export function doIt(
  store: Store,
  { what, who }: { what: string; who: number },
  minute: number,
): Promise<readonly JournalRow[]> {
  return store.transaction(async (tx) => {
    const person = await tx.get('employee', `e${who}`)
    if (what === 'onboard' && person === undefined) {
      await cast.onboard(tx, who)
      await invite(tx, who, minute)
    }
    if (person?.lifecycle !== 'active') return []
    if (what === 'offboard') {
      const [open] = await tx.find('invite', { employeeId: `e${who}`, closedAt: null })
      await tx.update('invite', open!.id, { closedAt: at(minute) })
      const links = await gone(tx, 'invite', open!.id, who, minute, 1)
      return [...links, ...(await cast.offboard(tx, who, minute))]
    }
    if (what === 'rotate') {
      const credential = await tx.get('sipCredential', `s${who}`)
      const generation = (credential?.generation ?? 0) + 1
      await tx.update('sipCredential', `s${who}`, { generation, secretSealed: `secret-${who}-${generation}` })
      return gone(tx, 'sip-secret', `s${who}`, who, minute, generation)
    }
    if (what === 'new links') {
      const handset = await tx.get('handset', `h${who}`)
      const doorGeneration = (handset?.doorGeneration ?? 0) + 1
      const links = { enrolTokenHash: `enrol-${who}-${minute}`, steadyTokenHash: `steady-${who}-${doorGeneration}` }
      await tx.update('handset', `h${who}`, { doorGeneration, ...links, enrolledAt: null })
      return gone(tx, 'door-links', `h${who}`, who, minute, doorGeneration)
    }
    if (what === 'enrol') {
      const handset = await tx.get('handset', `h${who}`)
      if (handset?.enrolledAt !== null) return []
      await tx.update('handset', `h${who}`, { enrolledAt: at(minute) })
      return gone(tx, 'enrolment-link', `h${who}`, who, minute, handset.doorGeneration)
    }
    if (what === 'new invite') {
      const [old] = await tx.find('invite', { employeeId: `e${who}`, closedAt: null })
      if (old) await tx.update('invite', old.id, { closedAt: at(minute) })
      await invite(tx, who, minute)
      for (const handset of await tx.find('handset', { employeeId: `e${who}`, enrolledAt: null }))
        await tx.update('handset', handset.id, { enrolTokenHash: `enrol-${who}-${minute}` })
      return old ? gone(tx, 'invite', old.id, who, minute, 1) : []
    }
    if (what === 'new token') {
      const [old] = await tx.find('apiToken', { label: `${who}`, revokedAt: null })
      if (old) await tx.update('apiToken', old.id, { revokedAt: at(minute) })
      const id = `token${who}-${minute}`
      const token = {
        id,
        label: `${who}`,
        role: 'admin',
        tokenHash: id,
        createdBy: 'Ada',
        createdAt: at(minute),
      } as const
      await tx.insert('apiToken', [{ ...token, lastUsedAt: null, revokedAt: null }])
      return old ? gone(tx, 'api-token', old.id, who, minute, 1) : []
    }
    if (what === 'new key') {
      const tunnel = await tx.get('tunnel', `t${who}`)
      const generation = (tunnel?.generation ?? 0) + 1
      await tx.update('tunnel', `t${who}`, { publicKey: `key-${who}-${generation}`, generation })
      const id = `t${who}#${generation}`
      const subject = {
        kind: 'tunnel',
        id,
        employeeId: `e${who}`,
        wanted: 'closed',
        generation,
        hubId: 'default',
        publicKeys: [],
        activeKey: null,
        retiredKeys: [tunnel?.publicKey],
        prefixes: [],
      }
      const retired: Tombstone = {
        id: `tunnel/${id}`,
        kind: 'tunnel',
        subjectId: id,
        employeeId: `e${who}`,
        closedAt: at(minute),
        generation,
        subject: JSON.stringify(subject),
      }
      await tx.put('tombstone', [retired])
      return [retired]
    }
    return []
  })
}

async function invite(tx: StoreWriter, who: number, minute: number): Promise<void> {
  const id = `i${who}-${minute}`
  const links = { createdAt: at(minute), expiresAt: at(999), closedAt: null }
  await tx.insert('invite', [{ id, employeeId: `e${who}`, tokenHash: id, ...links }])
}

async function gone(
  tx: StoreWriter,
  kind: WithdrawalKind,
  id: string,
  who: number,
  minute: number,
  generation: number,
): Promise<readonly Withdrawal[]> {
  const withdrawals = [withdrawalOf(kind, id, { employeeId: `e${who}`, at: at(minute), generation })]
  await tx.put('withdrawal', withdrawals)
  return withdrawals
}

/** Every token, link and secret that works, by a name that it never shares with an earlier one. */
export async function whatWorks(store: Store): Promise<string[]> {
  const handsets = await store.find('handset', { removedAt: null })
  return [
    ...(await store.find('apiToken', { revokedAt: null })).map((row) => row.tokenHash),
    ...(await store.find('invite', { closedAt: null })).map((row) => row.tokenHash),
    ...handsets.flatMap((row) => (row.enrolledAt === null ? (row.enrolTokenHash ?? []) : [])),
    ...handsets.flatMap((row) => row.steadyTokenHash ?? []),
    ...(await store.find('sipCredential', { closedAt: null })).flatMap((row) => row.secretSealed ?? []),
  ].sort()
}
