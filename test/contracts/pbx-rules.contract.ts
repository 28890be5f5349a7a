import { expect, test } from 'vitest'
import { blockedPolicy, policyText } from '../../src/domain/call-policy.ts'
import { limit, type PbxHand } from './pbx-hand.ts'

/** What people may dial, what outlives them, and what was there before. */
export function pbxRulesContract(hand: PbxHand): void {
  const { abilities, given, apply, accountOf, phoneFor, makeAccount } = hand
  const classes = given(abilities.callClasses === 'enforced', 'this PBX is told no call classes')
  const adopting = given(abilities.adoption, 'on this PBX nothing can be taken over')

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
    if (abilities.callClasses !== 'judged') return expect(hand.world.driver.judgeCalls).toBeUndefined()
    await apply(makeAccount('208'), makeAccount('2080'))
    const before = [hand.world.look?.('208'), hand.world.look?.('2080')]
    const wishes = ['2080', '208'].map((extension) => ({ extension, policy: blockedPolicy }))
    const answers = await hand.world.driver.judgeCalls!(wishes, limit())
    expect(answers.map(({ extension }) => extension)).toEqual(['2080', '208'])
    for (const { seen } of answers) expect(seen).toMatch(/\w/)
    expect([hand.world.look?.('208'), hand.world.look?.('2080')]).toEqual(before)
  })

  test("a call forward is seen, and only on the extension that it belongs to; nobody else's is touched", async ({
    skip,
  }) => {
    if (!hand.world.addLeftover) return skip('this PBX shows no call forwards')
    await apply(makeAccount('204'), makeAccount('2040'))
    for (const extension of ['204', '2040']) await hand.world.addLeftover(extension)
    const kinds = async (extension: string) =>
      (await hand.world.driver.readLeftovers!([extension], limit())).map((one) => [one.extension, one.kind])
    expect(await kinds('204')).toEqual([['204', 'call-forward']])
    // What is found is what is declared.
    expect(['cleared', 'read']).toContain(hand.world.driver.outliving['call-forward'])
    for (const { kind } of (await hand.world.driver.readSharedPins?.(limit())) ?? [])
      expect(hand.world.driver.outliving[kind], kind).toBe('read')
    expect(await kinds('2999')).toEqual([])
    if (!hand.world.driver.clearLeftovers) return
    await hand.world.driver.clearLeftovers(['204'], limit())
    await hand.world.driver.clearLeftovers(['204', '2999'], limit())
    expect(await kinds('204')).toEqual([])
    expect(await kinds('2040')).toEqual([['2040', 'call-forward']])
  })

  adopting(
    'an extension that is there already is listed, left alone, and taken over when an admin says so',
    async () => {
      await hand.world.addForeign('2050')
      await hand.world.addForeign('205')
      const [before, other] = [await hand.world.look('2050'), await hand.world.look('205')]
      const listed = await hand.world.driver.listExisting!(limit())
      expect(listed.map(({ extension }) => extension)).toEqual(expect.arrayContaining(['205', '2050']))
      expect(await hand.world.look('2050')).toBe(before)
      const account = makeAccount('2050')
      await expect(apply(account)).rejects.toMatchObject({ code: 'PBX_REFUSED' })
      expect(await hand.world.look('2050')).toBe(before)
      await apply({ ...account, adopted: true })
      expect(await accountOf('2050')).toMatchObject({ credentials: [{ generation: 1 }] })
      expect(await (await phoneFor(account)).register()).toBe(200)
      expect(await hand.world.look('205')).toBe(other)
      const left = await hand.world.driver.listExisting!(limit())
      expect(left.map(({ extension }) => extension)).not.toContain('2050')
    },
  )
}
