import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OnboardInput } from '../../src/journeys/application.ts'
import { everything, mia, onboarded, openWorld, person, type World } from './world.ts'

const good = person('Cem Öz', '1003', 'linphone-mobile')
const badNames: readonly (readonly [string, string])[] = [
  ['a line break', 'Cem\nÖz'],
  ['a carriage return', 'Cem\rÖz'],
  ['a tab', 'Cem\tÖz'],
  ['a NUL', 'Cem\0Öz'],
  ['a line separator', 'Cem\u2028Öz'],
  ['an escape', 'Cem\u001b[31mÖz'],
  ['half a character', 'Cem\ud83d Öz'],
]

describe('what cannot be right', () => {
  let world: World
  let before: string
  beforeAll(async () => {
    world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await onboarded(world, person('Ben Li', '1002', 'yealink-t54w=80:5e:c0:aa:bb:01'))
    await world.sweep()
    before = await everything(world.store)
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const cases: readonly (readonly [string, Partial<OnboardInput>, object])[] = [
    [
      'an extension that is in use',
      { extension: '1001' },
      {
        code: 'CONFLICT',
        message: 'extension 1001 is in use',
        hint: 'Ada Byron <ada@example.com> holds it: offboard them first, or choose another',
        problems: [{ field: 'extension' }],
      },
    ],
    [
      'an e-mail address that is in use, in other letters',
      { email: 'ADA@Example.com' },
      {
        code: 'CONFLICT',
        message: 'ada@example.com already has a phone here',
        problems: [{ field: 'email' }],
      },
    ],
    [
      'a phone that is in use, its address written otherwise',
      { handsets: [{ model: 'yealink-t53', mac: '80-5E-C0-AA-BB-01' }] },
      {
        code: 'CONFLICT',
        message: '805ec0aabb01 belongs to a handset that is in use',
        problems: [{ field: 'mac' }],
      },
    ],
    [
      'all three at once, each named',
      { extension: '1002', email: 'ada@example.com', handsets: [{ model: 'yealink-t53', mac: '805ec0aabb01' }] },
      {
        code: 'CONFLICT',
        message: '3 things are taken',
        problems: [{ field: 'extension' }, { field: 'email' }, { field: 'mac' }],
      },
    ],
    [
      'the same phone twice',
      {
        handsets: [
          { model: 'yealink-t53', mac: '805ec0aabb09' },
          { model: 'yealink-t53', mac: '80:5e:c0:aa:bb:09' },
        ],
      },
      {
        code: 'INVALID_INPUT',
        message: '805ec0aabb09 is named twice',
      },
    ],
    [
      'a MAC address with a letter too many',
      { handsets: [{ model: 'yealink-t53', mac: '80:5e:c0:aa:bb:0g' }] },
      {
        code: 'INVALID_INPUT',
        message: '"80:5e:c0:aa:bb:0g" is not a MAC address',
        problems: [{ field: 'mac' }],
      },
    ],
    [
      'a MAC address of a group',
      { handsets: [{ model: 'yealink-t53', mac: '01:00:5e:00:00:01' }] },
      { code: 'INVALID_INPUT' },
    ],
    [
      'a desk phone without its MAC address',
      { handsets: [{ model: 'yealink-t53' }] },
      { code: 'INVALID_INPUT', message: 'Yealink T53 needs its MAC address' },
    ],
    [
      'an app with a MAC address',
      { handsets: [{ model: 'linphone-mobile', mac: '805ec0aabb09' }] },
      { code: 'INVALID_INPUT' },
    ],
    [
      'a model that nobody knows',
      { handsets: [{ model: 'yealink-t54' }] },
      {
        code: 'MODEL_UNKNOWN',
        message: '"yealink-t54" is not a model that Ringfence knows',
        hint: expect.stringMatching(/^did you mean .*yealink-t54w/),
      },
    ],
    [
      'a gateway as a phone',
      { handsets: [{ model: 'gateway-openwrt' }] },
      { code: 'MODEL_UNKNOWN', hint: 'a gateway is chosen with --gateway openwrt' },
    ],
    [
      'a MAC address without a model',
      { handsets: [{ model: '', mac: '805ec0aabb09' }] },
      { code: 'MODEL_UNKNOWN', message: 'a model is missing', hint: expect.stringContaining('MODEL=MAC') },
    ],
    [
      'a maker instead of a model',
      { handsets: [{ model: 'yealink', mac: '805ec0aabb09' }] },
      { code: 'MODEL_UNKNOWN', hint: '`ringfence models yealink` lists the models of that maker' },
    ],
    [
      'a gateway that nobody knows',
      { gateway: 'fritzbox-9000' },
      { code: 'INVALID_INPUT', problems: [{ field: 'gateway', hint: expect.stringContaining('plain') }] },
    ],
    [
      'an extension that is not digits',
      { extension: '10a1' },
      { code: 'INVALID_INPUT', message: '"10a1" is not an extension' },
    ],
    ['an extension in the digits of another script', { extension: '١٠٠١' }, { code: 'INVALID_INPUT' }],
    ['an extension of one digit', { extension: '1' }, { code: 'INVALID_INPUT' }],
    ['an extension with a line break behind', { extension: '1009\n[1010]' }, { code: 'INVALID_INPUT' }],
    ['no e-mail address', { email: 'cem' }, { code: 'INVALID_INPUT', message: '"cem" is not an e-mail address' }],
    [
      'an e-mail address with a line break',
      { email: 'cem@example.com\nBcc: all@example.com' },
      { code: 'INVALID_INPUT' },
    ],
    ['no name', { name: '  ' }, { code: 'INVALID_INPUT', message: 'the name is missing' }],
    [
      'a name without end',
      { name: 'x'.repeat(121) },
      { code: 'INVALID_INPUT', message: 'the name is longer than 120 characters' },
    ],
    ['no handset', { handsets: [] }, { code: 'INVALID_INPUT', message: 'no handset was named' }],
    [
      '21 handsets',
      { handsets: Array.from({ length: 21 }, () => ({ model: 'linphone-mobile' })) },
      { code: 'INVALID_INPUT' },
    ],
    ...badNames.map(
      ([what, name]) =>
        [
          `a name with ${what}`,
          { name },
          {
            code: 'INVALID_INPUT',
            message: 'the name contains a control character or a line break',
          },
        ] as const,
    ),
  ]

  test.each(cases)('%s is refused in words, and nothing is written', async (_what, change, expected) => {
    await expect(world.app.onboard({ ...good, ...change }, mia)).rejects.toMatchObject(expected)
    expect(await everything(world.store)).toBe(before)
  })

  test('every problem of one person is told at once', async () => {
    const wrong = { name: '', email: 'x', extension: 'y', handsets: [{ model: 'nokia-3310' }] }
    const error = await world.app.onboard(wrong, mia).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      message: '4 things need another look',
      problems: [{ field: 'name' }, { field: 'email' }, { field: 'extension' }, { field: 'model' }],
    })
  })

  test('a handset for somebody who has one is checked as strictly', async () => {
    for (const [handset, message] of [
      [{ model: 'yealink-t53', mac: '805ec0aabb01' }, /belongs to a handset that is in use|is taken|already/],
      [{ model: 'yealink-t53', mac: 'zz' }, /is not a MAC address/],
      [{ model: 'nokia-3310' }, /is not a model/],
    ] as const)
      await expect(world.app.addHandset('1001', handset, mia)).rejects.toMatchObject({
        message: expect.stringMatching(message),
      })
    expect(await everything(world.store)).toBe(before)
  })

  test('nobody is found for an unknown name, and the words asked for are shown back shortened', async () => {
    await expect(world.app.employee(`nobody${'!'.repeat(500)}`)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(world.app.offboard('9999', null, mia)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'nobody here is "9999"',
    })
    expect(await everything(world.store)).toBe(before)
  })
})

test('two admins who take the same extension in the same moment: one gets it, the other is told', async () => {
  await using world = await openWorld()
  const results = await Promise.allSettled([
    world.app.onboard(person('Ada Byron', '1001', 'linphone-mobile'), mia),
    world.app.onboard(person('Ben Li', '1001', 'linphone-mobile'), mia),
  ])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'CONFLICT', problems: [{ field: 'extension' }] },
  })
  expect(await world.store.find('employee', {})).toHaveLength(1)
  expect(await world.store.find('tunnel', {})).toHaveLength(1)
})

test('a subnet that is used up refuses the next person, with the setting to change, and writes nothing', async () => {
  await using world = await openWorld({ env: { RINGFENCE_HUB_SUBNET: '10.77.0.0/29' } })
  for (const [index, name] of ['Ada', 'Ben', 'Cem', 'Dora', 'Eva'].entries())
    await onboarded(world, person(name, `100${index}`, 'linphone-mobile'))
  await world.sweep()
  const before = await everything(world.store)
  await expect(world.app.onboard(person('Finn', '1009', 'linphone-mobile'), mia)).rejects.toMatchObject({
    code: 'ADDRESS_POOL_EXHAUSTED',
    message: 'there is no free tunnel address left',
    hint: expect.stringContaining('RINGFENCE_HUB_SUBNET'),
  })
  expect(await everything(world.store)).toBe(before)
})

test('a pool of phone subnets that is used up refuses the next gateway, and writes nothing', async () => {
  await using world = await openWorld({ env: { RINGFENCE_PHONE_SUBNETS: '10.78.0.0/27' } })
  await onboarded(world, person('Ada', '1001', 'yealink-t53=805ec0000001'))
  await onboarded(world, person('Ben', '1002', 'yealink-t53=805ec0000002'))
  await world.sweep()
  const before = await everything(world.store)
  await expect(world.app.onboard(person('Cem', '1003', 'yealink-t53=805ec0000003'), mia)).rejects.toMatchObject({
    code: 'ADDRESS_POOL_EXHAUSTED',
    hint: expect.stringContaining('RINGFENCE_PHONE_SUBNETS'),
  })
  expect(await everything(world.store)).toBe(before)
})

test("people's names are theirs, however they look, and come out as they went in", async () => {
  await using world = await openWorld()
  const names = [
    `O'Brien "The <b>Boss</b>"; DROP TABLE employee; --`,
    '{{ secret }} {% raw %}',
    '=cmd|"/c calc"!A1',
    '👩‍💻 Zoë',
    '\u202Eadmin\u202C עדה',
    '../../etc/passwd',
    '[1001](endpoint)',
    'account.1.password = x',
    '&amp;<entry name="passwd">x</entry>',
    '%NULL%',
  ]
  for (const [index, name] of names.entries()) {
    const { employee, provisioningUrls } = await onboarded(world, {
      name,
      email: `p${index}@example.com`,
      extension: `20${index}0`,
      handsets: [{ model: 'linphone-desktop' }, { model: 'yealink-t54w', mac: `805ec000000${index}` }],
    })
    expect(employee.name).toBe(name.normalize('NFC'))
    for (const { id, files } of employee.handsets)
      for (const file of files)
        expect((await world.fetch(provisioningUrls[id]!, file))?.body, `${name} ${file}`).toBeTruthy()
  }
  expect((await world.app.employees({})).map(({ name }) => name).sort()).toEqual([...names].sort())
  expect((await world.app.settled('2000', 5_000)).access.every(({ verdict }) => verdict === 'converged')).toBe(true)
})
