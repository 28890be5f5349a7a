/**
 * What holds access, and what should become of it. A subject is a thing (a tunnel, a certificate, a SIP credential, a
 * handset's door token), not a person: home gateways and sites fit without a special case.
 */

import type { CallPolicy } from './call-policy.ts'

export type Wanted = 'open' | 'closed'

interface SubjectOf<Kind extends string> {
  readonly kind: Kind
  readonly id: string
  /** Null when the employee's row is gone and only the tombstone is left. */
  readonly employeeId: string | null
  readonly wanted: Wanted
  /** Grows with every change of what is wanted; a verdict for an older one is worth nothing. */
  readonly generation: number
}

/** A WireGuard tunnel on one hub. Closed subjects come from tombstones and carry every key the tunnel ever had. */
export interface TunnelSubject extends SubjectOf<'tunnel'> {
  readonly hubId: string
  /** Keys (base64) that may speak now; usually one, none before a phone made its key. */
  readonly publicKeys: readonly string[]
  /**
   * Of `publicKeys`, the one that holds the prefixes. The other is a replacement waiting for its first handshake and
   * gets no allowed IPs until then, so that the old key keeps working.
   */
  readonly activeKey: string | null
  /** Keys that this tunnel used to have and that must be gone. */
  readonly retiredKeys: readonly string[]
  /** Canonical prefixes of both families: the carrier's own addresses and, behind a gateway, its phone subnet. */
  readonly prefixes: readonly string[]
  /**
   * Of `prefixes`, what the hub's firewall lets through: the carrier's own addresses and, behind a gateway, the reserved
   * address of each phone that is in use, not the whole subnet. Empty on closed subjects.
   */
  readonly admitted: readonly string[]
  /**
   * Closed only: a phone left while the gateway that carried it goes on for others. Its own address is what is shut;
   * `keys` are those that the router had then, which whoever left may know.
   */
  readonly gatewayStays?: { readonly keys: readonly string[] }
  /** Sealed by the vault with context `tunnel:<id>:psk`; null on closed subjects. */
  readonly presharedKeySealed: string | null
}

export interface CertificateSubject extends SubjectOf<'certificate'> {
  /** Lower-case hex, no separators. */
  /** Of the extension for which it was issued. */
  readonly pbxId: string
  readonly serial: string
  readonly notAfter: string
  /** When the access was withdrawn; null while open. */
  readonly revokedAt: string | null
  /** For whom it may speak, and from where (canonical prefixes); absent on closed subjects. */
  readonly holder?: { readonly extension: string; readonly addresses: readonly string[] } | undefined
  /** The certificate has it as `urn:uuid:…`; absent on closed subjects. */
  readonly handsetId?: string | undefined
}

/** One secret on a PBX. Where the PBX can hold several for an extension there is one for each handset. */
export interface SipCredentialSubject extends SubjectOf<'sip-credential'> {
  readonly pbxId: string
  readonly extension: string
  readonly username: string
  readonly displayName: string | null
  /** Sealed with context `sip:<id>:<generation>`; null on closed subjects. */
  readonly secretSealed: string | null
  /** Addresses of the handset's tunnel: a registration from one of them is this credential's. */
  readonly addresses: readonly string[]
  /** Whether the client certificate port is for this handset. */
  readonly certificate: boolean
  /** True while another live credential serves the same extension: only this one's traces may be removed. */
  readonly extensionShared: boolean
}

/**
 * What goes on under an extension whoever logs in: what may be dialled, and what outlives a password. Open only where a
 * call policy was chosen, now or once; closed ones come from tombstones.
 */
export interface AssignmentSubject extends SubjectOf<'assignment'> {
  readonly pbxId: string
  readonly extension: string
  /** Null: nothing is chosen (any more), or closed. */
  readonly policy: CallPolicy | null
  /** Closed only: somebody else holds the extension now, and what is set there is theirs. */
  readonly hasNextHolder: boolean
  /**
   * Closed only: its holder is leaving just now, so that PINs which they may know by heart are a step as well. Once that is
   * complete nobody is asked again for their sake.
   */
  readonly leaving: boolean
}

/** What the phone door would hand to one handset. */
export interface PhoneDoorSubject extends SubjectOf<'phone-door'> {
  readonly handsetId: string
}

/**
 * Somebody's way into the console: sessions, passkeys, password, the API tokens they made. Only closed ones are watched:
 * while they may sign in there is nothing to prove.
 */
export interface AdministratorSubject extends SubjectOf<'administrator'> {
  /** The API tokens that they made, when it was shut. */
  readonly tokenIds: readonly string[]
}

export type Subject =
  | TunnelSubject
  | CertificateSubject
  | SipCredentialSubject
  | AssignmentSubject
  | PhoneDoorSubject
  | AdministratorSubject

export type SubjectKind = Subject['kind']

/**
 * The same door, shut: what its tombstone says. Everything that could open it again is left out, and the generation is
 * one higher, so that no verdict about the open door counts for the shut one.
 */
export function closed<S extends Subject>(subject: S, at: string): S {
  const shut = { ...subject, wanted: 'closed' as const, generation: subject.generation + 1 }
  switch (shut.kind) {
    case 'tunnel':
      return { ...shut, admitted: [], presharedKeySealed: null }
    case 'certificate':
      return { ...shut, revokedAt: at, holder: undefined, handsetId: undefined }
    case 'sip-credential':
      return { ...shut, secretSealed: null, displayName: null }
    case 'assignment':
      return { ...shut, policy: null }
    default:
      return shut
  }
}
