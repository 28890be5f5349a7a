import { describe, expect, test } from 'vitest'
import type { ImportView } from '../../src/journeys/roster-view.ts'
import { openPostOffice, read } from '../fakes/post-office.ts'
import { everything, mia, onboarded, openWorld, person, tokenIn, type World } from './world.ts'

const header = 'name,email,extension,model,mac'
const csv = (...rows: readonly string[]) => Buffer.from([header, ...rows].join('\n'))
const soft = (count: number) =>
  Array.from({ length: count }, (_, index) => `Person ${index},p${index}@example.com,${2000 + index},linphone-mobile,`)

async function finished(world: World, id: string): Promise<ImportView> {
  const end = Date.now() + 20_000
  for (;;) {
    const view = await world.app.importRun(id)
    if (view.finished) return view
    if (Date.now() > end) throw new Error(`the import stands at ${view.done} of ${view.total}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('a roster that is stopped', () => {
  test('begins nobody new; who was brought in stays, and it says who stopped it', async () => {
    await using world = await openWorld()
    const reached = Promise.withResolvers<void>()
    const listening = world.app.subscribe(({ kind, data }) => {
      if (kind === 'import' && Number(data.done) >= 5) reached.resolve()
    })
    const { id } = await world.app.importRoster(csv(...soft(60)), mia)
    await reached.promise
    listening.stop()
    await world.app.rosters.cancel(id, mia)
    const view = await finished(world, id)
    const onboardedPeople = view.people.filter(({ state }) => state === 'onboarded')
    expect(onboardedPeople.length).toBeGreaterThanOrEqual(5)
    expect(onboardedPeople.length).toBeLessThan(30)
    expect(view.people.filter(({ state }) => state === 'cancelled')).toHaveLength(60 - onboardedPeople.length)
    expect(await world.store.find('employee', {})).toHaveLength(onboardedPeople.length)
    const run = await world.app.rosters.progress(id, { offset: 0, limit: 100 })
    expect(run).toMatchObject({
      cancelled: { by: 'Mia' },
      done: 60,
      counts: { cancelled: 60 - onboardedPeople.length },
    })
    await expect(world.app.rosters.cancel(id, mia)).rejects.toMatchObject({ code: 'CONFLICT' })
    await using later = await world.restart()
    expect(await later.app.importRun(id)).toEqual(view)
    expect(await later.store.find('employee', {})).toHaveLength(onboardedPeople.length)
  })

  test('and then cut off by a crash stays stopped after it', async () => {
    const world = await openWorld()
    const reached = Promise.withResolvers<void>()
    world.app.subscribe(({ kind, data }) => {
      if (kind === 'import' && Number(data.done) >= 5) world.imports.stop().then(reached.resolve, reached.reject)
    })
    const { id } = await world.app.importRoster(csv(...soft(40)), mia)
    await reached.promise
    await world.app.rosters.cancel(id, mia)
    const before = (await world.store.find('employee', {})).length
    await using later = await world.restart()
    const view = await finished(later, id)
    expect(view.people.filter(({ state }) => state === 'onboarded')).toHaveLength(before)
    expect(view.people.filter(({ state }) => state === 'cancelled')).toHaveLength(40 - before)
    expect(await later.store.find('employee', {})).toHaveLength(before)
  })
})

describe('how far each person of a roster is', () => {
  test('is told by what was seen: keys, account on the PBX, link opened or sent, tunnel heard', async () => {
    await using office = await openPostOffice()
    await using world = await openWorld({ env: office.env })
    const { id } = await world.app.importRoster(
      Buffer.from(
        [
          `${header},language`,
          'Ada Byron,ada@example.com,1001,linphone-mobile,,fr',
          'Ben Li,ben@example.com,1002,linphone-mobile,,',
          'Cem Öz,cem@example.com,1003,linphone-mobile,,',
        ].join('\n'),
      ),
      mia,
      'de',
    )
    await finished(world, id)
    const stages = async () =>
      Object.fromEntries(
        (await world.app.rosters.progress(id, { offset: 0, limit: 10 })).people.map(({ extension, stage }) => [
          extension,
          stage,
        ]),
      )
    expect(Object.values(await stages()).every((stage) => ['keys made', 'on PBX'].includes(stage))).toBe(true)
    await world.loop.idle()
    expect(await stages()).toEqual({ 1001: 'on PBX', 1002: 'on PBX', 1003: 'on PBX' })
    office.refusals.push({ code: 550, words: 'No such user' })
    await world.mails.run()
    const run = await world.app.rosters.progress(id, { offset: 0, limit: 10 })
    const refused = run.people.filter(({ mail }) => mail?.startsWith('given up'))
    expect(refused).toHaveLength(1)
    expect(run).toMatchObject({ mailsFailed: 1, counts: { invited: 2, 'on PBX': 1 } })
    expect(
      office.received
        .map(({ raw }) => read(raw).headers.subject)
        .sort()
        .join(),
    ).toMatch(/Nebenstelle/)
    // The link is opened by hand where no mail came.
    const links = new Map(
      (await world.app.importRun(id)).people.map(({ extension, inviteUrl }) => [extension, inviteUrl!]),
    )
    const left = refused[0]!.extension
    await world.app.enterVisit({
      token: tokenIn(links.get(left)!),
      fileName: 'page',
      remoteAddress: '203.0.113.7',
      userAgent: null,
      served: true,
    })
    await world.door.flush()
    expect((await stages())[left]).toBe('invited')
    const [tunnel] = (await world.app.employee(left)).tunnels
    await world.shakeHands(tunnel!.publicKey!)
    expect((await stages())[left]).toBe('connected')
    // A page of them, with the counts of all.
    const page = await world.app.rosters.progress(id, { offset: 1, limit: 1 })
    expect(page.people.map(({ extension }) => extension)).toEqual(['1002'])
    expect(page.counts).toMatchObject({ connected: 1, invited: 2 })
    expect(await world.app.rosters.recent()).toMatchObject([{ id, total: 3, done: 3 }])
  })
})

describe('a draft of a roster', () => {
  const page = { offset: 0, limit: 50, onlyWrong: false }

  test('shows every problem beside its row, also what is taken behind what is misspelt, and writes nothing', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await world.sweep()
    const before = await everything(world.store)
    const draft = await world.app.rosters.draft(
      csv(
        'Ben Li,ben@example.com,1002,linphone-mobile,', // 2: right
        'Cem,cem@example.com,1001,linphone-mobile,', // 3: taken
        'Dora,dora,1004,linphone-mobil,', // 4: twice wrong
        'Eva,eva@example.com,1005', // 5: columns
      ),
      mia,
    )
    expect(draft).toMatchObject({ total: 4, wrong: 3, people: 1 })
    expect(draft.columns).toEqual(['name', 'email', 'extension', 'model', 'mac', 'gateway', 'language'])
    expect(draft.rows.map(({ line, problems }) => [line, problems.map(({ field }) => field ?? 'row')])).toEqual([
      [2, []],
      [3, ['extension']],
      [4, ['email', 'model']],
      [5, ['row']],
    ])
    expect(draft.rows[2]!.problems[1]!.hint).toContain('linphone-mobile')
    await expect(world.app.rosters.startDraft(draft.id, null, mia)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(await everything(world.store)).toBe(before)

    const only = await world.app.rosters.lookAtDraft(draft.id, { ...page, onlyWrong: true })
    expect(only.rows.map(({ line }) => line)).toEqual([3, 4, 5])
    const mended = await world.app.rosters.mendDraft(
      draft.id,
      [
        { line: 3, column: 2, value: '1003' },
        { line: 4, column: 1, value: 'dora@example.com' },
        { line: 4, column: 3, value: 'linphone-mobile' },
        { line: 5, column: 3, value: 'linphone-desktop' },
      ],
      page,
    )
    expect(mended).toMatchObject({ wrong: 0, people: 4 })
    const run = await world.app.rosters.startDraft(draft.id, null, mia)
    expect(await finished(world, run.id)).toMatchObject({ total: 4, people: [{}, {}, {}, { state: 'onboarded' }] })
    await expect(world.app.rosters.lookAtDraft(draft.id, page)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('with a wrong header says so, and pasted out of a spreadsheet it is read by its tabs', async () => {
    await using world = await openWorld()
    const wrong = await world.app.rosters.draft(Buffer.from('name,mail\nAda,ada@example.com\n'), mia)
    expect(wrong.problems[0]!.message).toContain('without extension')
    const pasted =
      'Name\tEmail\tExtension\tModel\tMAC\nAda "Countess" Byron\tada@example.com\t1001\tlinphone-mobile\t\n'
    const draft = await world.app.rosters.draft(Buffer.from(pasted.replaceAll('"', '')), mia)
    expect(draft).toMatchObject({ wrong: 0, people: 1 })
  })

  test('is gone after an hour', async () => {
    await using world = await openWorld()
    const { id } = await world.app.rosters.draft(csv(...soft(1)), mia)
    await world.travel(0.05)
    await expect(world.app.rosters.lookAtDraft(id, page)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: expect.stringContaining('paste'),
    })
  })
})
