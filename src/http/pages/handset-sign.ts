import type { HandsetView } from '../../journeys/application.ts'
import type { Html } from '../html.ts'
import { stateSign } from './doors-picture.ts'

/** Where a handset stands, as word and shape. It is never called wiped: only that its access is gone is ours to say. */
export function handsetSign({ removedAt, blankedAt, status }: HandsetView): Html {
  if (removedAt !== null) return stateSign('shut', blankedAt === null ? 'access revoked' : 'revoked, tombstone fetched')
  return status === 'not enrolled yet' ? stateSign('opening', 'not enrolled') : stateSign('open', 'enrolled')
}
