import { createHash, createHmac } from 'node:crypto'

/** The employee's one link. Only its hash is stored. */
export interface Invite {
  readonly id: string
  readonly employeeId: string
  readonly tokenHash: string
  readonly createdAt: string
  readonly expiresAt: string
  /** Replaced by a newer one, or shut by offboarding. */
  readonly closedAt: string | null
}

/** How long a link can be used; also the window in which a server-made WireGuard key is kept. */
export const inviteDays = 7

/** When a link that is valid from then on can be used no more. */
export function inviteEnd(validFrom: string): string {
  return new Date(Date.parse(validFrom) + inviteDays * 86_400_000).toISOString()
}

/** What is stored of a bearer token. The tokens are 256 random bits, so a plain hash is enough. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** Derived, so that the join page can draw a handset's QR again without the token being stored. */
export function enrolmentToken(inviteToken: string, handsetId: string): string {
  return createHmac('sha256', inviteToken).update(`enrol:${handsetId}`).digest('base64url')
}

/** Derived from a key of the vault, so that a phone's file can be rendered again byte for byte. */
export function steadyToken(key: Buffer, handsetId: string, doorGeneration: number): string {
  return createHmac('sha256', key).update(`steady:${handsetId}:${doorGeneration}`).digest('base64url')
}

/** `phones`: in the DHCP option of a home gateway; `key`: with which its router tells its public key. */
export type GatewayTokenPurpose = 'phones' | 'key'

/** Derived like a steady token, so that the router's script can be shown again. */
export function gatewayToken(
  key: Buffer,
  gatewayId: string,
  doorGeneration: number,
  purpose: GatewayTokenPurpose,
): string {
  return createHmac('sha256', key).update(`gateway-${purpose}:${gatewayId}:${doorGeneration}`).digest('base64url')
}

/** 43 characters of base64url = 256 bits; anything else is not worth a look-up. */
export function looksLikeToken(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}
