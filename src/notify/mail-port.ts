/**
 * How a letter leaves the house. A mailer keeps nothing: what is to be sent, and what became of it, the database knows.
 */
import type { Language } from '../domain/language.ts'
import type { Secret } from '../domain/secret.ts'
import type { AppError } from '../errors.ts'

/** The words of a mail, as plain text and as simple HTML. */
export interface Letter {
  readonly subject: string
  readonly text: string
  readonly html: string
}

export interface LetterValues {
  readonly name: string
  readonly extension: string
  readonly link: string
  /** ISO time. */
  readonly expiresAt: string
}

export interface StepLetterValues {
  readonly count: string
  readonly hours: string
  /** One line for each step. */
  readonly list: string
  /** Address of the console. */
  readonly console: string
}

export interface Letters {
  invite(language: Language, values: LetterValues): Promise<Letter>
  /** To administrators: steps that have been open for too long. */
  steps(language: Language, values: StepLetterValues): Promise<Letter>
  /** To see whether mails arrive; holds no link. */
  test(language: Language): Promise<Letter>
  /** The admin's own words as they are now. */
  own(): Promise<OwnLetters>
}

export interface OwnLetters {
  /** Delivered letters that one of the admin's own stands in for. */
  readonly replaced: readonly string[]
  /** Files that nothing reads: misspelt, most likely. */
  readonly unused: readonly string[]
  /** Those that cannot be used: the delivered ones stand in for them. */
  readonly problems: readonly AppError[]
}

export interface Mailer {
  /** For people: `mail.example.com:465 (TLS)`. */
  readonly server: string
  readonly from: string
  readonly language: Language
  begin(): MailSession
}

/** One or several letters over one connection. */
export interface MailSession {
  /**
   * Returns when the server has taken it over; whether it arrives is another matter. The same `id` twice is the same mail
   * for the recipient's software, as far as that looks.
   * @throws AppError MAIL_REFUSED when this letter will never be taken; MAIL_UNREACHABLE (retryable) for everything that
   * may pass: no connection, no TLS, a login that is wrong, "come back later"
   */
  send(letter: Letter & { readonly id: string; readonly to: string }, signal?: AbortSignal): Promise<void>
  close(): void
}

/** How mails leave; see docs/mail.md. */
export interface MailSettings {
  readonly host: string
  readonly port: number
  /** `none` only on this machine itself, where no authority is named. */
  readonly tls: 'implicit' | 'starttls' | 'none'
  readonly login: { readonly user: string; readonly password: Secret } | null
  /** PEM of an authority of one's own that signed the server's certificate. */
  readonly authority: string | null
  readonly from: { readonly name: string; readonly address: string }
  readonly language: Language
}
