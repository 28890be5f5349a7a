/**
 * Which doors of a leaver the click shut, and which were shut before it: a key that a new link replaced, a phone that was
 * taken back. Pages, command line and audit log count the first alone.
 */
export interface ShutDoor {
  readonly wanted: 'open' | 'closed'
  readonly verdict: string
  readonly at: string
  /** Since when it has to be shut; null while it is open. Leaver files of before do not say it. */
  readonly shutAt?: string | null | undefined
}

export function byClick<Door extends ShutDoor>(
  doors: readonly Door[],
  clickedAt: string | null,
): { readonly during: readonly Door[]; readonly before: readonly Door[] } {
  const { during = [], before = [] } = Object.groupBy(doors, (door) =>
    clickedAt !== null && wasShutBefore(door, clickedAt) ? 'before' : 'during',
  )
  return { during, before }
}

/** One that should have been shut before and was not seen so counts with the click: it is still in the way. */
function wasShutBefore({ wanted, verdict, at, shutAt }: ShutDoor, clickedAt: string): boolean {
  return wanted === 'closed' && verdict === 'converged' && Date.parse(shutAt ?? at) < Date.parse(clickedAt)
}
