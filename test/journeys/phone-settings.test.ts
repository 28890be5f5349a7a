import { describe, expect, test } from 'vitest'
import { parseYealink } from '../phones/yealink-file.ts'
import { everything, mia, offboarded, onboarded, openWorld, person, steadyUrl, type World } from './world.ts'

const file = '805ec0aabb01.cfg'

async function withPhone() {
  const world = await openWorld()
  const { employee } = await onboarded(world, person('Ben Li', '1002', 'yealink-t54w=805ec0aabb01'))
  const { id } = employee.handsets[0]!
  const url = await steadyUrl(world, id)
  return { world, employee, id, url }
}

async function fetched(world: World, url: string): Promise<Record<string, string>> {
  const { body } = (await world.fetch(url, file))!
  return Object.fromEntries(parseYealink(body))
}

const now = { dryRun: false }

describe("what admins set for phones' files", () => {
  test('is in the next file, by the strongest layer, and leaves it when it is taken away', async () => {
    const { world, id, url } = await withPhone()
    await using _ = world
    const plain = (await world.fetch(url, file))!
    const labelOf = async () => (await fetched(world, url))['account.1.label']
    const site = { layer: 'site', scope: 'default', name: 'label' } as const
    const model = { layer: 'model', scope: 'yealink-t54w', name: 'label' } as const
    const own = { layer: 'handset', scope: id, name: 'label' } as const
    const labels: (string | undefined)[] = []
    for (const [address, value] of [
      [site, 'Site'],
      [own, 'Own'],
      [model, 'Model'],
    ] as const) {
      expect(await world.app.setPhoneSetting(address, value, now, mia)).toMatchObject({
        ...address,
        value,
        setBy: 'Mia',
        note: null,
      })
      labels.push(await labelOf())
    }
    expect(labels).toEqual(['Site', 'Own', 'Own'])
    expect(await world.app.handsetSettings(id)).toEqual([
      {
        name: 'label',
        value: 'Own',
        layer: 'handset',
        scope: id,
        note: null,
        beats: [
          { layer: 'model', scope: 'yealink-t54w', value: 'Model' },
          { layer: 'site', scope: 'default', value: 'Site' },
        ],
      },
    ])
    for (const [address, left] of [
      [own, 'Model'],
      [model, 'Site'],
      [site, '1002'],
    ] as const) {
      await world.app.unsetPhoneSetting(address, now, mia)
      expect(await labelOf()).toBe(left)
    }
    // Not only the same words: the very file that the phone had, so that it is told "not modified".
    const again = (await world.fetch(url, file, plain.etag))!
    expect([again.notModified, again.body]).toEqual([true, plain.body])
  })

  test('changes nobody else and nothing else: no generation grows, no tunnel or account is touched', async () => {
    const { world, employee, id } = await withPhone()
    await using _ = world
    const other = await onboarded(world, person('Ada Byron', '1001', 'yealink-t54w=805ec0aabb02'))
    const otherUrl = await steadyUrl(world, other.employee.handsets[0]!.id)
    const before = (await world.fetch(otherUrl, '805ec0aabb02.cfg'))!
    const rows = async () => [await world.store.get('employee', employee.id), await world.store.get('handset', id)]
    const had = await rows()
    await world.app.setPhoneSetting({ layer: 'handset', scope: id, name: 'voicemail' }, '*97', now, mia)
    expect(await rows()).toEqual(had)
    expect((await world.fetch(otherUrl, '805ec0aabb02.cfg', before.etag))!.notModified).toBe(true)
  })

  test('costs a warm fetch no question to the database', async () => {
    const { world, id, url } = await withPhone()
    await using _ = world
    const asked: string[] = []
    const find = world.context.store.find
    const spied = {
      ...world.context.store,
      find: (...given: Parameters<typeof find>) => {
        asked.push(given[0])
        return find(...given)
      },
    }
    Object.assign(world.context, { store: spied })
    await world.app.setPhoneSetting({ layer: 'handset', scope: id, name: 'label' }, 'Desk', now, mia)
    await fetched(world, url)
    expect(asked).toContain('sipCredential')
    asked.length = 0
    expect((await fetched(world, url))['account.1.label']).toBe('Desk')
    expect(asked).toEqual([])
  })

  test('is there again after the server was killed, and each change is in the audit log with its author', async () => {
    const { world, employee, id, url } = await withPhone()
    await world.app.setPhoneSetting({ layer: 'site', scope: 'default', name: 'timezone' }, 'europe/berlin', now, mia)
    await world.app.setPhoneSetting({ layer: 'handset', scope: id, name: 'label' }, 'Desk', now, mia)
    await world.app.setPhoneSetting({ layer: 'handset', scope: id, name: 'label' }, 'Desk', now, mia)
    await using again = await world.restart()
    expect(await fetched(again, url)).toMatchObject({ 'local_time.time_zone': '+1', 'account.1.label': 'Desk' })
    const kept = (await again.store.auditTrail({ limit: 100 })).filter(({ kind }) => kind === 'phone-setting.changed')
    expect(kept.map(({ employeeId, subjectId, detail }) => [employeeId, subjectId, JSON.parse(detail!)])).toEqual([
      [
        null,
        'default',
        {
          actor: 'Mia',
          via: 'local-socket',
          layer: 'site',
          scope: 'default',
          name: 'timezone',
          value: 'Europe/Berlin',
          before: null,
        },
      ],
      [
        employee.id,
        id,
        { actor: 'Mia', via: 'local-socket', layer: 'handset', scope: id, name: 'label', value: 'Desk', before: null },
      ],
    ])
  })

  test.each([
    ['an unknown name', { layer: 'site', scope: 'default', name: 'colour' }, 'red', 'INVALID_INPUT', /not a setting/],
    [
      'a value that is none',
      { layer: 'site', scope: 'default', name: 'vlan' },
      '5000',
      'INVALID_INPUT',
      /cannot be the vlan/,
    ],
    ['another site', { layer: 'site', scope: 'branch', name: 'vlan' }, '66', 'NOT_FOUND', /no site/],
    ['an unknown model', { layer: 'model', scope: 'yealink-t54', name: 'vlan' }, '66', 'MODEL_UNKNOWN', /not a model/],
    ['a gateway', { layer: 'model', scope: 'gateway-plain', name: 'vlan' }, '66', 'MODEL_UNKNOWN', /not a model/],
    ['an unknown handset', { layer: 'handset', scope: 'nobody', name: 'vlan' }, '66', 'NOT_FOUND', /no such handset/],
    [
      'a firmware for all',
      { layer: 'site', scope: 'default', name: 'firmware' },
      'https://a.example/x',
      'INVALID_INPUT',
      /cannot be set for a site/,
    ],
    [
      'lines that break the file',
      { layer: 'site', scope: 'default', name: 'extraLines.snom' },
      '<a>',
      'INVALID_INPUT',
      /cannot stand in the file of snom/,
    ],
    [
      'lines of no vendor',
      { layer: 'site', scope: 'default', name: 'extraLines.nokia' },
      'a = 1',
      'INVALID_INPUT',
      /no maker "nokia"/,
    ],
    [
      "another vendor's lines",
      { layer: 'model', scope: 'yealink-t54w', name: 'extraLines' },
      '<a>1</a>',
      'INVALID_INPUT',
      /line 1 does not look like/,
    ],
  ] as const)('refuses %s and writes nothing', async (_, address, value, code, message) => {
    await using world = await openWorld()
    const before = await everything(world.store)
    await expect(world.app.setPhoneSetting(address, value, now, mia)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/./),
    })
    expect(await everything(world.store)).toBe(before)
    expect(await world.app.phoneSettings()).toEqual([])
  })

  test('is not half done when the disk is full', async () => {
    const { world, id } = await withPhone()
    await using _ = world
    const before = await everything(world.store)
    for (const failAt of [1, 2, 0]) {
      world.store.failAt = failAt
      await expect(
        world.app.setPhoneSetting({ layer: 'handset', scope: id, name: 'label' }, 'Desk', now, mia),
      ).rejects.toThrow()
      world.store.failAt = null
      expect(await everything(world.store)).toBe(before)
      expect(await world.app.handsetSettings(id)).toEqual([])
    }
  })

  test('of one vendor for the whole site reaches that vendor only', async () => {
    const { world, url } = await withPhone()
    await using _ = world
    await onboarded(world, person('Sam Snom', '1005', 'snom-d785=000413aabb05'))
    await world.app.setPhoneSetting(
      { layer: 'site', scope: 'default', name: 'extraLines.yealink' },
      'features.dnd.allow = 0',
      now,
      mia,
    )
    expect((await fetched(world, url))['features.dnd.allow']).toBe('0')
    const sam = (await world.app.employee('1005')).handsets[0]!
    expect((await world.fetch(await steadyUrl(world, sam.id), '000413aabb05.xml'))!.body).not.toContain('dnd')
  })

  test('that a file cannot say is said where it is set and where it is looked up', async () => {
    const { world, id } = await withPhone()
    await using _ = world
    const set = await world.app.setPhoneSetting({ layer: 'handset', scope: id, name: 'language' }, 'cy', now, mia)
    expect(set.note).toMatch(/language cy is not known/)
    expect(await world.app.handsetSettings(id)).toMatchObject([{ name: 'language', note: expect.stringMatching(/cy/) }])
  })

  test('for a leaver cannot be added to, can be taken away, and goes when the person is erased', async () => {
    const { world, employee, id } = await withPhone()
    await using _ = world
    const label = { layer: 'handset', scope: id, name: 'label' } as const
    await world.app.setPhoneSetting(label, "Ben's desk", now, mia)
    await world.app.setPhoneSetting({ ...label, name: 'emergencyNote' }, 'Hauptstr. 5', now, mia)
    await world.app.setPhoneSetting({ layer: 'site', scope: 'default', name: 'language' }, 'de', now, mia)
    await offboarded(world, '1002')
    await expect(world.app.setPhoneSetting(label, 'again', now, mia)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await world.app.unsetPhoneSetting(label, now, mia)).toMatchObject({ value: "Ben's desk" })
    expect(await world.app.phoneSettings()).toHaveLength(2)

    await world.app.erase(employee.id, { ...mia, role: 'owner' })
    expect(await world.app.phoneSettings()).toMatchObject([{ layer: 'site', name: 'language' }])
    expect(await everything(world.store)).not.toMatch(/Hauptstr|Ben's desk/)
  })

  test('that no longer fits its file, since the file was changed, is named by the doctor', async () => {
    const { world, url } = await withPhone()
    await using _ = world
    const lines = { layer: 'site', scope: 'default', name: 'extraLines.poly' } as const
    await world.app.setPhoneSetting(lines, 'own.setting.ours="1"', now, mia)
    const told = async () => (await world.app.doctor()).checks.filter(({ message }) => /extraLines/.test(message))
    expect(await told()).toEqual([])
    const row = (await world.store.find('phoneSetting', {}))[0]!
    await world.store.transaction((tx) => tx.put('phoneSetting', [{ ...row, value: 'reg.1.label="twice"' }]))
    await world.context.phoneSettings.refresh()
    expect(await told()).toMatchObject([
      { area: 'settings', state: 'problem', message: expect.stringMatching(/reg\.1\.label is there twice/) },
    ])
    expect(await fetched(world, url)).toBeDefined()
  })

  test("and the place for emergency calls is on the page of the employee's invite", async () => {
    await using world = await openWorld()
    const { employee, invite } = await onboarded(world, person('Ben Li', '1002', 'yealink-t54w=805ec0aabb01'))
    const { id } = employee.handsets[0]!
    const token = invite.url.split('/').at(-1)!
    expect((await world.app.join(token))!.handsets[0]!.emergencyNote).toBeNull()
    await world.app.setPhoneSetting({ layer: 'handset', scope: id, name: 'emergencyNote' }, 'Hauptstr. 5', now, mia)
    expect((await world.app.join(token))!.handsets[0]!.emergencyNote).toBe('Hauptstr. 5')
  })

  test('never comes back as an older word, whatever was set at the same moment', async () => {
    const { world, id, url } = await withPhone()
    await using _ = world
    const label = { layer: 'handset', scope: id, name: 'label' } as const
    const values = Array.from({ length: 12 }, (_, index) => `Desk ${index}`)
    await Promise.all([
      ...values.map((value) => world.app.setPhoneSetting(label, value, now, mia)),
      ...values.map(() => world.fetch(url, file)),
    ])
    const [{ value } = { value: '' }] = await world.store.find('phoneSetting', {})
    expect(await world.app.handsetSettings(id)).toMatchObject([{ value }])
    expect((await fetched(world, url))['account.1.label']).toBe(value)
    await world.app.unsetPhoneSetting(label, now, mia)
    expect((await fetched(world, url))['account.1.label']).toBe('1002')
  })
})
