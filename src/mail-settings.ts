import { isLoopback } from './domain/address.ts'
import { parseEmail } from './domain/employee.ts'
import { isLanguage, languages } from './domain/language.ts'
import type { MailSettings } from './notify/mail-port.ts'
import { isHost, quoted, type SettingReader } from './setting-reader.ts'

const settings = ['SMTP_URL', 'SMTP_USER', 'SMTP_PASSWORD_FILE', 'SMTP_FROM', 'SMTP_CA_FILE', 'MAIL_LANGUAGE'] as const

/** Null where no mail server is named. */
export function readMail(read: SettingReader): MailSettings | null {
  const { text, wrong } = read
  const url = text('SMTP_URL')
  if (url === null) {
    const left = settings.find((name) => text(name) !== null)
    if (left) wrong(left, 'is set, but no mail server is', 'RINGFENCE_SMTP_URL=smtps://mail.example.com')
    return null
  }
  const authority = read.pemFile('SMTP_CA_FILE')
  const server = serverOf(url, authority !== null)
  // Not repeated: it may hold a name and a password.
  if (server === null)
    wrong('SMTP_URL', 'is not the address of a mail server', 'smtps://host:465 (TLS) or smtp://host:587 (STARTTLS)')
  const language = (text('MAIL_LANGUAGE') ?? 'en').toLowerCase()
  if (!isLanguage(language))
    wrong('MAIL_LANGUAGE', `${quoted(language)} is not a language of the mails`, languages.join(', '))
  const login = readLogin(read)
  const from = readFrom(read)
  if (server === null || from === null || !isLanguage(language)) return null
  return { ...server, login, from, authority, language }
}

/** @param certified a mail server on this machine that is to be spoken to with TLS all the same */
function serverOf(url: string, certified: boolean): Pick<MailSettings, 'host' | 'port' | 'tls'> | null {
  const match = /^(smtps?):\/\/(?:\[([0-9a-fA-F:]+)\]|([^:[\]\s/@?#]+))(?::(\d{1,5}))?\/?$/i.exec(url)
  const host = match?.[2] ?? match?.[3]
  if (!match || !host || !isHost(host)) return null
  const implicit = match[1]!.toLowerCase() === 'smtps'
  const port = Number(match[4] ?? (implicit ? 465 : 587))
  if (port < 1 || port > 65_535) return null
  return { host, port, tls: implicit ? 'implicit' : isLoopback(host) && !certified ? 'none' : 'starttls' }
}

function readLogin(read: SettingReader): MailSettings['login'] {
  const user = read.text('SMTP_USER')
  const given = read.text('SMTP_PASSWORD_FILE') !== null
  if ((user !== null) !== given)
    read.wrong(given ? 'SMTP_USER' : 'SMTP_PASSWORD_FILE', 'is missing', 'user and password file go together')
  const password = read.secretFile('SMTP_PASSWORD_FILE')
  return user !== null && password ? { user, password } : null
}

/** `Phones <phones@example.com>`, or the address alone. */
function readFrom({ text, wrong }: SettingReader): MailSettings['from'] | null {
  const value = text('SMTP_FROM')
  const match = /^(?:"?([^"<>]*?)"?\s*<([^<>]+)>|([^<>\s]+))$/.exec(value ?? '')
  const parsed = parseEmail(match?.[2] ?? match?.[3])
  if (match && parsed.ok) return { name: match[1]?.trim() ?? '', address: parsed.value }
  const hint = 'such as IT <it@example.com>'
  return value === null
    ? wrong('SMTP_FROM', 'is missing: whom the mails come from', hint)
    : wrong('SMTP_FROM', `${quoted(value)} is not an address that mails can come from`, hint)
}
