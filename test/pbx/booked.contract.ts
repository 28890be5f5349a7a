/** What holds for every PBX with one secret for each extension, whose interface says neither whose one is nor tells the truth. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { awkwardNames, makeAccount, rotate } from '../contracts/pbx-accounts.ts'
import { type BookedBench, loginOf, refused, shut, signal, unreachable } from './booked-bench.ts'

export function bookedContract(product: string, makeBench: () => Promise<BookedBench>): void {
  describe(product, () => {
    let bench: BookedBench
    beforeEach(async () => {
      bench = await makeBench()
    })
    afterEach(() => bench[Symbol.asyncDispose]())

    const apply = (...accounts: PbxAccount[]) => bench.apply(...accounts)
    const rotated = (account: PbxAccount) => ({ ...account, credentials: [rotate(account.credentials[0]!)] })
    const { addExtension, removeExtension, extension, fields } = {
      addExtension: (...given: Parameters<BookedBench['shape']['addExtension']>) => bench.shape.addExtension(...given),
      removeExtension: (number: string) => bench.shape.removeExtension(number),
      extension: (number: string) => bench.shape.extension(number)!,
      fields: () => bench.shape.fields,
    }
    const registers = (account: PbxAccount) =>
      bench.fake.register(account.extension, ...loginOf(account), '10.77.0.2') === 200

    describe('closing an extension', () => {
      test('it stays, with secrets that nobody knows for phones and every other way in', async () => {
        const account = makeAccount('1001')
        await apply(account)
        const before = { ...extension('1001') }
        await apply(shut(account))
        const after = extension('1001')
        const { id, secret, otherWays } = fields()
        expect(after[id]).toBe(before[id])
        for (const name of [secret, ...otherWays]) expect(after[name], name).not.toBe(before[name])
        expect(registers(account)).toBe(false)
        expect(await bench.of('1001')).toBeUndefined()
        const sofar = bench.fake.https.asked.length
        await apply(shut(account))
        expect(bench.fake.https.asked.slice(sofar).filter(({ method }) => method !== 'GET')).toEqual([])
      })

      test('one that was deleted by hand is shut, and comes back when it should be open', async () => {
        const [leaver, stayer] = [makeAccount('1001'), makeAccount('1002')]
        await apply(leaver, stayer)
        removeExtension('1001')
        removeExtension('1002')
        expect((await bench.read()).accounts).toEqual([])
        await apply(shut(leaver), stayer)
        expect(extension('1001')).toBeUndefined()
        expect(await bench.of('1002')).toMatchObject({ credentials: [{ generation: 1 }] })
      })

      test('one that somebody deleted and made anew is his', async () => {
        const account = makeAccount('1001')
        await apply(account)
        removeExtension('1001')
        addExtension('1001')
        const before = bench.fake.snapshot()
        expect((await bench.read()).foreign).toEqual(['1001'])
        await expect(apply(account)).rejects.toMatchObject(refused)
        await apply(shut(account))
        expect(bench.fake.snapshot()).toBe(before)
      })

      test('a PBX that was restored from a backup lets the leaver in again: seen, and shut again', async () => {
        const account = makeAccount('1001')
        await apply(account)
        const [username, secret] = loginOf(account)
        await apply(rotated(account))
        await apply(shut(account))
        expect(await bench.of('1001')).toBeUndefined()
        Object.assign(extension('1001'), { [fields().login]: username, [fields().secret]: secret })
        expect(await bench.of('1001')).toMatchObject({
          credentials: [{ id: account.credentials[0]!.id, generation: 1 }],
        })
        await apply(shut(account))
        expect(await bench.of('1001')).toBeUndefined()
      })

      test('one that comes back under another id, by an import or a backup, with a password of ours is shut again', async () => {
        const account = makeAccount('1001')
        await apply(account)
        await apply(shut(account))
        removeExtension('1001')
        const [username, secret] = loginOf(account)
        addExtension('1001', { [fields().login]: username, [fields().secret]: secret })
        expect(await bench.of('1001')).toMatchObject({
          credentials: [{ id: account.credentials[0]!.id, generation: 1 }],
        })
        await apply(shut(account))
        expect(registers(account)).toBe(false)
        expect(await bench.of('1001')).toBeUndefined()
        expect((await bench.read()).foreign).toEqual([])
      })
    })

    describe('taking over an extension', () => {
      test('whoever had it before keeps no way in, and a new password for the same phone locks nobody out', async () => {
        addExtension('1001')
        const before = { ...extension('1001') }
        const account = { ...makeAccount('1001'), adopted: true }
        await apply(account)
        const taken = { ...extension('1001') }
        for (const name of fields().otherWays) expect(taken[name], name).not.toBe(before[name])
        await apply(rotated(account))
        for (const name of fields().otherWays) expect(extension('1001')[name], name).toBe(taken[name])
        await apply({ ...makeAccount('1001'), adopted: true })
        for (const name of fields().otherWays) expect(extension('1001')[name], name).not.toBe(taken[name])
      })

      test('counts once: one that was made anew since for somebody else is not taken over again', async () => {
        const { name, login, secret } = fields()
        addExtension('1001')
        const account = { ...makeAccount('1001'), adopted: true }
        await apply(account)
        removeExtension('1001')
        addExtension('1001', { [name]: 'Bo', [login]: 'bo', [secret]: 'the secret of Bo' })
        const before = bench.fake.snapshot()
        await expect(apply(account)).rejects.toMatchObject({ code: 'PBX_REFUSED' })
        await expect(apply(rotated(account))).rejects.toMatchObject({ code: 'PBX_REFUSED' })
        await apply(shut(account))
        expect(bench.fake.snapshot()).toBe(before)
        // Somebody says so again, now that the one before has left: then it is.
        await apply({ ...makeAccount('1001'), adopted: true })
        expect(bench.fake.register('1001', 'bo', 'the secret of Bo', '10.77.0.2')).toBe(401)
      })
    })

    describe('what it says and what it does', () => {
      test('a "yes" that changes nothing is an error', async () => {
        const account = makeAccount('1001')
        await apply(account)
        bench.fake.faults.keepOld = true
        const saidYes = { ...refused, message: expect.stringContaining('said yes') }
        await expect(apply(rotated(account))).rejects.toMatchObject(saidYes)
        expect(await bench.of('1001')).toMatchObject({ credentials: [{ generation: 1 }] })
        await expect(apply(shut(account))).rejects.toMatchObject(refused)
        await expect(apply(makeAccount('1002'))).rejects.toMatchObject(refused)
      })

      test('what a change takes along is written back, or told', async () => {
        const account = makeAccount('1001')
        await apply(account)
        const { other } = fields()
        extension('1001')[other] = '0301234567'
        bench.fake.faults.dropField = other
        await apply(rotated(account))
        expect(extension('1001')[other]).toBe('0301234567')
        bench.fake.faults.dropAgain = true
        await expect(apply(rotated(account))).rejects.toMatchObject({ message: expect.stringContaining(other) })
      })

      test('a change whose answer is lost is found done when it is tried again', async () => {
        const account = makeAccount('1001')
        await apply(makeAccount('1002'))
        bench.fake.https.faults.lostAnswer = true
        await expect(apply(account)).rejects.toMatchObject(unreachable)
        await apply(account)
        expect(await bench.of('1001')).toMatchObject({ credentials: [{ generation: 1 }] })
      })

      test('nothing else changes: others are the same before and after a whole life of ours', async () => {
        for (const [index, name] of awkwardNames.entries())
          addExtension(String(3000 + index), { [fields().name]: name })
        addExtension('10010')
        const before = bench.fake.snapshot()
        const account = { ...makeAccount('1001'), displayName: `Robert'); DROP TABLE--` }
        await apply(account)
        await apply(rotated(account))
        await apply(shut(account))
        removeExtension('1001')
        expect(bench.fake.snapshot()).toBe(before)
      })
    })

    describe('its list', () => {
      test('that is shorter than announced is none', async () => {
        await apply(makeAccount('1001'))
        bench.fake.faults.shortList = true
        await expect(bench.read()).rejects.toMatchObject(unreachable)
      })

      test('of more than one page is read whole, and one that changes between two pages is none', async () => {
        for (let number = 2000; number < 2230; number++) addExtension(String(number))
        await apply(makeAccount('1001'))
        const { accounts, foreign } = await bench.read()
        expect([accounts.length, foreign.length]).toEqual([1, 230])
        for (const change of [() => removeExtension('2000'), () => void addExtension('1000')]) {
          bench.fake.afterPage = () => {
            bench.fake.afterPage = () => undefined
            change()
          }
          await expect(bench.read()).rejects.toMatchObject(unreachable)
        }
        expect((await bench.read()).foreign).toHaveLength(230)
      })
    })

    describe('the way to it', () => {
      test('one login serves all; a token that somebody else ended is renewed once', async () => {
        const ask = () => Promise.all([bench.read(), bench.read(), bench.driver.describe(signal())])
        await apply(makeAccount('1001'))
        await ask()
        expect(bench.fake.logins()).toBe(1)
        bench.fake.logInElsewhere()
        await ask()
        expect(bench.fake.logins()).toBe(2)
        bench.fake.faults.stealTokens = true
        bench.fake.logInElsewhere()
        const stolen = { ...refused, message: expect.stringContaining('takes it no more') }
        await expect(bench.read()).rejects.toMatchObject(stolen)
        // One new login and no more: whoever ends our token again and again is not fought.
        expect(bench.fake.logins()).toBe(3)
      })

      test('silence, nonsense, half an answer and a wrong key are errors, and nothing is taken for empty', async () => {
        await apply(makeAccount('1001'))
        const { faults } = bench.fake.https
        for (const [name, expected] of [
          ['hang', { ...unreachable, message: expect.stringContaining('in time') }],
          ['half', unreachable],
          ['garbage', { ...refused, message: expect.stringContaining('not JSON') }],
        ] as const) {
          faults[name] = true
          await expect(bench.read(), name).rejects.toMatchObject(expected)
          faults[name] = false
        }
        const wrong = bench.open({ clientSecret: new Secret('wrong') })
        await expect(wrong.describe(signal())).rejects.toMatchObject(refused)
      })

      test("a PBX that never answers is given up when the caller's time is up", async () => {
        bench.fake.https.faults.hang = true
        const patient = bench.open({ timeoutMs: 60_000 })
        await expect(patient.readAccounts(AbortSignal.timeout(100))).rejects.toMatchObject(unreachable)
      })

      test('a certificate that nobody vouches for ends the talk before the key is sent', async () => {
        for (const changes of [{ ca: undefined }, { origin: bench.fake.https.url.replace('localhost', '127.0.0.1') }]) {
          await expect(bench.open(changes).describe(signal())).rejects.toMatchObject({
            ...unreachable,
            message: expect.stringContaining('certificate'),
          })
        }
        expect(bench.fake.https.asked).toEqual([])
      })
    })
  })
}
