/** The PBXs of this installation, what each can do, and what is on them that Ringfence did not make. */
import type { LeftoverReach } from '../domain/outliving.ts'

export interface PbxDeeds {
  /** The usual one first. */
  readonly list: () => readonly PbxView[]
  /**
   * What is on the PBX that Ringfence did not make, beside whoever it may be of. Looks only, nothing is touched.
   * @param name undefined: the usual one
   * @throws AppError INVALID_INPUT for a name that is none, CONFLICT where the PBX cannot list any, PBX_UNREACHABLE …
   */
  readonly existing: (name: string | undefined) => Promise<ExistingOnPbx>
}

export interface PbxView {
  readonly id: string
  readonly name: string
  readonly site: string
  readonly driver: string
  readonly address: string | null
  readonly host: string
  /** What phones dial in its place, by `host`, and what of the abilities is the edge's doing; null: there is none. */
  readonly edge: { readonly address: string; readonly enforces: readonly string[] } | null
  /** False: it left the settings, and people still hold extensions on it. */
  readonly configured: boolean
  readonly abilities: PbxAbilityView
  /** The same in words. */
  readonly can: readonly string[]
  readonly cannot: readonly string[]
}

/** Where it is, for whoever is sent to it. */
export interface PbxPlace {
  readonly name: string
  readonly site: string
  readonly address: string | null
}

/** `branch, Main site, 10.90.0.2` */
export function placeWords({ name, site, address }: PbxPlace): string {
  return [name, site, ...(address === null ? [] : [address])].join(', ')
}

/** As its driver declares them; nothing of it is guessed (src/pbx/pbx-driver.ts). */
export interface PbxAbilityView {
  readonly readBack: boolean
  readonly endsRegistrations: boolean
  readonly endsCalls: boolean
  readonly certificates: 'required-on-own-port' | 'not-checked'
  readonly revocationLists: 'enforced' | 'not-checked'
  readonly storesSecretAs: 'digest' | 'clear' | 'unknown'
  readonly credentialsPerExtension: 'many' | 'one'
  readonly resync: boolean
  readonly leftovers: LeftoverReach
  readonly callClasses: 'enforced' | 'judged' | 'absent'
  readonly adoption: boolean
}

export interface ExistingOnPbx {
  readonly pbx: string
  readonly items: readonly ExistingView[]
}

export interface ExistingView {
  readonly extension: string
  readonly displayName: string | null
  readonly email: string | null
  readonly facts: Readonly<Record<string, string>>
  /** Why it cannot be taken over, and what a person can do; null: it can. */
  readonly obstacle: string | null
  /** Somebody here whom it may be of, and by what. */
  readonly known: {
    readonly id: string
    readonly name: string
    readonly email: string
    readonly extension: string
    readonly pbx: string
    readonly by: 'extension' | 'email' | 'name'
  } | null
  /** What is not the same there and here, in sentences. */
  readonly differs: readonly string[]
}
