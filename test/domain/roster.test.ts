import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRoster, type RosterRecord } from '../../src/domain/roster.ts'

const header = ['name', 'email', 'extension', 'model', 'mac', 'gateway']
const ada = ['Ada', 'ada@example.com', '1001', 'yealink-t54w', '80:5e:c0:aa:bb:01', '']
const bo = ['Bo', 'bo@example.com', '1002', 'linphone-mobile', '', '']
const anyModel = () => null
const onlyPbx = () => ({ ok: true, value: null }) as const
const lines = (...rows: string[][]): RosterRecord[] => rows.map((cells, index) => ({ line: index + 1, cells }))
const read = (...rows: string[][]) => parseRoster(lines(header, ...rows), anyModel, onlyPbx)
const problemsOf = (...rows: string[][]) => {
  const answer = read(...rows)
  return 'problems' in answer ? answer.problems.map(({ row, field, message }) => `${row} ${field}: ${message}`) : []
}

describe('a roster', () => {
  test('gives one person for all rows with the same extension', () => {
    const answer = read(ada, bo, ['Ada', 'ADA@example.com', '1001', 'Linphone-Desktop', '', ''])
    expect(answer).toEqual({
      people: [
        {
          name: 'Ada',
          email: 'ada@example.com',
          extension: '1001',
          pbx: null,
          gateway: null,
          calls: null,
          language: null,
          row: 2,
          handsets: [
            { model: 'yealink-t54w', mac: '805ec0aabb01' },
            { model: 'linphone-desktop', mac: null },
          ],
        },
        expect.objectContaining({ extension: '1002', row: 3 }),
      ],
    })
  })

  test('may say what people may dial, once for all rows of a person', () => {
    const header = ['name', 'email', 'extension', 'model', 'mac', 'calls']
    const rows = (...calls: string[]) =>
      parseRoster(
        lines(header, ...calls.map((each) => ['Ada', 'ada@example.com', '1001', 'linphone-mobile', '', each])),
        anyModel,
        onlyPbx,
      )
    expect(rows('', 'National callsatonce=2 countries=43+41')).toMatchObject({
      people: [{ calls: 'national countries=41+43 callsAtOnce=2' }],
    })
    expect(rows('none')).toMatchObject({ people: [{ calls: null }] })
    expect(rows('national', 'local')).toMatchObject({ problems: [{ row: 3, field: 'calls' }] })
    expect(rows('everywhere')).toMatchObject({ problems: [{ row: 2, field: 'callClass' }] })
    expect(rows('local minutes=5')).toMatchObject({ problems: [{ row: 2, field: 'calls' }] })
  })

  test('may have its columns in any order, without gateway, and with a byte order mark', () => {
    const answer = parseRoster(
      lines(
        ['\ufeffEMAIL', ' Name', 'mac', 'model', 'extension'],
        ['ada@example.com', 'Ada', '', 'linphone-mobile', '1001'],
      ),
      anyModel,
      onlyPbx,
    )
    expect(answer).toMatchObject({ people: [{ name: 'Ada', extension: '1001', gateway: null }] })
  })

  test('may head its columns as spreadsheets do', () => {
    for (const headings of [
      ['Name', 'E-Mail', 'Extension', 'Model', 'MAC'],
      ['NAME', 'Mail', 'Ext', 'Model', 'MAC address'],
      ['name', 'E-mail  address', 'Phone', 'model', 'Mac Address'],
    ])
      expect(
        parseRoster(lines(headings, ['Bo', 'bo@example.com', '1002', 'linphone-mobile', '']), anyModel, onlyPbx),
      ).toMatchObject({ people: [{ name: 'Bo', email: 'bo@example.com', extension: '1002' }] })
  })

  test('may have columns that say nothing to us, once somebody said so', () => {
    const more = ['Bo', 'bo@example.com', '1002', 'linphone-mobile', '', 'Sales', 'x']
    const read = (...last: string[]) => parseRoster(lines([...header.slice(0, 5), ...last], more), anyModel, onlyPbx)
    expect(read('department', '-')).toMatchObject({ problems: [{ row: 1 }] })
    expect(read('-', '-')).toMatchObject({ people: [{ name: 'Bo' }] })
  })

  test('takes the home gateway from whichever row of a person names it', () => {
    const phone = ['Bo', 'bo@example.com', '1002', 'yealink-t54w', '80:5e:c0:aa:bb:02', 'plain']
    expect(read(bo, phone)).toMatchObject({ people: [{ gateway: 'plain' }] })
    expect(read(phone, bo)).toMatchObject({ people: [{ gateway: 'plain' }] })
    expect(problemsOf(phone, ['Bo', 'bo@example.com', '1002', 'yealink-t54w', '80:5e:c0:aa:bb:03', 'other'])).toEqual([
      '3 gateway: extension 1002 has another home gateway in an earlier row (plain)',
    ])
  })

  test('with one bad row gives nobody, and names every problem with its row', () => {
    const problems = problemsOf(
      ada,
      ['', 'nobody', 'x', 'm', 'zz', ''],
      ['Bo', 'bo@example.com', '1002', 'm'],
      ['Cy', 'cy@example.com', '1', 'm', '', ''],
    )
    expect(problems.map((line) => line.split(':')[0])).toEqual([
      '3 name',
      '3 email',
      '3 extension',
      '3 mac',
      '4 undefined',
      '5 extension',
    ])
  })

  test('does not hand one phone to two people', () => {
    expect(problemsOf(ada, ['Bo', 'bo@example.com', '1002', 'm', '805EC0AABB01', ''])).toEqual([
      '3 mac: 805ec0aabb01 already stands in row 2',
    ])
  })

  test('does not give one address to two extensions, nor one extension to two people', () => {
    expect(problemsOf(ada, ['Ada', 'ada@example.com', '1009', 'm', '', ''])).toEqual([
      '3 email: ada@example.com already stands in row 2 with extension 1001',
    ])
    expect(problemsOf(ada, ['Eve', 'eve@example.com', '1001', 'm', '', ''])).toEqual([
      '3 extension: extension 1001 belongs to somebody else in row 2',
    ])
  })

  test('passes on what is wrong with a model, with the row', () => {
    const answer = parseRoster(
      lines(header, ada),
      (model, mac) => ({ field: 'model', message: `${model} ${mac}` }),
      onlyPbx,
    )
    expect(answer).toEqual({ problems: [{ row: 2, field: 'model', message: 'yealink-t54w 80:5e:c0:aa:bb:01' }] })
  })

  test.each([
    [[], 'without name, email, extension, model, mac'],
    [['name', 'email', 'extension', 'model'], 'without mac'],
    [[...header, 'password'], 'with unknown "password"'],
    [[...header, '__proto__'], 'with unknown "__proto__"'],
    [[...header, 'mac'], 'with mac twice'],
  ])('with the header %j is refused', (cells, words) => {
    const answer = parseRoster(lines(cells, ada), anyModel, onlyPbx)
    expect(answer).toMatchObject({ problems: [{ row: 1, message: expect.stringContaining(words) }] })
  })

  test('without people is refused', () => {
    expect(parseRoster(lines(header), anyModel, onlyPbx)).toMatchObject({ problems: [{ row: 1 }] })
  })

  test('with anything in its cells gives people or problems, never both, and never a line break in a name', () => {
    const cell = fc.oneof(
      fc.constantFrom(...ada, ...bo, '__proto__', 'constructor', '=1+1', '"', ';'),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 5, maxLength: 7 }), { minLength: 1, maxLength: 8 }), (rows) => {
        const answer = read(...rows)
        if ('problems' in answer) {
          expect(answer.problems.length).toBeGreaterThan(0)
          expect(answer.problems.every(({ row }) => row !== undefined && row >= 2 && row <= rows.length + 1)).toBe(true)
          return
        }
        expect(answer.people.flatMap(({ handsets }) => handsets)).toHaveLength(rows.length)
        expect(new Set(answer.people.map(({ extension }) => extension)).size).toBe(answer.people.length)
        expect(answer.people.every(({ name }) => !/[\r\n]/.test(name))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
