/** Steps that a person must do on a PBX, as pages and the API show them. */
import type { Wanted } from '../domain/access.ts'
import type { PbxPlace } from './pbx-view.ts'

export interface OpenStep {
  readonly employeeId: string
  /** Null once the person's data was erased. */
  readonly name: string | null
  readonly extension: string | null
  /** As commands take it: `1001`, `1001@branch` where the number is on several PBXs, else by e-mail address or id. */
  readonly who: string | null
  /** Where it is to be done; null where it is on no PBX of today's. */
  readonly pbx: PbxPlace | null
  readonly system: string
  readonly instance: string
  readonly subjectId: string
  readonly wanted: Wanted
  /** What to do, in a sentence or two. */
  readonly step: string
  /** Open since. */
  readonly at: string
  /** For longer than RINGFENCE_STEP_REMINDER_HOURS. */
  readonly late: boolean
}

/** One sheet of paper: a step in all its parts. */
export interface StepSheet extends OpenStep {
  readonly deed: 'opening' | 'rotating' | 'closing'
  /** Whose menus the parts name: `3CX v20`; null where it is no PBX. */
  readonly brand: string | null
  /** In order; empty where only `step` is known. */
  readonly parts: readonly string[]
}

export interface PersonSteps {
  readonly employeeId: string
  readonly name: string
  readonly extension: string
  readonly sheets: readonly StepSheet[]
}

export interface StepDeeds {
  /** Oldest first, of everybody. */
  readonly openSteps: () => Promise<readonly OpenStep[]>
  /** @throws NOT_FOUND */
  readonly stepsOf: (who: string) => Promise<PersonSteps>
}
