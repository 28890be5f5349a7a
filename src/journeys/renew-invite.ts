import type { Subject, TunnelSubject } from '../domain/access.ts'
import type { Handset } from '../domain/handset.ts'
import type { Language } from '../domain/language.ts'
import type { Actor } from '../domain/token.ts'
import { tombstoneOf } from '../domain/tombstone.ts'
import type { Tunnel } from '../domain/tunnel.ts'
import { withdrawalOf } from '../domain/withdrawal.ts'
import { AppError } from '../errors.ts'
import type { StoreWriter } from '../store/store.ts'
import type { Onboarded } from './application.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { doorTokens, gatewayDoor, type NewInvite, newInvite, newKeyPair, newPresharedKey } from './enrolment.ts'
import { keyOriginOf } from './kit.ts'
import { shutNow } from './offboard.ts'
import { activeHolder, insertInvite, onboarded } from './onboard.ts'
import { newCertificates, renewSecrets } from './renew-secrets.ts'
import { withdraw } from './withdraw.ts'

/**
 * A new link in place of a lost or old one. Handsets that nobody enrolled get new secrets, and tunnels that never shook
 * hands new keys, so that the old link is worth nothing. What is in use goes on: a tunnel until its new key has shaken
 * hands, an account with the secret it has, a phone with its own link until it has used the new one. A stolen phone is another matter: take the handset back and hand out a new one.
 */
export async function renewInvite(
  context: JourneyContext,
  employeeId: string,
  actor: Actor,
  mail: Language | null = null,
): Promise<Onboarded> {
  const holder = await activeHolder(context, employeeId)
  const made = await newCertificates(context, holder.employee, holder.assignment)
  const invite = newInvite(context)
  const { retired, withdrawn, tunnels, handsets, renewed } = await context.store.transaction(async (tx) => {
    const employee = await tx.get('employee', employeeId)
    if (employee?.lifecycle !== 'active') throw new AppError('CONFLICT', 'this person is being offboarded')
    const handsets = await tx.find('handset', { employeeId, removedAt: null })
    const gateways = await tx.find('gateway', { employeeId, removedAt: null })
    const retired: Subject[] = []
    const tunnels: string[] = []
    const carriers = [
      ...handsets.map(({ id }) => ({ id, keyOrigin: 'server' as const })),
      ...gateways.map((gateway) => ({ id: gateway.id, keyOrigin: keyOriginOf(context, gateway) })),
    ]
    for (const { id: carrierId, keyOrigin } of carriers) {
      for (const tunnel of await tx.find('tunnel', { carrierId, closedAt: null })) {
        retired.push(...(await replaceKey(context, tx, { tunnel, keyOrigin, invite, employeeId, actor })))
        tunnels.push(tunnel.id)
      }
    }
    const renewed = await renewSecrets(context, tx, { handsets, made, at: invite.createdAt, actor })
    for (const handset of handsets) {
      const tokens = doorTokens(context, handset.id, handset.doorGeneration + 1, invite, linkInUse(handset))
      await tx.update('handset', handset.id, tokens)
    }
    for (const { id, doorGeneration } of gateways)
      await tx.update('gateway', id, gatewayDoor(context, id, doorGeneration + 1))
    await tx.update('employee', employeeId, { generation: employee.generation + 1 })
    const ended = [...handsets.filter((handset) => linkInUse(handset) === null), ...gateways]
    const links = ended.map(({ id, doorGeneration }) =>
      withdrawalOf('door-links', id, { employeeId, at: invite.createdAt, generation: doorGeneration + 1 }),
    )
    const withdrawn = [
      ...renewed.withdrawn,
      ...(await withdraw(tx, links)),
      ...(await insertInvite(context, tx, employeeId, invite, actor, mail)),
    ]
    return { retired: [...retired, ...renewed.shut], withdrawn, tunnels, handsets, renewed }
  })
  await shutNow(context, employeeId, retired, invite.createdAt, withdrawn)
  context.loop.nudge('tunnel', tunnels)
  context.loop.nudge('certificate', renewed.certificates)
  context.loop.nudge('sip-credential', renewed.credentials)
  context.loop.nudge(
    'phone-door',
    handsets.map(({ id }) => id),
  )
  return onboarded(context, employeeId, invite, [])
}

/** What the phone fetches with now; a link that it was to take, and did not, is none. */
function linkInUse({ enrolledAt, steadyTokenHash, formerTokenHash }: Handset): string | null {
  return enrolledAt === null ? formerTokenHash : steadyTokenHash
}

async function replaceKey(
  context: JourneyContext,
  tx: StoreWriter,
  {
    tunnel,
    keyOrigin,
    invite,
    employeeId,
    actor,
  }: { tunnel: Tunnel; keyOrigin: 'server' | 'device'; invite: NewInvite; employeeId: string; actor: Actor },
): Promise<Subject[]> {
  // A router makes its new key itself, and tells it within the window.
  const pair = keyOrigin === 'server' ? newKeyPair() : null
  const publicKey = pair?.publicKey ?? null
  const generation = tunnel.generation + 1
  const sealed = {
    privateKeySealed: pair && context.vault.seal(pair.privateKey, `tunnel:${tunnel.id}:key`),
    keyWindowEndsAt: invite.expiresAt,
    keyOrigin,
    generation,
  }
  // A replacement that was never used gives way too; a key that has shaken hands stays until the new one has.
  const unused = tunnel.firstHandshakeAt === null ? tunnel.publicKey : tunnel.nextPublicKey
  await tx.update(
    'tunnel',
    tunnel.id,
    // A router keeps the key that it made for as long as the preshared key is the same.
    tunnel.firstHandshakeAt === null
      ? { publicKey, presharedKeySealed: newPresharedKey(context, tunnel.id), ...sealed }
      : { nextPublicKey: publicKey, ...sealed },
  )
  await tx.record(auditEvent(context, 'tunnel.key-replaced', { employeeId, subjectId: tunnel.id, actor }))
  return unused === null ? [] : retireKey(tx, { ...tunnel, generation }, employeeId, unused, invite.createdAt)
}

/** The tombstone of one key of a tunnel that lives on. */
export async function retireKey(
  tx: StoreWriter,
  tunnel: Tunnel,
  employeeId: string | null,
  publicKey: string,
  at: string,
): Promise<Subject[]> {
  const subject: TunnelSubject = {
    kind: 'tunnel',
    id: `${tunnel.id}#${tunnel.generation}`,
    employeeId,
    wanted: 'closed',
    generation: tunnel.generation,
    hubId: tunnel.hubId,
    publicKeys: [],
    activeKey: null,
    retiredKeys: [publicKey],
    prefixes: [],
    admitted: [],
    presharedKeySealed: null,
  }
  await tx.put('tombstone', [tombstoneOf(subject, at)])
  return [subject]
}
