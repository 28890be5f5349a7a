import { expect, test } from 'vitest'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import type { PbxState } from '../../src/pbx/pbx-driver.ts'
import { awkwardNames, rotate } from './pbx-accounts.ts'
import { limit, type PbxHand, refused } from './pbx-hand.ts'

/** What accounts do, on every PBX that can be read. */
export function pbxAccountsContract(hand: PbxHand): void {
  const { abilities, given, read, apply, accountOf, phoneFor, makeAccount } = hand
  const readable = given(abilities.readBack, 'this PBX cannot be read')
  const many = given(
    abilities.readBack && abilities.credentialsPerExtension === 'many',
    'this PBX has one secret for an extension',
  )

  test('says what it is', async () => {
    expect((await hand.world.driver.describe(limit())).product).toMatch(/\w/)
  })

  test('applying the same account twice is as good as once', async () => {
    const account = makeAccount('2001')
    await apply(account)
    await apply(account)
    if (abilities.readBack) expect(await accountOf('2001')).toMatchObject({ credentials: [{ generation: 1 }] })
  })

  if (!abilities.readBack) {
    test('without reading back there is a step for a person, and it holds no secret', () => {
      const account = makeAccount('2002')
      const opening = hand.world.driver.describeStep!(account)
      const closing = hand.world.driver.describeStep!({ ...account, credentials: [] })
      expect(opening).toContain('2002')
      expect(opening).not.toContain(account.credentials[0]!.secret.reveal())
      expect(closing).toMatch(/registrations.*calls.*forwards/)
      expect(closing).not.toBe(opening)
    })
    test('a PBX that cannot be read never answers with an empty listing', async () => {
      await expect(read()).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    })
  } else {
    test('a PBX that can be read asks nobody to do its steps by hand', () => {
      expect(hand.world.driver.describeStep).toBeUndefined()
    })
  }

  readable('a new account lets its phone in and shows credential, generation and digest', async () => {
    const account = makeAccount('2010')
    const { id, username, secret } = account.credentials[0]!
    await apply(account)
    expect(await accountOf('2010')).toEqual({
      extension: '2010',
      credentials: [{ id, generation: 1, digest: digestHa1(username, abilities.realm!, secret) }],
      registrations: [],
      calls: [],
      policy: abilities.callClasses === 'enforced' ? 'none' : null,
    })
    const phone = await phoneFor(account)
    expect(await phone.register()).toBe(200)
    const address = abilities.tellsAddresses === false ? null : '127.0.0.1'
    expect((await accountOf('2010'))!.registrations).toMatchObject([{ address }])
  })

  readable('asked about some extensions, it shows the same of them as when it shows all', async () => {
    const [ana, ben] = [makeAccount('2005'), makeAccount('20051')]
    await apply(ana, ben)
    await hand.world.addForeign('2006')
    expect(await (await phoneFor(ana)).register()).toBe(200)
    const asked = ['2005', '2006', '2007']
    const all = await read()
    const some = await hand.world.driver.readAccounts(limit(), { extensions: asked })
    const ofThem = ({ accounts, foreign, othersWaysIn = [] }: PbxState) => ({
      accounts: accounts.filter(({ extension }) => asked.includes(extension)),
      foreign: foreign.filter((name) => asked.includes(name)),
      othersWaysIn: othersWaysIn.filter(({ extension }) => asked.includes(extension)),
    })
    expect(ofThem(some)).toEqual(ofThem(all))
    expect(ofThem(some)).toMatchObject({
      accounts: expect.arrayContaining([expect.objectContaining({ extension: '2005' })]),
      foreign: ['2006'],
    })
    expect(some.product).toBe(all.product)
  })

  readable('a wrong secret is refused', async () => {
    const account = makeAccount('2011')
    await apply(account)
    const guess = await hand.world.phone({
      extension: '2011',
      username: account.credentials[0]!.username,
      secret: 'guess',
    })
    expect(await guess.register()).toEqual(refused)
    expect((await accountOf('2011'))!.registrations).toEqual([])
  })

  many('two handsets of one extension each have a secret, and taking one leaves the other', async () => {
    const account = makeAccount('2012', 2)
    await apply(account)
    const [first, second] = [await phoneFor(account, 0), await phoneFor(account, 1, '127.0.0.2')]
    expect([await first.register(), await second.register()]).toEqual([200, 200])
    const crossed = await hand.world.phone({
      extension: '2012',
      username: account.credentials[0]!.username,
      secret: account.credentials[1]!.secret.reveal(),
    })
    expect(await crossed.register()).toEqual(refused)
    await apply({ ...account, credentials: account.credentials.slice(1) })
    expect([await first.register(), await second.register()]).toEqual([refused, 200])
    expect((await accountOf('2012'))!.credentials).toHaveLength(1)
  })

  readable('after a rotation only the new secret is in force', async () => {
    const account = makeAccount('2013')
    await apply(account)
    const before = await phoneFor(account)
    expect(await before.register()).toBe(200)
    const rotated = { ...account, credentials: [rotate(account.credentials[0]!)] }
    await apply(rotated)
    expect(await before.register()).toEqual(refused)
    expect(await (await phoneFor(rotated)).register()).toBe(200)
    expect((await accountOf('2013'))!.credentials).toMatchObject([{ generation: 2 }])
  })

  readable('an extension without a credential is gone, not open', async () => {
    const account = makeAccount('2014')
    await apply(account)
    await apply({ ...account, credentials: [] })
    expect(await accountOf('2014')).toBeUndefined()
    expect(await (await phoneFor(account)).register()).toEqual(refused)
    await apply({ ...account, credentials: [] })
  })

  readable('extensions that were not named stay as they are, to the last byte', async () => {
    const other = makeAccount('2016')
    await apply(other, makeAccount('2015'))
    const before = await hand.world.look('2016')
    // A look that shows nothing would stay the same whatever happened.
    expect(before).not.toBe((await hand.world.look('2996')).replaceAll('2996', '2016'))
    await apply({ ...makeAccount('2015'), credentials: [] })
    await apply(makeAccount('2017'))
    expect(await hand.world.look('2016')).toBe(before)
  })

  readable(
    "somebody else's extension is refused, left alone and shown as foreign; the others of the batch go on",
    async () => {
      await hand.world.addForeign('2018')
      const before = await hand.world.look('2018')
      await expect(apply(makeAccount('2019'), makeAccount('2018'))).rejects.toMatchObject({
        code: 'PBX_REFUSED',
        message: expect.stringContaining('2018'),
        hint: expect.stringMatching(/\w/),
      })
      expect(await hand.world.look('2018')).toBe(before)
      const state = await read()
      expect(state.foreign).toContain('2018')
      expect(state.accounts.map(({ extension }) => extension)).toContain('2019')
      expect(state.accounts.map(({ extension }) => extension)).not.toContain('2018')
    },
  )

  readable('a value that could mean something else to the PBX is refused and changes nothing', async () => {
    const account = makeAccount('2020')
    const before = JSON.stringify(await read())
    for (const username of ['2020\nauth=', '2020;x', '2020]', '', 'ü', '#include x']) {
      const bad = { ...account, credentials: [{ ...account.credentials[0]!, username }] }
      await expect(apply(bad)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    for (const extension of ['20 20', '../2020', '2020\n', '2020;', 'anonymous']) {
      await expect(apply({ ...account, extension })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    expect(JSON.stringify(await read())).toBe(before)
  })

  readable('no name of a person keeps the account from working', async () => {
    for (const displayName of awkwardNames) {
      const account = { ...makeAccount('2021'), displayName }
      await apply(account)
      expect(await (await phoneFor(account)).register(), displayName).toBe(200)
    }
  })
}
