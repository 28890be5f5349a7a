import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import type { FreepbxApi } from './freepbx-api.ts'

export type ConfigApplier = (signal: AbortSignal) => Promise<void>

/**
 * "Apply Config" (FreePBX/framework, Api/Gql/Modules.php): started by one question, its end seen by another. It applies
 * everything that waits in FreePBX, also what other people changed and have not applied yet. One whose end was not seen,
 * since the caller gave up, is waited for before another one is started: two at once would get in each other's way.
 * @throws AppError PBX_REFUSED when it failed, PBX_UNREACHABLE when it does not end within `limitMs`.
 */
export function configApplier(
  api: FreepbxApi,
  { lookEveryMs = 500, limitMs = 120_000 }: { readonly lookEveryMs?: number | undefined; readonly limitMs?: number },
): ConfigApplier {
  let running: Running | null = null
  const wait = async (signal: AbortSignal) => {
    if (running === null) return
    const { deadline } = running
    try {
      await untilItEnds(api, running, lookEveryMs, signal)
      running = null
    } catch (error) {
      const hasEnded = error instanceof AppError && error.code === 'PBX_REFUSED'
      if (hasEnded || performance.now() > deadline) running = null
      throw error
    }
  }
  return async (signal) => {
    // It may have begun before our change was made, so its end says nothing of ours: only that another may start.
    await wait(signal).catch((error: unknown) => {
      if (running !== null) throw error
    })
    const start = 'mutation ($input: doreloadInput!) { doreload(input: $input) { status message transaction_id } }'
    const started = z.object({ status: z.literal(true), transaction_id: z.string().min(1) })
    const question = { field: 'doreload', query: start, variables: { input: {} } }
    const { transaction_id: txnId } = await api.ask(question, started, signal)
    running = { txnId, deadline: performance.now() + limitMs }
    await wait(signal)
  }
}

interface Running {
  readonly txnId: string
  readonly deadline: number
}

async function untilItEnds(
  api: FreepbxApi,
  { txnId, deadline }: Running,
  lookEveryMs: number,
  signal: AbortSignal,
): Promise<void> {
  const look = 'query ($txnId: ID!) { fetchApiStatus(txnId: $txnId) { status message details } }'
  const state = z.object({ status: z.literal(true), message: z.string(), details: z.string().nullish() })
  for (;;) {
    const { message, details } = await api.ask(
      { field: 'fetchApiStatus', query: look, variables: { txnId } },
      state,
      signal,
    )
    if (message === 'Executed') return
    if (message === 'Failed') {
      throw new AppError('PBX_REFUSED', `FreePBX could not apply its configuration: ${oneLine(details ?? '')}`, {
        hint: 'press "Apply Config" in FreePBX: it shows what is wrong; until then the old passwords stay in force',
        retryable: true,
      })
    }
    // `Processing`, or words for "not known yet": whatever is not the end is waited for.
    if (performance.now() > deadline) {
      throw new AppError('PBX_UNREACHABLE', 'FreePBX did not finish applying its configuration in time', {
        hint: 'look at "Apply Config" in FreePBX, and at the log of `fwconsole reload`',
        retryable: true,
      })
    }
    await pause(lookEveryMs, undefined, { signal }).catch(() => undefined)
  }
}

function oneLine(words: string): string {
  return words.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 200)
}
