import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'

const text = 'correct-horse-battery-staple'
const secret = new Secret(text)
const holder = { account: { extension: '1001', secret }, list: [secret], map: new Map([['key', secret]]) }

const printings: Readonly<Record<string, () => unknown>> = {
  String: () => String(secret),
  'a template': () => `${secret}`,
  addition: () => `secret: ${secret.toString()}`.concat(secret as unknown as string),
  'a list': () => [secret].join(),
  JSON: () => JSON.stringify(holder),
  'JSON of its own': () => JSON.stringify(secret),
  'util.inspect': () => inspect(holder, { depth: 9 }),
  'util.inspect with everything shown': () =>
    inspect(holder, { depth: 9, showHidden: true, customInspect: false, getters: true }),
  'an error text': () => String(new Error(`failed with ${secret}`)),
  'an error with a cause': () => inspect(new Error('failed', { cause: secret }), { depth: 9 }),
  structuredClone: () => inspect(structuredClone(holder.account), { depth: 9, showHidden: true }),
  'v8 serialization': () => serialize(secret).toString('latin1') + inspect(deserialize(serialize(secret))),
  'its own properties': () => JSON.stringify(Object.getOwnPropertyDescriptors(secret)) + Reflect.ownKeys(secret).join(),
  'a spread copy': () => JSON.stringify({ ...secret }),
  'Object.assign': () => JSON.stringify(Object.assign({}, secret)),
  'URL parameters': () => new URLSearchParams({ secret: secret as unknown as string }).toString(),
  'a symbol': () => Symbol(secret as unknown as string).toString(),
}

describe('a secret', () => {
  test.each(Object.entries(printings))('is not shown by %s', (_way, print) => {
    expect(String(print())).not.toContain(text)
  })

  test('reads [secret] wherever it is printed', () => {
    expect([String(secret), `${secret}`, JSON.stringify({ secret }), inspect(secret)]).toEqual([
      '[secret]',
      '[secret]',
      '{"secret":"[secret]"}',
      '[secret]',
    ])
  })

  test('is shown neither by console nor by an error that ends the process', () => {
    const program = `
      import { Secret } from ${JSON.stringify(join(import.meta.dirname, '../../src/domain/secret.ts'))}
      const secret = new Secret(process.argv[1])
      const holder = { secret, list: [secret] }
      console.log(secret, holder, '%s %o %O %j %d', secret, secret, secret, secret, secret)
      console.log('%s %o %O %j %d', secret, secret, secret, secret, secret)
      console.error(holder); console.table([holder]); console.dir(holder, { showHidden: true, depth: 9 })
      throw Object.assign(new Error('failed ' + secret), holder)
    `
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', program, 'xyzzy-plugh'],
      { encoding: 'utf8' },
    )
    expect(status).toBe(1)
    expect(stdout).toContain('[secret]')
    expect(stderr).toContain('failed [secret]')
    expect(stdout + stderr).not.toContain('plugh')
  })

  test('gives its text to who asks for it by name, and only then', () => {
    expect(secret.reveal()).toBe(text)
    expect(Number(secret)).toBe(Number.NaN)
  })

  test('is equal to one with the same text only', () => {
    expect(secret.equals(new Secret(text))).toBe(true)
    for (const other of ['', text.slice(1), `${text} `, text.toUpperCase()])
      expect(secret.equals(new Secret(other))).toBe(false)
  })

  test('does not pass for another that merely looks like it', () => {
    expect(() => secret.equals({ reveal: () => text } as unknown as Secret)).toThrow(TypeError)
  })
})
