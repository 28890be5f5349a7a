import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { escapeFor } from '../../src/phones/escape.ts'
import { hostileName, nameOnOneLine } from './hostile-names.ts'
import { parseAudioCodes, parseBaresipAccounts, parseBaresipConfig, parseIni, parseMitel } from './line-files.ts'

const runs = { numRuns: 400 }

describe('a name, however hostile', () => {
  test('stays one value of a Mitel file, and the look-alikes turned back give what was typed', () => {
    fc.assert(
      fc.property(hostileName, (name) => {
        const [setting, ...more] = parseMitel(`sip line1 display name: ${escapeFor('mitel-cfg', name)}\n`)
        expect(more).toEqual([])
        const plain = (text: string) => text.replace(/＃/g, '#').replace(/”/g, '"').replace(/’/g, "'")
        const typed = nameOnOneLine(name)
        expect(plain(setting![1])).toBe(typed === '' ? '-' : plain(typed))
        expect(setting![1]).not.toMatch(/#|^["']|["']$/)
      }),
      runs,
    )
  })

  test('stays one value of an AudioCodes file, and the look-alikes turned back give what was typed', () => {
    fc.assert(
      fc.property(hostileName, (name) => {
        const settings = parseAudioCodes(`voip/line/0/description=${escapeFor('audiocodes-cfg', name)}\n`)
        expect(settings).toHaveLength(1)
        const alike: Readonly<Record<string, string>> = {
          '；': ';',
          '＃': '#',
          '‹': '<',
          '›': '>',
          '”': '"',
          '’': "'",
        }
        const plain = (text: string) => text.replace(/[；＃‹›”’]/g, (character) => alike[character]!)
        const typed = nameOnOneLine(name)
        expect(plain(settings[0]![1])).toBe(typed === '' ? '-' : plain(typed))
      }),
      runs,
    )
  })

  test('stays one value of an ini file, in characters that every code page has', () => {
    fc.assert(
      fc.property(hostileName, (name) => {
        const written = escapeFor('ini', name)
        expect(parseIni(`[Account1]\ndisplayName=${written}\ntransport=tls\n`)).toEqual([
          ['Account1/displayName', written],
          ['Account1/transport', 'tls'],
        ])
        // MicroSIP puts it between quotation marks of a SIP header as it is.
        expect(written).toMatch(/^[ -~]+$/)
        expect(written).not.toMatch(/["\\<>]/)
        if (/^[A-Za-z0-9 .,;=#[\]-]+$/.test(name) && name.trim() !== '') expect(written).toBe(name.trim())
      }),
      runs,
    )
  })

  test("stays one value of baresip's files, whose readers know no quoting", () => {
    fc.assert(
      fc.property(hostileName, (name) => {
        const written = escapeFor('baresip', name)
        expect(parseBaresipConfig(`audio_player ${written}\n`)).toEqual([['audio_player', written]])
        expect(parseBaresipAccounts(`<sip:1@pbx:5061;transport=tls>;auth_user=${written};mwi=no\n`)).toEqual([
          [
            ['address', 'sip:1@pbx:5061'],
            ['transport', 'tls'],
            ['auth_user', written],
            ['mwi', 'no'],
          ],
        ])
      }),
      runs,
    )
  })

  test.each([
    ['xml', 'a\0\ufeff\0b', 'a b'],
    ['mitel-cfg', 'Ada #1 "x"', 'Ada ＃1 "x”'],
    ['mitel-cfg', ' \n ', '-'],
    ['audiocodes-cfg', ' "Ada" <MAC>; #1', '”Ada" ‹MAC›； ＃1'],
    ['audiocodes-cfg', ' \n ', '-'],
    ['ini', ' "Zoë" <Müller> \\ 📞', "Zoe' (Muller) / ?"],
    ['ini', "''", '-'],
    ['baresip', 'Ada; <b> "c"', 'Ada___b___c_'],
    ['baresip', '', '_'],
  ] as const)('in %s: %j is written %j', (format, name, written) => {
    expect(escapeFor(format, name)).toBe(written)
    expect(escapeFor(format, written)).toBe(written)
  })
})

describe('a secret that would have to change is refused', () => {
  test.each([
    ['mitel-cfg', 'a#b'],
    ['mitel-cfg', '"ab"'],
    ['audiocodes-cfg', 'a;b'],
    ['audiocodes-cfg', '<MAC>'],
    ['audiocodes-cfg', '"ab"'],
    ['ini', 'pässword'],
    ['ini', 'a"b'],
    ['ini', "'ab'"],
    ['baresip', 'a;b'],
    ['baresip', 'a b'],
    ['baresip', 'a>b'],
  ] as const)('in %s: %j', (format, text) => {
    expect(() => escapeFor(format, new Secret(text))).toThrow(expect.objectContaining({ code: 'TEMPLATE_INVALID' }))
  })
})
