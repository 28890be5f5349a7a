import { describe, expect, test } from 'vitest'
import { tokenHash } from '../../src/domain/invite.ts'
import { csv, finished, header, soft } from './roster-run.ts'
import { everything, mia, onboarded, openWorld, person } from './world.ts'

describe('a roster', () => {
  test('brings everybody in, rows with the same extension as one person, and shows each link', async () => {
    await using world = await openWorld()
    const started = await world.app.importRoster(
      csv(
        'Ada Byron,ada@example.com,1001,linphone-mobile,',
        '"Li, Ben",ben@example.com,1002,yealink-t54w,80:5e:c0:aa:bb:01',
        '"Li, Ben",ben@example.com,1002,linphone-desktop,',
      ),
      mia,
    )
    expect(started).toMatchObject({ total: 2, finished: false })
    const view = await finished(world, started.id)
    expect(view.people).toMatchObject([
      { email: 'ada@example.com', extension: '1001', state: 'onboarded', problem: null },
      { email: 'ben@example.com', extension: '1002', state: 'onboarded', problem: null },
    ])
    const models = (await world.app.employee('1002')).handsets.map(({ model }) => model)
    expect(models.sort()).toEqual(['linphone-desktop', 'yealink-t54w'])
    for (const { inviteUrl, extension } of view.people)
      expect((await world.app.join(inviteUrl!.split('/').at(-1)!))?.extension).toBe(extension)
    // The same again whenever it is looked at, and after a restart; stored is only the hash.
    await using later = await world.restart()
    expect(await later.app.importRun(started.id)).toEqual(view)
    expect(
      await later.store.find('invite', { tokenHash: tokenHash(view.people[0]!.inviteUrl!.split('/').at(-1)!) }),
    ).toHaveLength(1)
  })

  test.each([
    ['semicolons', `name;email;extension;model;mac\nAda;ada@example.com;1001;linphone-mobile;\n`],
    ['a byte order mark and Windows line ends', `\ufeff${header}\r\nAda,ada@example.com,1001,linphone-mobile,\r\n`],
    [
      'other order, other case, a gateway column',
      `Extension,MAC,Name,E-Mail,model,gateway\n`.replace('E-Mail', 'EMAIL') +
        '1001,,Ada,ADA@example.com,Linphone-Mobile,\n',
    ],
    ['empty lines and blanks around values', `${header}\n\n Ada , ada@example.com , 1001 , linphone-mobile ,\n\n`],
  ])('is taken with %s', async (_what, text) => {
    await using world = await openWorld()
    const { id } = await world.app.importRoster(Buffer.from(text), mia)
    await finished(world, id)
    expect(await world.app.employee('1001')).toMatchObject({ name: 'Ada', email: 'ada@example.com' })
  })

  test('with mistakes names every one of them by row, and nobody of it is onboarded', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ada Byron', '1001', 'yealink-t53=805ec0000001'))
    await world.sweep()
    const before = await everything(world.store)
    const wrong = csv(
      'Ben Li,ben@example.com,1002,linphone-mobile,', // 2: right
      ',cem@example.com,1003,linphone-mobile,', // 3
      'Dora,dora,1004,linphone-mobile,', // 4
      'Eva,eva@example.com,10x5,linphone-mobile,', // 5
      'Finn,finn@example.com,1006,nokia-3310,', // 6
      'Gül,guel@example.com,1007,yealink-t53,805ec00000', // 7
      'Hal,hal@example.com,1008', // 8: columns
      'Ida,ida@example.com,1009,yealink-t53,', // 9: no MAC address
      'Jo,jo@example.com,1010,yealink-t53,805ec0000002', // 10: right
      'Kim,kim@example.com,1011,yealink-t53,80:5E:C0:00:00:02', // 11: MAC of row 10
      'Lea,ben@example.com,1012,linphone-mobile,', // 12: e-mail of row 2
      'Max,max@example.com,1002,linphone-mobile,', // 13: extension of row 2
    )
    const error = await world.app.importRoster(wrong, mia).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'INVALID_INPUT' })
    const { problems } = error as { problems: readonly { row: number; field?: string; message: string }[] }
    expect([...new Set(problems.map(({ row }) => row))]).toEqual([3, 4, 5, 6, 7, 8, 9, 11, 12, 13])
    expect(problems.find(({ row }) => row === 6)).toMatchObject({
      field: 'model',
      message: expect.stringContaining('nokia-3310'),
    })
    expect(problems.filter(({ row }) => row === 7)).toEqual([
      expect.objectContaining({ field: 'mac', message: '"805ec00000" is not a MAC address' }),
    ])
    expect(problems.find(({ row }) => row === 11)).toMatchObject({ message: '805ec0000002 already stands in row 10' })
    expect(await everything(world.store)).toBe(before)

    const taken = csv(
      'Ben Li,ben@example.com,1002,linphone-mobile,',
      'Somebody,ada@example.com,1003,linphone-mobile,',
      'Else,else@example.com,1001,linphone-mobile,',
      'Third,third@example.com,1004,yealink-t53,805ec0000001',
    )
    await expect(world.app.importRoster(taken, mia)).rejects.toMatchObject({
      problems: [
        { row: 3, field: 'email' },
        { row: 4, field: 'extension' },
        { row: 5, field: 'mac' },
      ],
    })
    expect(await everything(world.store)).toBe(before)
  })

  test.each([
    ['a blank line', ['', 'Ben,ben,1002,linphone-mobile,'], 3],
    ['blank lines before the header and after it', ['', '', 'Ben,ben,1002,linphone-mobile,'], 6, '\n\n'],
    ['line breaks inside quotes', ['"Ada\n\nByron",ada@,1001,linphone-mobile,', 'Ben,ben,1002,linphone-mobile,'], 5],
    ['a row of its own that has line breaks', ['', '"Ada\nByron",ben,1001,linphone-mobile,', ''], 3],
  ])('names the line of the file in which a bad row begins, also after %s', async (_what, rows, line, before = '') => {
    await using world = await openWorld()
    for (const end of ['\n', '\r\n', '\r']) {
      const text = (before + [header, ...rows].join('\n')).replaceAll('\n', end)
      const error: unknown = await world.app.importRoster(Buffer.from(text), mia).catch((thrown: unknown) => thrown)
      const { problems } = error as { problems: readonly { row: number; message: string }[] }
      expect(problems.find(({ message }) => message.startsWith('"ben"'))?.row, JSON.stringify(end)).toBe(line)
    }
  })

  test.each<[string, string | Buffer, object]>([
    [
      'without a column',
      'name,email,extension,model\nAda,ada@example.com,1001,linphone-mobile\n',
      { code: 'INVALID_INPUT', message: 'the header is without mac', problems: [{ row: 1 }] },
    ],
    ['with an unknown column', `${header},department\n`, { message: 'the header is with unknown "department"' }],
    ['with a column twice', `${header},mac\n`, { message: 'the header is with mac twice' }],
    ['without a header', 'Ada,ada@example.com,1001,linphone-mobile,\n', { problems: [{ row: 1 }] }],
    ['without people', `${header}\n`, { message: 'the file has a header but no people' }],
    ['that is empty', '', { code: 'INVALID_INPUT' }],
    [
      'in Latin-1',
      Buffer.from(`${header}\nZo\xeb,zoe@example.com,1001,linphone-mobile,\n`, 'latin1'),
      { code: 'INVALID_INPUT', message: 'the file is not in UTF-8' },
    ],
    [
      'in UTF-16',
      Buffer.from(`\ufeff${header}\n`, 'utf16le'),
      { code: 'INVALID_INPUT', message: 'the file is not in UTF-8' },
    ],
    [
      'with a quote that never ends',
      `${header}\n"Ada,ada@example.com,1001,linphone-mobile,\nBen,b@example.com,1002,linphone-mobile,\n`,
      { code: 'INVALID_INPUT', hint: expect.stringContaining('double quote') },
    ],
    [
      'with a quote inside a value',
      `${header}\nAda "The" Byron,ada@example.com,1001,linphone-mobile,\n`,
      { hint: expect.stringContaining('in the middle of a value') },
    ],
    ['that is a spreadsheet and no text', Buffer.from([0x50, 0x4b, 3, 4, 0xff, 0xfe, 0, 0]), { code: 'INVALID_INPUT' }],
    [
      'of more than 5 MB',
      Buffer.alloc(5 * 1024 * 1024 + 1, 'a'),
      { code: 'TOO_LARGE', message: 'the file is larger than 5 MB' },
    ],
    ['of 50 MB', Buffer.alloc(50 * 1024 * 1024, 'a,'), { code: 'TOO_LARGE' }],
    [
      'of very many lines',
      'a\n'.repeat(400_000),
      { code: 'TOO_LARGE', message: expect.stringContaining('400000 lines') },
    ],
    [
      'of very many columns',
      `${Array.from({ length: 200_000 }, (_, index) => `c${index}`).join(',')}\n`,
      { code: 'TOO_LARGE', message: expect.stringContaining('columns') },
    ],
    ['of very many cells', `${header}\n${','.repeat(4_000_000)}\n`, { code: 'TOO_LARGE' }],
  ])('%s is refused in words, and nothing is written', async (_what, content, expected) => {
    await using world = await openWorld()
    const before = await everything(world.store)
    await expect(world.app.importRoster(Buffer.from(content), mia)).rejects.toMatchObject(expected)
    expect(await everything(world.store)).toBe(before)
  })

  test('full of mistakes is answered soon, and with the first of them', async () => {
    await using world = await openWorld()
    const begin = performance.now()
    const answer = world.app.importRoster(csv(...Array.from({ length: 19_000 }, () => 'a')), mia)
    const problems = await answer.catch((error: { problems: readonly unknown[] }) => error.problems)
    expect(problems).toHaveLength(201)
    expect(problems).toMatchObject({ 0: { row: 2 }, 200: { message: '18800 more problems are not listed here' } })
    // Reading the state of the reader with each row took many times as long.
    expect(performance.now() - begin).toBeLessThan(5_000)
  })
  test('of which one person was taken meanwhile says so of that one and brings in the others', async () => {
    await using world = await openWorld()
    const { id } = await world.app.importRoster(csv(...soft(30)), mia)
    // The last in the queue loses the race for the extension.
    await world.app.onboard(person('Quick Admin', '2029', 'linphone-mobile'), mia)
    const view = await finished(world, id)
    expect(view.people.filter(({ state }) => state === 'onboarded')).toHaveLength(29)
    expect(view.people.at(-1)).toMatchObject({
      state: 'failed',
      inviteUrl: null,
      problem: expect.stringContaining('extension already belongs to somebody'),
    })
  })

  test('costs each person about the same however many there are', async () => {
    await using world = await openWorld()
    const cost = async (count: number, from: number) => {
      const before = process.cpuUsage()
      const { id } = await world.app.importRoster(csv(...soft(count, from)), mia)
      await finished(world, id, 60_000)
      const { user, system } = process.cpuUsage(before)
      await world.loop.idle()
      return (user + system) / count
    }
    await cost(50, 0)
    const few = await cost(100, 100)
    const many = await cost(400, 300)
    // Quadratic would be about four times; noise and larger tables are allowed for.
    expect(many / few).toBeLessThan(2.5)
  }, 90_000)
})

test('an import run that nobody started is not found', async () => {
  await using world = await openWorld()
  await expect(world.app.importRun('none')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
