/** What the phone door gives for a token: the one decision that serving, the access system and the tests share. */
import type { Handset } from './handset.ts'

export type DoorDecision =
  /** The handset's file with its secrets. `enrols`: the steady token is used for the first time. */
  | { readonly answer: 'file'; readonly token: 'enrolment' | 'steady' | 'former'; readonly enrols: boolean }
  /** The document that takes the account away. */
  | { readonly answer: 'blanking' }
  /** The one 404; the reason is for the ledger only. */
  | { readonly answer: 'refuse'; readonly reason: string }

/** For how long a leaver's phone can still fetch the document that blanks it. */
export const blankingDays = 30

export function decideDoor(handset: Handset, hash: string, now: Date): DoorDecision {
  const steady = hash === handset.steadyTokenHash
  const former = hash === handset.formerTokenHash
  if (handset.removedAt !== null) {
    if (!steady && !former) return { answer: 'refuse', reason: 'enrolment link of a handset that was taken back' }
    const until = Date.parse(handset.removedAt) + blankingDays * 86_400_000
    return now.getTime() < until
      ? { answer: 'blanking' }
      : { answer: 'refuse', reason: `taken back more than ${blankingDays} days ago` }
  }
  if (steady) return { answer: 'file', token: 'steady', enrols: handset.enrolledAt === null }
  // Its file names the new link, so that the phone takes it by itself.
  if (former) return { answer: 'file', token: 'former', enrols: false }
  if (hash !== handset.enrolTokenHash) return { answer: 'refuse', reason: 'no such link' }
  return decideEnrolment(handset, now)
}

/** For an enrolment link, and for the link of a home gateway that carries this handset. */
export function decideEnrolment(handset: Handset, now: Date): DoorDecision {
  if (handset.removedAt !== null) return { answer: 'refuse', reason: 'handset was taken back' }
  if (handset.enrolledAt !== null) return { answer: 'refuse', reason: 'enrolment link was used up' }
  // Asked this way round, an expiry that cannot be read is over: NaN is greater than nothing.
  if (handset.enrolExpiresAt === null || !(Date.parse(handset.enrolExpiresAt) > now.getTime())) {
    return { answer: 'refuse', reason: 'enrolment link has expired' }
  }
  return { answer: 'file', token: 'enrolment', enrols: false }
}
