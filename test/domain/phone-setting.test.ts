import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { effectivePhoneSettings, type PhoneSetting, phoneSettingId } from '../../src/domain/phone-setting.ts'
import { parsePhoneSetting } from '../../src/domain/phone-setting-value.ts'

function setting(layer: PhoneSetting['layer'], scope: string, name: string, value: string): PhoneSetting {
  const id = phoneSettingId({ layer, scope, name })
  return { id, layer, scope, name, value, setAt: '2026-11-22T14:00:00.000Z', setBy: 'Mia' }
}

const scopes = { site: 'default', model: 'yealink-t54w', handset: 'h1', vendor: 'yealink' }

describe('what holds for a handset', () => {
  test("is its own word, else its model's, else the site's, and what it won over stays visible", () => {
    const all = [
      setting('site', 'default', 'language', 'de'),
      setting('model', 'yealink-t54w', 'language', 'fr'),
      setting('handset', 'h1', 'language', 'it'),
      setting('handset', 'h2', 'language', 'es'),
      setting('model', 'snom-d785', 'label', 'not mine'),
      setting('site', 'default', 'voicemail', '*97'),
    ]
    const effective = effectivePhoneSettings(all, scopes)
    expect(effective.map(({ name, value, layer }) => [name, value, layer])).toEqual([
      ['language', 'it', 'handset'],
      ['voicemail', '*97', 'site'],
    ])
    expect(effective[0]!.beats.map(({ layer, value }) => [layer, value])).toEqual([
      ['model', 'fr'],
      ['site', 'de'],
    ])
  })

  test("takes the site's lines for its own vendor only", () => {
    const all = [
      setting('site', 'default', 'extraLines.yealink', 'a = 1'),
      setting('site', 'default', 'extraLines.snom', '<a>1</a>'),
    ]
    expect(effectivePhoneSettings(all, scopes)).toMatchObject([{ name: 'extraLines', value: 'a = 1', layer: 'site' }])
    const withModel = [...all, setting('model', 'yealink-t54w', 'extraLines', 'b = 2')]
    expect(effectivePhoneSettings(withModel, scopes)).toMatchObject([
      { name: 'extraLines', value: 'b = 2', layer: 'model', beats: [{ value: 'a = 1' }] },
    ])
  })
})

describe('a setting', () => {
  test.each([
    ['timezone', 'Europe/Berlin', 'Europe/Berlin'],
    ['timezone', ' europe/berlin ', 'Europe/Berlin'],
    ['timezone', 'UTC', 'UTC'],
    ['language', 'DE', 'de'],
    ['language', 'pt-br', 'pt-BR'],
    ['label', ' Front desk ', 'Front desk'],
    ['label', 'Söhne & <Töchter> 📞', 'Söhne & <Töchter> 📞'],
    ['voicemail', '*97', '*97'],
    ['vlan', '4094', '4094'],
    ['pollMinutes', '060', '60'],
    ['emergencyNote', 'Hauptstr. 5, 2. Stock links', 'Hauptstr. 5, 2. Stock links'],
  ])('%s takes %j', (name, text, value) => {
    expect(parsePhoneSetting('site', name, text)).toEqual({ ok: true, value })
  })

  test.each([
    ['timezone', 'Berlin/Europe'],
    ['timezone', '+01:00'],
    ['language', 'german'],
    ['language', 'de-x-private'],
    ['language', 'de-u-ca-buddhist'],
    ['label', ''],
    ['label', 'a\nb'],
    ['label', 'x'.repeat(41)],
    ['voicemail', '*97;x'],
    ['vlan', '0'],
    ['vlan', '4095'],
    ['vlan', '1e3'],
    ['pollMinutes', '0'],
    ['pollMinutes', '10081'],
    ['emergencyNote', 'a\u0000b'],
    ['emergencyNote', '\ud800'],
  ])('%s refuses %j and says what it is', (name, text) => {
    expect(parsePhoneSetting('site', name, text)).toMatchObject({
      ok: false,
      problem: { field: 'value', hint: expect.stringMatching(/^it is /) },
    })
  })

  test.each([
    ['https://firmware.example.com/T54W-96.86.0.100.rom', true],
    ['http://firmware.example.com/T54W.rom', false],
    ['https://user:pass@firmware.example.com/T54W.rom', false],
    ['https://firmware.example.com/a b', false],
    ['https://firmware.example.com/"x', false],
    ['ftp://firmware.example.com/x', false],
  ])('firmware at %s is taken: %s', (text, ok) => {
    expect(parsePhoneSetting('model', 'firmware', text).ok).toBe(ok)
  })

  test('that is made for a model or a vendor is not one of the whole site', () => {
    expect(parsePhoneSetting('site', 'firmware', 'https://a.example/x')).toMatchObject({ problem: { field: 'layer' } })
    expect(parsePhoneSetting('site', 'extraLines', 'a = 1')).toMatchObject({
      problem: { field: 'layer', hint: expect.stringContaining('extraLines.yealink') },
    })
    expect(parsePhoneSetting('model', 'extraLines.yealink', 'a = 1')).toMatchObject({ problem: { field: 'layer' } })
    expect(parsePhoneSetting('site', 'extraLines.yealink', 'a = 1').ok).toBe(true)
  })

  test.each(['colour', '__proto__', 'constructor', 'extraLines.', 'extraLines.Yealink', 'label.yealink'])(
    'called %s is unknown',
    (name) => {
      expect(parsePhoneSetting('site', name, 'x')).toMatchObject({ ok: false, problem: { field: 'name' } })
    },
  )

  test('of own lines may be long, and is refused unread when it is far longer than what counts', () => {
    const ok = (text: string) => parsePhoneSetting('model', 'extraLines', text).ok
    expect(ok('a'.repeat(8_000))).toBe(true)
    expect(ok('a'.repeat(8_001))).toBe(false)
    // What surrounds it does not count, but is not looked through for ever either.
    expect(ok(`a = 1${'\n'.repeat(15_000)}`)).toBe(true)
    expect(ok(`a = 1${'\n'.repeat(16_000)}`)).toBe(false)
  })

  test('of own lines keeps line breaks and nothing else that is no text', () => {
    expect(parsePhoneSetting('model', 'extraLines', '\r\na = 1  \r\n\r\nb = 2\r\n')).toEqual({
      ok: true,
      value: 'a = 1\n\nb = 2',
    })
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const parsed = parsePhoneSetting('model', 'extraLines', text)
        if (parsed.ok) {
          expect(parsed.value).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}\p{Cs}]*(\n[^\p{Cc}\p{Zl}\p{Zp}\p{Cs}]*)*$/u)
          expect(parsePhoneSetting('model', 'extraLines', parsed.value)).toEqual(parsed)
        }
      }),
      { numRuns: 500 },
    )
  })
})
