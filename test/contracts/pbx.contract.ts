import { describe, expect, test } from 'vitest'
import { reachOfLeftovers, showsSharedPins } from '../../src/domain/outliving.ts'
import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { pbxAccountsContract } from './pbx-accounts.contract.ts'
import { pbxCuttingContract } from './pbx-cutting.contract.ts'
import { limit, openHand, type PbxWorld } from './pbx-hand.ts'
import { pbxLastingContract } from './pbx-lasting.contract.ts'
import { neighboursContract } from './pbx-neighbours.contract.ts'
import { pbxRulesContract } from './pbx-rules.contract.ts'
import { abilitiesSeen, readSeen, writeSeen } from './pbx-seen.ts'
import { pbxTellingContract } from './pbx-telling.contract.ts'

/** What every driver must do; a test that asks for an ability the PBX lacks is skipped and says so. */
export function pbxContract(name: string, abilities: PbxAbilities, makeWorld: () => Promise<PbxWorld>): void {
  describe(`PBX contract: ${name}`, () => {
    const hand = openHand(abilities, makeWorld)

    // First: what every change writes would be there already after another test.
    neighboursContract(hand)

    test('what is declared is what is there', () => {
      expect(hand.world.driver.abilities).toEqual(abilities)
      expect(hand.world.driver.disconnect !== undefined).toBe(hand.cuts)
      const reach = reachOfLeftovers(hand.world.driver.outliving)
      expect(hand.world.addLeftover !== undefined).toBe(reach !== 'unseen')
      expect(hand.world.driver.readLeftovers !== undefined).toBe(reach !== 'unseen')
      expect(hand.world.driver.clearLeftovers !== undefined).toBe(reach === 'cleared')
      expect(hand.world.driver.readSharedPins !== undefined).toBe(showsSharedPins(hand.world.driver.outliving))
      expect(hand.world.driver.listExisting !== undefined).toBe(abilities.adoption)
      expect(hand.world.driver.revocations !== undefined).toBe(abilities.revocationLists === 'enforced')
    })

    test('what docs/pbx.md says of it is what was seen here (UPDATE_DOCS=1 writes it down)', async () => {
      const { driver, parts } = hand.world
      if (parts === null) return
      const seen = { suite: name, parts, abilities: abilitiesSeen(driver) }
      if (process.env.UPDATE_DOCS === '1')
        await writeSeen({ ...seen, product: (await driver.describe(limit())).product })
      expect(await readSeen(name)).toEqual({ ...seen, product: expect.stringMatching(/\w/) })
    })

    pbxAccountsContract(hand)
    pbxCuttingContract(hand)
    pbxTellingContract(hand)
    pbxRulesContract(hand)
    pbxLastingContract(hand)
  })
}
