import { describe, expect, test } from 'vitest'
import type { Hub, Revision } from '../../src/tunnels/hub-port.ts'

interface FirewallHand {
  hub(): Hub
  revision(): Revision
  admit(...prefixes: string[]): Promise<void>
  expel(...prefixes: string[]): Promise<void>
}

const signal = () => AbortSignal.timeout(20_000)

/** Whom a hub lets through, as every Hub promises. */
export function hubFirewallContract({ hub, revision, admit, expel }: FirewallHand): void {
  describe('firewall', () => {
    const admitted = async () => (await hub().readFirewall(signal())).admitted

    test('who is admitted is listed in canonical form, twice or not, and an expelled one is gone', async () => {
      await admit('10.77.0.3/32', '10.77.0.2', 'fd77:77::2/128', '10.78.1.0/24')
      await admit('10.77.0.3/32', '10.78.2.0/24')
      expect(await hub().readFirewall(signal())).toEqual({
        admitted: ['10.77.0.2/32', '10.77.0.3/32', '10.78.1.0/24', '10.78.2.0/24', 'fd77:77::2/128'],
        rulesIntact: true,
      })
      await expel('10.77.0.3/32', '10.78.1.0/24')
      await expel('10.77.0.3/32', '10.77.0.77/32')
      expect(await admitted()).toEqual(['10.77.0.2/32', '10.78.2.0/24', 'fd77:77::2/128'])
    })

    test('an address within an admitted subnet can be shut alone', async () => {
      await admit('10.78.1.0/30')
      await expel('10.78.1.2/32')
      expect(await admitted()).toEqual(['10.78.1.0/31', '10.78.1.3/32'])
    })

    test('one change may shut some and admit others, also where they overlap', async () => {
      await admit('10.77.0.2/32', '10.78.1.7/32')
      const change = { admit: ['10.78.1.0/24', '10.77.0.3/32'], expel: ['10.77.0.2/32'] }
      await hub().applyFirewall({ revision: revision(), ...change }, signal())
      expect(await admitted()).toEqual(['10.77.0.3/32', '10.78.1.0/24'])
    })

    test('some addresses of a subnet are admitted and the rest of it shut, in one change and again', async () => {
      await admit('10.78.1.0/28', '10.78.2.2/32')
      const change = { admit: ['10.78.1.2/32', '10.78.1.3/32'], expel: ['10.78.1.0/28'] }
      for (const _ of [1, 2]) {
        await hub().applyFirewall({ revision: revision(), ...change }, signal())
        expect(await admitted()).toEqual(['10.78.1.2/32', '10.78.1.3/32', '10.78.2.2/32'])
      }
    })

    test("a prefix outside the hub's subnets is never admitted, but may always be shut", async () => {
      await expect(admit('10.77.0.2/32', '192.0.2.0/24')).rejects.toMatchObject({ code: 'HUB_REFUSED' })
      await expel('192.0.2.0/24')
      expect(await admitted()).toEqual([])
    })

    test('a thousand are admitted and shut in one request each', async () => {
      const many = Array.from({ length: 1_000 }, (_, at) => `10.77.${4 + (at >> 8)}.${at & 255}/32`)
      await admit(...many)
      expect(await admitted()).toEqual([...many].sort())
      await expel(...many)
      expect(await admitted()).toEqual([])
    })
  })
}
