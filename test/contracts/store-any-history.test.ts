import { rmSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Tombstone } from '../../src/domain/tombstone.ts'
import { openJournal } from '../../src/store/leaver-journal.ts'
import { replayJournal } from '../../src/store/replay-journal.ts'
import { nothingReplayed as nothing, officeOfEachTest, journalSystem as system } from './journal-office.ts'
import { doIt, openDoors, whatWorks } from './made-up-history.ts'

const office = officeOfEachTest()

describe('after an old copy of the database was restored', () => {
  test('whatever happened and however old the copy is: no door that was shut is open, and no other is shut', async () => {
    const people = [1, 2, 3]
    const deed = fc.record({
      what: fc.constantFrom(
        'onboard',
        'offboard',
        'rotate',
        'new key',
        'new links',
        'enrol',
        'new invite',
        'new token',
      ),
      who: fc.constantFrom(...people),
    })
    // Two are there from the start, so that few deeds do nothing.
    const early = [1, 2].map((who) => ({ what: 'onboard', who }))
    const history = fc.array(deed, { minLength: 2, maxLength: 12 }).map((later) => [...early, ...later])
    await fc.assert(
      fc.asyncProperty(history, fc.nat({ max: 9 }), async (deeds, tenths) => {
        rmSync(office.path, { force: true })
        const journal = await openJournal(office.path)
        const today = await office.company()
        for (const [minute, each] of deeds.entries()) await journal.append(await doIt(today, each, minute + 1))
        const copy = await office.company()
        for (const [minute, each] of deeds.slice(0, Math.ceil((tenths / 9) * deeds.length)).entries())
          await doIt(copy, each, minute + 1)
        const before = await openDoors(copy)
        const [workedThen, worksToday] = [new Set(await whatWorks(copy)), new Set(await whatWorks(today))]
        const { inserted } = await replayJournal(copy, journal, system)

        const tombstones = await today.find('tombstone', {})
        const shut = new Map(tombstones.map((each) => [each.id, each.generation]))
        const retired = new Set(tombstones.filter((each) => each.id.includes('#')).flatMap(keysOf))
        const after = await openDoors(copy)
        const wrong = after.filter(
          (door) =>
            (shut.get(`${door.kind}/${door.id}`) ?? 0) >= door.generation ||
            (door.kind === 'tunnel' && door.publicKeys.some((key) => retired.has(key))),
        )
        expect(wrong).toEqual([])
        const stillWanted = before.filter((door) => (shut.get(`${door.kind}/${door.id}`) ?? 0) < door.generation)
        expect(after.map((door) => `${door.kind}/${door.id}`)).toEqual(
          stillWanted.map((door) => `${door.kind}/${door.id}`),
        )
        // Of tokens, links and secrets nothing works that was withdrawn, and all that was not still does; but for one-time
        // links, of which an older copy cannot know whether somebody used them since.
        const stillGood = [...workedThen].filter((name) => worksToday.has(name)).sort()
        const isOneTime = (name: string) => /^(i\d|enrol-)/.test(name)
        expect(await whatWorks(copy)).toEqual(stillGood.filter((name) => inserted === 0 || !isOneTime(name)))
        const inUse = (await copy.find('tunnel', { closedAt: null })).map((row) => row.id)
        expect(inUse).toEqual(after.filter((door) => door.kind === 'tunnel').map((door) => door.id))
        expect(await replayJournal(copy, journal, system)).toEqual(nothing)
        expect(await copy.verifyAuditChain()).toBeNull()
      }),
      { numRuns: 40 },
    )
  })
})

function keysOf(tombstone: Tombstone): string[] {
  const { publicKeys, retiredKeys } = JSON.parse(tombstone.subject) as { publicKeys: string[]; retiredKeys: string[] }
  return [...publicKeys, ...retiredKeys]
}
