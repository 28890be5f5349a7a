import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { passwords } from '../../src/signin/passwords.ts'

const real = passwords()
const cheap = passwords({ memory: 64, passes: 1, parallelism: 1 })
const secret = new Secret('violet harbour tin 42')

describe('a stored password', () => {
  test('is argon2id in its portable form, at the cost that is advised, and never the same twice', async () => {
    const hash = await real.hash(secret)
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(await real.hash(secret)).not.toBe(hash)
    expect(await real.verify(hash, secret)).toBe(true)
    expect(await real.verify(hash, new Secret('violet harbour tin 43'))).toBe(false)
  })

  test('made at another cost is read at that one, so that the cost can be raised later', async () => {
    const hash = await cheap.hash(secret)
    expect(await real.verify(hash, secret)).toBe(true)
  })

  test('is the same however the keyboard composed its letters', async () => {
    const hash = await cheap.hash(new Secret('Übermut im Café'))
    expect(await cheap.verify(hash, new Secret('Übermut im Café'.normalize('NFD')))).toBe(true)
  })

  test.each([
    null,
    '',
    'x',
    '$argon2id$v=19$m=64,t=1,p=1$AAAA$',
    '$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$AAAA',
    '$2b$10$abc',
  ])('that reads %j fits no password', async (hash) => {
    expect(await cheap.verify(hash, secret)).toBe(false)
    expect(await cheap.verify(hash, new Secret(''))).toBe(false)
  })
})

describe('a new password', () => {
  test.each([
    ['violet harbour tin 42', true],
    ['Kx8#vQ!mZ2p', true],
    ['ein langes Wort reicht', true],
    ['qwertzuiopasdfgh', false],
    ['iloveyou1234', false],
    ['olga@example.com', false],
    ['abc', false],
    ['aaaaaaaaaaaaaaaaaaaaaaaa', false],
    ['ok then '.repeat(26), false],
  ])('%j is taken: %s', async (text, taken) => {
    const problem = await real.weakness(new Secret(text), ['Olga Owner', 'olga@example.com', 'ringfence'])
    expect(problem === null).toBe(taken)
    expect(JSON.stringify(problem)).not.toContain(text)
  })
})
