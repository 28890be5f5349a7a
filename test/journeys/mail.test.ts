import { describe, expect, test } from 'vitest'
import { languages } from '../../src/domain/language.ts'
import { openPostOffice, read } from '../fakes/post-office.ts'
import { everything, mia, openWorld, person, tokenIn, type World } from './world.ts'

const ada = { ...person('Ada Byron', '1001', 'linphone-mobile'), mail: 'default' } as const
const mailsOf = (world: World, who = '1001') => world.app.mails.ofPerson(who)

describe('a link by mail', () => {
  test.each([
    ['TLS from the start', 'implicit'],
    ['STARTTLS', 'starttls'],
    ['this machine, without TLS', undefined],
  ] as const)('arrives by %s, and is erased here once it is sent', async (_how, tls) => {
    await using office = await openPostOffice({ tls, ...(tls ? { login: { user: 'it', password: 'p"ß\\w' } } : {}) })
    await using world = await openWorld({ env: office.env })
    const { invite } = await world.app.onboard(ada, mia)
    expect(await mailsOf(world)).toMatchObject([{ state: 'queued', recipient: 'ada@example.com', attempts: 0 }])
    await world.mails.run()

    expect(office.received).toHaveLength(1)
    const [got] = office.received
    expect(got).toMatchObject({
      from: 'it@example.com',
      to: ['ada@example.com'],
      secure: tls !== undefined,
      user: tls ? 'it' : null,
    })
    const { headers, text, html } = read(got!.raw)
    expect(headers).toMatchObject({
      from: 'IT of Example <it@example.com>',
      to: 'ada@example.com',
      subject: 'Your office phone: extension 1001',
      'auto-submitted': 'auto-generated',
    })
    expect(text).toContain(`\n\n${invite.url}\n\n`)
    expect(html).toContain(`<a href="${invite.url}"`)
    expect(text).toContain('Hello Ada Byron,')
    expect(await mailsOf(world)).toMatchObject([
      { state: 'sent', attempts: 1, nextTryAt: null, words: 'taken by the mail server' },
    ])
    expect(await world.store.find('mail', {})).toMatchObject([{ linkSealed: null }])
    const told = (await world.app.people.happenings('1001')).map(({ text: words }) => words)
    expect(told).toContain('the link was sent by mail: the mail server has taken it')
    // Nothing more is sent.
    await world.mails.run()
    expect(office.received).toHaveLength(1)
  })

  test('speaks each language, with the name as it is written and nothing else of the person', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    const name = 'Zoë "Ž" <b>O\'Hara</b> {link} =cmd()'
    for (const [index, language] of languages.entries()) {
      const input = person('Zoe', `100${index}`, 'linphone-mobile')
      await world.app.onboard({ ...input, name, email: `z${index}@example.com`, mail: language }, mia)
    }
    await world.mails.run()
    const letters = office.received.map(({ raw }) => read(raw))
    expect(letters.map(({ headers }) => headers.subject)).toEqual([
      'Ihr Bürotelefon: Nebenstelle 1000',
      'Your office phone: extension 1001',
      'Votre téléphone de bureau : poste 1002',
      'Su teléfono de oficina: extensión 1003',
    ])
    for (const [index, { text, html, headers }] of letters.entries()) {
      expect(text).toContain(name)
      expect(html).toContain('&lt;b&gt;O&#39;Hara&lt;/b&gt; {link} =cmd()')
      expect(html).not.toContain('<b>')
      expect(html).toContain(`<html lang="${languages[index]}">`)
      expect(text).toMatch(/20\d\d/)
      expect(text.match(/https:\/\/phones\.example\.com\/join\/[A-Za-z0-9_-]{43}/g)).toHaveLength(1)
      expect(JSON.stringify(headers)).not.toContain('Zo')
    }
  })

  test('holds no secret but the link: neither key nor password nor provisioning address', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    const made = await world.app.onboard(
      { ...person('Ben Li', '1002', 'linphone-mobile', 'yealink-t54w=805ec0aabb01'), mail: 'de' },
      mia,
    )
    await world.mails.run()
    const { text, html } = read(office.received[0]!.raw)
    const secrets = (await world.app.showSecrets('1002', mia)).map(({ secret }) => secret.reveal())
    for (const url of Object.values(made.provisioningUrls)) secrets.push(tokenIn(url))
    expect(secrets.length).toBeGreaterThan(2)
    for (const secret of secrets) {
      expect(text).not.toContain(secret)
      expect(html).not.toContain(secret)
    }
    // And nothing of the mail is in the log, link included.
    expect(world.log.join('')).not.toContain(tokenIn(made.invite.url))
  })

  test('is not promised where no mail server is configured: nobody is onboarded', async () => {
    await using world = await openWorld()
    const before = await everything(world.store)
    await expect(world.app.onboard(ada, mia)).rejects.toMatchObject({
      code: 'MAIL_NOT_CONFIGURED',
      hint: expect.stringContaining('RINGFENCE_SMTP_URL'),
    })
    expect(await everything(world.store)).toBe(before)
    expect(world.app.mails.settings()).toBeNull()
  })
})

describe('the test of the mail settings', () => {
  test('sends a letter without a link, and says by which server and how fast', async () => {
    await using office = await openPostOffice({ tls: 'starttls' })
    await using world = await openWorld({ env: { ...office.env, RINGFENCE_MAIL_LANGUAGE: 'de' } })
    expect(world.app.mails.settings()).toMatchObject({ from: 'IT of Example <it@example.com>', language: 'de' })
    const told = await world.app.mails.test('me@example.com', 'default', mia)
    expect(told).toMatchObject({ address: 'me@example.com', server: expect.stringContaining('localhost:') })
    const { headers, text } = read(office.received[0]!.raw)
    expect(headers.subject).toBe('Ringfence: ein Test')
    const [sent] = (await world.store.auditTrail({ limit: 100 })).filter(({ kind }) => kind === 'mail.tested')
    expect(JSON.parse(sent!.detail!)).toEqual({ actor: 'Mia', via: 'local-socket' })
    expect(text).not.toContain('http')
    await expect(world.app.mails.test('nonsense', 'en', mia)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})
