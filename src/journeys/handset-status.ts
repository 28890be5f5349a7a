import { blankingDays } from '../domain/door.ts'
import type { Handset } from '../domain/handset.ts'
import { inviteDays } from '../domain/invite.ts'

/**
 * In words where a handset stands. That its access was revoked is ours to say; of the phone itself we know only whether it
 * fetched the document that takes its account away, so nothing here ever says that it was wiped.
 */
export function handsetStatus(handset: Handset, canBlank: boolean, now: Date): string {
  const { removedAt, enrolledAt, formerTokenHash, blankedAt } = handset
  if (removedAt === null && enrolledAt !== null) return 'enrolled'
  if (removedAt === null && formerTokenHash !== null) return 'enrolled; a new link waits for it'
  if (removedAt === null)
    return hasItsFile(handset) ? 'has its file, has not come back with its own link yet' : 'not enrolled yet'
  if (blankedAt !== null) return `access revoked; tombstone fetched at ${blankedAt}`
  if (!canBlank) return 'access revoked; this model has no tombstone'
  const isOver = now.getTime() >= Date.parse(removedAt) + blankingDays * 86_400_000
  return `access revoked; tombstone not fetched${isOver ? `, and no longer served after ${blankingDays} days` : ' yet'}`
}

/** Seen since the link that is good now was made; what it said of itself before was an earlier enrolment. */
function hasItsFile({ seenAt, enrolExpiresAt }: Handset): boolean {
  if (seenAt === null || enrolExpiresAt === null) return false
  return Date.parse(seenAt) >= Date.parse(enrolExpiresAt) - inviteDays * 86_400_000
}
