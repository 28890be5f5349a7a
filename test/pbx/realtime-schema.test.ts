import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asteriskAbilities } from '../../src/pbx/asterisk/asterisk.ts'
import { type AsteriskObject, accountObjects } from '../../src/pbx/asterisk/asterisk-account.ts'
import { type RealtimeSchema, rowOf, schemaProblem } from '../../src/pbx/asterisk/realtime-schema.ts'
import { awkwardNames, makeAccount } from '../contracts/pbx-accounts.ts'

const settings = { realm: 'ringfence', context: 'from-internal', edge: null }
const account = makeAccount('1001', 2)
const objects = accountObjects(account, settings)!
const ofType = (type: AsteriskObject['type']) => objects.find((object) => object.type === type)!

/** Every column that an account names, without limits. */
const everything: RealtimeSchema = {
  columns: new Map(
    (['endpoint', 'aor', 'auth'] as const).map((type) => [
      type === 'endpoint' ? ('ps_endpoints' as const) : type === 'aor' ? ('ps_aors' as const) : ('ps_auths' as const),
      new Map([...ofType(type).fields.map(([name]) => [name, null] as const), ['password', null], ['md5_cred', null]]),
    ]),
  ),
  authTypes: null,
  splitsValues: true,
}

const without = (table: 'ps_endpoints' | 'ps_auths' | 'ps_aors', ...columns: string[]): RealtimeSchema => {
  const kept = new Map(everything.columns.get(table))
  for (const column of columns) kept.delete(column)
  return { ...everything, columns: new Map([...everything.columns, [table, kept]]) }
}

const withRoom = (length: number): RealtimeSchema => {
  const columns = new Map(everything.columns.get('ps_endpoints')).set('callerid', length)
  return { ...everything, columns: new Map([...everything.columns, ['ps_endpoints', columns]]) }
}

describe('an account as rows of Asterisk’s tables', () => {
  test('holds the digest, no secret, and no other way in', () => {
    const row = rowOf(ofType('auth'), everything)
    expect(row).toMatchObject({ password: null, md5_cred: null, password_digest: expect.stringMatching(/^MD5:/) })
    for (const { secret } of account.credentials) {
      for (const object of objects) expect(JSON.stringify(rowOf(object, everything))).not.toContain(secret.reveal())
    }
  })

  test('old tables get the digest in the column that they have, and a type that they know', () => {
    const old = { ...without('ps_auths', 'password_digest'), authTypes: ['md5', 'userpass'] }
    const digest = String(rowOf(ofType('auth'), everything).password_digest).slice('MD5:'.length)
    expect(rowOf(ofType('auth'), old)).toMatchObject({ auth_type: 'md5', md5_cred: digest, password: null })
    expect(schemaProblem(old)).toBeNull()
    const none = without('ps_auths', 'password_digest', 'md5_cred')
    expect(schemaProblem(none)).toMatchObject({ message: expect.stringContaining('digest'), hint: expect.any(String) })
  })

  test('a missing column is left out only where Asterisk does the same without it', () => {
    expect(rowOf(ofType('endpoint'), without('ps_endpoints', 'send_pai'))).not.toHaveProperty('send_pai')
    for (const column of ['media_encryption', 'rewrite_contact', 'auth', 'allow_subscribe']) {
      expect(() => rowOf(ofType('endpoint'), without('ps_endpoints', column))).toThrow(`no column ${column}`)
    }
    expect(schemaProblem({ ...everything, columns: new Map() })).toMatchObject({
      message: expect.stringContaining('ps_endpoints'),
    })
  })

  test('several values of one name are one column for PostgreSQL, and refused where Asterisk would misread them', () => {
    const twice: AsteriskObject = {
      type: 'auth',
      id: 'x',
      fields: [
        ['username', 'a'],
        ['username', 'b'],
      ],
    }
    expect(rowOf(twice, everything)).toMatchObject({ username: 'a;b' })
    expect(() => rowOf(twice, { ...everything, splitsValues: false })).toThrow('only one username')
  })

  test('no name makes a row that Asterisk reads otherwise, or that does not fit', () => {
    const anyName = fc.oneof(fc.string({ unit: 'binary', maxLength: 120 }), fc.constantFrom(...awkwardNames))
    fc.assert(
      fc.property(anyName, fc.integer({ min: 12, max: 60 }), (displayName, room) => {
        const endpoint = accountObjects({ ...account, displayName }, settings)![0]!
        const { callerid } = rowOf(endpoint, withRoom(room))
        expect([...String(callerid)].length).toBeLessThanOrEqual(room)
        // Asterisk cuts at semicolons and decodes `^3B` (ast_realtime_decode_chunk).
        expect(callerid).toMatch(/^"[^";^\p{Cc}]*" <1001>$/u)
      }),
    )
  })

  test('abilities can be told without a PBX', () => {
    expect(
      asteriskAbilities({ realm: 'office', ownTransports: false, adoption: true, callClasses: false }),
    ).toMatchObject({
      realm: 'office',
      certificates: 'not-checked',
      adoption: true,
    })
  })
})
