/**
 * Sends what waits. A mail is marked after the server has taken it: whoever is killed in between sends it again, since a
 * link that comes twice is better than one that never comes.
 */
import { tokenHash } from '../domain/invite.ts'
import { type Mail, nextMailTry } from '../domain/mail.ts'
import { asAppError } from '../errors.ts'
import type { Letters, MailSession } from '../notify/mail-port.ts'
import type { StoreWriter } from '../store/store.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'

const atOnce = 50
/** A server that is not there is not asked again for each of a thousand mails. */
const pauseMs = 20_000

export interface MailDelivery {
  /** Sends what is due, at most for as long as the server takes it. */
  run(): Promise<void>
  /** What is being sent is given up and sent again later. */
  stop(): void
}

export function mailDelivery(context: JourneyContext): MailDelivery {
  const stopping = new AbortController()
  let notBefore = 0

  async function run(): Promise<void> {
    const { mail, store, system } = context
    const now = system.now()
    if (mail === null || now.getTime() < notBefore) return
    const due = await store.mailsDue(now.toISOString(), atOnce)
    if (due.length === 0) return
    const session = mail.mailer.begin()
    try {
      for (const waiting of due) {
        if (stopping.signal.aborted) return
        if ((await sendOne(session, mail.letters, waiting)) === 'unreachable') {
          notBefore = system.now().getTime() + pauseMs
          return
        }
      }
    } finally {
      session.close()
    }
  }

  async function sendOne(session: MailSession, letters: Letters, mail: Mail): Promise<'done' | 'unreachable'> {
    const letter = await letterFor(context, letters, mail)
    if ('ended' in letter) {
      await end(mail, letter.ended)
      return 'done'
    }
    try {
      await session.send({ ...letter, id: mail.id, to: mail.recipient }, stopping.signal)
    } catch (error) {
      if (stopping.signal.aborted) return 'done'
      return failed(mail, error)
    }
    const sentAt = context.system.now().toISOString()
    // Even if somebody has called it back meanwhile: it has gone out, and that is what is to be seen.
    await settle(mail, 'mail.sent', (tx) =>
      tx.update('mail', mail.id, {
        state: 'sent',
        attempts: mail.attempts + 1,
        linkSealed: null,
        lastProblem: null,
        sentAt,
      }),
    )
    return 'done'
  }

  async function failed(mail: Mail, error: unknown): Promise<'done' | 'unreachable'> {
    const { code, message, hint } = asAppError(error)
    const now = context.system.now()
    const attempts = mail.attempts + 1
    const nextTryAt = nextMailTry(attempts, now)
    const lastProblem = code === 'MAIL_UNREACHABLE' && hint ? `${message}; ${hint}` : message
    context.log.warn({ err: error, mailId: mail.id }, 'a mail could not be sent')
    const forEver = code !== 'MAIL_UNREACHABLE' || nextTryAt >= mail.expiresAt
    if (forEver)
      await settle(mail, 'mail.failed', (tx) =>
        tx.updateIf('mail', mail.id, { state: 'queued' }, { state: 'failed', attempts, lastProblem, linkSealed: null }),
      )
    else
      await settle(mail, null, (tx) =>
        tx.updateIf('mail', mail.id, { state: 'queued' }, { attempts, lastProblem, nextTryAt }),
      )
    // "Come back later" is about this mail alone; a server without an answer is about all of them.
    return code === 'MAIL_UNREACHABLE' && !/: 4\d\d /.test(message) ? 'unreachable' : 'done'
  }

  const end = (mail: Mail, lastProblem: string) =>
    settle(mail, 'mail.cancelled', (tx) =>
      tx.updateIf('mail', mail.id, { state: 'queued' }, { state: 'cancelled', lastProblem, linkSealed: null }),
    )

  async function settle(
    { id, employeeId }: Mail,
    kind: 'mail.sent' | 'mail.failed' | 'mail.cancelled' | null,
    change: (tx: StoreWriter) => Promise<unknown>,
  ): Promise<void> {
    await context.store.transaction(async (tx) => {
      const hit = await change(tx)
      if (kind !== null && hit !== false)
        await tx.record(auditEvent(context, kind, { employeeId, subjectId: id, actor: itself }))
    })
    context.publish({ kind: 'employee', employeeId, data: { mail: kind ?? 'mail.waiting' } })
  }

  return { run, stop: () => stopping.abort() }
}

/** The letter, or why it is not wanted any more: a dead link is not sent to anybody. */
async function letterFor({ store, vault, system }: JourneyContext, letters: Letters, mail: Mail) {
  if (mail.linkSealed === null) return { ended: 'its link was erased' }
  const link = vault.open(mail.linkSealed, `mail:${mail.id}`).reveal()
  const [invite] = await store.find('invite', { tokenHash: tokenHash(link.split('/').at(-1) ?? '') })
  if (!invite || invite.closedAt !== null) return { ended: 'its link was replaced or shut before it could be sent' }
  if (invite.expiresAt <= system.now().toISOString()) return { ended: 'its link ran out before it could be sent' }
  const employee = await store.get('employee', mail.employeeId)
  const [assignment] = await store.find('assignment', { employeeId: mail.employeeId, untilAt: null })
  if (!employee || !assignment) return { ended: 'this person has left' }
  const values = { name: employee.name, extension: assignment.extension, link, expiresAt: invite.expiresAt }
  return letters.invite(mail.language, values)
}
