import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { namesOf, problemsOf, read, type Settings, secretsFolder } from './environment.ts'

const secrets = secretsFolder()

describe('with a mail server', () => {
  const mail = (settings: Settings = {}) => ({
    SMTP_URL: 'smtps://mail.example.com',
    SMTP_FROM: 'IT of Example <it@example.com>',
    ...settings,
  })

  test.each([
    ['smtps://mail.example.com', { host: 'mail.example.com', port: 465, tls: 'implicit' }],
    ['smtp://mail.example.com', { host: 'mail.example.com', port: 587, tls: 'starttls' }],
    ['smtp://mail.example.com:25', { port: 25, tls: 'starttls' }],
    ['SMTP://127.0.0.1:25', { host: '127.0.0.1', tls: 'none' }],
    ['smtp://[::1]:2525/', { host: '::1', port: 2525, tls: 'none' }],
    ['smtps://localhost', { tls: 'implicit' }],
  ])('%s says how it is spoken to: in the clear only on this machine itself', (url, expected) => {
    expect(read(mail({ SMTP_URL: url })).mail).toMatchObject({
      ...expected,
      from: { name: 'IT of Example', address: 'it@example.com' },
      language: 'en',
    })
  })

  test('the password is read and never shown', () => {
    const config = read(mail({ SMTP_USER: 'it', SMTP_PASSWORD_FILE: secrets.file, MAIL_LANGUAGE: 'DE' }))
    expect(config.mail).toMatchObject({ login: { user: 'it' }, language: 'de' })
    expect(config.mail?.login?.password.reveal()).toBe('hunter2')
    expect(inspect(config, { depth: 9 })).not.toContain('hunter2')
  })

  test.each([
    ['no sender', { SMTP_FROM: '' }, ['SMTP_FROM']],
    ['a sender that is none', { SMTP_FROM: 'IT <nobody>' }, ['SMTP_FROM']],
    ['a user without a password', { SMTP_USER: 'it' }, ['SMTP_PASSWORD_FILE']],
    ['another scheme', { SMTP_URL: 'https://mail.example.com' }, ['SMTP_URL']],
    ['a port that is none', { SMTP_URL: 'smtp://mail.example.com:99999' }, ['SMTP_URL']],
    ['a language that is none', { MAIL_LANGUAGE: 'klingon' }, ['MAIL_LANGUAGE']],
    ['an authority that is not there', { SMTP_CA_FILE: '/nowhere' }, ['SMTP_CA_FILE']],
    ['a sender but no server', { SMTP_URL: '' }, ['SMTP_FROM']],
  ])('%s keeps it from starting', (_what, change, names) => {
    expect(namesOf(mail(change))).toEqual(names)
  })

  test('a password in the URL is refused and not repeated', () => {
    const problems = problemsOf(mail({ SMTP_URL: 'smtps://it:hunter2@mail.example.com' }))
    expect(problems).toHaveLength(1)
    expect(problems[0]).not.toContain('hunter2')
  })
})
