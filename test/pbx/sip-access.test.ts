import { describe, expect, test } from 'vitest'
import { reconcile } from '../../src/access/reconcile.ts'
import { Secret } from '../../src/domain/secret.ts'
import { AppError } from '../../src/errors.ts'
import { manualDriver } from '../../src/pbx/manual.ts'
import { fakePbx } from '../fakes/fake-pbx.ts'
import { anasPhone, bensPhone, phoneOf, shut, subject, systemOn, world } from './sip-world.ts'

describe('the SIP accounts of one PBX', () => {
  test('a new phone is let in, and the evidence says which generation of its secret is in force', async () => {
    const { pass } = world(anasPhone)
    const { outcomes } = await pass(subject(anasPhone))
    expect(outcomes[0]!.finding).toMatchObject({
      state: 'as-desired',
      evidence: { summary: 'credential generation 1 in force on Fake PBX 1.0, with the issued secret' },
    })
    expect(JSON.stringify(outcomes)).not.toContain('anas-secret')
  })

  test('a leaver is out: no credential, no registration, no call', async () => {
    const { fake, pass, want } = world(anasPhone)
    await pass(subject(anasPhone))
    expect([fake.register(phoneOf(anasPhone)), fake.call(phoneOf(anasPhone))]).toEqual([200, 200])
    want()
    const { outcomes } = await pass(shut(anasPhone))
    expect(outcomes[0]!.finding).toMatchObject({
      state: 'as-desired',
      evidence: {
        summary:
          'REGISTER with the old secret has nothing to match on Fake PBX 1.0: no such credential, no registration, no call',
      },
    })
    expect(fake.register(phoneOf(anasPhone))).toBe(401)
  })

  test('a PBX that says yes and does nothing is not believed', async () => {
    const { fake, pass, want } = world(anasPhone)
    await pass(subject(anasPhone))
    fake.register(phoneOf(anasPhone))
    want()
    fake.faults.keepOld = true
    expect((await pass(shut(anasPhone))).outcomes[0]!.finding).toMatchObject({
      state: 'differs',
      problem: expect.stringContaining('credential generation 1 in force'),
    })
    fake.faults.keepOld = false
    fake.faults.keepConnections = true
    fake.call(phoneOf(anasPhone))
    expect((await pass(shut(anasPhone))).outcomes[0]!.finding).toMatchObject({
      state: 'differs',
      problem: expect.not.stringContaining('credential'),
    })
    fake.faults.keepConnections = false
    expect((await pass(shut(anasPhone))).outcomes[0]!.finding.state).toBe('as-desired')
  })

  test('an old secret that is kept during a rotation is told from the new one', async () => {
    const { fake, pass, want } = world(anasPhone)
    await pass(subject(anasPhone))
    const next = { ...anasPhone, generation: 2, secret: new Secret('new') }
    want(next)
    fake.faults.keepOld = true
    expect((await pass(subject(next))).outcomes[0]!.finding).toMatchObject({
      state: 'differs',
      evidence: { summary: 'instead of credential generation 2, 1 is in force on Fake PBX 1.0' },
    })
  })

  test('a right generation with a wrong secret is not right', async () => {
    const { fake, pass } = world(anasPhone)
    fake.faults.wrongDigest = true
    expect((await pass(subject(anasPhone))).outcomes[0]!.finding).toMatchObject({
      state: 'differs',
      problem: expect.stringContaining('another secret'),
    })
  })

  test('of two phones on one extension only the one that left is cut', async () => {
    const { fake, pass, want } = world(anasPhone, bensPhone)
    await pass(subject(anasPhone), subject(bensPhone))
    const [ana, ben] = [phoneOf(anasPhone, '10.77.0.9'), phoneOf(bensPhone, '10.77.0.10')]
    expect([ana, ben].flatMap((phone) => [fake.register(phone), fake.call(phone)])).toEqual([200, 200, 200, 200])
    want(bensPhone)
    const leaver = shut(anasPhone, { extensionShared: true, addresses: ['10.77.0.9'] })
    const { outcomes } = await pass(leaver, subject(bensPhone, { addresses: ['10.77.0.10'] }))
    expect(outcomes.map(({ finding }) => finding.state)).toEqual(['as-desired', 'as-desired'])
    expect(outcomes[0]!.finding).toMatchObject({
      evidence: { summary: expect.stringContaining('from 10.77.0.9 (extension 1001 serves another phone)') },
    })
    const state = JSON.parse(fake.snapshot())
    expect(state.accounts[0]).toMatchObject({
      registrations: [{ address: '10.77.0.10' }],
      calls: [{ address: '10.77.0.10' }],
    })
  })

  test('a login beside it that belongs to no phone of ours is called just that', async () => {
    const { pass, want } = world(anasPhone, bensPhone)
    await pass(subject(anasPhone), subject(bensPhone))
    want(bensPhone)
    const { outcomes } = await pass(shut(anasPhone, { addresses: ['10.77.0.9'] }))
    expect(outcomes[0]!.finding).toMatchObject({
      state: 'as-desired',
      evidence: { summary: expect.stringContaining('from 10.77.0.9 (extension 1001 has another login there)') },
    })
  })

  test('a door that should be open is not shut because the list of credentials came back empty', async () => {
    const { fake, pass, desired, system } = world(anasPhone)
    await pass(subject(anasPhone))
    const before = fake.snapshot()
    desired.clear()
    await expect(system.apply([subject(anasPhone)], AbortSignal.timeout(5000))).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    expect(fake.snapshot()).toBe(before)
  })

  test('a list that still names the closed phone does not open it again', async () => {
    const { fake, pass, system } = world(anasPhone, bensPhone)
    await pass(subject(anasPhone), subject(bensPhone))
    await system.apply([shut(anasPhone, { extensionShared: true })], AbortSignal.timeout(5000))
    expect([fake.register(phoneOf(anasPhone)), fake.register(phoneOf(bensPhone))]).toEqual([401, 200])
  })

  test('a phone whose secret is gone is cut, although the PBX refused a change of somebody else', async () => {
    const { fake, desired, pass } = world(anasPhone)
    await pass(subject(anasPhone))
    expect(fake.register(phoneOf(anasPhone))).toBe(200)
    fake.addForeign('1002')
    desired.set('1001', { ...desired.get('1001')!, credentials: [] })
    desired.set('1002', { ...desired.get('1001')!, extension: '1002', credentials: [bensPhone] })
    const busy = new AppError('PBX_REFUSED', 'the PBX is busy with 1002', { retryable: true })
    const system = systemOn(
      {
        ...fake.driver,
        applyAccounts: (accounts, signal) =>
          fake.driver.applyAccounts(accounts, signal).catch(() => {
            throw busy
          }),
      },
      desired,
    )
    const ben = subject(bensPhone, { extension: '1002' })
    await expect(system.apply([ben, shut(anasPhone)], AbortSignal.timeout(5000))).rejects.toBe(busy)
    const state = await fake.driver.readAccounts(AbortSignal.timeout(5000))
    expect(state.accounts.flatMap(({ registrations }) => registrations)).toEqual([])
    expect(fake.counts.disconnect).toBe(1)
  })

  test('a PBX that is down, refuses or never answers gives a problem and no verdict', async () => {
    const { fake, pass, system } = world(anasPhone)
    fake.faults.refuse = true
    expect((await pass(subject(anasPhone))).outcomes[0]!.finding).toMatchObject({
      state: 'failed',
      problem: 'the PBX refused',
    })
    fake.faults.down = true
    expect((await pass(subject(anasPhone))).outcomes[0]!.finding).toMatchObject({
      state: 'failed',
      problem: 'the PBX is not reachable',
    })
    fake.faults.down = false
    fake.faults.hang = true
    await expect(system.read(AbortSignal.timeout(20))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
  })

  test('a listing that comes back empty shows an open phone as missing and writes it again', async () => {
    const { fake, pass } = world(anasPhone)
    await pass(subject(anasPhone))
    fake.faults.answerEmpty = true
    expect((await pass(subject(anasPhone))).outcomes[0]!.finding.state).toBe('differs')
    fake.faults.answerEmpty = false
    expect(fake.register(phoneOf(anasPhone))).toBe(200)
  })

  test('what nobody here issued is reported: an unknown credential, a phone from elsewhere', async () => {
    const { fake, pass } = world(anasPhone, bensPhone)
    await pass(subject(anasPhone), subject(bensPhone))
    fake.register(phoneOf(anasPhone, '203.0.113.7'))
    fake.addForeign('200')
    const { strangers } = await pass(subject(anasPhone, { addresses: ['10.77.0.9'] }))
    expect(strangers).toEqual([
      'extension 1001 on the PBX takes a credential that Ringfence does not know (ben, generation 1)',
      'a phone registered as extension 1001 from 203.0.113.7, which is none of its tunnels (fake)',
    ])
  })

  test('on a PBX operated by hand every change waits for a person, told what to do without the secret', async () => {
    const desired = new Map([
      [
        '1001',
        {
          extension: '1001',
          displayName: 'Ana',
          credentials: [anasPhone],
          maxContacts: 1,
          policy: null,
          adopted: false,
        },
      ],
    ])
    const system = systemOn(manualDriver({ name: 'Office PBX', realm: 'office.example.com' }), desired)
    const subjects = [subject(anasPhone), shut(anasPhone), shut(anasPhone, { extensionShared: true })]
    const { outcomes } = await reconcile(system, subjects, {
      actFirst: true,
      whole: true,
      signal: AbortSignal.timeout(5000),
    })
    expect(outcomes.map(({ finding }) => finding.state)).toEqual(['waiting', 'waiting', 'waiting'])
    const steps = outcomes.map(({ finding }) => ('problem' in finding ? finding.problem : ''))
    expect(steps[0]).toMatch(/create extension 1001.*1001-ana.*realm office\.example\.com/)
    expect(steps[1]).toMatch(/block extension 1001 or delete it/)
    expect(steps[2]).toMatch(/1001 serves another phone by now/)
    expect(JSON.stringify(outcomes)).not.toContain('anas-secret')
  })

  test('a PBX that takes changes but shows nothing is never green', async () => {
    const fake = fakePbx({ readBack: false })
    const desired = new Map([
      [
        '1001',
        {
          extension: '1001',
          displayName: 'Ana',
          credentials: [anasPhone],
          maxContacts: 1,
          policy: null,
          adopted: false,
        },
      ],
    ])
    const system = systemOn(fake.driver, desired)
    const run = () =>
      reconcile(system, [subject(anasPhone)], { actFirst: false, whole: true, signal: AbortSignal.timeout(5000) })
    expect((await run()).outcomes[0]!.finding.state).toBe('unverifiable')
    expect(fake.register(phoneOf(anasPhone))).toBe(200)
    fake.faults.down = true
    expect((await run()).outcomes[0]!.finding.state).toBe('failed')
  })
})
