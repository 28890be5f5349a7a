import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readJournal } from '../../src/store/journal-file.ts'
import { openJournal } from '../../src/store/leaver-journal.ts'
import { officeOfEachTest, tombstone } from './journal-office.ts'
import { at } from './store-cast.ts'

const office = officeOfEachTest()

describe('the leaver journal', () => {
  test('what was appended is there after a restart, once, and the newest of each counts', async () => {
    const journal = await openJournal(office.path)
    await journal.append([tombstone(1), tombstone(2)])
    await Promise.all([
      journal.append([tombstone(1)]),
      journal.append([tombstone(1, 5)]),
      journal.append([tombstone(1, 5)]),
    ])
    const again = await openJournal(office.path)
    await again.append([tombstone(1, 5), tombstone(3)])
    expect(again.lacking([tombstone(3), tombstone(4)])).toEqual([tombstone(4)])
    expect(await again.newest()).toEqual([tombstone(1, 5), tombstone(2), tombstone(3)])
    expect(readFileSync(office.path, 'utf8').trimEnd().split('\n')).toHaveLength(4)
    expect((statSync(office.path).mode & 0o777).toString(8)).toBe('600')
  })

  test('no name and no secret gets into it', async () => {
    const subject = {
      kind: 'sip-credential',
      id: 's1',
      employeeId: 'e1',
      wanted: 'closed',
      generation: 2,
      pbxId: 'default',
      extension: '1001',
      username: '1001-abcd',
      displayName: 'Grace Hopper',
      secretSealed: 'v1.sealed',
      addresses: [],
      certificate: false,
      extensionShared: true,
    }
    const journal = await openJournal(office.path)
    await journal.append([
      {
        id: 'sip-credential/s1',
        kind: 'sip-credential',
        subjectId: 's1',
        employeeId: 'e1',
        closedAt: at(1),
        generation: 2,
        subject: JSON.stringify(subject),
      },
    ])
    expect(readFileSync(office.path, 'utf8')).toContain('1001-abcd')
    expect(readFileSync(office.path, 'utf8')).not.toMatch(/Grace|sealed"?:"?v1/)
  })

  test('a crash at any byte of the last line costs that line only, and the next append goes on', async () => {
    const journal = await openJournal(office.path)
    await journal.append([tombstone(1)])
    const whole = statSync(office.path).size
    await journal.append([tombstone(2)])
    const full = readFileSync(office.path)
    for (const size of [whole + 1, whole + 57, full.length - 1]) {
      writeFileSync(office.path, full)
      truncateSync(office.path, size)
      expect(await readJournal(office.path)).toEqual([tombstone(1)])
      const after = await openJournal(office.path)
      expect(after.lacking([tombstone(1), tombstone(2)])).toEqual([tombstone(2)])
      await after.append([tombstone(2)])
      expect(readFileSync(office.path)).toEqual(full)
    }
  })

  test.each([
    ['a changed letter', (text: string) => text.replace('h2', 'h9')],
    ['a removed line', (text: string) => text.split('\n').toSpliced(1, 1).join('\n')],
    [
      'two swapped lines',
      (text: string) =>
        text
          .split('\n')
          .map((line, n, all) => (n === 0 ? all[1] : n === 1 ? all[0] : line))
          .join('\n'),
    ],
    ['a line of somebody else', (text: string) => `${text}{}\n`],
    ['an added blank', (text: string) => text.replace('{', '{ ')],
  ])('%s is noticed, and the hint needs nobody to edit a database', async (_, damage) => {
    await (await openJournal(office.path)).append([tombstone(1), tombstone(2), tombstone(3)])
    writeFileSync(office.path, damage(readFileSync(office.path, 'utf8')))
    const refused = await openJournal(office.path).then(
      () => expect.fail('it was opened'),
      (error) => error,
    )
    expect(refused).toMatchObject({ code: 'JOURNAL_UNREADABLE', hint: expect.stringContaining('backup') })
  })

  test('while the disk refuses, the error is told, and when it takes again nothing is lost or glued together', async () => {
    const journal = await openJournal(office.path)
    await journal.append([tombstone(1)])
    const good = readFileSync(office.path)
    rmSync(office.path)
    mkdirSync(office.path)
    await expect(journal.append([tombstone(2)])).rejects.toMatchObject({ code: 'JOURNAL_UNREADABLE', retryable: true })
    rmSync(office.path, { recursive: true })
    writeFileSync(office.path, good)
    appendFileSync(office.path, '{"half a li')
    await journal.append([tombstone(2)])
    expect(await readJournal(office.path)).toEqual([tombstone(1), tombstone(2)])
  })
})
