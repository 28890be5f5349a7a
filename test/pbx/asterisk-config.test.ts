import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { accountObjects, authName, parseAuthName } from '../../src/pbx/asterisk/asterisk-account.ts'
import { accountText, requireValidSettings } from '../../src/pbx/asterisk/asterisk-config.ts'
import { callerName } from '../../src/pbx/caller-name.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { awkwardNames } from '../contracts/pbx-accounts.ts'

const settings = { realm: 'ringfence', context: 'from-internal', edge: null }
const account: PbxAccount = {
  extension: '1001',
  displayName: 'Ana Gómez',
  credentials: [{ id: '0199a-b', generation: 7, username: '1001-k3f9', secret: new Secret('hidden-word') }],
  maxContacts: 2,
  policy: null,
  adopted: false,
}

const textOf = (one: PbxAccount) => accountText(accountObjects(one, settings)!)

/** What Asterisk's config reader would make of the text: comments cut, sections, `key=value`. */
function readAsAsterisk(text: string): { section: string; key: string; value: string }[] {
  let section = ''
  return text.split('\n').flatMap((line) => {
    const [code = ''] = line.split(/(?<!\\);/)
    if (code.startsWith('#')) throw new Error(`a directive: ${code}`)
    const header = /^\[([^\]]*)\](.*)$/.exec(code)
    if (header) {
      if (header[2] !== '') throw new Error(`a template: ${code}`)
      section = header[1]!
      return []
    }
    if (code.trim() === '') return []
    const [key, ...value] = code.split('=')
    return [{ section, key: key!, value: value.join('=') }]
  })
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({
    unit: fc.constantFrom(
      '"',
      '\\',
      ';',
      '-',
      '<',
      '>',
      '[',
      ']',
      '(',
      '!',
      '#',
      '=',
      '$',
      '{',
      '\n',
      '\r',
      '\0',
      'a',
      '\u2028',
      '\u202e',
      '😀',
    ),
  }),
  fc.constantFrom(...awkwardNames),
)

describe('the text of an Asterisk account', () => {
  const plain = readAsAsterisk(textOf(account))

  test('holds the digest and not the secret, and no endpoint without a login', () => {
    const text = textOf(account)
    expect(text).not.toContain('hidden-word')
    expect(plain).toContainEqual({ section: '1001', key: 'auth', value: '1001-0199a-b-g7' })
    expect(plain).toContainEqual({
      section: '1001-0199a-b-g7',
      key: 'password_digest',
      // `printf 1001-k3f9:ringfence:hidden-word | md5sum`
      value: 'MD5:c4e1df5daecb4674ca8a7bb09fa7d157',
    })
    expect(accountObjects({ ...account, credentials: [] }, settings)).toBeNull()
  })

  test('no name changes anything but the name', () => {
    fc.assert(
      fc.property(anyText, (displayName) => {
        const read = readAsAsterisk(textOf({ ...account, displayName }))
        const others = (lines: typeof plain) => lines.filter(({ key }) => key !== 'callerid')
        expect(others(read)).toEqual(others(plain))
        const callerids = read.filter(({ key }) => key === 'callerid')
        expect(callerids).toHaveLength(1)
        expect(callerids[0]!.value).toMatch(/^"[^"\\;<>$\p{Cc}]*" <1001>$/u)
        expect(Buffer.byteLength(callerName(displayName))).toBeLessThan(80)
      }),
      { numRuns: 500 },
    )
  })

  test('ordinary names of every script stay as they are', () => {
    for (const name of ["Ana Gómez-O'Neill", '李雷', 'שלום', 'Zoë 👩🏽‍💻', 'Müller, Jörg (Büro)'])
      expect(callerName(name)).toBe(name)
  })

  test('every other value is refused unless it is plainly harmless', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(!/^[A-Za-z0-9._-]{1,64}$/.test(text))
        const credential = { ...account.credentials[0]!, username: text }
        expect(() => textOf({ ...account, credentials: [credential] })).toThrow(/cannot be used/)
        expect(() => textOf({ ...account, extension: text })).toThrow(/cannot be used/)
        expect(() => requireValidSettings({ ...settings, context: text }, null)).toThrow(/cannot be used/)
        expect(() => requireValidSettings({ ...settings, realm: text }, null)).toThrow(/cannot be used/)
      }),
    )
  })

  test('the name of a secret tells extension, credential and generation', () => {
    const name = authName('0100', { id: '0199-aaaa-bbbb', generation: 12 })
    expect(parseAuthName(name)).toEqual({ extension: '0100', id: '0199-aaaa-bbbb', generation: 12 })
    for (const other of ['1001', '1001-auth', 'backdoor', '1001-x-g', 'x1001-a-g1'])
      expect(parseAuthName(other)).toBeNull()
  })
})
