/** A home gateway whose router makes its own key tells us the public half: by itself, or through an admin. */
import type { Gateway } from '../domain/handset.ts'
import { tokenHash } from '../domain/invite.ts'
import type { Actor } from '../domain/token.ts'
import { parsePublicKey } from '../domain/tunnel.ts'
import { AppError } from '../errors.ts'
import type { EmployeeView } from './application.ts'
import { invalid } from './check-person.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import { shutNow } from './offboard.ts'
import { activeHolder } from './onboard.ts'
import { retireKey } from './renew-invite.ts'
import { viewOf } from './views.ts'

/** Each leaves a tombstone for ever: whoever found the link must not fill the store with them. */
const mostKeysADay = 10

/** What the router posts to its own link. False for every refusal alike: outsiders never learn why. */
export async function takeGatewayKey(context: JourneyContext, token: string, publicKey: string): Promise<boolean> {
  const [gateway] = await context.store.find('gateway', { keyTokenHash: tokenHash(token), removedAt: null })
  const key = parsePublicKey(publicKey)
  if (!gateway || !key.ok) return false
  try {
    await setKey(context, gateway, key.value, { byToken: token, actor: itself })
    return true
  } catch (error) {
    if (error instanceof AppError && (error.code === 'CONFLICT' || error.code === 'NOT_FOUND')) return false
    throw error
  }
}

/**
 * What an admin was told on the telephone, where the router could not reach the phone door.
 * @throws AppError NOT_FOUND, INVALID_INPUT, CONFLICT
 */
export async function setGatewayKey(
  context: JourneyContext,
  employeeId: string,
  publicKey: string,
  actor: Actor,
): Promise<EmployeeView> {
  await activeHolder(context, employeeId)
  const key = parsePublicKey(publicKey)
  if (!key.ok) throw invalid([key.problem])
  const [gateway] = await context.store.find('gateway', { employeeId, removedAt: null })
  if (!gateway) {
    throw new AppError('NOT_FOUND', 'this person has no home gateway', {
      hint: '`ringfence show` lists what they have',
    })
  }
  await setKey(context, gateway, key.value, { byToken: null, actor })
  return viewOf(context, employeeId)
}

/**
 * Before the tunnel has ever spoken the key is simply this one; later it waits beside the one in use until it has shaken
 * hands. A key that was taken back stays so, whoever had it: its tombstone would shut it again, or shut the other's.
 */
async function setKey(
  context: JourneyContext,
  { id, employeeId }: Gateway,
  publicKey: string,
  { byToken, actor }: { byToken: string | null; actor: Actor },
): Promise<void> {
  const at = context.system.now().toISOString()
  const outcome = await context.store.transaction(async (tx) => {
    const gateway = await tx.get('gateway', id)
    const [tunnel] = await tx.find('tunnel', { carrierId: id, closedAt: null })
    if (!gateway || gateway.removedAt !== null || !tunnel) throw refused('the home gateway was taken back')
    if (byToken !== null && gateway.keyTokenHash !== tokenHash(byToken)) throw refused('the link was replaced')
    if (tunnel.keyOrigin !== 'device') throw refused('the key of this gateway is made here: its file has it')
    if (tunnel.publicKey === publicKey || tunnel.nextPublicKey === publicKey) return null
    if (tunnel.keyWindowEndsAt === null || tunnel.keyWindowEndsAt <= at)
      throw refused(
        'this gateway has a key in use',
        '`ringfence invite` makes a new link, with which it can be replaced',
      )
    if (publicKey === context.hubPublicKey() || (await tx.knowsTunnelKey(publicKey)))
      throw refused('this key was used before', 'let the router make a new one')
    const yesterday = new Date(Date.parse(at) - 86_400_000).toISOString()
    if (byToken !== null && (await tx.retiredTunnelKeys(tunnel.id, yesterday)) >= mostKeysADay)
      throw refused('this link told too many keys', '`ringfence gateway key` tells one by hand')
    const inUse = tunnel.firstHandshakeAt !== null
    const generation = tunnel.generation + 1
    const unused = inUse ? tunnel.nextPublicKey : tunnel.publicKey
    await tx.update('tunnel', tunnel.id, { ...(inUse ? { nextPublicKey: publicKey } : { publicKey }), generation })
    await tx.record(auditEvent(context, 'tunnel.key-replaced', { employeeId, subjectId: tunnel.id, actor }))
    const retired = unused === null ? [] : await retireKey(tx, { ...tunnel, generation }, employeeId, unused, at)
    return { tunnelId: tunnel.id, retired }
  })
  if (!outcome) return
  context.loop.nudge('tunnel', [outcome.tunnelId])
  await shutNow(context, employeeId, outcome.retired, at)
  context.publish({ kind: 'employee', employeeId, data: { tunnel: outcome.tunnelId } })
}

function refused(message: string, hint = 'look at `ringfence show`'): AppError {
  return new AppError('CONFLICT', message, { hint })
}
