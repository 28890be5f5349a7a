import { setTimeout as pause } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import type { JourneyContext } from './context.ts'
import { failureCounter, type GuessLimiter, guessLimiter } from './guess-limiter.ts'
import { type PasswordTurns, passwordTurns } from './password-turns.ts'
import type { Visitor } from './sign-in-view.ts'

/** What is remembered of tries; one for all of signing in and the accounts, so that no door has a count of its own. */
export interface Guesses extends GuessLimiter {
  readonly count: ReturnType<typeof failureCounter>
  readonly turns: PasswordTurns
}

export function startGuesses({ system: { now } }: Pick<JourneyContext, 'system'>): Guesses {
  return {
    ...guessLimiter({ now, pause: (ms) => pause(ms) }),
    count: failureCounter(now),
    turns: passwordTurns(),
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

function tooMany(): AppError {
  return new AppError('CONFLICT', 'too many passwords are being checked right now', {
    hint: 'try again in a moment',
    retryable: true,
  })
}
