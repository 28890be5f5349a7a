import { describe, expect, test } from 'vitest'
import { parseMoment } from '../../src/cli/leaving-date-commands.ts'
import { ada, commandLine } from './command-line.ts'

const { doors, run } = commandLine()

describe('a leaving date', () => {
  test('is set ahead, shown and cancelled, and says the time in words', async () => {
    await run(['onboard', ...ada, '--extension', '4001'])
    const set = await run(['offboard', '4001', '--at', '2027-03-31T17:00:00Z', '--reason', 'end of contract'])
    expect(set.code).toBe(0)
    expect(set.out).toMatch(/^Ada Example will be offboarded on Wednesday.* 31 March 2027.*, by itself\.\n/)
    expect(doors().application.deeds.at(-1)).toMatchObject({ deed: 'setLeaving' })
    expect((await run(['leaving', 'show', '4001'])).out).toMatch(/set by \S+, reason: end of contract\n$/)
    expect((await run(['leaving', 'cancel', '4001'])).out).toMatch(/^Cancelled: Ada Example will not be offboarded/)
    expect((await run(['leaving', 'show', '4001'])).out).toBe('No leaving date is set for Ada Example.\n')
    expect((await run(['leaving', 'cancel', '4001'])).code).toBe(4)
  })

  test.each(['tomorrow', '2027-02-31 10:00', '31.12.2027', '2027-13-01 10:00', ''])(
    'that cannot be read (%j) is refused before anything is asked',
    async (at) => {
      const before = doors().application.deeds.length
      expect((await run(['offboard', '4001', '--at', at])).code).toBe(2)
      expect(doors().application.deeds.length).toBe(before)
    },
  )

  test('without an offset is in the time zone of the terminal', () => {
    expect(parseMoment('2027-03-31 17:00')).toBe(new Date(2027, 2, 31, 17).toISOString())
    expect(parseMoment('2027-03-31T17:00:00+02:00')).toBe('2027-03-31T15:00:00.000Z')
  })
})
