/** A home gateway whose router makes its own key tells us the public half: by itself, or through an admin. */
import type { Gateway } from '../domain/handset.ts'
import { tokenHash } from '../domain/invite.ts'
import type { Actor } from '../domain/token.ts'
import { parsePublicKey } from '../domain/tunnel.ts'
import { AppError } from '../errors.ts'
import type { EmployeeView } from './application.ts'
import { itself, type JourneyContext } from './context.ts'
import { activeHolder } from './onboard.ts'
import { invalid } from './refusal.ts'
import { refused, takeToldKey, unlessRefused } from './told-key.ts'
import { viewOf } from './views.ts'

/** What the router posts to its own link. False for every refusal alike: outsiders never learn why. */
export async function takeGatewayKey(context: JourneyContext, token: string, publicKey: string): Promise<boolean> {
  const [gateway] = await context.store.find('gateway', { keyTokenHash: tokenHash(token), removedAt: null })
  const key = parsePublicKey(publicKey)
  if (!gateway || !key.ok) return false
  const taken = await unlessRefused(async () => {
    await setKey(context, gateway, key.value, { byToken: token, actor: itself })
    return true
  })
  return taken ?? false
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

async function setKey(
  context: JourneyContext,
  { id, employeeId }: Gateway,
  publicKey: string,
  { byToken, actor }: { byToken: string | null; actor: Actor },
): Promise<void> {
  await takeToldKey(context, {
    employeeId,
    publicKey,
    origin: 'device',
    actor,
    async tunnel(tx) {
      const gateway = await tx.get('gateway', id)
      const [tunnel] = await tx.find('tunnel', { carrierId: id, closedAt: null })
      if (!gateway || gateway.removedAt !== null || !tunnel) throw refused('the home gateway was taken back')
      if (byToken !== null && gateway.keyTokenHash !== tokenHash(byToken)) throw refused('the link was replaced')
      if (tunnel.keyOrigin !== 'device') throw refused('the key of this gateway is not made by its router')
      return tunnel
    },
  })
}
