import { beforeEach, describe, expect, test } from 'vitest'
import { ada, commandLine } from './command-line.ts'

const { doors, run } = commandLine()
beforeEach(() => {
  doors().application.closing = {}
})

const onboard = (extension: string, ...more: readonly string[]) =>
  run(['onboard', ...ada, '--extension', extension, '--email', `p${extension}@example.com`, ...more])

describe('offboard', () => {
  test('every door seen shut ends with 0, and says so with evidence and time', async () => {
    await onboard('3001')
    const { code, out } = await run(['offboard', '3001', '--reason', 'left'])
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "Ada Example <p3001@example.com>  extension 3001  offboarded

        verdict      door         state  seen (UTC)        evidence
        ✓ converged  tunnel       shut   2026-11-22 14:00  tunnel seen closed
        ✓ converged  phone-door   shut   2026-11-22 14:00  phone-door seen closed
        ✓ converged  sip-account  shut   2026-11-22 14:00  sip-credential seen closed

      ✓ Every door was seen shut (3 of 3)
        next  ringfence report 01939d2c-0000-7000-8000-000000000001
      "
    `)
    expect(doors().application.deeds.at(-1)).toMatchObject({ deed: 'offboard:left' })
    // Once more changes nothing and says the same.
    expect(await run(['offboard', 'p3001@example.com'])).toEqual({ code, out, err: '' })
  })

  test.each(['retrying', 'waiting', 'unverifiable'] as const)(
    'a door that is %s ends with 3 and is never shown as shut',
    async (verdict) => {
      const extension = `31${verdict.length}`
      await onboard(extension)
      doors().application.closing = { 'sip-account': verdict }
      const { code, out } = await run(['offboard', extension, '--wait', '0'])
      expect(code).toBe(3)
      expect(out).toMatch(new RegExp(`${verdict} +sip-account +to be shut .*sip-account does not answer`))
      expect(out).toContain('! Not every door was seen shut yet (3 doors: 2 shut, 1 ')
      expect(out).toMatch(
        verdict === 'retrying'
          ? /\n {2}next {2}ringfence show /
          : /\n {2}tick {2}ringfence acknowledge \S+ sip-account\n/,
      )
      // What is still tried keeps nobody safe; what was seen shut does.
      expect(out.includes('\n  meanwhile  seen shut: tunnel, phone-door\n')).toBe(verdict === 'retrying')
      const json = await run(['offboard', extension, '--wait', '0', '--json'])
      expect(json.code).toBe(3)
      expect(JSON.parse(json.out)).toMatchObject({ lifecycle: 'offboarding' })
    },
  )

  test('how to tick a step is said once, where its hint says it already', async () => {
    await onboard('3201')
    doors().application.closing = { 'sip-account': 'waiting' }
    await run(['offboard', '3201', '--wait', '0'])
    const { employee, offboard } = doors().application
    const view = await employee('3201')
    const hint = 'do the step, then `ringfence acknowledge 3201 sip-account`'
    const access = view.access.map((line) => (line.system === 'sip-account' ? { ...line, hint } : line))
    Object.assign(doors().application, {
      employee: async () => ({ ...view, access }),
      offboard: async () => ({ ...view, access }),
    })
    const { out } = await run(['offboard', '3201', '--wait', '0'])
    Object.assign(doors().application, { employee, offboard })
    expect(out.match(/ringfence acknowledge/g)).toHaveLength(1)
  })

  test('a step done by hand is ticked by name, stays visible, and is still not "seen shut"', async () => {
    await onboard('3200')
    doors().application.closing = { 'sip-account': 'waiting' }
    await run(['offboard', '3200', '--wait', '0'])
    const { code, out } = await run(['acknowledge', '3200', 'sip-account'])
    expect(code).toBe(0)
    expect(out).toMatch(/☑ waiting, ticked +sip-account .*\(ticked by \S+, 2026-11-22 14:00:00 UTC\)/)
    expect((await run(['acknowledge', '3200', 'nonsense'])).code).toBe(4)
    // Nobody is kept waiting: nothing is left to do. But a script must not take a word for a look.
    const again = await run(['offboard', '3200', '--wait', '0'])
    expect(again.code).toBe(3)
    expect(again.out).toMatch(
      /\n☑ Complete: 2 of 3 doors seen shut, 1 by \S+'s word\n {2}next {2}ringfence report \S+\n {2}exit {2}3, since what somebody ticked was not seen; nothing is left to do\n$/,
    )
    expect(again.out).not.toContain('goes on by itself')
  })

  test('with the words that were seen a step is ticked only if it still says them', async () => {
    await onboard('3202')
    doors().application.closing = { 'sip-account': 'waiting' }
    await run(['offboard', '3202', '--wait', '0'])
    const { access } = JSON.parse((await run(['show', '3202', '--json'])).out)
    const { problem } = access.find(({ system }: { system: string }) => system === 'sip-account')
    const stale = await run(['acknowledge', '3202', 'sip-account', '--problem', `${problem} and more`])
    expect([stale.code, stale.err]).toEqual([expect.any(Number), expect.stringContaining('now it is')])
    expect(stale.code).not.toBe(0)
    expect((await run(['acknowledge', '3202', 'sip-account', '--problem', problem])).code).toBe(0)
  })

  test('in a terminal the lines are drawn again while it waits, and the final table stands alone', async () => {
    await onboard('3300')
    doors().application.closing = { tunnel: 'retrying' }
    const { code, out } = await run(['offboard', '3300', '--wait', '1'], { terminal: true })
    expect(code).toBe(3)
    const frames = out.split(/\u001b\[[0-9]+A\u001b\[0J/)
    expect(frames.length).toBeGreaterThan(3) // drawn, erased, drawn …
    expect(frames[1]).toContain('retrying')
    expect(frames.at(-1)).toContain('Not every door was seen shut yet')
    expect(frames.slice(0, -1).join('')).not.toContain('Not every door')
  })

  test('the leaver file is printed, and somebody who did not leave has none', async () => {
    await onboard('3400', '--handset', 'yealink-t54w=805ec0112233')
    expect((await run(['report', '3400'])).code).toBe(4)
    await run(['offboard', '3400'])
    const { code, out } = await run(['report', '3400'])
    expect(code).toBe(0)
    expect(out).toMatch(/Leaver file: Ada Example.*\n✓ complete and frozen\n/)
    expect(out).toContain('after 420 ms')
    expect(out).toContain('Handset     yealink-t54w 805ec0112233')
  })

  test('the leaver file names the extension as it can be typed again', async () => {
    await onboard('3401', '--pbx', 'branch')
    await run(['offboard', 'p3401@example.com'])
    const { out } = await run(['report', 'p3401@example.com'])
    expect(out.split('\n')[0]).toBe('Leaver file: Ada Example <p3401@example.com>  extension 3401@branch')
  })

  test('erasing asks for --yes, and refuses who still holds access', async () => {
    await onboard('3500')
    expect((await run(['erase', '3500'])).code).toBe(2)
    expect((await run(['erase', '3500', '--yes'])).code).toBe(1)
    await run(['offboard', '3500'])
    expect((await run(['erase', '3500', '--yes'])).out).toBe(
      'Ada Example was erased; the audit chain and the tombstones stay\n',
    )
    expect((await run(['show', '3500'])).code).toBe(4)
  })
})
