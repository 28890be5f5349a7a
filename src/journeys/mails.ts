/**
 * Links by mail. A mail is a row that is written with the invite it tells of, and sent from there (deliver-mails.ts); the
 * link lies sealed in it until it was sent or given up.
 */
import { parseEmail } from '../domain/employee.ts'
import type { Language } from '../domain/language.ts'
import type { Mail } from '../domain/mail.ts'
import { Secret } from '../domain/secret.ts'
import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import { newId } from '../system.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import type { NewInvite } from './enrolment.ts'
import type { MailChoice, MailSettingsView, MailTest, MailView } from './mail-view.ts'
import { invalid } from './refusal.ts'

/** @throws AppError MAIL_NOT_CONFIGURED where a mail is wanted and cannot be sent */
export function mailLanguage(context: Pick<JourneyContext, 'mail'>, choice: MailChoice): Language {
  const { language } = demandMail(context).mailer
  return choice === 'default' ? language : choice
}

export function mailSettings({ mail }: JourneyContext): MailSettingsView | null {
  return mail && { server: mail.mailer.server, from: mail.mailer.from, language: mail.mailer.language }
}

/** The row, to be written with the invite. */
export function newMail(
  context: Pick<JourneyContext, 'system' | 'vault' | 'config'>,
  { employeeId, recipient, language }: Pick<Mail, 'employeeId' | 'recipient' | 'language'>,
  invite: NewInvite,
): Mail {
  const id = newId(context.system)
  const at = context.system.now().toISOString()
  const link = new Secret(`${context.config.phoneDoor.url}/join/${invite.token}`)
  return {
    id,
    employeeId,
    kind: 'invite',
    recipient,
    language,
    linkSealed: context.vault.seal(link, `mail:${id}`),
    expiresAt: invite.expiresAt,
    state: 'queued',
    attempts: 0,
    nextTryAt: at,
    lastProblem: null,
    createdAt: at,
    sentAt: null,
  }
}

export async function mailsOf({ store, system }: JourneyContext, employeeId: string): Promise<readonly MailView[]> {
  const mails = await store.find('mail', { employeeId })
  return mails.map((mail) => mailView(mail, system.now())).reverse()
}

export async function tryMailNow(context: JourneyContext, id: string, actor: Actor): Promise<MailView> {
  const nextTryAt = context.system.now().toISOString()
  return changed(
    context,
    id,
    { kind: 'mail.retried', patch: { nextTryAt }, tooLate: 'it is not waiting any more' },
    actor,
  )
}

export async function cancelMail(context: JourneyContext, id: string, actor: Actor): Promise<MailView> {
  const patch = { state: 'cancelled', linkSealed: null, lastProblem: null } as const
  return changed(context, id, { kind: 'mail.cancelled', patch, tooLate: 'it cannot be called back any more' }, actor)
}

async function changed(
  context: JourneyContext,
  id: string,
  { kind, patch, tooLate }: { kind: 'mail.retried' | 'mail.cancelled'; patch: Partial<Mail>; tooLate: string },
  actor: Actor,
): Promise<MailView> {
  const mail = await context.store.transaction(async (tx) => {
    const mail = await tx.get('mail', id)
    if (!mail) throw new AppError('NOT_FOUND', 'there is no such mail')
    if (!(await tx.updateIf('mail', id, { state: 'queued' }, patch)))
      throw new AppError('CONFLICT', tooLate, { hint: mailView(mail, context.system.now()).words })
    await tx.record(auditEvent(context, kind, { employeeId: mail.employeeId, subjectId: id, actor }))
    return { ...mail, ...patch }
  })
  context.publish({ kind: 'employee', employeeId: mail.employeeId, data: { mail: mail.state } })
  return mailView(mail, context.system.now())
}

/** Recorded before it is sent: a letter that somebody had sent is in the log, whatever became of it. No address is. */
export async function testMail(
  context: JourneyContext,
  address: string,
  choice: MailChoice,
  actor: Actor,
): Promise<MailTest> {
  const { mailer, letters } = demandMail(context)
  const to = parseEmail(address)
  if (!to.ok) throw invalid([to.problem])
  await context.store.transaction((tx) => tx.record(auditEvent(context, 'mail.tested', { actor })))
  const startedAt = performance.now()
  const session = mailer.begin()
  try {
    const letter = await letters.test(choice === 'default' ? mailer.language : choice)
    await session.send({ ...letter, id: newId(context.system), to: to.value }, AbortSignal.timeout(45_000))
  } finally {
    session.close()
  }
  const { server, from, language } = mailer
  return { server, from, language, address: to.value, durationMs: Math.round(performance.now() - startedAt) }
}

function demandMail({ mail }: Pick<JourneyContext, 'mail'>): NonNullable<JourneyContext['mail']> {
  if (mail) return mail
  throw new AppError('MAIL_NOT_CONFIGURED', 'no mail server is configured', {
    hint: 'set RINGFENCE_SMTP_URL and RINGFENCE_SMTP_FROM (docs/mail.md), or hand the link over yourself',
  })
}

export function mailView(mail: Mail, now: Date): MailView {
  const { linkSealed: _sealed, nextTryAt, ...view } = mail
  return { ...view, nextTryAt: mail.state === 'queued' ? nextTryAt : null, words: wordsFor(mail, now) }
}

function wordsFor({ state, attempts, lastProblem, nextTryAt }: Mail, now: Date): string {
  const problem = lastProblem === null ? '' : `: ${lastProblem}`
  switch (state) {
    case 'sent':
      return attempts > 1 ? `taken by the mail server at try ${attempts}` : 'taken by the mail server'
    case 'failed':
      return `given up${problem}`
    case 'cancelled':
      return `not sent${problem === '' ? ': cancelled' : problem}`
    case 'queued':
      if (attempts === 0) return 'on its way to the mail server'
      return Date.parse(nextTryAt) > now.getTime()
        ? `waiting for the next try${problem}`
        : `being tried again${problem}`
  }
}
