/** What an employee is handed: the link on a screen and on paper, and what an installer types into a desk phone. */
import type { Language } from '../domain/language.ts'
import type { Problem } from '../domain/parse.ts'
import type { Actor } from '../domain/token.ts'
import type { EmployeeView, Onboarded, OnboardInput } from './application.ts'

export interface HandOverDeeds {
  /** What onboarding would say to this, without writing anything. */
  readonly check: (input: OnboardInput) => Promise<OnboardCheck>
  /**
   * The link, sealed, for an address of the console: it says nothing to whoever has it alone, shows the link again to
   * somebody who may onboard, and is good for an hour, also after a restart.
   */
  readonly reference: (made: Pick<Onboarded, 'employee' | 'invite'>) => string
  /** @throws NOT_FOUND where it ran out, was made for somebody else, or the link was replaced since */
  readonly open: (who: string, reference: string, shownTo: Actor) => Promise<HandOver>
  /** Of a roster run: those who were brought in and whose link is still good. @throws NOT_FOUND */
  readonly ofImport: (
    importId: string,
    page: { readonly offset: number; readonly limit: number },
    shownTo: Actor,
  ) => Promise<SheetPile>
}

export interface OnboardCheck {
  /** `field` is `name`, `email`, `extension`, `gateway`, `gatewayOf`, `handsets.0.model`, `handsets.0.mac` … */
  readonly problems: readonly Problem[]
  readonly warnings: readonly string[]
}

export interface HandOver extends Sheet {
  readonly employee: EmployeeView
  readonly warnings: readonly string[]
}

/** What stands on a person's hand-over sheet. */
export interface Sheet {
  readonly employeeId: string
  readonly name: string
  readonly extension: string
  readonly inviteUrl: string
  readonly expiresAt: string
  /** In which the person was written to, else the usual one. */
  readonly language: Language
  readonly handsets: readonly SheetHandset[]
  readonly gateways: readonly { readonly kind: string; readonly name: string }[]
}

export interface SheetHandset {
  readonly id: string
  readonly modelName: string
  readonly kind: 'desk-phone' | 'softphone'
  readonly mac: string | null
  /** Null once it has signed in: it has its own address then. */
  readonly provisioningUrl: string | null
  /** What to know when that is typed in. */
  readonly typing: string | null
  readonly notes: readonly string[]
  /** Where the phone stands, as was noted for emergency calls. */
  readonly emergencyNote: string | null
  readonly behindGateway: boolean
}

export interface SheetPile {
  readonly sheets: readonly Sheet[]
  /** With a link that is still good, on all pages. */
  readonly total: number
  /** Brought in, but the link was replaced, shut or ran out. */
  readonly stale: number
}
