import type { NotificationChannel } from './notifier.ts'

/** The channel that is always there: one line in the server's log. */
export function logChannel(log: { info(facts: object, message: string): void }): NotificationChannel {
  return {
    name: 'log',
    async deliver({ kind, payload }) {
      log.info({ notice: kind, ...(JSON.parse(payload) as object) }, kind)
    },
  }
}
