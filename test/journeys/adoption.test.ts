import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { fakePbx } from '../fakes/fake-pbx.ts'
import { mia, offboarded, onboarded, openWorld, person } from './world.ts'

const adopting = (name: string, extension: string) => ({ ...person(name, extension, 'linphone-mobile'), adopt: true })

describe('extensions that were on the PBX before', () => {
  test('are listed beside the people known here, and looking touches nothing', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await onboarded(world, person('by hand', '1002', 'linphone-mobile'))
    for (const extension of ['2001', '100', '10010']) world.pbx.addForeign(extension)
    const before = world.pbx.snapshot()
    const { counts } = world.pbx
    const applied = counts.apply
    const found = await world.app.pbxs.existing(undefined)
    expect(found).toMatchObject({
      pbx: 'default',
      items: [
        // By its name alone: the one that we made for 1002 is called so.
        {
          extension: '100',
          known: { name: 'by hand', by: 'name' },
          differs: ['by hand has extension 1002@default here'],
        },
        { extension: '2001', obstacle: null },
        { extension: '10010' },
      ],
    })
    expect([world.pbx.snapshot(), counts.apply]).toEqual([before, applied])
  })

  test('say so where somebody here holds the same extension', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    world.pbx.addForeign('1001')
    const { items } = await world.app.pbxs.existing('default')
    expect(items).toMatchObject([
      {
        known: { name: 'Ada Byron', by: 'extension' },
        differs: ['it is called "by hand" there and "Ada Byron" here'],
        obstacle: expect.stringContaining('Ada Byron holds it here already'),
      },
    ])
  })

  test('stay somebody else’s until an admin takes one over, and then only that one changes', async () => {
    await using world = await openWorld()
    for (const extension of ['1001', '10010']) world.pbx.addForeign(extension)
    // Whoever starts while it is away meets it later.
    world.pbx.faults.down = true
    const plain = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    world.pbx.faults.down = false
    await world.sweep()
    expect(plain.employee.access.find(({ system }) => system === 'sip-account')?.verdict).not.toBe('converged')
    await offboarded(world, plain.employee.id)
    // Whether a leaver's password opens somebody else's extension cannot be told: a person says that it is not theirs.
    await world.app.acknowledge(plain.employee.id, 'sip-account', null, mia)
    expect(JSON.parse(world.pbx.snapshot()).foreign).toEqual(['1001', '10010'])

    const taken = await onboarded(world, adopting('Ada Byron', '1001'))
    const line = (await world.app.employee(taken.employee.id)).access.find(({ system }) => system === 'sip-account')
    expect(line).toMatchObject({ verdict: 'converged', wanted: 'open' })
    expect(JSON.parse(world.pbx.snapshot()).foreign).toEqual(['10010'])
    expect((await world.store.find('assignment', { employeeId: taken.employee.id }))[0]?.adoptedAt).toMatch(/Z$/)
    const told = (await world.app.records.audit({ limit: 50 })).events.map(({ text }) => text)
    expect(told).toContainEqual(expect.stringContaining('1001, which was there before'))
    expect((await offboarded(world, taken.employee.id)).lifecycle).toBe('offboarded')
    expect(JSON.parse(world.pbx.snapshot()).accounts).toEqual([])
  })

  test('are given to nobody new by accident: the refusal names the command that takes them over', async () => {
    await using world = await openWorld()
    world.pbx.addForeign('1005')
    const before = world.pbx.snapshot()
    await expect(world.app.onboard(person('Ada Byron', '1005', 'linphone-mobile'), mia)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'extension 1005 is on PBX default already, and not by Ringfence',
      hint: expect.stringContaining('`ringfence adopt 1005`'),
      problems: [{ field: 'extension' }],
    })
    const roster = (...extensions: readonly string[]) =>
      Buffer.from(
        `name,email,extension,model,mac\n${extensions.map((one) => `P${one},p${one}@example.com,${one},linphone-mobile,`).join('\n')}`,
      )
    await expect(world.app.importRoster(roster('1004', '1005'), mia)).rejects.toMatchObject({
      problems: [{ row: 3, field: 'extension', hint: expect.stringContaining('`ringfence adopt 1005`') }],
    })
    expect([await world.app.employees({}), world.pbx.snapshot()]).toEqual([[], before])
    // 100 beside 1005, and somebody who was here before: their own extension is free again.
    const again = await onboarded(world, person('Bo Berg', '100', 'linphone-mobile'))
    await offboarded(world, again.employee.id)
    await onboarded(world, person('Cy Cole', '100', 'linphone-mobile'))
  })

  test('are refused as well where the PBX can only show them, with another hint', async () => {
    await using world = await openWorld({ pbx: fakePbx({ adoption: false }) })
    world.pbx.addForeign('1005')
    const refused = world.app.onboard(person('Ada Byron', '1005', 'linphone-mobile'), mia)
    await expect(refused).rejects.toMatchObject({ code: 'CONFLICT', hint: expect.stringMatching(/^choose another/) })
    await expect(refused).rejects.not.toMatchObject({ hint: expect.stringContaining('adopt') })
  })

  test.each(['down', 'hang'] as const)('keep nobody waiting who starts while the PBX is away: %s', async (fault) => {
    await using world = await openWorld()
    world.pbx.addForeign('1005')
    world.pbx.faults[fault] = true
    const began = performance.now()
    const { employee } = await world.app.onboard(person('Ada Byron', '1005', 'linphone-mobile'), mia)
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(employee.extension).toBe('1005')
    world.pbx.faults[fault] = false
  })

  test.each(['helpdesk', 'auditor'] as const)('are taken over by nobody of role %s, in whichever way', async (role) => {
    await using world = await openWorld()
    world.pbx.addForeign('2001')
    const before = world.pbx.snapshot()
    const forbidden = { code: 'FORBIDDEN', hint: `this caller is ${role}; ask an admin or owner` }
    const csv = 'name,email,extension,model,mac,adopt\nAda Byron,ada@example.com,2001,linphone-mobile,,yes'
    for (const via of ['token', 'session', 'local-socket'] as const) {
      const actor = { name: 'Hal', role, via }
      await expect(world.app.onboard(adopting('Ada Byron', '2001'), actor)).rejects.toMatchObject(forbidden)
      await expect(world.app.importRoster(Buffer.from(csv), actor)).rejects.toMatchObject(forbidden)
    }
    expect(await world.app.employees({})).toEqual([])
    expect(world.pbx.snapshot()).toBe(before)
    // And what takes nothing over is theirs as before.
    const hal = { name: 'Hal', role: 'helpdesk', via: 'token' } as const
    const csvNew = csv.replace('2001', '2002').replace(',yes', ',no')
    expect((await world.app.importRoster(Buffer.from(csvNew), hal)).total).toBe(1)
    await world.imports.stop()
  })

  test('that are not there, or in the way of somebody, are not taken over and nobody is onboarded', async () => {
    await using world = await openWorld()
    world.pbx.addForeign('2001')
    await expect(world.app.onboard(adopting('Ada Byron', '1001'), mia)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'PBX default has no extension 1001 that Ringfence did not make',
      problems: [{ field: 'extension' }],
    })
    const { driver } = world.pbx
    Object.assign(driver, {
      listExisting: async () => [
        { extension: '2001', displayName: null, email: null, facts: {}, obstacle: 'it is a queue' },
      ],
    })
    await expect(world.app.onboard(adopting('Ada Byron', '2001'), mia)).rejects.toMatchObject({
      message: 'extension 2001 cannot be taken over: it is a queue',
    })
    Object.assign(driver, {
      listExisting: async () => {
        throw new AppError('PBX_UNREACHABLE', 'the PBX is away', { retryable: true })
      },
    })
    await expect(world.app.onboard(adopting('Ada Byron', '2001'), mia)).rejects.toMatchObject({
      code: 'PBX_UNREACHABLE',
    })
    expect(await world.app.employees({})).toEqual([])
  })

  test('come in by a roster’s column as well', async () => {
    await using world = await openWorld()
    world.pbx.addForeign('2001')
    const wrong = (text: string, problem: object) =>
      expect(world.app.importRoster(Buffer.from(text), mia)).rejects.toMatchObject({ problems: [problem] })
    const csv = [
      'name,email,extension,model,mac,adopt',
      'Ada Byron,ada@example.com,2001,linphone-mobile,,yes',
      'Cy Cole,cy@example.com,2003,linphone-mobile,,',
    ].join('\n')
    await wrong(`${csv}\nBo Berg,bo@example.com,2002,linphone-mobile,,yes`, {
      row: 4,
      message: 'PBX default has no extension 2002 that Ringfence did not make',
    })
    await wrong(csv.replace(',yes', ',maybe'), { row: 2, field: 'adopt', message: '"maybe" is neither yes nor no' })
    world.pbx.faults.down = true
    await wrong(csv, { row: 2, field: 'adopt', message: 'the PBX is not reachable' })
    world.pbx.faults.down = false
    expect(await world.app.employees({})).toEqual([])
    const { id } = await world.app.importRoster(Buffer.from(csv), mia)
    await world.imports.stop()
    await world.loop.idle()
    expect((await world.app.importRun(id)).people.map(({ state }) => state)).toEqual(['onboarded', 'onboarded'])
    expect(JSON.parse(world.pbx.snapshot()).foreign).toEqual([])
  })

  test('cannot be listed where the PBX cannot, and that is said instead of an empty list', async () => {
    await using world = await openWorld({ pbx: fakePbx({ adoption: false }) })
    world.pbx.addForeign('2001')
    // Neither sends one back to the other.
    const removeFirst = { code: 'CONFLICT', hint: expect.stringMatching(/remove .* on the PBX first/) }
    await expect(world.app.pbxs.existing(undefined)).rejects.toMatchObject(removeFirst)
    await expect(world.app.onboard(adopting('Ada Byron', '2001'), mia)).rejects.toMatchObject(removeFirst)
    await expect(world.app.onboard(person('Ada Byron', '2001', 'linphone-mobile'), mia)).rejects.toMatchObject(
      removeFirst,
    )
    await using byHand = await openWorld({ pbx: 'manual' })
    await expect(byHand.app.pbxs.existing(undefined)).rejects.toMatchObject({
      message: 'PBX default cannot list the extensions that Ringfence did not make',
    })
  })
})
