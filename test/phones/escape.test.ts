import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import { escapeFor, formats } from '../../src/phones/escape.ts'
import { hostileName, hostileNames } from './hostile-names.ts'
import { parseLinphone } from './linphone-file.ts'
import { sampleValues, templatesFolder } from './sample-values.ts'
import { parseYealink } from './yealink-file.ts'

const catalogue = await loadCatalogue(templatesFolder)

/** Everything of a file except the settings that carry the name. */
function withoutName(settings: readonly (readonly [string, string])[]) {
  return settings.filter(([name]) => name !== 'account.1.display_name' && name !== 'proxy_0/reg_identity')
}

function yealink(displayName: string) {
  return parseYealink(catalogue.render('yealink-t54w', '805ec0aabbcc.cfg', sampleValues({ displayName }))!.body)
}

function linphone(displayName: string) {
  return parseLinphone(catalogue.render('linphone-mobile', 'linphone.xml', sampleValues({ displayName }))!.body)
}

// Written apart from the code under test: what the rules in escape.ts promise of a name.
function onOneLine(name: string): string {
  return [...name]
    .map((character) => (/[\p{Cc}\u2028\u2029]/u.test(character) || !character.isWellFormed() ? '\n' : character))
    .filter((character) => !/[\ufeff\ufffe\uffff]/.test(character))
    .join('')
    .replace(/\n+/g, ' ')
    .trim()
}

describe('a name, however hostile', () => {
  test('stays one value of a Yealink file and adds no setting', () => {
    const usual = withoutName(yealink('Ada'))
    fc.assert(
      fc.property(hostileName, (name) => {
        const settings = yealink(name)
        expect(withoutName(settings)).toEqual(usual)
        const value = settings.find(([key]) => key === 'account.1.display_name')![1]
        // The look-alikes turned back give what was typed.
        const plain = (text: string) =>
          text.replace(/％/g, '%').replace(/＃/g, '#').replace(/”/g, '"').replace(/’/g, "'")
        const typed = onOneLine(name)
        expect(plain(value)).toBe(typed === '' ? '%NULL%' : plain(typed))
        if (typed !== '') expect(value).not.toMatch(/%NULL%/i)
        expect(value).not.toMatch(/^["'#]|["']$/)
      }),
      { numRuns: 300 },
    )
  })

  test('comes out of a Linphone file as it was typed and adds no setting', () => {
    const usual = withoutName(linphone('Ada'))
    fc.assert(
      fc.property(hostileName, (name) => {
        const settings = linphone(name)
        expect(withoutName(settings)).toEqual(usual)
        const identity = settings.find(([key]) => key === 'proxy_0/reg_identity')![1]
        const match = /^"((?:[^"\\]|\\.)*)" <sip:1001@pbx\.example\.com>$/u.exec(identity)
        expect(match, identity).not.toBeNull()
        expect(match![1]!.replace(/\\(.)/gu, '$1').trim()).toBe(onOneLine(name))
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    ['yealink-cfg', '"Bob" %NULL% %null%', '”Bob" ％NULL％ ％null％'],
    ['yealink-cfg', "#1 'x'", "＃1 'x’"],
    ['yealink-cfg', ' \n ', '%NULL%'],
    ['xml', '<a b="c">&\'\n', '&lt;a b=&quot;c&quot;&gt;&amp;&#39;'],
    ['html', '<a b="c">&\'\n', '&lt;a b=&quot;c&quot;&gt;&amp;&#39;'],
  ] as const)('in %s: %j is written %j', (format, name, written) => {
    expect(escapeFor(format, name)).toBe(written)
  })

  test('is never run as a template', () => {
    const [, value] = yealink('{{ sip.secret }}').find(([key]) => key === 'account.1.display_name')!
    expect(value).toBe('{{ sip.secret }}')
  })

  test('is refused where a router would run it', () => {
    for (const name of [...hostileNames, 'a b', "a'b", 'a$b', 'a;b', 'a\\b', 'a"b', ''])
      expect(() => escapeFor('router-script', name)).toThrow(expect.objectContaining({ code: 'TEMPLATE_INVALID' }))
    expect(escapeFor('router-script', '[2001:db8::1]:51820')).toBe('[2001:db8::1]:51820')
  })

  const folding = formats.filter((format) => format !== 'router-script')
  test.each(folding)('is folded the same way twice in %s, without any line break', (format) => {
    for (const name of hostileNames) {
      const once = escapeFor(format, name)
      expect(once).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
      if (format === 'yealink-cfg') expect(escapeFor(format, once === '%NULL%' ? name : once)).toBe(once)
    }
  })
})

describe('a secret', () => {
  test('is written letter by letter', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{8,40}$/), (text) => {
        for (const format of formats) expect(escapeFor(format, new Secret(text))).toBe(text)
      }),
    )
  })

  test.each(['line\nbreak', ' space', '%NULL%', '#1', '"quoted"', ''])(
    'that a Yealink file would change is refused: %j',
    (text) => {
      expect(() => escapeFor('yealink-cfg', new Secret(text))).toThrow(
        expect.objectContaining({ code: 'TEMPLATE_INVALID' }),
      )
    },
  )

  test('that is refused is not in the error', () => {
    const values = sampleValues({ phoneAdminPassword: new Secret('hush\nhush') })
    const render = () => catalogue.render('yealink-t54w', '805ec0aabbcc.cfg', values)
    expect(render).toThrow(/a secret has characters/)
    expect(render).not.toThrow(/hush/)
  })
})

test('a missing value is refused instead of printed as a word', () => {
  for (const value of [null, undefined, true, {}, Number.NaN]) {
    expect(() => escapeFor('xml', value)).toThrow(expect.objectContaining({ code: 'TEMPLATE_INVALID' }))
  }
})
