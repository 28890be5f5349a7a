import type { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'

/**
 * The one access token of a management interface. 3CX has a single one for a client, and a new login ends the one before;
 * Yeastar counts them. So there is never a second login while one holds, or is on its way.
 */
export interface FreshToken {
  readonly value: Secret
  readonly lifetimeMs: number
}

export interface TokenKeeper {
  /**
   * Does the work with the token. `null` says that the PBX did not take it (any more): then there is one new login and one
   * more try, and after that an error: whoever logs in again and again beside us would otherwise be fought for ever.
   */
  with<T>(work: (token: Secret) => Promise<T | null>, signal: AbortSignal): Promise<T>
}

/** A token is given up this long before its end, so that none runs out on the way. */
const spareMs = 30_000

export function tokenKeeper(logIn: (signal: AbortSignal) => Promise<FreshToken>, now: () => number): TokenKeeper {
  let held: { value: Secret; until: number } | null = null
  let coming: Promise<Secret> | null = null

  async function fresh(signal: AbortSignal): Promise<Secret> {
    const { value, lifetimeMs } = await logIn(signal)
    held = { value, until: now() + Math.max(0, lifetimeMs - spareMs) }
    return value
  }

  function current(signal: AbortSignal): Promise<Secret> {
    if (held !== null && now() < held.until) return Promise.resolve(held.value)
    coming ??= fresh(signal).finally(() => {
      coming = null
    })
    return coming
  }

  return {
    async with(work, signal) {
      for (let round = 0; round < 2; round++) {
        const token = await current(signal)
        const result = await work(token)
        if (result !== null) return result
        // Only the refused one: meanwhile somebody else of us may have logged in anew.
        if (held?.value === token) held = null
      }
      throw new AppError('PBX_REFUSED', 'the PBX takes the token of a login, and then takes it no more', {
        hint: 'another program uses the same API client and its login ends ours: give Ringfence a client of its own',
        retryable: true,
      })
    },
  }
}
