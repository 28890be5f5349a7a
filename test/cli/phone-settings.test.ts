import { beforeAll, describe, expect, test } from 'vitest'
import { commandLine } from './command-line.ts'

const cli = commandLine()
let handset: string

beforeAll(async () => {
  const person = ['--name', 'Ada Example', '--email', 'ada@example.com', '--extension', '1001']
  const { out } = await cli.run(['onboard', ...person, '--handset', 'yealink-t54w', '--json'])
  handset = JSON.parse(out).handsets[0].id
})

describe("`phone-settings` and what phones' files say", () => {
  test('says how to begin while nothing is set', async () => {
    const { code, out } = await cli.run(['phone-settings'])
    expect([code, out]).toEqual([0, expect.stringContaining('nothing is set')])
  })

  test('sets for the site without its name, for a model and for a handset, and lists all three', async () => {
    for (const place of [['site'], ['model', 'yealink-t54w'], ['handset', handset]]) {
      const { code, out, err } = await cli.run(['phone-settings', 'set', ...place, 'label', 'Front desk'])
      expect([code, err]).toEqual([0, ''])
      expect(out).toContain('label is Front desk')
      expect(out).toContain('nobody can be told (PBX by hand)\n')
      expect(out).not.toContain('told to fetch now')
    }
    const { out } = await cli.run(['phone-settings'])
    expect(out.match(/Front desk/g)).toHaveLength(3)
    // People know the phone by its extension and model; only an app without a MAC address needs its id.
    expect(out).toMatch(/handset +1001 yealink-t54w/)
    expect(JSON.parse((await cli.run(['phone-settings', '--json'])).out).items).toHaveLength(3)
  })

  test('shows which layer wins for a handset, and over what', async () => {
    const { code, out } = await cli.run(['phone-settings', 'of', handset])
    expect(code).toBe(0)
    expect(out).toMatch(/label +handset +Front desk\n +over site +beaten/)
    expect(JSON.parse((await cli.run(['phone-settings', 'of', handset, '--json'])).out).items[0].beats).toHaveLength(1)
    expect((await cli.run(['phone-settings', 'of', 'nobody'])).code).toBe(4)
  })

  test('takes a value away again, once', async () => {
    expect((await cli.run(['phone-settings', 'unset', 'site', 'label'])).out).toContain('no longer set')
    expect((await cli.run(['phone-settings', 'unset', 'site', 'label'])).code).toBe(4)
  })

  test.each([
    [['set', 'galaxy', 'label', 'x'], /Allowed choices are site, model, handset/],
    [['set', 'model', 'label', 'x'], /for a model this takes MODEL NAME VALUE/],
    [['unset', 'handset', 'label'], /for a handset this takes ID NAME/],
    [['unset', 'site', 'timezone', 'Europe/Berlin'], /for a site this takes NAME\nhint: it takes no value/],
    [['set', 'site', 'colour', 'red'], /colour is not a setting of phones/],
    [['nonsense'], /too many arguments|unknown command/],
  ])('refuses %j with words and the code for wrong words', async (words, message) => {
    const { code, err } = await cli.run(['phone-settings', ...words])
    expect([code, err]).toEqual([2, expect.stringMatching(message)])
  })
})
