import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { openPostOffice, read } from '../fakes/post-office.ts'
import { mia, offboarded, openWorld, person, tokenIn, type World } from './world.ts'

const ada = { ...person('Ada Byron', '1001', 'linphone-mobile'), mail: 'default' } as const
const mailsOf = (world: World, who = '1001') => world.app.mails.ofPerson(who)

describe('when the mail does not go out', () => {
  test('a server that says "come back later" gets it later, and the problem is seen meanwhile', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    await world.app.onboard(ada, mia)
    office.refusals.push({ code: 451, words: '4.7.1 Greylisted, come back in 5 minutes' })
    await world.mails.run()
    const [waiting] = await mailsOf(world)
    expect(waiting).toMatchObject({ state: 'queued', attempts: 1, lastProblem: expect.stringContaining('Greylisted') })
    expect(waiting!.words).toContain('waiting for the next try')
    expect(Date.parse(waiting!.nextTryAt!)).toBeGreaterThan(world.context.system.now().getTime())
    // Not before its time.
    await world.mails.run()
    expect(office.connections()).toBe(1)
    await world.travel(0.01)
    await world.mails.run()
    expect(office.received).toHaveLength(1)
    expect((await mailsOf(world))[0]).toMatchObject({ state: 'sent', attempts: 2, lastProblem: null })
  })

  test('one that greylists does not keep the next person waiting', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    await world.app.onboard(ada, mia)
    await world.app.onboard({ ...person('Ben Li', '1002', 'linphone-mobile'), mail: 'en' }, mia)
    office.refusals.push({ code: 451, words: '4.7.1 Greylisted' })
    await world.mails.run()
    expect(office.received.map(({ to }) => to)).toEqual([['ben@example.com']])
    expect(office.connections()).toBe(1)
  })

  test.each([
    ['the address', 'refusals', { code: 550, words: '5.1.1 No such user here' }],
    ['the letter', 'returns', { code: 554, words: '5.7.1 Message looks like spam' }],
  ] as const)('a server that refuses %s for ever is not asked again, and its words are told', async (_w, where, no) => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    await world.app.onboard(ada, mia)
    office[where].push(no)
    await world.mails.run()
    const [given] = await mailsOf(world)
    expect(given).toMatchObject({ state: 'failed', nextTryAt: null, lastProblem: expect.stringContaining(no.words) })
    expect(given!.words).toContain('given up')
    expect(await world.store.find('mail', {})).toMatchObject([{ linkSealed: null }])
    await world.travel(1)
    await world.mails.run()
    expect(office.received).toEqual([])
    expect((await world.app.people.happenings('1001')).map(({ text }) => text)).toContain(
      'the mail with the link was given up',
    )
  })

  test('a refusal that repeats the link is kept without it', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    const { invite } = await world.app.onboard(ada, mia)
    office.returns.push({ code: 554, words: `5.7.1 blocked address ${invite.url}` })
    await world.mails.run()
    const [given] = await mailsOf(world)
    expect(given!.lastProblem).toContain('[secret]')
    expect(`${JSON.stringify(await world.store.find('mail', {}))}${world.log.join('')}`).not.toContain(
      tokenIn(invite.url),
    )
  })

  test('a login that is wrong is our configuration: the mails wait until it is right', async () => {
    await using office = await openPostOffice({ tls: 'implicit', login: { user: 'it', password: 'right' } })
    await using world = await openWorld({ env: { ...office.env, RINGFENCE_SMTP_USER: 'nobody' } })
    await world.app.onboard(ada, mia)
    await world.mails.run()
    expect((await mailsOf(world))[0]).toMatchObject({
      state: 'queued',
      lastProblem: expect.stringContaining('RINGFENCE_SMTP_PASSWORD_FILE'),
    })
    await expect(world.app.mails.test('me@example.com', 'default', mia)).rejects.toMatchObject({
      code: 'MAIL_UNREACHABLE',
      message: expect.stringContaining('Authentication credentials invalid'),
    })
    expect(world.log.join('')).not.toContain('right')
  })

  test('a certificate that nobody vouches for is not spoken to', async () => {
    await using office = await openPostOffice({ tls: 'implicit' })
    const { RINGFENCE_SMTP_CA_FILE: _own, ...env } = office.env
    await using world = await openWorld({ env })
    await world.app.onboard(ada, mia)
    await world.mails.run()
    expect((await mailsOf(world))[0]).toMatchObject({
      state: 'queued',
      lastProblem: expect.stringMatching(/certificate/),
    })
    expect(office.received).toEqual([])
  })

  test('a server that offers no TLS is told neither login nor link', async () => {
    await using plain = await openPostOffice({ login: { user: 'it', password: 'right' } })
    await using certified = await openPostOffice({ tls: 'starttls' })
    const { RINGFENCE_SMTP_CA_FILE } = certified.env
    await using world = await openWorld({ env: { ...plain.env, RINGFENCE_SMTP_CA_FILE: RINGFENCE_SMTP_CA_FILE! } })
    await world.app.onboard(ada, mia)
    await world.mails.run()
    expect((await mailsOf(world))[0]).toMatchObject({ state: 'queued', attempts: 1 })
    expect(plain.connections()).toBe(1)
    expect(plain.received).toEqual([])
  })

  test('a server that falls silent is given up for now, and the others are not asked of it one by one', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env, mailPatience: { socketTimeout: 300 } })
    await world.app.onboard(ada, mia)
    await world.app.onboard({ ...person('Ben Li', '1002', 'linphone-mobile'), mail: 'en' }, mia)
    office.silent = true
    await world.mails.run()
    expect((await mailsOf(world))[0]).toMatchObject({ state: 'queued', attempts: 1 })
    expect((await mailsOf(world, '1002'))[0]).toMatchObject({ state: 'queued', attempts: 0 })
    await world.mails.run()
    expect(office.connections()).toBe(1)
    office.silent = false
    await world.travel(0.01)
    await world.mails.run()
    expect(office.received).toHaveLength(2)
  })

  test('a stop does not wait for a server that is silent', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    await world.app.onboard(ada, mia)
    office.silent = true
    const running = world.mails.run()
    while (office.connections() === 0) await pause(5)
    const stoppedAt = performance.now()
    world.mails.stop()
    await running
    expect(performance.now() - stoppedAt).toBeLessThan(1_000)
    expect((await mailsOf(world))[0]).toMatchObject({ state: 'queued', attempts: 0 })
  })

  test('killed between sending and marking, it is sent again as the same mail: twice is better than never', async () => {
    await using office = await openPostOffice()
    const first = await openWorld({ env: office.env })
    await first.app.onboard(ada, mia)
    await first.loop.idle()
    first.store.failAt = 1
    await first.mails.run().catch(() => undefined)
    expect(office.received).toHaveLength(1)
    await using later = await first.restart()
    await later.mails.run()
    expect(office.received).toHaveLength(2)
    const ids = office.received.map(({ raw }) => read(raw).headers['message-id'])
    expect(ids[0]).toMatch(/^<[0-9a-f-]{36}@example\.com>$/)
    expect(ids[1]).toBe(ids[0])
    expect((await mailsOf(later))[0]).toMatchObject({ state: 'sent' })
  })
})

describe('a mail that waits', () => {
  test('can be called back, and is then not sent', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    await world.app.onboard(ada, mia)
    const [waiting] = await mailsOf(world)
    expect(await world.app.mails.cancel(waiting!.id, mia)).toMatchObject({
      state: 'cancelled',
      words: 'not sent: cancelled',
    })
    await world.mails.run()
    expect(office.received).toEqual([])
    await expect(world.app.mails.cancel(waiting!.id, mia)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(world.app.mails.tryNow(waiting!.id, mia)).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(world.app.mails.cancel('nothing', mia)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('can be tried before its time', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    await world.app.onboard(ada, mia)
    office.refusals.push({ code: 450, words: 'later' })
    await world.mails.run()
    const { id } = (await mailsOf(world))[0]!
    await world.app.mails.tryNow(id, mia)
    await world.mails.run()
    expect(office.received).toHaveLength(1)
    // And the log says who wanted that.
    const [told] = (await world.store.auditTrail({ limit: 100 })).filter(({ kind }) => kind === 'mail.retried')
    expect([told?.subjectId, JSON.parse(told!.detail!)]).toEqual([id, { actor: 'Mia', via: 'local-socket' }])
  })

  test('is not sent when its link was replaced, and the mail with the new link is', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    await world.app.onboard(ada, mia)
    const { invite } = await world.app.mails.sendNewLink('1001', 'fr', mia)
    await world.mails.run()
    expect(office.received.map(({ raw }) => read(raw).text.includes(invite.url))).toEqual([true])
    expect(await mailsOf(world)).toMatchObject([
      { state: 'sent', language: 'fr' },
      { state: 'cancelled', words: expect.stringContaining('its link was replaced') },
    ])
  })

  test('is not sent to somebody who has left, and the address goes with an erasure', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    await world.app.onboard(ada, mia)
    await world.loop.idle()
    await offboarded(world, '1001')
    await world.mails.run()
    expect(office.received).toEqual([])
    expect((await mailsOf(world))[0]).toMatchObject({ state: 'cancelled' })
    await world.app.erase('1001', mia)
    expect(JSON.stringify(await world.store.find('mail', {}))).not.toContain('ada@')
  })

  test('is sent after a restart', async () => {
    await using office = await openPostOffice()
    const first = await openWorld({ env: office.env })
    const { invite } = await first.app.onboard(ada, mia)
    await using later = await first.restart()
    await later.mails.run()
    expect(read(office.received[0]!.raw).text).toContain(invite.url)
  })
})
