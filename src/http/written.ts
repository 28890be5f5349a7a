import { once } from 'node:events'
import type { Writable } from 'node:stream'

/**
 * Writes, and waits until a slow reader took what waits: an export would otherwise pile up whole in our memory for each of
 * them. Whoever hung up is waited for no longer.
 */
export async function written(response: Writable, text: string, signal: AbortSignal): Promise<void> {
  if (response.write(text) || signal.aborted) return
  await once(response, 'drain', { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
