import type { OutboxMessage } from '../domain/outbox.ts'

/** One way to tell people: mail, webhook, log. Adding one is a file beside this and a line in main.ts. */
export interface NotificationChannel {
  readonly name: string
  /** May be called again with the same `dedupeKey` after a crash: the receiver must see it once. */
  deliver(
    message: Pick<OutboxMessage, 'dedupeKey' | 'kind' | 'payload' | 'createdAt'>,
    signal: AbortSignal,
  ): Promise<void>
}

const mostWaitMs = 3_600_000

/** The part of the store that delivery needs. */
export interface Outbox {
  waiting(): Promise<readonly OutboxMessage[]>
  update(id: string, patch: Partial<OutboxMessage>): Promise<void>
}

/** Hands out what is due in the outbox; a message is done when every channel took it. */
export async function deliverOutbox(
  outbox: Outbox,
  channels: readonly NotificationChannel[],
  now: Date,
): Promise<void> {
  const waiting = await outbox.waiting()
  for (const message of waiting) {
    if (Date.parse(message.nextTryAt) > now.getTime()) continue
    await outbox.update(message.id, await attempt(message, channels, now))
  }
}

async function attempt(
  message: OutboxMessage,
  channels: readonly NotificationChannel[],
  now: Date,
): Promise<Partial<OutboxMessage>> {
  const attempts = message.attempts + 1
  try {
    for (const channel of channels) await channel.deliver(message, AbortSignal.timeout(10_000))
    return { attempts, deliveredAt: now.toISOString(), lastProblem: null }
  } catch (error) {
    const wait = Math.min(mostWaitMs, 1_000 * 2 ** attempts)
    return {
      attempts,
      nextTryAt: new Date(now.getTime() + wait).toISOString(),
      lastProblem: error instanceof Error ? error.message : 'unknown',
    }
  }
}
