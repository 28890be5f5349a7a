import { describe, expect, test } from 'vitest'
import { ada, commandLine } from './command-line.ts'

const { doors, run } = commandLine()

describe('ringfence mobileconfig', () => {
  test('prints the profile alone on standard output, and says beside it what it is', async () => {
    await run(['onboard', ...ada, '--extension', '1101'])
    const { code, out, err } = await run(['mobileconfig', '1101', '--platform', 'ios'])
    expect([code, out]).toEqual([0, '<plist version="1.0"></plist>\n'])
    expect(err).toContain('with its private key')
    expect(doors().application.deeds.at(-1)!.deed).toBe('managedProfile:ios')
  })

  test('asks which handset is meant where there are several, and takes its id', async () => {
    await run(['onboard', ...ada, '--extension', '1102', '--handset', 'linphone-desktop'])
    const unclear = await run(['mobileconfig', '1102', '--platform', 'macos'])
    expect([unclear.code, unclear.out]).toEqual([2, ''])
    expect(unclear.err).toContain('2 handsets with a tunnel of their own')
    const { handsets } = await doors().application.employee('1102')
    const clear = await run(['mobileconfig', '1102', handsets[1]!.id, '--platform', 'macos'])
    expect(clear.code).toBe(0)
  })

  test('knows two platforms, and says when there is nothing to give', async () => {
    expect((await run(['mobileconfig', '1101', '--platform', 'android'])).code).toBe(2)
    expect((await run(['mobileconfig', '1101'])).code).toBe(2)
    expect((await run(['mobileconfig', 'nobody@example.com', '--platform', 'ios'])).code).toBe(4)
    expect((await run(['mobileconfig', '1101', 'no-such-handset', '--platform', 'ios'])).err).toContain(
      'has no such handset',
    )
  })
})
