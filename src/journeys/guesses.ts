import { setTimeout as pause } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import type { JourneyContext } from './context.ts'
import { failureCounter } from './failure-counter.ts'
import { type GuessLimiter, guessLimiter } from './guess-limiter.ts'
import { type PasswordTurns, passwordTurns } from './password-turns.ts'
import type { Visitor } from './sign-in-view.ts'

/** What is remembered of tries; one for all of signing in and the accounts, so that no door has a count of its own. */
export interface Guesses extends GuessLimiter {
  readonly count: ReturnType<typeof failureCounter>
  readonly turns: PasswordTurns
  /** Notes a wrong code of this session. True: it had as many as it may, and is to end. */
  readonly codeMissed: (sessionId: string) => boolean
}

/** Codes have six digits: whoever misses so often gives the password again, and waits for that too. */
const mostWrongCodes = 5
const rememberedSessions = 10_000

export function startGuesses({ system: { now } }: Pick<JourneyContext, 'system'>): Guesses {
  return {
    ...guessLimiter({ now, pause: (ms) => pause(ms) }),
    count: failureCounter(now),
    turns: passwordTurns(),
    codeMissed: missCounter(),
  }
}

function missCounter(): Guesses['codeMissed'] {
  const misses = new Map<string, number>()
  return (sessionId) => {
    const now = (misses.get(sessionId) ?? 0) + 1
    misses.delete(sessionId)
    if (now >= mostWrongCodes) return true
    misses.set(sessionId, now)
    if (misses.size > rememberedSessions) misses.delete(misses.keys().next().value!)
    return false
  }
}

/** Derives for somebody who has an account or a link already, and so may be told that there is no room. @throws CONFLICT */
export async function inTurn<T>({ turns }: Guesses, { network }: Visitor, work: () => Promise<T>): Promise<T> {
  const leave = await turns.enter(network)
  if (leave === null) throw tooMany()
  try {
    return await work()
  } finally {
    leave()
  }
}

export function tooMany(): AppError {
  return new AppError('CONFLICT', 'too many passwords are being checked right now', {
    hint: 'try again in a moment',
    retryable: true,
  })
}
