import { beforeEach, describe, expect, test } from 'vitest'
import type { Subject } from '../../src/domain/access.ts'
import { tombstoneOf } from '../../src/domain/tombstone.ts'
import * as cast from './store-cast.ts'
import type { StoreHand } from './store-hand.ts'

/** The doors of phones behind a home gateway, on every database. */
export function storeGatewayDoorsContract({ store, write }: StoreHand): void {
  describe('what each door should be', () => {
    beforeEach(() => write((tx) => cast.onboard(tx, 1, 2)))

    test('phones behind a gateway speak from their reserved address; a login without a handset from all of its phones', async () => {
      await write(async (tx) => {
        await tx.insert('gateway', [cast.gateway(1)])
        await tx.insert('handset', [
          cast.handset(3, { employeeId: 'e1', assignmentId: 'a1', gatewayId: 'g1', phoneAddress: '10.78.0.2' }),
        ])
        await tx.insert('tunnel', [cast.tunnel(4, { carrierKind: 'gateway', carrierId: 'g1' })])
        await tx.insert('tunnelAddress', [
          cast.address(4),
          cast.address(5, { tunnelId: 't4', prefix: '10.78.0.0/29', purpose: 'phones' }),
        ])
        await tx.insert('sipCredential', [
          cast.credential(3, { assignmentId: 'a1', username: 'behind' }),
          cast.credential(4, { assignmentId: 'a1', handsetId: null, username: 'all' }),
        ])
      })
      const [behind, all] = await store().subjects('sip-credential', ['s3', 's4'])
      expect(behind).toMatchObject({ addresses: ['10.78.0.2/32'], certificate: false, extensionShared: true })
      expect(all).toMatchObject({ addresses: ['10.77.0.1/32', '10.78.0.2/32'], certificate: false })
      expect((await store().subjects('tunnel', ['t4']))[0]).toMatchObject({
        employeeId: 'e1',
        prefixes: ['10.77.0.4/32', '10.78.0.0/29'],
        admitted: ['10.77.0.4/32', '10.78.0.2/32'],
      })
      expect(Object.fromEntries(await store().prefixHolders('default'))).toMatchObject({
        '10.77.0.4/32': 't4',
        '10.78.0.0/29': 't4',
        '10.78.0.2/32': 'h3',
      })
    })

    test('a gateway that two people share is shown to both until the phone of the other has gone', async () => {
      await write(async (tx) => {
        await cast.onboard(tx, 6)
        await tx.insert('gateway', [cast.gateway(1)])
        await tx.insert('tunnel', [cast.tunnel(4, { carrierKind: 'gateway', carrierId: 'g1' })])
        await tx.insert('tunnelAddress', [cast.address(4)])
        await tx.put('verdict', [cast.verdict(4, { employeeId: 'e1' })])
        await tx.update('handset', 'h6', { gatewayId: 'g1', phoneAddress: '10.78.0.3' })
      })
      const shown = async (...people: string[]) =>
        (await store().employeesWithAccess({ ids: people })).map(
          ({ employee, gateways, tunnels, addresses, verdicts }) => [
            employee.id,
            gateways.map(({ id }) => id).join(),
            tunnels.map(({ id }) => id).join(),
            addresses.map(({ id }) => id).join(),
            verdicts.filter(({ subjectId }) => subjectId === 't4').length,
          ],
        )
      expect(await shown('e1', 'e6')).toEqual([
        ['e1', 'g1', 't1,t4', 'ta1,ta4', 1],
        ['e6', 'g1', 't4,t6', 'ta4,ta6', 1],
      ])
      expect(await shown('e6')).toEqual([['e6', 'g1', 't4,t6', 'ta4,ta6', 1]])
      expect((await store().employeesWithAccess({})).find(({ employee }) => employee.id === 'e2')!.gateways).toEqual([])
      await write((tx) => tx.update('handset', 'h6', { removedAt: cast.at(5) }))
      expect(await shown('e1', 'e6')).toEqual([
        ['e1', 'g1', 't1,t4', 'ta1,ta4', 1],
        ['e6', '', 't6', 'ta6', 0],
      ])
    })

    test('the address of a phone that left its gateway is shut, unless another phone has it by now', async () => {
      const left: Subject = {
        kind: 'tunnel',
        id: 't4#h3',
        employeeId: 'e1',
        wanted: 'closed',
        generation: 2,
        hubId: 'default',
        publicKeys: [],
        activeKey: null,
        retiredKeys: [],
        prefixes: ['10.78.0.2/32'],
        admitted: [],
        gatewayStays: { keys: ['gateway-key'] },
        presharedKeySealed: null,
      }
      await write((tx) => tx.put('tombstone', [tombstoneOf(left, cast.at(5))]))
      for (const ids of [undefined, ['t4#h3']])
        expect((await store().subjects('tunnel', ids)).find(({ id }) => id === 't4#h3')).toEqual(left)
      await write(async (tx) => {
        await tx.insert('gateway', [cast.gateway(1)])
        await tx.insert('tunnel', [cast.tunnel(4, { carrierKind: 'gateway', carrierId: 'g1' })])
        await tx.update('handset', 'h2', { gatewayId: 'g1', phoneAddress: '10.78.0.2' })
      })
      for (const ids of [undefined, ['t4#h3']])
        expect((await store().subjects('tunnel', ids)).find(({ id }) => id === 't4#h3')).toEqual({
          ...left,
          prefixes: [],
        })
    })
  })
}
