import { setImmediate as settled } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { passwordTurns } from '../../src/journeys/password-turns.ts'

const limits = { atOnce: 1, mostOfNetwork: 3, mostWaiting: 4 }

describe('the turns for passwords', () => {
  test('go round over the networks: who comes last does not wait for everybody of another network', async () => {
    const turns = passwordTurns(limits)
    const order: string[] = []
    const comes = async (network: string, name: string) => {
      const leave = await turns.enter(network)
      order.push(leave ? name : `${name} refused`)
      await settled()
      leave?.()
    }
    await Promise.all([
      comes('flood', 'f1'),
      comes('flood', 'f2'),
      comes('flood', 'f3'),
      comes('flood', 'f4'),
      comes('home', 'h1'),
    ])
    expect(order).toEqual(['f1', 'f4 refused', 'f2', 'h1', 'f3'])
    expect(await turns.enter('flood')).not.toBeNull()
  })

  test('have room for so many who wait and no more', async () => {
    const turns = passwordTurns(limits)
    const leave = await turns.enter('a')
    for (const network of ['b', 'c', 'd', 'e']) void turns.enter(network)
    expect(await turns.enter('f')).toBeNull()
    leave!()
    void turns.enter('f')
    expect(await turns.enter('g')).toBeNull()
  })

  test('are not kept for whoever hung up', async () => {
    const turns = passwordTurns(limits)
    const leave = await turns.enter('a')
    const hangUp = new AbortController()
    const gone = [turns.enter('b', hangUp.signal), turns.enter('b', hangUp.signal), turns.enter('b', hangUp.signal)]
    hangUp.abort()
    expect(await Promise.all(gone)).toEqual([null, null, null])
    expect(await turns.enter('b', hangUp.signal)).toBeNull()
    const next = turns.enter('b')
    leave!()
    expect(await next).not.toBeNull()
  })
})
