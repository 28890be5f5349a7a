import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { blockedPolicy, policyText } from '../../src/domain/call-policy.ts'
import { reachOfLeftovers, showsSharedPins } from '../../src/domain/outliving.ts'
import { Secret } from '../../src/domain/secret.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import type {
  NotifyTarget,
  PbxAbilities,
  PbxAccount,
  PbxCredential,
  PbxDriver,
  PbxState,
} from '../../src/pbx/pbx-driver.ts'
import { neighboursContract } from './pbx-neighbours.contract.ts'

/** One PBX under test and what surrounds it: phones, somebody else's extension, a power cut. */
export interface PbxWorld {
  readonly driver: PbxDriver
  /** A phone with an address of its own (a loopback one). */
  phone(identity: PhoneIdentity): Promise<ContractPhone>
  addForeign(extension: string): Promise<void>
  /** Everything that can be seen of an extension, in the PBX's own words and files. */
  look(extension: string): string | Promise<string>
  /** Everything that the PBX has on its disk and runs, but what carries the name of one of these extensions. */
  allBut(extensions: readonly string[]): Whole | Promise<Whole>
  /** The name that others see when this extension calls, as the PBX has it. */
  shownName(extension: string): string | undefined | Promise<string | undefined>
  /** A call forward that somebody set for an extension. There exactly where the PBX shows them. */
  addLeftover?(extension: string): Promise<void>
  goDown(): Promise<void>
  comeBack(): Promise<void>
  stop(): Promise<void>
}

/** Part by part; two are compared. */
export type Whole = Readonly<Record<string, unknown>>

export interface PhoneIdentity {
  readonly extension: string
  readonly username: string
  readonly secret: string
  readonly address?: string
}

export interface ContractPhone {
  /** The final SIP status. */
  register(): Promise<number>
  call(): Promise<number>
  /** The Event of each NOTIFY that it got. */
  events(): readonly string[]
}

/** What a phone without the right secret gets: a challenge for ever, or a plain no. */
const refused = expect.toBeOneOf([401, 403])

/** What every driver must do; a test that asks for an ability the PBX lacks is skipped and says so. */
export function pbxContract(name: string, abilities: PbxAbilities, makeWorld: () => Promise<PbxWorld>): void {
  describe(`PBX contract: ${name}`, () => {
    let world: PbxWorld
    beforeAll(async () => {
      world = await makeWorld()
    })
    afterAll(async () => {
      await world?.stop()
    })
    const given = (holds: boolean, lack: string) => (title: string, body: () => Promise<void>) =>
      holds ? test(title, body) : test.skip(`${title} [skipped: ${lack}]`, body)
    const readable = given(abilities.readBack, 'this PBX cannot be read')
    const endingCalls = given(abilities.endsCalls, 'this PBX cannot end calls')
    const endingRegistrations = given(abilities.endsRegistrations, 'this PBX cannot end registrations')
    const cuts = abilities.endsCalls || abilities.endsRegistrations
    const cutting = given(cuts, 'this PBX ends neither calls nor registrations')
    const telling = given(abilities.resync, 'this PBX cannot tell a phone')
    const many = given(
      abilities.readBack && abilities.credentialsPerExtension === 'many',
      'this PBX has one secret for an extension',
    )
    const manyCut = given(
      abilities.credentialsPerExtension === 'many' && abilities.endsCalls && abilities.endsRegistrations,
      'this PBX has one secret for an extension, or cannot end calls',
    )
    const classes = given(abilities.callClasses === 'enforced', 'this PBX is told no call classes')
    const adopting = given(abilities.adoption, 'on this PBX nothing can be taken over')

    const makeAccount = (extension: string, credentials = 1) => accountOn(abilities, extension, credentials)
    const manyTold = given(
      abilities.resync && abilities.credentialsPerExtension === 'many',
      'this PBX cannot tell a phone, or has one secret for an extension',
    )
    const tell = (...targets: NotifyTarget[]) => world.driver.notify!(targets, limit())

    const read = () => world.driver.readAccounts(limit())
    const apply = (...accounts: PbxAccount[]) => world.driver.applyAccounts(accounts, limit())
    const accountOf = async (extension: string) =>
      (await read()).accounts.find((account) => account.extension === extension)
    const phoneFor = (account: PbxAccount, index = 0, address?: string) => {
      const { username, secret } = account.credentials[index]!
      return world.phone({
        extension: account.extension,
        username,
        secret: secret.reveal(),
        ...(address ? { address } : {}),
      })
    }

    neighboursContract({ abilities, world: () => world, makeAccount, rotate })

    test('says what it is', async () => {
      expect((await world.driver.describe(limit())).product).toMatch(/\w/)
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
        const opening = world.driver.describeStep!(account)
        const closing = world.driver.describeStep!({ ...account, credentials: [] })
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
        expect(world.driver.describeStep).toBeUndefined()
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
      await world.addForeign('2006')
      expect(await (await phoneFor(ana)).register()).toBe(200)
      const asked = ['2005', '2006', '2007']
      const all = await read()
      const some = await world.driver.readAccounts(limit(), { extensions: asked })
      const ofThem = ({ accounts, foreign }: PbxState) => ({
        accounts: accounts.filter(({ extension }) => asked.includes(extension)),
        foreign: foreign.filter((name) => asked.includes(name.split(' ')[0]!)),
      })
      expect(ofThem(some)).toEqual(ofThem(all))
      expect(ofThem(some)).toMatchObject({
        accounts: expect.arrayContaining([expect.objectContaining({ extension: '2005' })]),
        foreign: [expect.stringMatching(/^2006/)],
      })
      expect(some.product).toBe(all.product)
    })

    readable('a wrong secret is refused', async () => {
      const account = makeAccount('2011')
      await apply(account)
      const guess = await world.phone({
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
      const crossed = await world.phone({
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
      const before = await world.look('2016')
      // A look that shows nothing would stay the same whatever happened.
      expect(before).not.toBe((await world.look('2996')).replaceAll('2996', '2016'))
      await apply({ ...makeAccount('2015'), credentials: [] })
      await apply(makeAccount('2017'))
      expect(await world.look('2016')).toBe(before)
    })

    readable(
      "somebody else's extension is refused, left alone and shown as foreign; the others of the batch go on",
      async () => {
        await world.addForeign('2018')
        const before = await world.look('2018')
        await expect(apply(makeAccount('2019'), makeAccount('2018'))).rejects.toMatchObject({
          code: 'PBX_REFUSED',
          message: expect.stringContaining('2018'),
          hint: expect.stringMatching(/\w/),
        })
        expect(await world.look('2018')).toBe(before)
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

    endingCalls('calls end, and a call of 100 is not a call of 1001', async () => {
      const [short, long] = [makeAccount('100'), makeAccount('1001')]
      await apply(short, long)
      const [one, other] = [await phoneFor(short), await phoneFor(long)]
      expect([await one.call(), await other.call()]).toEqual([200, 200])
      expect((await accountOf('100'))!.calls).toHaveLength(1)
      await apply({ ...short, credentials: [] })
      await world.driver.disconnect!([{ extension: '100', addresses: null }], limit())
      expect((await accountOf('100'))?.calls ?? []).toEqual([])
      // Not every PBX says where a call's phone is.
      const address = expect.toBeOneOf(['127.0.0.1', null])
      expect(await accountOf('1001')).toMatchObject({ calls: [{ address }] })
    })

    endingRegistrations('registrations end, and that of 101 is not that of 1011', async () => {
      const [short, long] = [makeAccount('101'), makeAccount('1011')]
      await apply(short, long)
      const [one, other] = [await phoneFor(short), await phoneFor(long)]
      expect([await one.register(), await other.register()]).toEqual([200, 200])
      expect((await accountOf('101'))!.registrations).toHaveLength(1)
      await apply({ ...short, credentials: [] })
      await world.driver.disconnect!([{ extension: '101', addresses: null }], limit())
      expect(await accountOf('101')).toBeUndefined()
      expect(await accountOf('1011')).toMatchObject({ registrations: [{ address: '127.0.0.1' }] })
    })

    manyCut('of a shared extension only the named addresses are cut', async () => {
      const account = makeAccount('2022', 2)
      await apply(account)
      const [leaver, stayer] = [await phoneFor(account, 0, '127.0.0.3'), await phoneFor(account, 1, '127.0.0.4')]
      expect([await leaver.register(), await stayer.register()]).toEqual([200, 200])
      expect([await leaver.call(), await stayer.call()]).toEqual([200, 200])
      await apply({ ...account, credentials: account.credentials.slice(1) })
      await world.driver.disconnect!([{ extension: '2022', addresses: ['127.0.0.3', '10.9.8.0/24'] }], limit())
      expect(await accountOf('2022')).toMatchObject({
        registrations: [{ address: '127.0.0.4' }],
        calls: [{ address: '127.0.0.4' }],
      })
      expect(await leaver.register()).toEqual(refused)
    })

    cutting('cutting an extension that is not there is no error', async () => {
      await world.driver.disconnect!([{ extension: '2999', addresses: null }], limit())
    })

    test('a PBX can tell phones to fetch their files exactly when it says so', () => {
      expect(world.driver.notify !== undefined).toBe(abilities.resync)
    })

    telling('a phone that is told gets the very Event, and 100 is not 1001', async () => {
      const [short, long] = [makeAccount('200'), makeAccount('2001')]
      await apply(short, long)
      const [one, other] = [await phoneFor(short), await phoneFor(long)]
      expect([await one.register(), await other.register()]).toEqual([200, 200])
      const event = 'check-sync;reboot=false'
      const [answer] = await tell({ extension: '200', addresses: null, event })
      expect(answer).toMatchObject({ told: [expect.stringContaining('200@127.0.0.1')], passedOver: [] })
      await vi.waitFor(() => expect(one.events()).toEqual([event]), { timeout: 5_000 })
      // On its connection a NOTIFY would have come before this answer.
      expect(await other.register()).toBe(200)
      expect(other.events()).toEqual([])
    })

    manyTold('of several phones on one extension each gets its own Event and no other', async () => {
      const account = makeAccount('2026', 3)
      await apply(account)
      const addresses = ['127.0.0.11', '127.0.0.12', '127.0.0.13']
      const phones = [
        await phoneFor(account, 0, addresses[0]),
        await phoneFor(account, 1, addresses[1]),
        await phoneFor(account, 2, addresses[2]),
      ]
      for (const phone of phones) expect(await phone.register()).toBe(200)
      const answers = await tell(
        { extension: '2026', addresses: [`${addresses[0]}/32`], event: 'check-sync;reboot=false' },
        { extension: '2026', addresses: [addresses[1]!, '10.9.8.0/24'], event: 'resync' },
      )
      expect(answers.map(({ told }) => told)).toEqual([
        [expect.stringContaining('127.0.0.11')],
        [expect.stringContaining('127.0.0.12')],
      ])
      await vi.waitFor(
        () => expect(phones.map((phone) => phone.events())).toEqual([['check-sync;reboot=false'], ['resync'], []]),
        { timeout: 5_000 },
      )
      expect(await phones[2]!.register()).toBe(200)
      expect(phones[2]!.events()).toEqual([])
    })

    manyTold('a phone that is not registered, or from elsewhere, counts as not told', async () => {
      const account = makeAccount('2027', 2)
      await apply(account)
      const phone = await phoneFor(account, 0, '127.0.0.14')
      expect(await phone.register()).toBe(200)
      const event = 'check-sync'
      const silent = { told: [], passedOver: [] }
      expect(
        await tell(
          { extension: '2027', addresses: ['127.0.0.15'], event },
          { extension: '202', addresses: null, event },
          { extension: '2998', addresses: null, event },
          { extension: '2027', addresses: [], event },
        ),
      ).toEqual([silent, silent, silent, silent])
      expect(await phone.register()).toBe(200)
      expect(phone.events()).toEqual([])
    })

    telling('an Event that could say more than one thing is refused', async () => {
      for (const event of ['check-sync\r\nX: y', 'check-sync,Content=x', '', 'a b']) {
        await expect(tell({ extension: '2027', addresses: null, event })).rejects.toMatchObject({
          code: 'INVALID_INPUT',
        })
      }
    })

    test('what is declared is what is there', () => {
      expect(world.driver.abilities).toEqual(abilities)
      expect(world.driver.disconnect !== undefined).toBe(cuts)
      const reach = reachOfLeftovers(world.driver.outliving)
      expect(world.addLeftover !== undefined).toBe(reach !== 'unseen')
      expect(world.driver.readLeftovers !== undefined).toBe(reach !== 'unseen')
      expect(world.driver.clearLeftovers !== undefined).toBe(reach === 'cleared')
      expect(world.driver.readSharedPins !== undefined).toBe(showsSharedPins(world.driver.outliving))
      expect(world.driver.listExisting !== undefined).toBe(abilities.adoption)
      expect(world.driver.revocations !== undefined).toBe(abilities.revocationLists === 'enforced')
    })

    classes('what an extension may dial is in force, changes, and goes with the account', async () => {
      const account = makeAccount('2030')
      const policy = { ...blockedPolicy, class: 'national', countries: ['43'], callsAtOnce: 2 } as const
      await apply({ ...account, policy }, makeAccount('203'))
      expect(await accountOf('2030')).toMatchObject({ policy: policyText(policy) })
      expect(await accountOf('203')).toMatchObject({ policy: 'none' })
      await apply({ ...account, policy: blockedPolicy })
      expect(await accountOf('2030')).toMatchObject({ policy: 'blocked' })
      expect(await accountOf('203')).toMatchObject({ policy: 'none' })
      await apply({ ...account, credentials: [] })
      expect(await accountOf('2030')).toBeUndefined()
    })

    test('the rules of a PBX are judged by it, one answer for each, or not at all', async () => {
      if (abilities.callClasses !== 'judged') return expect(world.driver.judgeCalls).toBeUndefined()
      await apply(makeAccount('208'), makeAccount('2080'))
      const before = [world.look?.('208'), world.look?.('2080')]
      const wishes = ['2080', '208'].map((extension) => ({ extension, policy: blockedPolicy }))
      const answers = await world.driver.judgeCalls!(wishes, limit())
      expect(answers.map(({ extension }) => extension)).toEqual(['2080', '208'])
      for (const { seen } of answers) expect(seen).toMatch(/\w/)
      expect([world.look?.('208'), world.look?.('2080')]).toEqual(before)
    })

    test("a call forward is seen, and only on the extension that it belongs to; nobody else's is touched", async ({
      skip,
    }) => {
      if (!world.addLeftover) return skip('this PBX shows no call forwards')
      await apply(makeAccount('204'), makeAccount('2040'))
      for (const extension of ['204', '2040']) await world.addLeftover(extension)
      const kinds = async (extension: string) =>
        (await world.driver.readLeftovers!([extension], limit())).map((one) => [one.extension, one.kind])
      expect(await kinds('204')).toEqual([['204', 'call-forward']])
      // What is found is what is declared.
      expect(['cleared', 'read']).toContain(world.driver.outliving['call-forward'])
      for (const { kind } of (await world.driver.readSharedPins?.(limit())) ?? [])
        expect(world.driver.outliving[kind], kind).toBe('read')
      expect(await kinds('2999')).toEqual([])
      if (!world.driver.clearLeftovers) return
      await world.driver.clearLeftovers(['204'], limit())
      await world.driver.clearLeftovers(['204', '2999'], limit())
      expect(await kinds('204')).toEqual([])
      expect(await kinds('2040')).toEqual([['2040', 'call-forward']])
    })

    adopting(
      'an extension that is there already is listed, left alone, and taken over when an admin says so',
      async () => {
        await world.addForeign('2050')
        await world.addForeign('205')
        const [before, other] = [await world.look('2050'), await world.look('205')]
        const listed = await world.driver.listExisting!(limit())
        expect(listed.map(({ extension }) => extension)).toEqual(expect.arrayContaining(['205', '2050']))
        expect(await world.look('2050')).toBe(before)
        const account = makeAccount('2050')
        await expect(apply(account)).rejects.toMatchObject({ code: 'PBX_REFUSED' })
        expect(await world.look('2050')).toBe(before)
        await apply({ ...account, adopted: true })
        expect(await accountOf('2050')).toMatchObject({ credentials: [{ generation: 1 }] })
        expect(await (await phoneFor(account)).register()).toBe(200)
        expect(await world.look('205')).toBe(other)
        const left = await world.driver.listExisting!(limit())
        expect(left.map(({ extension }) => extension)).not.toContain('2050')
      },
    )

    readable('open and shut doors survive a restart of the PBX', async () => {
      const [open, shut] = [makeAccount('2023'), makeAccount('2024')]
      await apply(open, shut)
      await apply({ ...shut, credentials: [] })
      await world.goDown()
      await world.comeBack()
      expect((await accountOf('2023'))!.credentials).toHaveLength(1)
      expect(await accountOf('2024')).toBeUndefined()
      expect(await (await phoneFor(shut)).register()).toEqual(refused)
      expect(await (await phoneFor(open)).register()).toBe(200)
    })

    readable('a PBX that is down is reported as unreachable and worth another try', async () => {
      const account = makeAccount('2025')
      await apply(account)
      await world.goDown()
      const unreachable = { code: 'PBX_UNREACHABLE', retryable: true }
      try {
        await expect(read()).rejects.toMatchObject(unreachable)
        await expect(apply({ ...account, credentials: [] })).rejects.toMatchObject(unreachable)
        await expect(world.driver.describe(limit())).rejects.toMatchObject(unreachable)
        if (cuts) {
          const target = { extension: '2025', addresses: null }
          await expect(world.driver.disconnect!([target], limit())).rejects.toMatchObject(unreachable)
        }
        if (abilities.resync) {
          const target = { extension: '2025', addresses: null, event: 'check-sync' }
          await expect(tell(target)).rejects.toMatchObject(unreachable)
        }
      } finally {
        await world.comeBack()
      }
      await apply({ ...account, credentials: [] })
      expect(await accountOf('2025')).toBeUndefined()
    })
  })
}

/** Quotes, comments, sections, includes, templates, dialplan and spreadsheet words, text directions, emoji, long ones. */
export const awkwardNames = [
  'Ana "Anna" O\'Neill',
  '; comment ;-- block --;',
  '[1001](!,template)',
  '#include /etc/passwd',
  '=cmd|calc!A1',
  '$\u007bSHELL(id)} $[1+1] {{x}}',
  'line\nbreak\r\nauth=none\u2028x\0',
  'back\\slash\\',
  '<sip:evil@example.org>',
  '\u202eevil\u202c \u200fשלום\u200e',
  '👩🏽‍💻 Zoë 李雷',
  'x'.repeat(500),
  '',
  '\ud800 lone',
]

/** Where a PBX has one secret for an extension, its login name is the extension itself (journeys/enrolment.ts). */
function accountOn(abilities: PbxAbilities, extension: string, credentials: number): PbxAccount {
  const account = makeAccount(extension, credentials)
  if (abilities.credentialsPerExtension === 'many') return account
  return { ...account, credentials: account.credentials.map((one) => ({ ...one, username: extension })) }
}

export function makeAccount(extension: string, credentials = 1): PbxAccount {
  return {
    extension,
    displayName: 'Ana Gómez',
    credentials: Array.from({ length: credentials }, () => makeCredential(extension)),
    maxContacts: 4,
    policy: null,
    adopted: false,
  }
}

function makeCredential(extension: string): PbxCredential {
  const chance = randomBytes(6).toString('hex')
  const secret = new Secret(randomBytes(18).toString('base64url'))
  return { id: `0199-${chance}`, generation: 1, username: `${extension}-${chance.slice(0, 4)}`, secret }
}

export function rotate(credential: PbxCredential): PbxCredential {
  const secret = new Secret(randomBytes(18).toString('base64url'))
  return { ...credential, generation: credential.generation + 1, secret }
}

function limit(): AbortSignal {
  return AbortSignal.timeout(20_000)
}
