import type { PeopleFilter } from '../store/store.ts'
import type { JourneyContext } from './context.ts'
import { onlineMinutes, type PeopleQuery } from './people-view.ts'

/** Lists by the last handshake: online now, never heard, or quiet for so many days. */
export function tunnelFilter(
  { handshakes, system }: JourneyContext,
  asked: NonNullable<PeopleQuery['tunnel']>,
): NonNullable<PeopleFilter['tunnel']> {
  const ago = (ms: number) => new Date(system.now().getTime() - ms).toISOString()
  if (asked === 'never') return { never: true }
  if (asked !== 'online') return { quietSince: ago(asked * 86_400_000) }
  // Handshakes live in memory; what the database has of them may be minutes old.
  const since = ago(onlineMinutes * 60_000)
  return { heardOf: [...handshakes].flatMap(([key, at]) => (at >= since ? [key] : [])) }
}
