import { readdir } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { newAdministrator } from '../../src/domain/administrator.ts'
import { auditEvent } from '../../src/journeys/context.ts'
import { stepReminder } from '../../src/journeys/remind-steps.ts'
import { newId } from '../../src/system.ts'
import { openPostOffice, read } from '../fakes/post-office.ts'
import { mia, offboarded, onboarded, openWorld, person, type World } from './world.ts'

const ada = person('Ada Byron', '1001', 'linphone-mobile')

const alarmsOf = async (world: World) =>
  (await world.app.people.today()).alarms.filter(({ kind }) => kind === 'step.overdue')

/** Every brand whose menus the sheets know. */
const brands = (await readdir('templates/manual-pbx')).map((name) => name.replace('.json', ''))

describe('the sheet of a new link', () => {
  const sheetOf = async (world: World) => (await world.app.people.stepsOf('1001')).sheets[0]!
  const renewed = async (world: World) => {
    await world.app.invite('1001', mia)
    await world.loop.idle()
    return sheetOf(world)
  }

  test.each(brands)('of %s says how to set the extension up until somebody ticked that they did', async (brand) => {
    await using world = await openWorld({ pbx: 'manual', env: { RINGFENCE_PBX_BRAND: brand } })
    await onboarded(world, ada)
    const { parts } = await sheetOf(world)
    const untold = await renewed(world)
    // The same in all its parts, with the password that is right by now.
    expect(untold).toMatchObject({ deed: 'opening', parts: parts.map((part) => part.replace('ion 1)', 'ion 2)')) })
    expect(untold.parts.join(' ')).toContain('generation 2')
    await world.app.acknowledge('1001', 'sip-account', null, mia)
    expect(await renewed(world)).toMatchObject({ deed: 'rotating' })
    // One that nobody ticked is no reason to set the extension up again.
    expect(await renewed(world)).toMatchObject({ deed: 'rotating' })
  })

  test('says so too after a restart, and again where a look found otherwise after the tick', async () => {
    const before = await openWorld({ pbx: 'manual' })
    await onboarded(before, ada)
    await renewed(before)
    await before.app.acknowledge('1001', 'sip-account', null, mia)
    await renewed(before)
    await using world = await before.restart()
    const { deed, employeeId, subjectId } = await sheetOf(world)
    expect(deed).toBe('rotating')
    const about = { employeeId, subjectId, actor: mia }
    const found = (system: string) =>
      world.store.transaction((tx) => tx.record(auditEvent(world.context, 'access.drift', about, { system })))
    await found('edge')
    expect((await sheetOf(world)).deed).toBe('rotating')
    await found('sip-account')
    expect((await sheetOf(world)).deed).toBe('opening')
  })

  test('of somebody else’s extension is not shortened by a tick that was not theirs', async () => {
    await using world = await openWorld({ pbx: 'manual' })
    await onboarded(world, ada)
    await world.app.acknowledge('1001', 'sip-account', null, mia)
    await offboarded(world, '1001')
    await world.app.acknowledge('1001', 'sip-account', null, mia)
    await onboarded(world, person('Bo', '1001', 'linphone-mobile'))
    expect(await renewed(world)).toMatchObject({ name: 'Bo', deed: 'opening' })
  })
})

describe('a step that a person must do', () => {
  test('is listed until it is ticked, with its parts in order and without the secret', async () => {
    await using world = await openWorld({ pbx: 'manual' })
    await onboarded(world, ada)
    await onboarded(world, person('Bo', '1002', 'linphone-mobile'))
    expect((await world.app.people.openSteps()).map(({ extension }) => extension)).toEqual(['1001', '1002'])
    const { sheets } = await world.app.people.stepsOf('1001')
    expect(sheets[0]!.brand).toBe('the PBX')
    expect(sheets).toMatchObject([{ deed: 'opening', wanted: 'open', extension: '1001', system: 'sip-account' }])
    const words = sheets[0]!.parts.join(' ')
    expect(words).toContain('Create extension 1001')
    expect(words).not.toMatch(/[{}]/)
    const [secret] = await world.app.showSecrets('1001', mia)
    expect(JSON.stringify(sheets)).not.toContain(secret!.secret.reveal())

    await world.app.acknowledge('1001', 'sip-account', null, mia)
    expect((await world.app.people.openSteps()).map(({ extension }) => extension)).toEqual(['1002'])
    await offboarded(world, '1001')
    const closing = (await world.app.people.stepsOf('1001')).sheets
    expect(closing).toMatchObject([{ deed: 'closing', wanted: 'closed' }])
    expect(closing[0]!.parts.join(' ')).toContain('Block extension 1001')
  })

  test('is an alarm once it is open for too long: once a day, also across a restart, until it is ticked', async () => {
    let world = await openWorld({ pbx: 'manual', env: { RINGFENCE_STEP_REMINDER_HOURS: '24' } })
    try {
      await onboarded(world, ada)
      let remind = stepReminder(world.context)
      await remind()
      expect(await alarmsOf(world)).toEqual([])
      await world.travel(1.1)
      await remind()
      await remind()
      const [alarm, ...others] = await alarmsOf(world)
      expect(others).toEqual([])
      expect(alarm).toMatchObject({ count: 1, text: expect.stringContaining('open for 26 hours') })
      world = await world.restart()
      remind = stepReminder(world.context)
      await remind()
      expect(await alarmsOf(world)).toMatchObject([{ count: 1 }])
      await world.travel(1.1)
      await remind()
      expect(await alarmsOf(world)).toMatchObject([{ count: 1, text: expect.stringContaining('open for 52 hours') }])
      await world.app.acknowledge('1001', 'sip-account', null, mia)
      await world.travel(1.1)
      await remind()
      expect(await alarmsOf(world)).toEqual([])
      const told = (await world.app.people.happenings('1001')).filter(({ text }) => text.includes('waits to be'))
      expect(told.reduce((sum, { times }) => sum + times, 0)).toBe(2)
    } finally {
      await world[Symbol.asyncDispose]()
    }
  })

  test('is mailed to those who may tick it; a mail server that is away gets it at the next round', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ pbx: 'manual', env: office.env })
    for (const [name, role] of [
      ['mia', 'admin'],
      ['aud', 'auditor'],
      ['old', 'owner'],
    ] as const) {
      const at = world.context.system.now().toISOString()
      const id = newId(world.context.system)
      const who = { id, name, email: `${name}@example.com`, role, createdAt: at, createdBy: 'test' }
      const disabledAt = name === 'old' ? at : null
      await world.store.transaction((tx) => tx.insert('administrator', [{ ...newAdministrator(who), disabledAt }]))
    }
    await onboarded(world, ada)
    await world.travel(1.1)
    const remind = stepReminder(world.context)
    office.refusals.push({ code: 451, words: 'come back later' })
    await expect(remind()).rejects.toMatchObject({ code: 'MAIL_UNREACHABLE' })
    await remind()
    await remind()
    expect(office.received.map(({ to }) => to)).toEqual([['mia@example.com']])
    const { headers, text } = read(office.received[0]!.raw)
    expect(headers.subject).toBe('Ringfence: steps waiting on the PBX (1)')
    expect(text).toContain('1001 Ada Byron (starting)')
    expect(text).toContain(world.config.console.url)
  })

  test('is mailed once to each: an address that is refused floods nobody else and is tried again alone', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ pbx: 'manual', env: office.env })
    for (const name of ['bad', 'mia', 'zoe']) {
      const at = world.context.system.now().toISOString()
      const id = newId(world.context.system)
      const who = { id, name, email: `${name}@example.com`, role: 'admin' as const, createdAt: at, createdBy: 'test' }
      await world.store.transaction((tx) => tx.insert('administrator', [newAdministrator(who)]))
    }
    await onboarded(world, ada)
    await world.travel(1.1)
    const remind = stepReminder(world.context)
    for (let round = 0; round < 3; round++) {
      office.refusals.push({ code: 550, words: 'no such mailbox' })
      await expect(remind()).rejects.toMatchObject({ code: 'MAIL_REFUSED' })
      expect(office.received.map(({ to }) => to[0])).toEqual(['mia@example.com', 'zoe@example.com'])
    }
    await remind()
    await remind()
    expect(office.received.map(({ to }) => to[0])).toEqual(['mia@example.com', 'zoe@example.com', 'bad@example.com'])
  })
})
