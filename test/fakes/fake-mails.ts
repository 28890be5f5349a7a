import type { Actor } from '../../src/domain/token.ts'
import { AppError } from '../../src/errors.ts'
import type { Onboarded } from '../../src/journeys/application.ts'
import type { MailDeeds, MailView } from '../../src/journeys/mail-view.ts'

/** Mails in memory: what was asked for waits for ever, until a test says what became of it. */
export function fakeMails({
  invite,
  did,
  now,
}: {
  invite: (who: string, actor: Actor) => Promise<Onboarded>
  did: (deed: string, actor: Actor) => void
  now: string
}): MailDeeds & { readonly queue: (employeeId: string, recipient: string) => void } {
  const mails: MailView[] = []
  const change = (id: string, patch: Partial<MailView>): MailView => {
    const at = mails.findIndex((mail) => mail.id === id)
    if (at === -1) throw new AppError('NOT_FOUND', 'there is no such mail')
    if (mails[at]!.state !== 'queued') throw new AppError('CONFLICT', 'it is not waiting any more')
    mails[at] = { ...mails[at]!, ...patch }
    return mails[at]
  }
  const queue = (employeeId: string, recipient: string): void => {
    mails.unshift({
      id: `01939d2c-0000-7000-8000-9${String(mails.length).padStart(11, '0')}`,
      employeeId,
      kind: 'invite',
      recipient,
      language: 'en',
      state: 'queued',
      attempts: 0,
      nextTryAt: now,
      lastProblem: null,
      createdAt: now,
      sentAt: null,
      expiresAt: now,
      words: 'on its way to the mail server',
    })
  }
  return {
    queue,
    settings: () => ({ server: 'mail.example.com:465 (TLS)', from: 'it@example.com', language: 'en' }),
    ofPerson: async (who) => mails.filter(({ employeeId, recipient }) => [employeeId, recipient].includes(who)),
    async tryNow(id, actor) {
      did('tryMailNow', actor)
      return change(id, { nextTryAt: now })
    },
    async cancel(id, actor) {
      did('cancelMail', actor)
      return change(id, { state: 'cancelled', nextTryAt: null, words: 'not sent: cancelled' })
    },
    async sendNewLink(who, _choice, actor) {
      const made = await invite(who, actor)
      queue(made.employee.id, made.employee.email)
      return made
    },
    async test(address, _choice, actor) {
      did('testMail', actor)
      if (!address.includes('@')) throw new AppError('INVALID_INPUT', `${JSON.stringify(address)} is no address`)
      return { server: 'mail.example.com:465 (TLS)', from: 'it@example.com', language: 'en', address, durationMs: 40 }
    },
  }
}
