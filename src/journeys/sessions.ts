import { type Session, sessionCounts, sessionHours } from '../domain/administrator.ts'
import { tokenHash } from '../domain/invite.ts'
import { Secret } from '../domain/secret.ts'
import type { Actor } from '../domain/token.ts'
import type { StoreWriter } from '../store/store.ts'
import { newId } from '../system.ts'
import type { JourneyContext } from './context.ts'
import type { SignedIn, Visitor } from './sign-in-view.ts'

type SessionContext = Pick<JourneyContext, 'store' | 'system'>

/** A use is noted at most once a minute: a page that follows events must not cost a write each time. */
const seenNotedMs = 60_000

/** What is over is kept for so long, for "where was I signed in?". */
const keptDays = 30

/** The session of this cookie, if it still counts and its administrator does. */
export async function liveSession({ store, system }: SessionContext, cookie: string): Promise<Session | null> {
  const [session] = await store.find('session', { tokenHash: tokenHash(cookie), endedAt: null })
  return session && sessionCounts(session, system.now()) ? session : null
}

/**
 * Null for anything that is not the cookie of somebody who is fully signed in. `looking`: a page asks by itself, which is
 * no use, or one that was left open would never run into the idle limit.
 */
export async function authenticateSession(
  context: SessionContext,
  cookie: string,
  by: 'use' | 'looking' = 'use',
): Promise<Actor | null> {
  const session = await liveSession(context, cookie)
  if (session?.level !== 'full') return null
  const administrator = await context.store.get('administrator', session.administratorId)
  if (!administrator || administrator.disabledAt !== null) return null
  const now = context.system.now()
  if (by === 'use' && now.getTime() - Date.parse(session.lastSeenAt) > seenNotedMs)
    await context.store.transaction((tx) => tx.update('session', session.id, { lastSeenAt: now.toISOString() }))
  return { name: administrator.email, role: administrator.role, via: 'session' }
}

/**
 * A new session under a new cookie; `instead` ends, so that a cookie from before a rise of level is worth nothing after it
 * (session fixation).
 */
export async function startSession(
  { system }: SessionContext,
  tx: StoreWriter,
  {
    administratorId,
    level,
    how,
    visitor,
    instead = null,
  }: Pick<Session, 'administratorId' | 'level' | 'how'> & { visitor: Visitor; instead?: Session | null },
): Promise<SignedIn> {
  const now = system.now()
  const at = now.toISOString()
  const cookie = system.randomBytes(32).toString('base64url')
  if (instead !== null) await tx.update('session', instead.id, { endedAt: at })
  const expiresAt = new Date(now.getTime() + sessionHours * 3_600_000).toISOString()
  const old = new Date(now.getTime() - keptDays * 86_400_000).toISOString()
  const gone = (await tx.find('session', { administratorId })).filter(({ createdAt }) => createdAt < old)
  await tx.remove(
    'session',
    gone.map(({ id }) => id),
  )
  await tx.insert('session', [
    {
      id: newId(system),
      administratorId,
      tokenHash: tokenHash(cookie),
      level,
      how,
      createdAt: at,
      lastSeenAt: at,
      expiresAt,
      endedAt: null,
      remoteAddress: visitor.remoteAddress,
      userAgent: visitor.userAgent?.slice(0, 300) ?? null,
    },
  ])
  return { cookie: new Secret(cookie), expiresAt, next: level === 'full' ? 'console' : 'second-factor' }
}

export async function endSessions(
  tx: StoreWriter,
  administratorId: string,
  at: string,
  except: string | null = null,
): Promise<number> {
  const open = (await tx.find('session', { administratorId, endedAt: null })).filter(({ id }) => id !== except)
  for (const { id } of open) await tx.update('session', id, { endedAt: at })
  return open.length
}
