/** Makes what one handset needs: keys, certificate, credential, tokens. Pure rows; nothing is written here. */
import { generateKeyPairSync } from 'node:crypto'
import type { Certificate } from '../domain/certificate.ts'
import type { Assignment, Employee } from '../domain/employee.ts'
import { type Gateway, type Handset, neverSeen } from '../domain/handset.ts'
import {
  enrolmentToken,
  type GatewayTokenPurpose,
  gatewayToken,
  inviteEnd,
  steadyToken,
  tokenHash,
} from '../domain/invite.ts'
import { Secret } from '../domain/secret.ts'
import type { SipCredential } from '../domain/sip-account.ts'
import { defaultId } from '../domain/site.ts'
import type { Tunnel } from '../domain/tunnel.ts'
import type { Model } from '../phones/phone-port.ts'
import { newId } from '../system.ts'
import type { JourneyContext } from './context.ts'
import { pbxById } from './known-pbx.ts'

/** Phones keep a certificate for a year and a month; renewal comes with a new file long before. */
const certificateDays = 397

export interface NewInvite {
  readonly token: string
  readonly createdAt: string
  readonly expiresAt: string
}

export function newInvite(
  context: Pick<JourneyContext, 'system'>,
  token = context.system.randomBytes(32).toString('base64url'),
  validFrom = context.system.now().toISOString(),
): NewInvite {
  return { token, createdAt: context.system.now().toISOString(), expiresAt: inviteEnd(validFrom) }
}

export function newHandset(
  context: JourneyContext,
  {
    employee,
    assignment,
    model,
    mac,
    gatewayId,
    invite,
  }: {
    employee: Pick<Employee, 'id'>
    assignment: Pick<Assignment, 'id'>
    model: Model
    mac: string | null
    gatewayId: string | null
    invite: NewInvite
  },
): Handset {
  const id = newId(context.system)
  return {
    id,
    employeeId: employee.id,
    assignmentId: assignment.id,
    gatewayId,
    model: model.id,
    mac,
    phoneAddress: null,
    ...neverSeen,
    createdAt: invite.createdAt,
    removedAt: null,
    ...doorTokens(context, id, 1, invite),
  }
}

/** The door columns of a handset that this invite enrols. */
export function doorTokens(
  context: Pick<JourneyContext, 'vault'>,
  handsetId: string,
  doorGeneration: number,
  invite: NewInvite,
  formerTokenHash: string | null = null,
) {
  return {
    doorGeneration,
    formerTokenHash,
    enrolTokenHash: tokenHash(enrolmentToken(invite.token, handsetId)),
    enrolExpiresAt: invite.expiresAt,
    steadyTokenHash: tokenHash(steadyTokenOf(context, handsetId, doorGeneration)),
    enrolledAt: null,
  }
}

export function steadyTokenOf(
  { vault }: Pick<JourneyContext, 'vault'>,
  handsetId: string,
  doorGeneration: number,
): string {
  return steadyToken(vault.deriveKey('phone-door'), handsetId, doorGeneration)
}

/** The door columns of a home gateway. */
export function gatewayDoor(context: Pick<JourneyContext, 'vault'>, gatewayId: string, doorGeneration: number) {
  const gateway = { id: gatewayId, doorGeneration }
  return {
    doorGeneration,
    doorTokenHash: tokenHash(gatewayTokenOf(context, gateway, 'phones')),
    keyTokenHash: tokenHash(gatewayTokenOf(context, gateway, 'key')),
  }
}

export function gatewayTokenOf(
  { vault }: Pick<JourneyContext, 'vault'>,
  { id, doorGeneration }: Pick<Gateway, 'id' | 'doorGeneration'>,
  purpose: GatewayTokenPurpose,
): string {
  return gatewayToken(vault.deriveKey('phone-door'), id, doorGeneration, purpose)
}

/** A tunnel whose key we make once, for phones and gateways that do not make their own; a `device` key is still to come. */
export function newTunnel(
  context: JourneyContext,
  carrier: Pick<Tunnel, 'carrierKind' | 'carrierId'>,
  invite: NewInvite,
  keyOrigin: 'server' | 'device' = 'server',
): Tunnel {
  const id = newId(context.system)
  const pair = keyOrigin === 'server' ? newKeyPair() : null
  return {
    id,
    hubId: defaultId,
    ...carrier,
    keyOrigin,
    publicKey: pair?.publicKey ?? null,
    nextPublicKey: null,
    privateKeySealed: pair && context.vault.seal(pair.privateKey, `tunnel:${id}:key`),
    keyWindowEndsAt: invite.expiresAt,
    presharedKeySealed: newPresharedKey(context, id),
    generation: 1,
    firstHandshakeAt: null,
    lastHandshakeAt: null,
    createdAt: invite.createdAt,
    closedAt: null,
  }
}

/** Sealed, as the tunnel's row holds it. */
export function newPresharedKey({ system, vault }: Pick<JourneyContext, 'system' | 'vault'>, tunnelId: string): string {
  return vault.seal(new Secret(system.randomBytes(32).toString('base64')), `tunnel:${tunnelId}:psk`)
}

/** X25519 in WireGuard's base64; node:crypto gives the same public key as `wg pubkey` (RFC 7748). */
export function newKeyPair(): { readonly publicKey: string; readonly privateKey: Secret } {
  const { privateKey } = generateKeyPairSync('x25519')
  const jwk = privateKey.export({ format: 'jwk' })
  const base64 = (part: string | undefined) => Buffer.from(part ?? '', 'base64url').toString('base64')
  return { publicKey: base64(jwk.x), privateKey: new Secret(base64(jwk.d)) }
}

/** Where the PBX holds one secret for an extension (`handsetId` null) its username is the extension itself. */
export function newCredential(
  context: JourneyContext,
  { assignment, handsetId }: { assignment: Pick<Assignment, 'id' | 'extension'>; handsetId: string | null },
): SipCredential {
  const id = newId(context.system)
  const username =
    handsetId === null
      ? assignment.extension
      : `${assignment.extension}-${context.system.randomBytes(4).toString('hex')}`
  return {
    id,
    assignmentId: assignment.id,
    handsetId,
    username,
    secretSealed: context.vault.seal(newSipSecret(context), `sip:${id}:1`),
    generation: 1,
    createdAt: context.system.now().toISOString(),
    closedAt: null,
  }
}

/** 192 random bits in letters and digits that every phone's file can hold. */
export function newSipSecret({ system }: Pick<JourneyContext, 'system'>): Secret {
  return new Secret(system.randomBytes(24).toString('base64url').replaceAll('-', 'x').replaceAll('_', 'y'))
}

/** Null where the model cannot hold one. */
export async function newCertificate(
  context: JourneyContext,
  {
    employee,
    assignment: { extension, pbxId },
    handset,
    model,
  }: {
    employee: Pick<Employee, 'name'>
    assignment: Pick<Assignment, 'extension' | 'pbxId'>
    handset: Handset
    model: Model
  },
): Promise<Certificate | null> {
  if (model.capabilities.clientCertificate === 'none') return null
  const issued = await context.handsetAuthority.issue({
    handsetId: handset.id,
    commonName: employee.name,
    extension,
    sipDomain: pbxById(context, pbxId).settings.host,
    crlUrl: `${context.config.phoneDoor.url}/crl/handsets.crl`,
    now: context.system.now(),
    validDays: certificateDays,
  })
  const id = newId(context.system)
  return {
    id,
    handsetId: handset.id,
    serial: issued.serial,
    notBefore: issued.notBefore,
    notAfter: issued.notAfter,
    certificate: issued.certificate,
    privateKeySealed: context.vault.seal(issued.privateKey, `certificate:${id}`),
    createdAt: handset.createdAt,
    revokedAt: null,
  }
}

/** Whether this handset was enrolled by this very link. */
export function invitedBy(
  token: string,
  handset: { readonly id: string; readonly enrolTokenHash: string | null },
): boolean {
  return handset.enrolTokenHash === tokenHash(enrolmentToken(token, handset.id))
}
