import { bad, good, type Parsed } from './parse.ts'

/** A desk phone or softphone. `door…` is what the phone door knows of it. */
export interface Handset {
  readonly id: string
  readonly employeeId: string
  readonly assignmentId: string
  /** The home gateway that carries it; null when the handset has its own tunnel. */
  readonly gatewayId: string | null
  readonly model: string
  /** 12 lower-case hex digits, null for softphones. */
  readonly mac: string | null
  /** Grows when the steady token must change; the token is derived from it (design: phone door). */
  readonly doorGeneration: number
  /** SHA-256 (hex) of the tokens that open the door; null when there is none. */
  readonly enrolTokenHash: string | null
  readonly enrolExpiresAt: string | null
  readonly steadyTokenHash: string | null
  /** Of the phone's own link of before a new invite: a phone in use goes on with it until it first uses the new one. */
  readonly formerTokenHash: string | null
  /** First use of the steady token; the enrolment token is dead from then on. */
  readonly enrolledAt: string | null
  /** Its reserved address in the phone subnet of its gateway (DHCP by MAC), without length; null with its own tunnel. */
  readonly phoneAddress: string | null
  /** What the phone last said of itself in its User-Agent: a hint for the inventory, never an authority. */
  readonly seenModel: string | null
  readonly seenFirmware: string | null
  readonly seenMac: string | null
  readonly seenAt: string | null
  /** First fetch of the document that takes the account away. */
  readonly blankedAt: string | null
  readonly createdAt: string
  readonly removedAt: string | null
}

/** Of a handset that nobody has seen yet. */
export const neverSeen = { seenModel: null, seenFirmware: null, seenMac: null, seenAt: null, blankedAt: null } as const

/**
 * A small router at home that carries desk phones without WireGuard. `employeeId` is who it was given to; others of the
 * same home may hang their phones on it, and it goes with the last of them.
 */
export interface Gateway {
  readonly id: string
  readonly employeeId: string
  /** A folder under templates/gateways: `plain`, … */
  readonly kind: string
  /** Grows when the tokens below must change; they are derived from it. */
  readonly doorGeneration: number
  /** SHA-256 (hex) of the token in the DHCP option: it gives the handsets behind this gateway their first file. */
  readonly doorTokenHash: string | null
  /** SHA-256 (hex) of the token with which the router tells its public key. */
  readonly keyTokenHash: string | null
  readonly createdAt: string
  readonly removedAt: string | null
}

/** `80:5E:C0:AA-BB.CC` and the like become `805ec0aabbcc`. */
export function parseMac(input: unknown): Parsed<string> {
  const text = typeof input === 'string' ? input.trim() : ''
  const mac = text.replace(/[:.\-\s]/g, '').toLowerCase()
  if (!/^[0-9a-f]{12}$/.test(mac)) {
    return bad(
      'mac',
      `${JSON.stringify(text.slice(0, 40))} is not a MAC address`,
      'it has 12 hexadecimal digits and is printed on the back of the phone',
    )
  }
  if (Number.parseInt(mac.slice(0, 2), 16) & 1 || mac === '000000000000') {
    return bad(
      'mac',
      `${mac} cannot be the MAC address of a phone`,
      'it is a group or empty address; read the label on the back again',
    )
  }
  return good(mac)
}
