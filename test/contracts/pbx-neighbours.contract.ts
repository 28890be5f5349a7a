import { expect, test, vi } from 'vitest'
import { blockedPolicy, type CallPolicy, policyText } from '../../src/domain/call-policy.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import { callerName } from '../../src/pbx/caller-name.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { rotate } from './pbx-accounts.ts'
import { limit, type PbxHand, type Whole } from './pbx-hand.ts'

/** What could mean something to SQL, a regular expression, XML, SIP, a shell, a config file or a script of Kamailio. */
export const metacharacters = [
  "'); drop table ps_auths--",
  "' or '1'='1",
  '.*',
  '^[0-9]+$',
  '%',
  '_',
  '100%s%n',
  'R&B &amp; &#60;',
  ']]><user id="1"/>',
  '<!-- Ana --> <b>',
  '<sip:214@evil.example>',
  '"Ana" <sip:1@x>;tag=1',
  'Ana\r\nVia: SIP/2.0/TLS x',
  'a;b ;-- c',
  'back\\slash\\',
  '$ru $(fU) $\u007bx} {{x}}',
  'Zoë 李雷 👩🏽‍💻',
  // Of these two nothing is left that could be shown.
  '\r\n\0',
  '',
]

/**
 * Whoever is not named notices nothing, wherever on the PBX a stray write would land. Stands first in its suite: what every
 * change writes would be there already after another test.
 */
export function neighboursContract(hand: PbxHand): void {
  const { abilities, makeAccount } = hand
  if (!abilities.readBack) return
  const enforces = abilities.callClasses === 'enforced'
  const { apply, read } = hand
  const phoneOf = (account: PbxAccount) => hand.phoneFor(account)
  /** With what Ringfence itself sees of it. */
  const all = async (extensions: readonly string[]): Promise<Whole> => {
    const { accounts, foreign } = await read()
    const isOther = (extension: string) => !extensions.includes(extension)
    return {
      ...(await hand.world.allBut(extensions)),
      seen: accounts.filter(({ extension }) => isOther(extension)),
      foreign: foreign.filter(isOther),
    }
  }
  // A channel that was hung up may be listed for a moment longer.
  const same = (moment: string, look: () => Promise<Whole>, as: Whole) =>
    vi.waitFor(async () => expect(await look(), moment).toEqual(as), { timeout: 10_000, interval: 200 })
  const policy = (changes: Partial<CallPolicy>) => (enforces ? { ...blockedPolicy, ...changes } : null)

  test('from the first day to the last an extension changes nothing else on the whole PBX', async () => {
    const [own, longer, shorter] = [makeAccount('211'), makeAccount('2110'), makeAccount('21')]
    const ours = ['211', '2110', '21']
    await hand.world.addForeign('2118')
    await hand.world.addForeign('1211')
    const [start, whole] = [await all(ours), await all([])]
    expect(JSON.stringify(start)).toContain('2118')
    await apply({ ...longer, policy: policy({ class: 'local', callsAtOnce: 1 }) }, shorter)
    const neighbour = await phoneOf(longer)
    expect([await neighbour.register(), await neighbour.call()]).toEqual([200, 200])
    await hand.world.addLeftover?.('2110')
    const before = await all(['211'])
    expect(JSON.stringify(before)).toContain('2110')
    const now = () => all(['211'])

    await apply({ ...own, policy: policy({ class: 'national', countries: ['43'] }) })
    await hand.world.addLeftover?.('211')
    const phone = await phoneOf(own)
    expect([await phone.register(), await phone.call()]).toEqual([200, 200])
    await same('onboarded', () => now(), before)

    const changed = { ...own, displayName: 'Bo', policy: policy({ class: 'international', minutesPerDay: 9 }) }
    await apply(changed)
    await same('another name and call class', () => now(), before)

    await hand.world.driver.notify?.([{ extension: '211', addresses: null, event: 'check-sync' }], limit())
    await same('told', () => now(), before)

    await apply({ ...changed, credentials: changed.credentials.map(rotate) })
    await same('rotated', () => now(), before)

    await apply({ ...changed, credentials: [], policy: policy({}) })
    await hand.world.driver.disconnect?.([{ extension: '211', addresses: null }], limit())
    await hand.world.driver.clearLeftovers?.(['211'], limit())
    await same('offboarded', () => now(), before)

    await apply(...[longer, shorter].map((account) => ({ ...account, credentials: [], policy: policy({}) })))
    await hand.world.driver.disconnect?.([{ extension: '2110', addresses: null }], limit())
    await hand.world.driver.clearLeftovers?.(['2110'], limit())
    await same('everybody left', () => all(ours), start)
    // Where Ringfence has to remember what it made, a line of its own book stays, and on some the extension itself.
    if (!('book' in start)) await same('no trace', () => all([]), whole)
  })

  test('a name with a meaning to SQL, regular expressions, XML or SIP is a name, and nothing else', async () => {
    const [own, longer] = [makeAccount('214'), makeAccount('2140')]
    const wished = policy({ class: 'national', countries: ['43'] })
    await apply(longer, { ...own, policy: wished })
    const before = await all(['214'])
    let account = { ...own, policy: wished }
    for (const displayName of metacharacters) {
      // Some PBXs hear of a name only when an extension is made or gets another owner.
      await apply({ ...account, credentials: [] })
      account = { ...account, displayName, credentials: account.credentials.map(rotate) }
      await apply(account)
      const { id, generation, username, secret } = account.credentials[0]!
      const inForce = (await read()).accounts.find(({ extension }) => extension === '214')
      expect(inForce, displayName).toMatchObject({
        credentials: [{ id, generation, digest: digestHa1(username, abilities.realm!, secret) }],
        policy: enforces ? policyText(wished) : null,
      })
      const shown = await hand.world.shownName('214')
      const name = callerName(displayName)
      expect(name === '' ? (shown ?? '') : shown, displayName).toBeOneOf(name === '' ? ['', '214'] : [name])
    }
    await same('the rest', () => all(['214']), before)
    expect([await (await phoneOf(account)).register(), await (await phoneOf(longer)).register()]).toEqual([200, 200])
  })

  test('a user name with such a meaning is refused, and nothing was written anywhere', async () => {
    const own = makeAccount('216')
    await apply(makeAccount('2160'))
    const before = await all([])
    for (const username of [
      ...metacharacters.filter((one) => one !== '_'),
      '216\\',
      '216/x',
      '216,x',
      'sip:216',
      '216@x',
      '216 ',
    ]) {
      const bad = { ...own, credentials: [{ ...own.credentials[0]!, username }] }
      await expect(apply(bad), username).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    await same('the rest', () => all([]), before)
  })

  const isMany = abilities.credentialsPerExtension === 'many'
  const title = 'a dot and an underscore in a user name stand for themselves'
  test.skipIf(!isMany)(isMany ? title : `${title} [skipped: here it is the extension]`, async () => {
    const named = (extension: string, username: string) => {
      const account = makeAccount(extension)
      return { ...account, credentials: [{ ...account.credentials[0]!, username }] }
    }
    const [own, other] = [named('217', '21.7_x'), named('2170', '21a7bx')]
    await apply(own, other)
    const [phone, neighbour] = [await phoneOf(own), await phoneOf(other)]
    expect([await phone.register(), await neighbour.register()]).toEqual([200, 200])
    const before = await all(['217'])
    const stolen = { ...own, credentials: [{ ...own.credentials[0]!, username: '21a7bx' }] }
    expect(await (await phoneOf(stolen)).register()).toBeOneOf([401, 403])
    await apply({ ...own, credentials: [] })
    await hand.world.driver.disconnect?.([{ extension: '217', addresses: null }], limit())
    await same('the rest', () => all(['217']), before)
    expect(await phone.register()).toBeOneOf([401, 403])
    expect(await neighbour.register()).toBe(200)
  })
}
