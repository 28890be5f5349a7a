import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { firstOwnerLink } from '../../src/journeys/set-up.ts'
import { codeOf, desk, elsewhere, goodPassword, makeAdministrator, makeOwner, tokenOf } from './console-people.ts'
import { consoleOfEachTest } from './sign-in-console.ts'
import { mia } from './world.ts'

const office = consoleOfEachTest()
const { signIn } = office
const who = (cookie: string) => office.world.app.authenticateSession(cookie)
const soon = (seconds: number) => new Date(office.world.context.system.now().getTime() + seconds * 1_000)

describe('the first owner', () => {
  test('is made by the newest link, once, and only while there is none', async () => {
    const old = (await firstOwnerLink(office.world.context))!.reveal()
    const now = (await firstOwnerLink(office.world.context))!.reveal()
    expect(await office.world.app.signIn.setup(old)).toBeNull()
    expect(await office.world.app.signIn.setup(now)).toMatchObject({
      purpose: 'first-owner',
      role: 'owner',
      email: null,
    })
    const set = () =>
      office.world.app.signIn.setupWithPassword(now, { name: 'Olga', email: 'Olga@Example.com' }, goodPassword, desk)
    expect(await set()).toMatchObject({ next: 'second-factor' })
    expect(await set()).toBeNull()
    expect(await firstOwnerLink(office.world.context)).toBeNull()
    expect(await office.world.app.administrators.list()).toMatchObject([
      { email: 'olga@example.com', role: 'owner', name: 'Olga' },
    ])
  })

  test('of two who open the link at once is one', async () => {
    const token = (await firstOwnerLink(office.world.context))!.reveal()
    const both = await Promise.all(
      ['a', 'b'].map((name) =>
        office.world.app.signIn.setupWithPassword(token, { name, email: `${name}@example.com` }, goodPassword, desk),
      ),
    )
    expect(both.filter((each) => each !== null)).toHaveLength(1)
    expect(await office.world.app.administrators.list()).toHaveLength(1)
  })

  test('finds the link shut after a day', async () => {
    const token = (await firstOwnerLink(office.world.context))!.reveal()
    await office.world.travel(1.01)
    expect(await office.world.app.signIn.setup(token)).toBeNull()
  })

  test.each(['short', 'aaaaaaaaaaaaaaa', 'password1234', 'Olga Ringfence', `${'long words '.repeat(19)}`])(
    'is not let in with the password %j',
    async (weak) => {
      const token = (await firstOwnerLink(office.world.context))!.reveal()
      const input = { name: 'Olga Ringfence', email: 'olga@example.com' }
      await expect(
        office.world.app.signIn.setupWithPassword(token, input, new Secret(weak), desk),
      ).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringContaining('too weak'),
      })
      expect(await office.world.app.administrators.list()).toEqual([])
    },
  )
})

describe('password and second factor', () => {
  test('whoever can take phones away does nothing before a second factor is set up, which the password alone may do once', async () => {
    const token = (await firstOwnerLink(office.world.context))!.reveal()
    const begun = (await office.world.app.signIn.setupWithPassword(
      token,
      { name: 'Olga', email: 'o@example.com' },
      goodPassword,
      desk,
    ))!
    const half = begun.cookie.reveal()
    expect(await who(half)).toBeNull()
    await expect(office.world.app.account.view(half)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const step = await office.world.app.signIn.secondStep(half)
    if (step?.step !== 'enrol') throw new Error('nothing to set up')
    expect(await office.world.app.signIn.enrolCode(half, '000000', desk)).toBeNull()
    const full = await office.world.app.signIn.enrolCode(half, codeOf(step.key, soon(0)), desk)
    expect(await who(full!.cookie.reveal())).toEqual({ name: 'o@example.com', role: 'owner', via: 'session' })

    const again = (await signIn('o@example.com'))!.cookie.reveal()
    expect(await office.world.app.signIn.secondStep(again)).toMatchObject({ step: 'ask', code: true })
    expect(await office.world.app.signIn.enrolCode(again, codeOf(step.key, soon(30)), desk)).toBeNull()
    expect(await who(again)).toBeNull()
  })

  test('a code is good once, and none before it any more', async () => {
    const { email, key } = await makeOwner(office.world)
    const enter = async (at: Date) => {
      const half = (await signIn(email))!.cookie.reveal()
      return office.world.app.signIn.withCode(half, codeOf(key, at), desk)
    }
    expect(await enter(soon(0))).toBeNull() // it confirmed the app
    expect(await enter(soon(30))).not.toBeNull()
    expect(await enter(soon(30))).toBeNull()
    expect(await enter(soon(0))).toBeNull()
    expect(await enter(soon(300))).toBeNull()
  })

  test('helpdesk may do with a password alone, and is asked for a second factor once there is one', async () => {
    const { email, cookie } = await makeAdministrator(office.world, 'Hanna', 'helpdesk')
    expect(await who(cookie)).toMatchObject({ role: 'helpdesk' })
    const key = await office.world.app.account.newAuthenticator(cookie)
    expect((await signIn(email))?.next).toBe('console')
    await office.world.app.account.confirmAuthenticator(cookie, codeOf(key, soon(0)))
    expect((await signIn(email))?.next).toBe('second-factor')
  })

  test('a cookie from before a rise of level is worth nothing after it', async () => {
    const { email, key } = await makeOwner(office.world)
    const half = (await signIn(email))!.cookie.reveal()
    const full = await office.world.app.signIn.withCode(half, codeOf(key, soon(30)), desk)
    expect(full!.cookie.reveal()).not.toBe(half)
    expect(await who(half)).toBeNull()
    expect(await office.world.app.signIn.secondStep(half)).toBeNull()
    expect(await who(full!.cookie.reveal())).not.toBeNull()
  })

  test('a session is over two hours after its last use, and twelve hours after it began', async () => {
    const { cookie } = await makeOwner(office.world)
    for (let hours = 0; hours < 10.5; hours += 1.5) {
      expect(await who(cookie), `after ${hours} hours`).not.toBeNull()
      await office.world.travel(1.5 / 24)
    }
    expect(await who(cookie)).not.toBeNull()
    await office.world.travel(1.6 / 24)
    expect(await who(cookie)).toBeNull()
    const other = await makeAdministrator(office.world, 'Hanna', 'helpdesk')
    await office.world.travel(2.01 / 24)
    expect(await who(other.cookie)).toBeNull()
  })
})

describe('guessing', () => {
  test('unknown, wrong, disabled and without a password get one answer for one piece of work', async () => {
    const { email } = await makeOwner(office.world)
    const gone = await makeAdministrator(office.world, 'Gina', 'helpdesk')
    await office.world.app.administrators.disable(gone.email, mia)
    await office.world.app.administrators.invite({ name: 'New', email: 'new@example.com', role: 'auditor' }, mia)
    for (const [address, password] of [
      ['nobody@example.com', goodPassword],
      [email, new Secret('not the password')],
      [gone.email, goodPassword],
      ['new@example.com', goodPassword],
    ] as const) {
      const before = office.passwords.count()
      expect(await signIn(address, password), address).toBeNull()
      expect([address, office.passwords.count() - before]).toEqual([address, 1])
    }
  })

  test('is told in the audit log as it begins and grows, with where from, and never with what was typed', async () => {
    const { email } = await makeOwner(office.world)
    for (let n = 0; n < 4; n++) await signIn(email, new Secret('my secret slip'), elsewhere)
    await office.world.app.signIn.withPasskey('{"id":"nobody","response":{}}', elsewhere)
    await signIn('my secret slip', new Secret('x'), elsewhere)
    const told = (await office.world.store.auditTrail({ limit: 100 })).filter(({ kind }) => kind === 'sign-in.failed')
    expect(told.map(({ detail }) => JSON.parse(detail!))).toMatchObject([
      { failures: 1, from: '198.51.100.7', known: true },
      { failures: 5, from: '198.51.100.7', known: false, how: 'passkey' },
    ])
    expect(JSON.stringify(await office.world.store.auditTrail({ limit: 100 })) + office.world.log.join()).not.toContain(
      'my secret slip',
    )
  })

  test('elsewhere does not keep the owner out', async () => {
    const { email } = await makeOwner(office.world)
    for (let n = 0; n < 6; n++) await signIn(email, new Secret('wrong'), elsewhere)
    // More than may stand in one line, all of them waiting now.
    const flood = Array.from({ length: 8 }, () => signIn(email, new Secret('wrong'), elsewhere).catch(() => null))
    const startedAt = performance.now()
    expect(await signIn(email)).not.toBeNull()
    expect(performance.now() - startedAt).toBeLessThan(400)
    expect((await Promise.all(flood.slice(5))).every((each) => each === null)).toBe(true)
  })
})

describe("one's own account", () => {
  test('a new password ends every other session and gives this one a new cookie', async () => {
    const { email, cookie, key } = await makeOwner(office.world)
    const half = (await signIn(email))!.cookie.reveal()
    const other = (await office.world.app.signIn.withCode(half, codeOf(key, soon(30)), elsewhere))!.cookie.reveal()
    const next = new Secret('another harbour of tin')
    await expect(
      office.world.app.account.changePassword(cookie, new Secret('wrong'), next, desk),
    ).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
    const changed = await office.world.app.account.changePassword(cookie, goodPassword, next, desk)
    for (const old of [cookie, other]) expect(await who(old)).toBeNull()
    expect(await who(changed.cookie.reveal())).not.toBeNull()
    expect(await signIn(email)).toBeNull()
    expect(await signIn(email, next)).not.toBeNull()
  })

  test("shows where somebody is signed in and ends one of their sessions, never another's", async () => {
    const { email, cookie, key } = await makeOwner(office.world)
    const hanna = await makeAdministrator(office.world, 'Hanna', 'helpdesk')
    const half = (await signIn(email))!.cookie.reveal()
    const other = (await office.world.app.signIn.withCode(half, codeOf(key, soon(30)), elsewhere))!.cookie.reveal()
    const { sessions } = await office.world.app.account.view(cookie)
    expect(sessions.map(({ own, remoteAddress }) => [own, remoteAddress])).toEqual([
      [false, '198.51.100.7'],
      [true, '192.0.2.10'],
    ])
    await expect(office.world.app.account.endSession(hanna.cookie, sessions[0]!.id)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    await office.world.app.account.endSession(cookie, sessions[0]!.id)
    expect(await who(other)).toBeNull()
  })

  test('keeps the last second factor of a role that needs one', async () => {
    const owner = await makeOwner(office.world)
    const hanna = await makeAdministrator(office.world, 'Hanna', 'helpdesk')
    await expect(office.world.app.account.removeAuthenticator(owner.cookie)).rejects.toMatchObject({ code: 'CONFLICT' })
    const key = await office.world.app.account.newAuthenticator(hanna.cookie)
    await office.world.app.account.confirmAuthenticator(hanna.cookie, codeOf(key, soon(0)))
    await office.world.app.account.removeAuthenticator(hanna.cookie)
    expect((await office.world.app.account.view(hanna.cookie)).hasAuthenticator).toBe(false)
  })

  test('ends with signing out', async () => {
    const { cookie } = await makeOwner(office.world)
    await office.world.app.signIn.out(cookie)
    expect(await who(cookie)).toBeNull()
  })
})

describe('owners and links', () => {
  test('the last owner who can sign in is neither disabled nor made less, whoever was only invited', async () => {
    const { email } = await makeOwner(office.world)
    const invited = await office.world.app.administrators.invite(
      { name: 'Otto', email: 'otto@example.com', role: 'owner' },
      mia,
    )
    const refused = { code: 'CONFLICT', message: 'this is the last owner' }
    await expect(office.world.app.administrators.disable(email, mia)).rejects.toMatchObject(refused)
    await expect(office.world.app.administrators.setRole(email, 'admin', mia)).rejects.toMatchObject(refused)
    await office.world.app.signIn.setupWithPassword(tokenOf(invited.link), { name: '', email: '' }, goodPassword, desk)
    expect(await office.world.app.administrators.setRole(email, 'admin', mia)).toMatchObject({ role: 'admin' })
  })

  test('a change of role counts from the next request on', async () => {
    const hanna = await makeAdministrator(office.world, 'Hanna', 'helpdesk')
    await office.world.app.administrators.setRole(hanna.email, 'auditor', mia)
    expect(await who(hanna.cookie)).toMatchObject({ role: 'auditor' })
  })

  test('a recovery link changes nothing until it is used, and then everything', async () => {
    const { email, cookie } = await makeOwner(office.world)
    const { link } = await office.world.app.administrators.recover(email, mia)
    expect(await who(cookie)).not.toBeNull()
    const next = new Secret('came back by the socket')
    const back = await office.world.app.signIn.setupWithPassword(tokenOf(link), { name: '', email: '' }, next, desk)
    expect(back).toMatchObject({ next: 'second-factor' })
    expect(await office.world.app.signIn.secondStep(back!.cookie.reveal())).toMatchObject({ step: 'enrol' })
    expect(await who(cookie)).toBeNull()
    expect(await signIn(email)).toBeNull()
  })

  test('a newer link ends the older one, and a disabled person has none', async () => {
    const first = await office.world.app.administrators.invite(
      { name: 'Ann', email: 'ann@example.com', role: 'auditor' },
      mia,
    )
    const second = await office.world.app.administrators.recover('ann@example.com', mia)
    expect(await office.world.app.signIn.setup(tokenOf(first.link))).toBeNull()
    expect(await office.world.app.signIn.setup(tokenOf(second.link))).not.toBeNull()
    await office.world.app.administrators.disable('ann@example.com', mia)
    expect(await office.world.app.signIn.setup(tokenOf(second.link))).toBeNull()
  })

  test('cookies, links and keys are stored as hashes or sealed, and logged nowhere', async () => {
    const { cookie, key } = await makeOwner(office.world)
    const { link } = await office.world.app.administrators.invite(
      { name: 'Ann', email: 'ann@example.com', role: 'auditor' },
      mia,
    )
    const rows = await Promise.all(
      (['session', 'setupLink', 'administrator'] as const).map((table) => office.world.store.find(table, {})),
    )
    const text = JSON.stringify([rows, await office.world.store.auditTrail({ limit: 100 })]) + office.world.log.join()
    for (const secret of [cookie, tokenOf(link), key.readable.reveal().replaceAll(' ', ''), goodPassword.reveal()])
      expect(text).not.toContain(secret)
  })
})
