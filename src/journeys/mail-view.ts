/** Mails to employees, as people and scripts see them. */
import type { Language } from '../domain/language.ts'
import type { Mail } from '../domain/mail.ts'
import type { Actor } from '../domain/token.ts'
import type { Onboarded } from './application.ts'

/** `default`: the language that RINGFENCE_MAIL_LANGUAGE names. */
export type MailChoice = Language | 'default'

export interface MailDeeds {
  /** Null where no mail server is configured. */
  readonly settings: () => MailSettingsView | null
  /** Newest first. @throws NOT_FOUND */
  readonly ofPerson: (who: string) => Promise<readonly MailView[]>
  /** Tries a mail that waits at once. @throws NOT_FOUND, CONFLICT when it is not waiting */
  readonly tryNow: (mailId: string, actor: Actor) => Promise<MailView>
  /** @throws NOT_FOUND, CONFLICT when it is not waiting any more */
  readonly cancel: (mailId: string, actor: Actor) => Promise<MailView>
  /** A new link in place of the old one, sent by mail. @throws MAIL_NOT_CONFIGURED */
  readonly sendNewLink: (who: string, choice: MailChoice, actor: Actor) => Promise<Onboarded>
  /** Sends a letter without a link at once. @throws MAIL_NOT_CONFIGURED, MAIL_REFUSED, MAIL_UNREACHABLE, INVALID_INPUT */
  readonly test: (address: string, choice: MailChoice, actor: Actor) => Promise<MailTest>
}

export interface MailSettingsView {
  readonly server: string
  readonly from: string
  readonly language: Language
}

export interface MailTest extends MailSettingsView {
  readonly address: string
  readonly durationMs: number
}

export interface MailView
  extends Pick<
    Mail,
    | 'id'
    | 'employeeId'
    | 'kind'
    | 'recipient'
    | 'language'
    | 'state'
    | 'attempts'
    | 'lastProblem'
    | 'createdAt'
    | 'sentAt'
    | 'expiresAt'
  > {
  /** Null when it is not tried any more. */
  readonly nextTryAt: string | null
  /** What became of it, in words. */
  readonly words: string
}
