/** What the deeds work with; main.ts puts it together. Ports only: no deed knows an adapter. */
import type { Loop } from '../access/loop.ts'
import type { Config } from '../config.ts'
import type { Secret } from '../domain/secret.ts'
import type { Actor } from '../domain/token.ts'
import type { Tombstone } from '../domain/tombstone.ts'
import type { Withdrawal } from '../domain/withdrawal.ts'
import type { Letters, Mailer } from '../notify/mail-port.ts'
import type { ManualGuide } from '../pbx/manual-guide.ts'
import type { PbxAbilities, PbxDriver } from '../pbx/pbx-driver.ts'
import type { Catalogue, ManagedProfile, TunnelConfiguration } from '../phones/phone-port.ts'
import type { HandsetAuthority } from '../pki/pki-port.ts'
import type { SignInTools } from '../signin/sign-in-port.ts'
import type { NewAuditEvent, Store } from '../store/store.ts'
import { newId, type System } from '../system.ts'
import type { Vault } from '../vault.ts'
import type { LiveEvent } from './application.ts'
import type { EnabledSystem } from './expected-lines.ts'
import type { PhoneSettings } from './phone-settings-memory.ts'
import type { TrafficWatch } from './watch-traffic.ts'

export interface JourneyContext {
  readonly config: Config
  readonly system: System
  readonly store: Store
  readonly vault: Vault
  readonly catalogue: Catalogue
  readonly phoneSettings: PhoneSettings
  readonly handsetAuthority: HandsetAuthority
  /** PEM of the Service CA, for models that accept a private one. */
  readonly serviceCertificate: string
  readonly pbxAbilities: PbxAbilities
  /** Tells registered phones to fetch their files; undefined where the PBX cannot. */
  readonly notifyPhones: PbxDriver['notify']
  /** What a person does on this PBX, in order (templates/manual-pbx). */
  readonly manualGuide: ManualGuide
  /** The access systems that lanes were started for. */
  readonly systems: readonly EnabledSystem[]
  readonly loop: Pick<Loop, 'close' | 'nudge' | 'idle'>
  readonly journal: { append(rows: readonly (Tombstone | Withdrawal)[]): Promise<void> }
  /** Tells these phones, a few at a time, that their files changed (resync-queue.ts). */
  readonly tellPhones: (handsetIds: readonly string[], actor: Actor) => void
  /** Null where no mail server is configured. */
  readonly mail: { readonly mailer: Mailer; readonly letters: Letters } | null
  readonly publish: (event: LiveEvent) => void
  /** What the hub last said; null before it answered. */
  readonly hubPublicKey: () => string | null
  /** Last handshakes as the hub last listed them, by public key. */
  readonly handshakes: ReadonlyMap<string, string>
  /** When each tunnel last carried somebody's packet. */
  readonly traffic: TrafficWatch
  /** Writes a tunnel's `.conf` (phones/tunnel-configuration.ts). */
  readonly tunnelConfiguration: (configuration: TunnelConfiguration, carrier: 'handset' | 'gateway') => string
  /** Writes a tunnel as an Apple profile (phones/managed-profile.ts). */
  readonly managedProfile: (profile: ManagedProfile) => Secret
  /** Addresses that a name leads to; empty when it leads nowhere. */
  readonly resolveHost: (host: string) => Promise<readonly string[]>
  readonly signIn: SignInTools
  readonly log: Log
}

export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** A link for the audit chain; `detail` gets who did it and never a secret. */
export function auditEvent(
  context: Pick<JourneyContext, 'system'>,
  kind: NewAuditEvent['kind'],
  who: { readonly employeeId?: string | null; readonly subjectId?: string | null; readonly actor: Actor },
  detail: Readonly<Record<string, unknown>> = {},
): NewAuditEvent {
  return {
    id: newId(context.system),
    at: context.system.now().toISOString(),
    kind,
    employeeId: who.employeeId ?? null,
    subjectId: who.subjectId ?? null,
    salt: context.system.randomBytes(16).toString('hex'),
    detail: { actor: who.actor.name, via: who.actor.via, ...detail },
  }
}

/** Somebody who is signing in or looks after their own account. */
export function inPerson({ email, role }: { readonly email: string; readonly role: Actor['role'] }): Actor {
  return { name: email, role, via: 'session' }
}

/** Ringfence itself, where nobody asked. */
export const itself: Actor = { name: 'ringfence', role: 'owner', via: 'system' }
