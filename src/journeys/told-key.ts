/** A public key that was made elsewhere (a router, a browser) and told to us: we never know its private half. */
import type { Actor } from '../domain/token.ts'
import type { KeyOrigin, Tunnel } from '../domain/tunnel.ts'
import { AppError } from '../errors.ts'
import type { StoreWriter } from '../store/store.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import { shutNow } from './offboard.ts'
import { retireKey } from './renew-invite.ts'

/** Each leaves a tombstone for ever: whoever found a link must not fill the store with them. */
const mostKeysADay = 10

export interface ToldKey {
  readonly employeeId: string
  readonly publicKey: string
  readonly origin: Exclude<KeyOrigin, 'server'>
  readonly actor: Actor
  /** The tunnel as it is now, looked at again inside the transaction. @throws AppError when it may not be told any more */
  readonly tunnel: (tx: StoreWriter) => Promise<Tunnel>
}

/**
 * Before the tunnel has ever spoken the key is simply this one; later it waits beside the one in use until it has shaken
 * hands. A key that was taken back stays so, whoever had it: its tombstone would shut it again, or shut the other's. What we made ourselves and nobody used is
 * retired, and its private half erased, in the same transaction.
 * @throws AppError CONFLICT
 */
export async function takeToldKey(context: JourneyContext, told: ToldKey): Promise<void> {
  const { employeeId, publicKey, origin, actor } = told
  const at = context.system.now().toISOString()
  const outcome = await context.store.transaction(async (tx) => {
    const tunnel = await told.tunnel(tx)
    if (tunnel.publicKey === publicKey || tunnel.nextPublicKey === publicKey) return null
    if (tunnel.keyWindowEndsAt === null || tunnel.keyWindowEndsAt <= at)
      throw refused(
        'this tunnel has a key in use',
        '`ringfence invite` makes a new link, with which it can be replaced',
      )
    if (publicKey === context.hubPublicKey() || (await tx.knowsTunnelKey(publicKey)))
      throw refused('this key was used before', 'a new one must be made')
    const yesterday = new Date(Date.parse(at) - 86_400_000).toISOString()
    if (actor === itself && (await tx.retiredTunnelKeys(tunnel.id, yesterday)) >= mostKeysADay)
      throw refused('this link told too many keys', '`ringfence gateway key` tells one by hand')
    const inUse = tunnel.firstHandshakeAt !== null
    const generation = tunnel.generation + 1
    const unused = inUse ? tunnel.nextPublicKey : tunnel.publicKey
    await tx.update('tunnel', tunnel.id, {
      ...(inUse ? { nextPublicKey: publicKey } : { publicKey }),
      generation,
      keyOrigin: origin,
      privateKeySealed: null,
    })
    const record = (kind: 'tunnel.key-replaced' | 'tunnel.key-erased') =>
      tx.record(auditEvent(context, kind, { employeeId, subjectId: tunnel.id, actor }, { keyOrigin: origin }))
    await record('tunnel.key-replaced')
    if (tunnel.privateKeySealed !== null) await record('tunnel.key-erased')
    const retired = unused === null ? [] : await retireKey(tx, { ...tunnel, generation }, employeeId, unused, at)
    return { tunnelId: tunnel.id, retired }
  })
  if (!outcome) return
  context.loop.nudge('tunnel', [outcome.tunnelId])
  await shutNow(context, employeeId, outcome.retired, at)
  context.publish({ kind: 'employee', employeeId, data: { tunnel: outcome.tunnelId } })
}

export function refused(message: string, hint = 'look at `ringfence show`'): AppError {
  return new AppError('CONFLICT', message, { hint })
}

/** Outsiders never learn why: what was refused is `null` for them. */
export async function unlessRefused<T>(deed: () => Promise<T>): Promise<T | null> {
  try {
    return await deed()
  } catch (error) {
    if (error instanceof AppError && (error.code === 'CONFLICT' || error.code === 'NOT_FOUND')) return null
    throw error
  }
}
