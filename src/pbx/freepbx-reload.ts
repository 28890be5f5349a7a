import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import type { FreepbxApi } from './freepbx-api.ts'

/**
 * "Apply Config" (FreePBX/framework, Api/Gql/Modules.php): started by one question, its end seen by another. It applies
 * everything that waits in FreePBX, also what other people changed and have not applied yet.
 * @throws AppError PBX_REFUSED when it failed, PBX_UNREACHABLE when it does not end within `limitMs`.
 */
export async function applyConfig(
  api: FreepbxApi,
  { lookEveryMs = 500, limitMs = 120_000 }: { readonly lookEveryMs?: number | undefined; readonly limitMs?: number },
  signal: AbortSignal,
): Promise<void> {
  const start = 'mutation ($input: doreloadInput!) { doreload(input: $input) { status message transaction_id } }'
  const started = z.object({ status: z.literal(true), transaction_id: z.string().min(1) })
  const question = { field: 'doreload', query: start, variables: { input: {} } }
  const { transaction_id: txnId } = await api.ask(question, started, signal)
  const deadline = performance.now() + limitMs
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
