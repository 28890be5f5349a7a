/** What the hub's regular listing means for tunnels: first handshakes, replaced keys, keys that are not needed any more. */
import type { Tunnel } from '../domain/tunnel.ts'
import { type Withdrawal, withdrawalOf } from '../domain/withdrawal.ts'
import type { StoreWriter } from '../store/store.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import { shutNow } from './offboard.ts'
import { retireKey } from './renew-invite.ts'
import { appendToJournal, withdraw } from './withdraw.ts'

/** A stored handshake time this much older than the live one is worth a write. */
const staleMs = 10 * 60_000

/** @param handshakes last handshake by public key, of one complete listing */
export async function watchTunnels(context: JourneyContext, handshakes: ReadonlyMap<string, string>): Promise<void> {
  const live = await context.store.find('tunnel', { closedAt: null })
  const now = context.system.now()
  const due = live.filter((tunnel) => isDue(tunnel, handshakes, now))
  for (const { id } of due) await settle(context, id, handshakes)
}

function isDue(tunnel: Tunnel, handshakes: ReadonlyMap<string, string>, now: Date): boolean {
  if (tunnel.nextPublicKey !== null && handshakes.has(tunnel.nextPublicKey)) return true
  if (tunnel.keyWindowEndsAt !== null && Date.parse(tunnel.keyWindowEndsAt) <= now.getTime()) return true
  const seen = tunnel.publicKey === null ? undefined : handshakes.get(tunnel.publicKey)
  if (seen === undefined) return false
  return (
    tunnel.firstHandshakeAt === null ||
    tunnel.lastHandshakeAt === null ||
    Date.parse(seen) - Date.parse(tunnel.lastHandshakeAt) > staleMs
  )
}

async function settle(context: JourneyContext, id: string, handshakes: ReadonlyMap<string, string>): Promise<void> {
  const at = context.system.now().toISOString()
  const outcome = await context.store.transaction(async (tx) => {
    const tunnel = await tx.get('tunnel', id)
    if (!tunnel || tunnel.closedAt !== null) return null
    const carrier = await tx.get(tunnel.carrierKind, tunnel.carrierId)
    const employeeId = carrier?.employeeId ?? null
    const record = (kind: 'tunnel.first-handshake' | 'tunnel.key-erased' | 'tunnel.key-replaced') =>
      tx.record(auditEvent(context, kind, { employeeId, subjectId: id, actor: itself }))

    /** Nobody waits for another key, and we hold none. */
    const settled: Tunnel = {
      ...tunnel,
      nextPublicKey: null,
      privateKeySealed: null,
      keyWindowEndsAt: null,
      generation: tunnel.generation + 1,
    }
    const replacement = tunnel.nextPublicKey !== null && handshakes.has(tunnel.nextPublicKey)
    if (replacement) {
      // The new key has spoken: it takes the addresses over, the old one and our copy of the private key go.
      const lastHandshakeAt = handshakes.get(tunnel.nextPublicKey!)!
      const changed: Tunnel = { ...settled, publicKey: tunnel.nextPublicKey, lastHandshakeAt }
      await tx.update('tunnel', id, changed)
      await record('tunnel.key-replaced')
      const retired = tunnel.publicKey === null ? [] : await retireKey(tx, changed, employeeId, tunnel.publicKey, at)
      return { employeeId, retired, withdrawn: await keyLinkUsedUp(tx, changed, employeeId, at), keysChanged: true }
    }
    const seen = tunnel.publicKey === null ? undefined : handshakes.get(tunnel.publicKey)
    const windowOver = tunnel.keyWindowEndsAt !== null && tunnel.keyWindowEndsAt <= at
    // While a replacement waits, the sealed key is the replacement's: only its own handshake or window erases it.
    const spoken = seen !== undefined && tunnel.nextPublicKey === null
    const erase = tunnel.privateKeySealed !== null && (windowOver || spoken)
    // Whoever made a key that has spoken tells no other one until the person gets a new link.
    const first = seen !== undefined && tunnel.firstHandshakeAt === null
    const told = tunnel.keyOrigin !== 'server' && first && tunnel.nextPublicKey === null
    const unused = windowOver && seen === undefined && tunnel.firstHandshakeAt === null ? tunnel.publicKey : null
    const dropped = windowOver ? (tunnel.nextPublicKey ?? unused) : null
    if (dropped !== null) {
      // A key from a link that nobody used in time must not wait on the hub for whoever finds the link.
      const changed: Tunnel = { ...settled, publicKey: dropped === tunnel.publicKey ? null : tunnel.publicKey }
      await tx.update('tunnel', id, changed)
      await record('tunnel.key-erased')
      const retired = await retireKey(tx, changed, employeeId, dropped, at)
      return { employeeId, retired, withdrawn: [], keysChanged: true }
    }
    await tx.update('tunnel', id, {
      ...(seen === undefined ? {} : { firstHandshakeAt: tunnel.firstHandshakeAt ?? seen, lastHandshakeAt: seen }),
      ...(erase || windowOver || told ? { privateKeySealed: null, keyWindowEndsAt: null } : {}),
    })
    if (first) await record('tunnel.first-handshake')
    if (erase) await record('tunnel.key-erased')
    const withdrawn = told ? await keyLinkUsedUp(tx, tunnel, employeeId, at) : []
    return first || erase ? { employeeId, retired: [], withdrawn, keysChanged: false } : null
  })
  if (!outcome) return
  await appendToJournal(context, outcome.withdrawn)
  // New key first, or the old one's removal would leave the addresses with nobody for a moment.
  if (outcome.keysChanged) context.loop.nudge('tunnel', [id])
  if (outcome.retired.length > 0) await shutNow(context, outcome.employeeId ?? '', outcome.retired, at)
  if (outcome.employeeId) context.publish({ kind: 'employee', employeeId: outcome.employeeId, data: { tunnel: id } })
}

/** An older copy of the database must not take another router's key by the same link. */
async function keyLinkUsedUp(
  tx: StoreWriter,
  { keyOrigin, carrierKind, carrierId }: Tunnel,
  employeeId: string | null,
  at: string,
): Promise<readonly Withdrawal[]> {
  const gateway = keyOrigin === 'device' && carrierKind === 'gateway' ? await tx.get('gateway', carrierId) : undefined
  if (!gateway) return []
  return withdraw(tx, [
    withdrawalOf('enrolment-link', gateway.id, { employeeId, at, generation: gateway.doorGeneration }),
  ])
}
