import { afterAll, beforeAll, expect, test } from 'vitest'
import { mia, onboarded, openWorld, person, type World } from './world.ts'

let world: World
let ida: string
beforeAll(async () => {
  world = await openWorld({ pbx: 'manual' })
  const { employee } = await onboarded(world, person('Ida Nowak', '1030', 'yealink-t54w=805ec0aabb01'))
  ida = employee.handsets[0]!.id
  await onboarded(world, person('Ben Li', '1031', 'yealink-t54w=805ec0aabb02', 'linphone-mobile'))
})
afterAll(async () => world?.[Symbol.asyncDispose]())

test.each([['805ec0aabb01'], ['80:5E:C0:AA:BB:01'], ['80-5e-c0-aa-bb-01'], ['1030'], ['ida.nowak@example.com']])(
  'a handset is named by %s as well as by its id',
  async (which) => {
    const { email } = await world.app.employee('1030')
    const files = await world.app.handsetFiles(which.includes('@') ? email : which)
    expect(files).toEqual(await world.app.handsetFiles(ida))
    expect(files.length).toBeGreaterThan(0)
  },
)

test('somebody with several is asked which one, and nobody is guessed', async () => {
  await expect(world.app.resyncHandset('1031', mia)).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringMatching(/2 handsets: yealink-t54w 805ec0aabb02, linphone-mobile [0-9a-f-]{36}/),
  })
  for (const which of ['nonsense', '4711', '805ec0ffffff', '01939d2c-0000-7000-8000-000000000000'])
    await expect(world.app.removeHandset(which, mia)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: expect.stringContaining('`ringfence show WHO` prints both'),
    })
})

test('a value is set for a handset by its MAC address, listed by what people know it by, and taken away again', async () => {
  const address = { layer: 'handset', scope: '80:5e:c0:aa:bb:01', name: 'label' } as const
  const set = await world.app.setPhoneSetting(address, 'Front desk', { dryRun: false }, mia)
  expect(set.scope).toBe(ida)
  // Nobody can drive this PBX: nothing is promised that nobody does.
  expect(set.telling).toEqual(['nobody can be told (PBX by hand): each fetches at its next poll or start'])
  expect(await world.app.phoneSettings()).toMatchObject([
    { scope: ida, handset: { extension: '1030', model: 'yealink-t54w', mac: '805ec0aabb01' } },
  ])
  await world.app.unsetPhoneSetting({ ...address, scope: '1030' }, { dryRun: false }, mia)
  expect(await world.app.phoneSettings()).toEqual([])
})

test('a place for emergency calls is said to be for people, and lines for no maker are refused with the makers', async () => {
  const emergency = { layer: 'handset', scope: ida, name: 'emergencyNote' } as const
  expect((await world.app.setPhoneSetting(emergency, 'Main St 5', { dryRun: true }, mia)).note).toBe(
    'shown on the invite page and in this list; no phone takes a text for it',
  )
  const lines = { layer: 'site', scope: 'default', name: 'extraLines.yealing' } as const
  await expect(world.app.setPhoneSetting(lines, 'a = 1', { dryRun: true }, mia)).rejects.toMatchObject({
    message: 'there is no maker "yealing"',
    hint: expect.stringMatching(/^one of .*snom.*yealink/),
  })
})

test('with a PBX that can tell phones, those that hear it are counted and the others named', async () => {
  await using telling = await openWorld()
  const { employee } = await onboarded(
    telling,
    person('Ida Nowak', '1030', 'yealink-t54w=805ec0aabb01', 'linphone-mobile'),
  )
  const set = async (name: string, value: string) =>
    (await telling.app.setPhoneSetting({ layer: 'site', scope: 'default', name }, value, { dryRun: false }, mia))
      .telling
  expect(employee.handsets).toHaveLength(2)
  expect(await set('label', 'Front desk')).toEqual([
    '1 told to fetch now; whoever does not hear it does so at the next poll',
  ])
  const line = '<section name="ui"><entry name="it" overwrite="true">1</entry></section>'
  expect(await set('extraLines.linphone', line)).toEqual([
    'no way is known to tell linphone-mobile: it fetches when it starts, or at its next poll',
  ])
})
