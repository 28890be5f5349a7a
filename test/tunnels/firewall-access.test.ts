import { describe, expect, test } from 'vitest'
import type { TunnelSubject } from '../../src/domain/access.ts'
import { closed, signal, subject, tunnelOffice } from './tunnel-office.ts'

const office = tunnelOffice()
const { nextRevision, firewall, look, lookAtFirewall } = office

describe("a hub's firewall", () => {
  test('admits open tunnels and shuts closed ones, seen on re-read', async () => {
    const [one, leaver] = [subject(), subject()]
    await firewall().apply([one, leaver], signal())
    expect((await lookAtFirewall(one, leaver)).map(({ state }) => state)).toEqual(['as-desired', 'as-desired'])
    expect((await lookAtFirewall(closed(leaver)))[0]).toMatchObject({ state: 'differs' })
    await firewall().apply([closed(leaver)], signal())
    expect((await lookAtFirewall(one, closed(leaver)))[1]).toMatchObject({
      state: 'as-desired',
      evidence: { summary: `the firewall of ringfence0 does not admit ${leaver.prefixes[0]} on re-read` },
    })
    expect((await lookAtFirewall(one))[0]).toMatchObject({ state: 'as-desired' })
  })

  test('a wide prefix that somebody added re-opens no door unseen', async () => {
    const leaver = closed(subject({ prefixes: ['10.78.7.0/24'] }))
    await office.hub.applyFirewall({ revision: nextRevision(), admit: ['10.78.0.0/16'], expel: [] }, signal())
    expect((await lookAtFirewall(leaver))[0]).toMatchObject({ state: 'differs' })
    await firewall().apply([leaver], signal())
    expect((await lookAtFirewall(leaver))[0]).toMatchObject({ state: 'as-desired' })
  })

  test("the tombstone of an address's last owner does not shut its next one out", async () => {
    const last = closed(subject())
    const next = subject({ prefixes: last.prefixes })
    office.holders.set(last.prefixes[0]!, next.id)
    await firewall().apply([next], signal())
    expect((await lookAtFirewall(last))[0]).toMatchObject({
      state: 'as-desired',
      evidence: { summary: 'its addresses now belong to another tunnel' },
    })
    await firewall().apply([last], signal())
    expect((await lookAtFirewall(next))[0]).toMatchObject({ state: 'as-desired' })
  })

  test('of a gateway only its carrier and the reserved addresses of its phones are admitted, nothing else of its subnet', async () => {
    const gateway = subject({
      prefixes: ['10.77.2.200/32', '10.78.1.0/28'],
      admitted: ['10.77.2.200/32', '10.78.1.2/32', '10.78.1.3/32'],
    })
    // As an older version had it, or as somebody added it.
    await office.hub.applyFirewall({ revision: nextRevision(), admit: gateway.prefixes, expel: [] }, signal())
    expect((await lookAtFirewall(gateway))[0]).toMatchObject({
      state: 'differs',
      problem: 'the firewall of ringfence0 admits 10.78.1.0/28, which no phone has',
    })
    await firewall().apply([gateway], signal())
    expect((await office.hub.readFirewall(signal())).admitted).toEqual(gateway.admitted)
    expect((await lookAtFirewall(gateway))[0]).toMatchObject({ state: 'as-desired' })
    expect(firewall().strangers!([gateway], await firewall().read(signal()))).toEqual([])
    const fewer = { ...gateway, admitted: ['10.77.2.200/32', '10.78.1.3/32'], generation: 2 }
    expect((await lookAtFirewall(fewer))[0]).toMatchObject({ state: 'differs' })
    await firewall().apply([fewer], signal())
    expect((await office.hub.readFirewall(signal())).admitted).toEqual(fewer.admitted)
  })

  test('a phone that left a gateway which stays is shut by its address, and the rest is said as it is', async () => {
    const stays = subject({
      prefixes: ['10.77.2.201/32', '10.78.2.0/28'],
      admitted: ['10.77.2.201/32', '10.78.2.3/32'],
    })
    const left: TunnelSubject = {
      ...closed(subject({ publicKeys: [] })),
      prefixes: ['10.78.2.2/32'],
      gatewayStays: { keys: [] },
    }
    await office.hub.applyFirewall({ revision: nextRevision(), admit: ['10.78.2.2/32'], expel: [] }, signal())
    expect((await lookAtFirewall(left))[0]).toMatchObject({ state: 'differs' })
    await firewall().apply([stays, left], signal())
    expect((await lookAtFirewall(stays, left)).map(({ state }) => state)).toEqual(['as-desired', 'as-desired'])
    expect((await look(left))[0]).toMatchObject({
      state: 'unverifiable',
      problem: 'shared gateway, return the phone',
    })
  })

  test('rules that somebody changed are a problem of every tunnel until they are put back', async () => {
    const [one, gone] = [subject(), closed(subject())]
    await firewall().apply([one], signal())
    office.hub.rulesIntact = false
    expect((await lookAtFirewall(one, gone)).map(({ state }) => state)).toEqual(['differs', 'differs'])
    await firewall().apply([gone], signal())
    expect((await lookAtFirewall(one, gone)).map(({ state }) => state)).toEqual(['as-desired', 'as-desired'])
  })

  test('an admitted address that belongs to no tunnel is named', async () => {
    await office.hub.applyFirewall({ revision: nextRevision(), admit: ['10.77.9.9/32'], expel: [] }, signal())
    const snapshot = await firewall().read(signal())
    expect(firewall().strangers!([subject()], snapshot)).toEqual([
      '10.77.9.9/32 is admitted by the firewall of ringfence0 but belongs to no tunnel',
    ])
  })
})
