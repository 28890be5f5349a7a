import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { openVault, vaultWith } from '../../src/vault.ts'

const vault = vaultWith(Buffer.alloc(32, 1))
const other = vaultWith(Buffer.alloc(32, 2))
const locked = expect.objectContaining({ code: 'VAULT_LOCKED' })

const opened = (sealed: string, context: string, from = vault) => from.open(sealed, context).reveal()

describe('a sealed value', () => {
  test('opens to the same text in the same place', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, context) => {
        const sealed = vault.seal(new Secret(text.toWellFormed()), context)
        expect(opened(sealed, context)).toBe(text.toWellFormed())
        expect(sealed).toMatch(/^v1\.[A-Za-z0-9_-]+$/)
      }),
    )
  })

  test('is another one each time', () => {
    expect(vault.seal(new Secret('x'), 'c')).not.toBe(vault.seal(new Secret('x'), 'c'))
  })

  test('does not open in another place, nor with another key', () => {
    const sealed = vault.seal(new Secret('psk'), 'tunnel:1:psk')
    for (const context of ['tunnel:2:psk', 'tunnel:1:key', 'tunnel:1:psk ', ''])
      expect(() => vault.open(sealed, context)).toThrow(locked)
    expect(() => other.open(sealed, 'tunnel:1:psk')).toThrow(locked)
  })

  test('does not open when one bit of it was changed', () => {
    const bytes = Buffer.from(vault.seal(new Secret('a secret'), 'c').slice(3), 'base64url')
    fc.assert(
      fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(bytes)
        changed[bit >> 3]! ^= 1 << (bit & 7)
        expect(() => vault.open(`v1.${changed.toString('base64url')}`, 'c')).toThrow(locked)
      }),
      { numRuns: 300 },
    )
  })

  test('does not open when it was cut, at any length: a tag of a few bytes could be guessed', () => {
    const bytes = Buffer.from(vault.seal(new Secret('a secret'), 'c').slice(3), 'base64url')
    for (let length = 0; length < bytes.length; length++)
      expect(() => vault.open(`v1.${bytes.toString('base64url', 0, length)}`, 'c')).toThrow(locked)
  })

  test.each(['', 'v1.', 'v2.AAAA', 'plain text', 'v1.!!!!', 'v1.AAAA\n', '\u0000'])('is not %j', (text) => {
    expect(() => vault.open(text, 'c')).toThrow(locked)
  })

  test('needs its version in front', () => {
    expect(() => vault.open(vault.seal(new Secret('x'), 'c').slice(3), 'c')).toThrow(locked)
  })

  test('that does not open is told without its text or context', () => {
    try {
      other.open(vault.seal(new Secret('hidden'), 'tunnel:7:psk'), 'tunnel:7:psk')
      expect.unreachable()
    } catch (error) {
      expect(inspect(error, { depth: 9 })).not.toMatch(/tunnel:7|hidden/)
      expect(error).toMatchObject({ hint: expect.stringContaining('same installation') })
    }
  })
})

test('a derived key is the same for one purpose and another for the next', () => {
  expect(vault.deriveKey('steady-token')).toEqual(vault.deriveKey('steady-token'))
  expect(vault.deriveKey('steady-token')).toHaveLength(32)
  expect(vault.deriveKey('steady-token')).not.toEqual(vault.deriveKey('steady-tokens'))
  expect(vault.deriveKey('steady-token')).not.toEqual(other.deriveKey('steady-token'))
})

describe('the vault file', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), `ringfence-vault-${process.pid}-`))
    path = join(folder, 'vault.json')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const passphrase = new Secret('open sesame')

  test('is made the first time, private, without the passphrase, and opens again', async () => {
    const sealed = (await openVault(path, passphrase)).seal(new Secret('psk'), 'c')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['vault.json'])
    expect(readFileSync(path, 'utf8')).not.toContain('sesame')
    expect((await openVault(path, passphrase)).open(sealed, 'c').reveal()).toBe('psk')
  })

  test('does not open with another passphrase, and stays as it is', async () => {
    await openVault(path, passphrase)
    const before = readFileSync(path, 'utf8')
    for (const wrong of ['open sesame ', 'Open sesame', '']) {
      const attempt = openVault(path, new Secret(wrong))
      await expect(attempt).rejects.toMatchObject({
        code: 'VAULT_LOCKED',
        message: 'the passphrase does not open the vault',
        hint: expect.stringContaining('RINGFENCE_PASSPHRASE_FILE'),
      })
    }
    expect(readFileSync(path, 'utf8')).toBe(before)
  })

  test('that is damaged is told as such and never made anew', async () => {
    await openVault(path, passphrase)
    const good = JSON.parse(readFileSync(path, 'utf8'))
    const damaged = [
      '',
      '{',
      'null',
      '[]',
      JSON.stringify({ ...good, version: 2 }),
      JSON.stringify({ ...good, salt: 7 }),
    ]
    for (const text of [...damaged, JSON.stringify({ ...good, key: '' }), JSON.stringify({ ...good, salt: 'AAAA' })]) {
      writeFileSync(path, text)
      await expect(openVault(path, passphrase)).rejects.toThrow(locked)
      expect(readFileSync(path, 'utf8')).toBe(text)
    }
  })

  test('has one key for all servers that are started at the same moment', async () => {
    const vaults = await Promise.all([1, 2, 3].map(() => openVault(path, passphrase)))
    const sealed = vaults[0]!.seal(new Secret('psk'), 'c')
    expect(vaults.map((each) => each.open(sealed, 'c').reveal())).toEqual(['psk', 'psk', 'psk'])
    expect((await openVault(path, passphrase)).open(sealed, 'c').reveal()).toBe('psk')
  })

  test('that cannot be read is not taken for one that is missing', async () => {
    await expect(openVault(folder, passphrase)).rejects.toThrow(/EISDIR/)
  })
})
