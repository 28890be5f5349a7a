import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Role } from '../../src/domain/token.ts'
import type { SignedOn, SingleSignOn } from '../../src/signin/sign-in-port.ts'
import { signedOn } from '../../src/signin/single-sign-on.ts'
import { countedPasswords, desk, goodPassword, makeAdministrator, makeOwner, tokenOf } from './console-people.ts'
import { mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

/** A provider in memory: what it says of the next person is a value of the test. */
let next: SignedOn | null
const provider: SingleSignOn = {
  name: 'the provider',
  begin: async () => ({ url: 'https://id.example.com/', pending: { state: 's', nonce: 'n', verifier: 'v' } }),
  finish: async () => next,
}
let world: World
beforeEach(async () => {
  world = await openWorld({ signIn: { passwords: countedPasswords(), singleSignOn: provider }, begin: false })
})
afterEach(async () => world[Symbol.asyncDispose]())

function says(subject: string, role: Role | null, email: string | null = `${subject}@example.com`): void {
  next = { identity: `https://id.example.com ${subject}`, email, name: subject, role }
}

async function come(): Promise<{ role: Role; name: string } | null> {
  const { sealed } = await world.app.signIn.beginSingleSignOn('/people')
  const done = await world.app.signIn.finishSingleSignOn('/sign-in/callback?code=c&state=s', sealed, desk)
  return done && (await world.app.authenticateSession(done.signedIn.cookie.reveal()))
}

describe('single sign-on', () => {
  test('lets in by the role that is mapped, made at the first time and renewed each time', async () => {
    says('ada', 'helpdesk')
    expect(await come()).toMatchObject({ name: 'ada@example.com', role: 'helpdesk' })
    says('ada', 'admin', 'ada.byron@example.com')
    expect(await come()).toMatchObject({ name: 'ada@example.com', role: 'admin' })
    expect(await world.app.administrators.list()).toHaveLength(1)
  })

  test('lets nobody in without a mapped role, and none whom the provider refuses', async () => {
    says('ada', null)
    expect(await come()).toBeNull()
    next = null
    expect(await come()).toBeNull()
    expect(await world.app.administrators.list()).toEqual([])
  })

  test('takes nobody for an administrator who signs in another way, whatever address the provider tells', async () => {
    const owner = await makeOwner(world)
    says('mallory', 'admin', owner.email)
    expect(await come()).toBeNull()
    expect((await world.app.administrators.list())[0]).toMatchObject({ ways: ['password', 'authenticator app'] })
  })

  test('takes up an invitation that was not used yet', async () => {
    await world.app.administrators.invite({ name: 'Ada', email: 'ada@example.com', role: 'auditor' }, mia)
    says('ada', 'helpdesk')
    expect(await come()).toMatchObject({ role: 'helpdesk' })
    expect(await world.app.administrators.list()).toHaveLength(1)
  })

  test('ends the link of an invitation that it takes up', async () => {
    const input = { name: 'Ada', email: 'ada@example.com', role: 'auditor' } as const
    const { link } = await world.app.administrators.invite(input, mia)
    says('ada', 'helpdesk')
    await come()
    expect(await world.app.signIn.setup(tokenOf(link))).toBeNull()
  })

  test('is the only way in for whoever belongs to the provider, owners excepted', async () => {
    const hanna = await makeAdministrator(world, 'Hanna', 'helpdesk')
    const [row] = await world.store.find('administrator', { email: hanna.email })
    const enters = () => world.app.signIn.withPassword(hanna.email, goodPassword, desk)
    expect(await enters()).not.toBeNull()
    await world.store.transaction((tx) => tx.update('administrator', row!.id, { oidcIdentity: 'known there' }))
    expect(await enters()).toBeNull()
    const alone = { code: 'FORBIDDEN', message: 'this account signs in by single sign-on alone' }
    const { account } = world.app
    await expect(account.changePassword(hanna.cookie, goodPassword, goodPassword, desk)).rejects.toMatchObject(alone)
    await expect(account.addPasskey(hanna.cookie, 'laptop', '{}')).rejects.toMatchObject(alone)
    expect((await account.view(hanna.cookie)).localWays).toBe(false)
    await expect(world.app.administrators.recover(hanna.email, mia)).rejects.toMatchObject(alone)
    await world.store.transaction((tx) => tx.update('administrator', row!.id, { role: 'owner' }))
    expect(await enters()).not.toBeNull()
  })

  test('does not bring back who was disabled, nor a leaver whom the provider still knows', async () => {
    says('ada', 'admin')
    await come()
    await world.app.administrators.disable('ada@example.com', mia)
    expect(await come()).toBeNull()

    await onboarded(world, person('Bob Babbage', '1002', 'linphone-mobile'))
    await offboarded(world, '1002')
    says('bob', 'admin')
    expect(await come()).toBeNull()
    const refusals = (await world.store.auditTrail({ limit: 100 })).filter(({ kind }) => kind === 'sign-in.failed')
    expect(refusals.map(({ detail }) => JSON.parse(detail!).reason)).toEqual([
      'this administrator was disabled',
      'this employee has left',
    ])
  })

  test('does not make the last owner less', async () => {
    says('olga', 'owner')
    await come()
    says('olga', 'auditor')
    expect(await come()).toBeNull()
    expect((await world.app.administrators.list())[0]).toMatchObject({ role: 'owner' })
  })

  test('needs its own cookie of ten minutes, and nobody can make one', async () => {
    says('ada', 'admin')
    const { sealed } = await world.app.signIn.beginSingleSignOn('/')
    const finish = (cookie: string) => world.app.signIn.finishSingleSignOn('/sign-in/callback', cookie, desk)
    expect(await finish('v1.AAAA')).toBeNull()
    expect(await finish(`${sealed.slice(0, -2)}AA`)).toBeNull()
    await world.travel(11 / 1_440)
    expect(await finish(sealed)).toBeNull()
  })
})

describe('the claims of the provider', () => {
  const roles = [
    { value: 'ringfence-admins', role: 'admin' },
    { value: 'it help', role: 'helpdesk' },
  ] as const
  const from = (claims: object) => signedOn({ iss: 'https://id', sub: '7', ...claims }, { roleClaim: 'groups', roles })

  test("give the first role of the setting's order, from a list or a single word", () => {
    expect(from({ groups: ['it help', 'ringfence-admins', 'x'] }).role).toBe('admin')
    expect(from({ groups: 'it help' }).role).toBe('helpdesk')
    for (const groups of [undefined, [], ['admin'], 'ringfence-admins,it help', { 'ringfence-admins': true }])
      expect(from({ groups }).role).toBeNull()
  })

  test('name issuer and subject, and an address only where it is said to be verified', () => {
    expect(from({ email: 'a@example.com', email_verified: true })).toMatchObject({
      identity: 'https://id 7',
      email: 'a@example.com',
    })
    for (const email_verified of [undefined, null, false, 'true', 1])
      expect(from({ email: 'a@example.com', email_verified }).email).toBeNull()
  })
})
