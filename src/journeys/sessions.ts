import type { Session } from '../domain/administrator.ts'
import { tokenHash } from '../domain/invite.ts'
import type { Actor } from '../domain/token.ts'
import type { JourneyContext } from './context.ts'

/** A use is noted at most once a minute: a page that follows events must not cost a write each time. */
const seenNotedMs = 60_000

/** The session of this cookie, if it still counts. */
export async function liveSession(
  { store, system }: Pick<JourneyContext, 'store' | 'system'>,
  cookie: string,
): Promise<Session | null> {
  const [session] = await store.find('session', { tokenHash: tokenHash(cookie), endedAt: null })
  if (!session || Date.parse(session.expiresAt) <= system.now().getTime()) return null
  return session
}

/** Null for anything that is not the cookie of somebody who is fully signed in. */
export async function authenticateSession(
  context: Pick<JourneyContext, 'store' | 'system'>,
  cookie: string,
): Promise<Actor | null> {
  const session = await liveSession(context, cookie)
  if (session?.level !== 'full') return null
  const administrator = await context.store.get('administrator', session.administratorId)
  if (!administrator || administrator.disabledAt !== null) return null
  const now = context.system.now()
  if (now.getTime() - Date.parse(session.lastSeenAt) > seenNotedMs)
    await context.store.transaction((tx) => tx.update('session', session.id, { lastSeenAt: now.toISOString() }))
  return { name: administrator.email, role: administrator.role, via: 'session' }
}
