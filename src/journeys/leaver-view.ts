/** The leaver file, as it is frozen when every door was proved shut. */
import type { AccessLine } from './application.ts'
import type { PbxPlace } from './pbx-view.ts'

export interface LeaverFile {
  readonly version: 1
  readonly complete: boolean
  readonly employee: {
    readonly id: string
    readonly name: string
    readonly email: string
    readonly extension: string
    /** Where they held the extension; leaver files of before do not say it. */
    readonly pbx?: PbxPlace | null | undefined
  }
  readonly requestedAt: string
  readonly requestedBy: string
  readonly reason: string | null
  readonly completedAt: string | null
  readonly durationMs: number | null
  readonly doors: readonly AccessLine[]
  readonly handsets: readonly {
    readonly model: string
    readonly mac: string | null
    readonly certificateSerials: readonly string[]
    /** Before the click. */
    readonly takenBackAt?: string | null | undefined
  }[]
  /** Home gateways that were theirs to the end; leaver files of before do not list them. */
  readonly gateways?: readonly { readonly kind: string }[] | undefined
  /** What came later, from the audit chain: drift that was corrected, ticks. */
  readonly addenda: readonly { readonly at: string; readonly kind: string; readonly summary: string }[]
  readonly auditHead: { readonly position: number; readonly hash: string } | null
}
