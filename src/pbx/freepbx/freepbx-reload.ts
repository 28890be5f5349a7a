import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { AppError } from '../../errors.ts'
import { type FreepbxApi, isPlainNo } from './freepbx-api.ts'

/** `isNeeded`: whether the running Asterisk lacks what the caller changed; asked when another one has ended. */
export type ConfigApplier = (signal: AbortSignal, isNeeded: () => Promise<boolean>) => Promise<void>

const limitMs = 120_000

export interface ApplierPatience {
  readonly lookEveryMs?: number | undefined
  /** How long one whose answer was lost may be running. */
  readonly lostMs?: number | undefined
}

/**
 * "Apply Config" (FreePBX/framework, Api/Gql/Modules.php): started by one question, its end seen by another. It applies
 * everything that waits in FreePBX, also what other people changed and have not applied yet. One whose end was not seen,
 * since the caller gave up or the answer was lost, is waited for before another one is started: two at once would get in
 * each other's way.
 * @throws AppError PBX_REFUSED when it failed, PBX_UNREACHABLE when it does not end within two minutes.
 */
export function configApplier(api: FreepbxApi, { lookEveryMs = 500, lostMs = 60_000 }: ApplierPatience): ConfigApplier {
  let running: Running | null = null
  const wait = async (signal: AbortSignal, isNeeded: () => Promise<boolean>) => {
    if (running === null) return
    const { txnId, deadline } = running
    try {
      if (txnId === null) await untilNothingWaits(api, { deadline, lookEveryMs, isNeeded }, signal)
      else await untilItEnds(api, { txnId, deadline }, lookEveryMs, signal)
      running = null
    } catch (error) {
      if (isPlainNo(error) || performance.now() > deadline) running = null
      throw error
    }
  }
  return async (signal, isNeeded) => {
    const wasRunning = running !== null
    // It may have begun before our change was made, so its end says nothing of ours: only that another may start.
    await wait(signal, isNeeded).catch((error: unknown) => {
      if (running !== null) throw error
    })
    if (wasRunning && !(await isNeeded())) return
    const start = 'mutation ($input: doreloadInput!) { doreload(input: $input) { status message transaction_id } }'
    const started = z.object({ status: z.literal(true), transaction_id: z.string().min(1) })
    const question = { field: 'doreload', query: start, variables: { input: {} } }
    // Until it is answered: FreePBX may have begun although no answer comes.
    running = { txnId: null, deadline: performance.now() + lostMs }
    const { transaction_id: txnId } = await api.ask(question, started, signal).catch((error: unknown) => {
      if (isPlainNo(error)) running = null
      throw error
    })
    running = { txnId, deadline: performance.now() + limitMs }
    await wait(signal, isNeeded)
  }
}

interface Running {
  /** Null: the answer with it was lost. */
  readonly txnId: string | null
  readonly deadline: number
}

/**
 * Nothing says whether an "Apply Config" runs; but one that ends takes away the mark that something waits for it
 * (Console/Reload.class.php). While the mark is there it may still run, or never have begun: then time decides.
 */
async function untilNothingWaits(
  api: FreepbxApi,
  {
    deadline,
    lookEveryMs,
    isNeeded,
  }: { readonly deadline: number; readonly lookEveryMs: number; readonly isNeeded: () => Promise<boolean> },
  signal: AbortSignal,
): Promise<void> {
  const question = { field: 'fetchNeedReload', query: '{ fetchNeedReload { status message } }' }
  const state = z.object({ status: z.literal(true), message: z.string() })
  for (;;) {
    const message = await api.ask(question, state, signal).then(
      (answer) => answer.message,
      (error: unknown) => {
        // An older FreePBX does not know the question.
        if (isPlainNo(error)) return null
        throw error
      },
    )
    if (message === null ? !(await isNeeded()) : /not required/i.test(message)) return
    if (performance.now() > deadline) return
    signal.throwIfAborted()
    await pause(lookEveryMs, undefined, { signal }).catch(() => undefined)
  }
}

async function untilItEnds(
  api: FreepbxApi,
  { txnId, deadline }: { readonly txnId: string; readonly deadline: number },
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
