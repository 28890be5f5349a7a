import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parsePhoneSetting } from '../../src/domain/phone-setting-value.ts'
import { Secret } from '../../src/domain/secret.ts'
import { hostileName } from './hostile-names.ts'
import { sampleSecrets } from './sample-values.ts'
import { catalogue, everything, files, ownLines, render, vendorOf } from './settings-file.ts'

describe.each(files)('$name of $model', (file) => {
  test('with everything set reads as it was looked at, and parses', async () => {
    const body = render(file, { ...everything, extraLines: ownLines[vendorOf(file)]! })
    expect(file.parse(body).length).toBeGreaterThan(4)
    await expect(body).toMatchFileSnapshot(`golden/settings/${file.golden}`)
  })

  test('has no word of its owner left after offboarding that was set for the handset', () => {
    const told = new Set(
      file
        .parse(
          catalogue.renderBlanking(file.model, file.name, { mac: file.mac, filler: new Secret('randomFiller1') })!.body,
        )
        .map(([name]) => name),
    )
    const personal = file
      .parse(render(file, everything))
      .filter(([name, value]) => /\*97|Front desk|1001/.test(value) && name !== 'dkey_retrieve')
    if (catalogue.model(file.model)!.capabilities.blanking)
      for (const [name] of personal) expect(told, name).toContain(name)
  })

  test('has the same bytes each time, whatever the order in which they were set', () => {
    const turned = Object.fromEntries(Object.entries(everything).reverse())
    expect(render(file, turned)).toBe(render(file, everything))
  })

  test('takes any label, place and number as text, and they change nothing else', () => {
    const names = (body: string) => file.parse(body).map(([name]) => name)
    const usual = names(render(file, { label: 'x', emergencyNote: 'y', voicemail: '1' }))
    fc.assert(
      fc.property(hostileName, hostileName, (label, emergencyNote) => {
        const kept = [
          parsePhoneSetting('site', 'label', label),
          parsePhoneSetting('site', 'emergencyNote', emergencyNote),
        ]
        const [one, other] = kept.map((parsed) => (parsed.ok ? parsed.value : 'x'))
        // What the parser lets through, and what somebody wrote into the database past it.
        for (const settings of [
          { label: one!, emergencyNote: other!, voicemail: '1' },
          { label: label || 'x', emergencyNote, voicemail: '1' },
        ])
          expect(names(render(file, settings))).toEqual(usual)
      }),
      { numRuns: 60 },
    )
  })

  test('ends with the lines of an admin, as they were typed', () => {
    const lines = ownLines[vendorOf(file)]!
    expect(catalogue.extraLinesProblem(file.model, lines)).toBeNull()
    const added = file.parse(render(file, { extraLines: lines })).slice(file.parse(render(file, {})).length)
    expect(added.length + (file.model.startsWith('poly') ? 1 : 0)).toBeGreaterThan(0)
    expect(render(file, { extraLines: lines })).toContain(`\n${lines}\n`)
  })

  test('prints no secret into the lines of an admin, who wrote text and no template', () => {
    for (const attempt of [
      '{{ sip.secret }}',
      '{% for x in sip %}{{ x }}{% endfor %}',
      '{{ phoneAdminPassword | append: "" }}',
    ]) {
      const lines = ownLines[vendorOf(file)]!.replace('OWN', () => attempt)
      expect(lines).toContain(attempt)
      expect(render(file, { extraLines: lines })).toContain(attempt)
    }
  })

  test('whose lines break the file are refused before anything is written', () => {
    const problem = (lines: string) => catalogue.extraLinesProblem(file.model, lines)
    for (const lines of [
      '</config>',
      '<a>',
      '<a b=c/>',
      'justaword',
      '<!-- ',
      ']]><b/>',
      '<!DOCTYPE x>',
      '<![CDATA[x]]>',
      '& ',
      'include:config "http://x"',
      '#!version:1.0.0.1\n<',
    ])
      expect([lines, problem(lines)]).toEqual([lines, expect.stringMatching(/./)])
  })

  test('keeps every secret where it was, whatever lines are let through', () => {
    const secrets = (body: string) => sampleSecrets.slice(0, 4).map((secret) => body.split(secret).length)
    const lines = ownLines[vendorOf(file)]!
    const usual = secrets(render(file, { extraLines: lines }))
    fc.assert(
      fc.property(hostileName, (text) => {
        const attempt = parsePhoneSetting('model', 'extraLines', `${lines}\n${text}`)
        if (!attempt.ok || catalogue.extraLinesProblem(file.model, attempt.value) !== null) return
        const body = render(file, { extraLines: attempt.value })
        // Well-formed still, by a reader that is not the one that let it through.
        expect(() => file.parse(body.replace(attempt.value, ''))).not.toThrow()
        expect(secrets(body)).toEqual(usual)
      }),
      { numRuns: 60 },
    )
  })
})
