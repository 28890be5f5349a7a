/** The only user of nodemailer. */
import { createTransport } from 'nodemailer'
import { AppError } from '../errors.ts'
import type { Letter, Mailer, MailSession, MailSettings } from './mail-port.ts'

/** A server that greets slowly to annoy senders of spam takes up to half a minute. */
const limits = {
  connectionTimeout: 10_000,
  greetingTimeout: 30_000,
  socketTimeout: 30_000,
  dnsTimeout: 10_000,
} as const

export type Patience = Partial<Record<keyof typeof limits, number>>

const tlsWords = { implicit: 'TLS', starttls: 'STARTTLS', none: 'on this machine, without TLS' } as const

/** @param patience shorter limits for tests, in milliseconds */
export function smtpMailer(settings: MailSettings, patience: Patience = {}): Mailer {
  const { host, port, tls, from, language } = settings
  return {
    server: `${host}:${port} (${tlsWords[tls]})`,
    from: from.name === '' ? from.address : `${from.name} <${from.address}>`,
    language,
    begin: () => session(settings, patience),
  }
}

function session({ host, port, tls, login, authority, from }: MailSettings, patience: Patience): MailSession {
  const transport = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(login ? { auth: { user: login.user, pass: login.password.reveal() } } : {}),
    tls: { minVersion: 'TLSv1.2', ...(authority === null ? {} : { ca: authority }) },
    pool: true,
    maxConnections: 1,
    // Trying again is the outbox's work, which knows what is still wanted.
    maxRequeues: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...limits,
    ...patience,
  })
  const domain = from.address.split('@').at(-1)
  return {
    async send({ id, to, subject, text, html }, signal) {
      const sending = transport.sendMail({
        from: { name: from.name, address: from.address },
        to: { name: '', address: to },
        subject,
        text,
        html,
        messageId: `<${id}@${domain}>`,
        // RFC 3834 section 5: no "out of office" comes back.
        headers: { 'Auto-Submitted': 'auto-generated' },
      })
      try {
        await untilAborted(sending, signal)
      } catch (error) {
        throw mailError(error, { subject, text, html })
      }
    },
    close: () => transport.close(),
  }
}

function untilAborted(sending: Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
  if (!signal) return sending
  const stopped = Promise.withResolvers<never>()
  const stop = () => stopped.reject(new Error('stopped'))
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  return Promise.race([sending, stopped.promise]).finally(() => {
    signal.removeEventListener('abort', stop)
    sending.catch(() => undefined) // whoever stopped does not wait for it any more
  })
}

interface SmtpFault {
  readonly code?: string
  readonly command?: string
  readonly responseCode?: number
  readonly response?: string
  readonly message?: string
}

/** What the server said goes along, but for anything in it that stood in the letter: some repeat the link they dislike. */
function mailError(error: unknown, letter: Letter): AppError {
  const { code = '', command = '', responseCode = 0, response = '', message = '' } = error as SmtpFault
  const words = (response || message)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .replace(/[A-Za-z0-9+/_-]{20,}/g, (word) => (`${letter.text}${letter.html}`.includes(word) ? '[secret]' : word))
    .slice(0, 300)
  // A 5xx answer to the recipient or the letter itself is for ever; one to the login or the sender is our configuration.
  if (responseCode >= 500 && ['RCPT TO', 'DATA'].includes(command))
    return new AppError('MAIL_REFUSED', `the mail server refused it: ${words}`, {
      hint: 'look whether the address is right; what it says stands above',
    })
  const hints: Readonly<Record<string, string>> = {
    EAUTH: 'check RINGFENCE_SMTP_USER and RINGFENCE_SMTP_PASSWORD_FILE',
    ETLS: 'the server must offer TLS with a certificate for its name; RINGFENCE_SMTP_CA_FILE names an authority of your own',
    ESOCKET: 'check name, port and certificate of RINGFENCE_SMTP_URL; smtps:// is for TLS from the start',
    EDNS: 'check the name in RINGFENCE_SMTP_URL',
  }
  return new AppError('MAIL_UNREACHABLE', `the mail server did not take it: ${words}`, {
    hint: hints[code] ?? 'it is tried again by itself',
    retryable: true,
  })
}
