import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Actor } from '../../src/domain/token.ts'
import { runLeavings } from '../../src/journeys/leavings.ts'
import { firstOwnerLink } from '../../src/journeys/set-up.ts'
import {
  countedPasswords,
  desk,
  goodPassword,
  makeAdministrator,
  makeOwner,
  type SignedInPerson,
  tokenOf,
} from './console-people.ts'
import { mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

let world: World
const signIn = { passwords: countedPasswords() }
beforeEach(async () => {
  world = await openWorld({ signIn })
})
afterEach(async () => world[Symbol.asyncDispose]())

/** An admin with a phone, a passkey, an API token, and a token that was made with that one. */
async function adaTheAdmin(): Promise<{ ada: SignedInPerson; tokens: readonly string[]; recovery: string }> {
  await makeOwner(world)
  const ada = await makeAdministrator(world, 'Ada', 'admin')
  await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
  await world.store.transaction((tx) =>
    tx.insert('passkey', [
      {
        id: 'ada-passkey',
        administratorId: 'x',
        credentialId: 'c',
        publicKey: 'k',
        counter: 0,
        label: 'laptop',
        createdAt: '2026-11-22T14:00:00.000Z',
        lastUsedAt: null,
        removedAt: null,
      },
    ]),
  )
  const [row] = await world.store.find('administrator', { email: ada.email })
  await world.store.transaction((tx) => tx.update('passkey', 'ada-passkey', { administratorId: row!.id }))
  const actor = (await world.app.authenticateSession(ada.cookie))!
  const first = (await world.app.createToken('script', 'admin', actor)).token.reveal()
  const second = (await world.app.createToken('child', 'admin', (await world.app.authenticate(first))!)).token.reveal()
  const other = (await world.app.createToken('of Mia', 'admin', mia)).token.reveal()
  const { link } = await world.app.administrators.recover(ada.email, mia)
  return { ada, tokens: [first, second, other], recovery: tokenOf(link) }
}

async function expectShut(at: World, { ada, tokens, recovery }: Awaited<ReturnType<typeof adaTheAdmin>>) {
  expect(await at.app.authenticateSession(ada.cookie)).toBeNull()
  expect(await at.app.signIn.withPassword(ada.email, goodPassword, desk)).toBeNull()
  expect(await at.app.signIn.setup(recovery)).toBeNull()
  expect(await Promise.all(tokens.map(async (token) => (await at.app.authenticate(token)) !== null))).toEqual([
    false,
    false,
    true,
  ])
  expect(await at.store.get('passkey', 'ada-passkey')).toMatchObject({ removedAt: expect.any(String) })
  expect((await at.store.find('administrator', { email: ada.email }))[0]).toMatchObject({
    passwordHash: null,
    totpSealed: null,
    totpConfirmedAt: null,
    disabledAt: expect.any(String),
  })
}

describe('a leaver who is an administrator', () => {
  test("is out of the console in the click's own transaction, before anything is looked at", async () => {
    const before = await adaTheAdmin()
    // No lane gets a turn: what is shut now was shut by the click alone.
    await world.loop.stop()
    await world.app.offboard('1001', null, mia)
    await expectShut(world, before)
  })

  test('has a line of evidence for it, read back, and in the frozen leaver file', async () => {
    await adaTheAdmin()
    const view = await offboarded(world, '1001')
    const line = view.access.find(({ system }) => system === 'administrator')
    expect(line).toMatchObject({
      wanted: 'closed',
      verdict: 'converged',
      evidence: {
        summary: expect.stringContaining('no session, passkey, password or API token'),
        facts: { disabled: true, sessions: 0, passkeys: 0, tokens: 0, password: false },
      },
    })
    expect(view.lifecycle).toBe('offboarded')
    const report = await world.app.report('1001')
    expect(report.complete).toBe(true)
    expect(report.doors.map(({ system }) => system)).toContain('administrator')
  })

  test('does not come back with an older copy of the database', async () => {
    const before = await adaTheAdmin()
    const path = join(world.folder, 'ringfence.db')
    await world.stop()
    await copyFile(path, `${path}.backup`)
    const later = await world.restart()
    await offboarded(later, '1001')
    await later.stop()
    for (const suffix of ['-wal', '-shm']) await rm(`${path}${suffix}`, { force: true })
    await copyFile(`${path}.backup`, path)
    await using back = await later.restart()
    await expectShut(back, before)
    expect(
      (await back.app.settled('1001', 5_000)).access.find(({ system }) => system === 'administrator'),
    ).toMatchObject({
      verdict: 'converged',
    })
  })

  test('who is let in again by hand in the database is found and shut again', async () => {
    const { ada } = await adaTheAdmin()
    await offboarded(world, '1001')
    const database = new DatabaseSync(join(world.folder, 'ringfence.db'))
    database.exec(`update "administrator" set "disabledAt" = null where "email" = '${ada.email}'`)
    database.exec(`update "passkey" set "removedAt" = null`)
    database.close()
    await world.sweep()
    const [row] = await world.store.find('administrator', { email: ada.email })
    expect(row?.disabledAt).not.toBeNull()
    expect((await world.store.auditTrail({ limit: 200 })).filter(({ kind }) => kind === 'access.drift')).toHaveLength(1)
  })

  test('who was the last owner is shut out all the same over the local socket', async () => {
    const owner = await makeOwner(world, 'olga@example.com')
    await onboarded(world, person('Olga Owner', '1002', 'linphone-mobile'))
    await world.app.offboard('1002', null, mia)
    expect(await world.app.authenticateSession(owner.cookie)).toBeNull()
  })

  test('may be invited anew after a rehire, as somebody else', async () => {
    const { ada } = await adaTheAdmin()
    await offboarded(world, '1001')
    const { link } = await world.app.administrators.invite({ name: 'Ada', email: ada.email, role: 'helpdesk' }, mia)
    await world.app.signIn.setupWithPassword(tokenOf(link), { name: '', email: '' }, goodPassword, desk)
    await world.sweep()
    expect(await world.app.signIn.withPassword(ada.email, goodPassword, desk)).not.toBeNull()
  })
})

describe('an owner of the console', () => {
  const admin: Actor = { name: 'ada@example.com', role: 'admin', via: 'session' }
  const owner: Actor = { name: 'olga@example.com', role: 'owner', via: 'session' }
  const inDays = (days: number) => new Date(world.context.system.now().getTime() + days * 86_400_000).toISOString()

  test('is not shut out by an admin who onboarded somebody under that address', async () => {
    const { cookie } = await makeOwner(world, 'olga@example.com')
    await onboarded(world, person('Olga Owner', '1002', 'linphone-mobile'))
    await expect(world.app.offboard('1002', null, admin)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    const ahead = { at: inDays(1), reason: null }
    await expect(world.app.people.setLeaving('1002', ahead, admin)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect((await world.app.employee('1002')).lifecycle).toBe('active')
    expect(await world.app.authenticateSession(cookie)).not.toBeNull()
  })

  test('who is the last one is not shut out by an owner either, but may be when there is another', async () => {
    await makeOwner(world, 'olga@example.com')
    await onboarded(world, person('Olga Owner', '1002', 'linphone-mobile'))
    await expect(world.app.offboard('1002', null, owner)).rejects.toMatchObject({ code: 'CONFLICT' })
    await makeAdministrator(world, 'Otto', 'owner')
    expect((await world.app.offboard('1002', null, owner)).lifecycle).not.toBe('active')
  })

  test('who became one after a leaving date was set is left, and the reason is on record', async () => {
    await makeOwner(world)
    await onboarded(world, person('Otto Owner', '1003', 'linphone-mobile'))
    await world.app.people.setLeaving('1003', { at: inDays(1), reason: null }, admin)
    await world.app.administrators.invite({ name: 'Otto', email: 'otto@example.com', role: 'owner' }, mia)
    await world.travel(2)
    await runLeavings(world.context)
    const left = await world.app.employee('1003')
    expect(left.lifecycle).toBe('active')
    expect(await world.app.people.leaving('1003')).toBeNull()
    const told = (await world.app.people.happenings('1003')).map(({ text }) => text)
    expect(told).toContainEqual(expect.stringContaining('belongs to an owner of the console'))
    expect(world.log.join('')).toContain('a leaving date was given up')
  })

  test('is offboarded at a leaving date that was set over the local socket', async () => {
    await makeOwner(world, 'olga@example.com')
    await onboarded(world, person('Olga Owner', '1002', 'linphone-mobile'))
    await world.app.people.setLeaving('1002', { at: inDays(1), reason: null }, mia)
    await world.travel(2)
    await runLeavings(world.context)
    expect((await world.app.employee('1002')).lifecycle).not.toBe('active')
  })

  test('who comes by recovery or invitation ends the link that the server printed before', async () => {
    const printed = (await firstOwnerLink(world.context))!.reveal()
    await makeAdministrator(world, 'Otto', 'owner')
    await onboarded(world, person('Otto', '1004', 'linphone-mobile'))
    await world.app.offboard('1004', null, mia)
    expect(await world.app.signIn.setup(printed)).toBeNull()
  })
})
