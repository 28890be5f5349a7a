import { describe, expect, test } from 'vitest'
import { commandLine } from './command-line.ts'

const cli = commandLine()
const ada = ['--name', 'Ada Example', '--email', 'ada@example.com', '--handset', 'yealink-t54w']
const berlin = ['--country', '49', '--international', '00', '--national', '0', '--area', '30', '--emergency', '112,110']

describe('`dial-plan`, `calls` and what people may dial', () => {
  test('nobody is given a class before it was said what numbers mean, and the error names the command', async () => {
    const { code, err } = await cli.run([
      'onboard',
      ...ada,
      '--extension',
      '1001',
      '--calls',
      'national',
      '--wait',
      '0',
    ])
    expect(code).toBe(2)
    expect(err).toContain('ringfence dial-plan set --country 49')
    expect((await cli.run(['dial-plan', 'show'])).out).toContain('not set')
  })

  test('what numbers mean is said once, and shown with the emergency numbers', async () => {
    const { code, out } = await cli.run(['dial-plan', 'set', ...berlin])
    expect([code, out]).toEqual([0, expect.stringContaining('emergency numbers, never blocked: 110, 112')])
    expect((await cli.run(['dial-plan', 'show'])).out).toBe(out)
    const { items } = JSON.parse((await cli.run(['dial-plan', 'show', '--json'])).out)
    expect(items).toMatchObject([{ plan: { countryCode: '49', areaCode: '30', outsideLine: '' } }])
  })

  test('said anew it is taken as a whole, and what is gone is named', async () => {
    const { code, out } = await cli.run(['dial-plan', 'set', ...berlin.slice(0, 6), '--emergency', '112'])
    expect([code, out]).toEqual([0, expect.stringContaining('not any more: emergency number 110; area code 30\n')])
    const back = await cli.run(['dial-plan', 'set', ...berlin])
    expect(back.out).not.toContain('not any more')
    expect((await cli.run(['dial-plan', 'set', '--help'])).out.replace(/\s+/g, ' ')).toContain('as a whole')
  })

  test('a class comes with the phone, is looked at, chosen anew as a whole, and taken away', async () => {
    const limits = ['--countries', '43,41', '--calls-at-once', '2', '--minutes-per-day', '60']
    const words = ['onboard', ...ada, '--extension', '1001', '--calls', 'national', ...limits, '--wait', '0', '--json']
    expect(JSON.parse((await cli.run(words)).out).calls).toEqual({
      class: 'national',
      countries: ['41', '43'],
      callsAtOnce: 2,
      callsPerHour: null,
      callsPerDay: null,
      minutesPerHour: null,
      minutesPerDay: 60,
    })
    expect((await cli.run(['calls', '1001'])).out).toContain(
      'may dial: national calls; besides +41, +43; outside calls at most 2 at once, 60 minutes a day',
    )
    const { code, out } = await cli.run(['calls', '1001', '--class', 'local', '--calls-per-hour', '5'])
    expect([code, out]).toEqual([0, expect.stringContaining('local calls; outside calls at most 5 an hour')])
    expect((await cli.run(['calls', '1001', '--class', 'none'])).out).toContain('what the PBX itself allows')
    expect(JSON.parse((await cli.run(['calls', '1001', '--json'])).out).calls).toBe(null)
  })

  test.each([
    [['calls', '1001', '--class', 'everywhere'], /Allowed choices are none, blocked, internal/],
    [['calls', '1001', '--calls-per-hour', '5'], /required option '--class <class>'/],
    [['calls', '1001', '--class', 'local', '--calls-at-once', '0'], /whole number from 1/],
    [['calls', '1001', '--class', 'local', '--countries', '1234'], /"1234" is not a country code/],
    [['onboard', ...ada, '--extension', '1009', '--countries', '43'], /required option '--calls <class>'/],
    [['dial-plan', 'set', '--country', '49'], /required option '--international <prefix>'/],
    [['dial-plan', 'set', ...berlin.slice(0, 8), '--emergency', 'police'], /"police" is not an emergency number/],
  ])('refuses %j with words and the code for wrong words', async (words, message) => {
    const { code, err } = await cli.run(words)
    expect([code, err]).toEqual([2, expect.stringMatching(message)])
  })

  test('nobody is nobody', async () => {
    expect((await cli.run(['calls', 'nobody@example.com'])).code).toBe(4)
  })
})
