import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { inService } from '../../src/main/subject-lists.ts'
import { listText, mostNames, readStoredLists, storedLists } from '../../src/pbx/freeswitch/subjects/subject-list.ts'
import { subjectOffice } from './subject-office.ts'

const { keeper } = subjectOffice()

describe('the file of the allow-list', () => {
  const list = (count: number) => ({
    mark: randomUUID(),
    handsets: new Map(Array.from({ length: count }, (_, index) => [index.toString(16), randomUUID() as string])),
    former: new Map(),
  })

  test('stays within the longest line that FreeSWITCH reads', async () => {
    const longest = Math.max(
      ...listText(list(mostNames))
        .split('\n')
        .map((line) => line.length),
    )
    expect(longest).toBeLessThan(1_048_576 - 1_024)
    await expect(keeper({ wanted: async () => list(mostNames + 1).handsets }).publish()).rejects.toMatchObject({
      code: 'PBX_REFUSED',
    })
  })

  test('takes nothing that is not a handset’s UUID', () => {
    for (const handset of ['*', 'a|b', '"/>', '$${x}', '']) {
      expect(() => listText({ ...list(0), handsets: new Map([['1', handset]]) })).toThrow('is not a UUID')
    }
  })

  test('lists are read back as they were stored', () => {
    const lists = [list(3), { ...list(1), former: new Map([['ab', randomUUID() as string]]) }]
    expect(readStoredLists(storedLists(lists))).toEqual(lists)
    expect(readStoredLists(storedLists([]))).toEqual([])
  })
})

test('the list holds open certificates of its own PBX alone', async () => {
  const certificate = {
    kind: 'certificate',
    id: 'c',
    employeeId: 'e',
    wanted: 'open',
    generation: 1,
    pbxId: 'default',
    serial: '00ab',
    notAfter: '2030-01-01T00:00:00.000Z',
    revokedAt: null,
    handsetId: 'h1',
  } as const
  const others = [
    { ...certificate, serial: '02', wanted: 'closed' as const },
    { ...certificate, serial: '03', pbxId: 'branch' },
    { ...certificate, serial: '04', handsetId: undefined },
  ]
  const store = { subjects: async () => [certificate, ...others] } as unknown as Parameters<typeof inService>[0]
  expect([...(await inService(store, 'default'))]).toEqual([['ab', 'h1']])
})
