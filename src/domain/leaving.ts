/** A date and time at which somebody will be offboarded, set ahead. Kept through restarts; what was slept through is done late. */
export interface Leaving {
  readonly id: string
  readonly employeeId: string
  readonly at: string
  readonly reason: string | null
  readonly askedBy: string
  readonly createdAt: string
  readonly remindedAt: string | null
  readonly cancelledAt: string | null
  readonly doneAt: string | null
}
