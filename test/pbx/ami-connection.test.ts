import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { type AmiAddress, withAmi } from '../../src/pbx/asterisk/ami-connection.ts'
import { field } from '../../src/pbx/asterisk/ami-conversation.ts'
import { amiMessage, type FakeAmi, type FakeAmiBehaviour, startFakeAmi } from '../fakes/fake-ami.ts'

let fake: FakeAmi | null = null
afterEach(async () => {
  await fake?.stop()
  fake = null
})

async function addressOf(behaviour: FakeAmiBehaviour, changes: Partial<AmiAddress> = {}): Promise<AmiAddress> {
  fake = await startFakeAmi(behaviour)
  const secret = new Secret('secret')
  return { host: '127.0.0.1', port: fake.port, username: 'ringfence', secret, tls: null, timeoutMs: 300, ...changes }
}

const never = () => new AbortController().signal
const unreachable = { code: 'PBX_UNREACHABLE', retryable: true }
const item = (ActionID: string | undefined, name: string) => amiMessage({ Event: 'Item', ActionID, Name: name })
const complete = (ActionID: string | undefined, count: number | undefined) =>
  amiMessage({ Event: 'ListComplete', EventList: 'Complete', ListItems: count, ActionID })
const started = (ActionID: string | undefined) => amiMessage({ Response: 'Success', ActionID, EventList: 'start' })

describe("the conversation with Asterisk's manager interface", () => {
  test('the password itself never travels', async () => {
    const address = await addressOf({ reply: ({ ActionID }) => amiMessage({ Response: 'Success', ActionID }) })
    await withAmi(address, never(), (session) => session.act({ Action: 'Ping' }))
    expect(fake!.received()).toContain('AuthType: MD5')
    expect(fake!.received()).not.toContain('secret')
  })

  test('answers are matched to their questions, however they are ordered and cut', async () => {
    const held: string[] = []
    const address = await addressOf({
      reply: ({ Action, ActionID }) => {
        held.push(amiMessage({ Response: 'Success', ActionID, Name: Action }))
        return held.length < 3 ? null : `${amiMessage({ Event: 'FullyBooted' })}${held.reverse().join('')}`
      },
    })
    const names = await withAmi(address, never(), (session) =>
      Promise.all(['One', 'Two', 'Three'].map(async (Action) => field(await session.act({ Action }), 'Name'))),
    )
    expect(names).toEqual(['One', 'Two', 'Three'])
  })

  test('a list is complete or an error', async () => {
    const lists: Record<string, (id: string | undefined) => string | 'hang-up'> = {
      Whole: (id) => started(id) + item(id, 'a') + item(id, 'b') + complete(id, 2),
      Short: (id) => started(id) + item(id, 'a') + complete(id, 2),
      Endless: (id) => started(id) + item(id, 'a'),
    }
    const address = await addressOf({ reply: ({ Action, ActionID }) => lists[Action!]!(ActionID) })
    const list = (Action: string) => withAmi(address, never(), (session) => session.list({ Action }))
    expect((await list('Whole')).map((event) => field(event, 'Name'))).toEqual(['a', 'b'])
    await expect(list('Short')).rejects.toMatchObject({
      ...unreachable,
      message: expect.stringContaining('announced 2'),
    })
    await expect(list('Endless')).rejects.toMatchObject({ ...unreachable, message: expect.stringContaining('in time') })
  })

  test('only the exact words for "none" are an empty list; a refusal is not', async () => {
    const address = await addressOf({
      reply: ({ Action, ActionID }) =>
        amiMessage({
          Response: 'Error',
          ActionID,
          Message: Action === 'None' ? 'No things found\n' : 'Permission denied',
        }),
    })
    const list = (Action: string) => withAmi(address, never(), (session) => session.list({ Action }, 'No things found'))
    expect(await list('None')).toEqual([])
    await expect(list('Forbidden')).rejects.toMatchObject({
      code: 'PBX_REFUSED',
      hint: expect.stringContaining('manager.conf'),
    })
  })

  test('a line break in a value cannot become a second action', async () => {
    const address = await addressOf({ reply: ({ ActionID }) => amiMessage({ Response: 'Success', ActionID }) })
    for (const value of ['x\r\nAction: Originate', 'x\n', 'x\r', 'x\0']) {
      const attempt = withAmi(address, never(), (session) => session.act({ Action: 'Hangup', Channel: value }))
      await expect(attempt).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    expect(fake!.received()).not.toMatch(/Hangup|Originate/)
  })

  test('a wrong password is a refusal with a hint, and is not repeated in the error', async () => {
    const address = await addressOf({ reply: () => null }, { secret: new Secret('guessed') })
    const error = await withAmi(address, never(), async () => undefined).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'PBX_REFUSED', hint: expect.stringContaining('manager.conf') })
    expect(`${error}${JSON.stringify(error)}`).not.toContain('guessed')
  })

  test('a connection that ends in the middle is an error for everybody who waits', async () => {
    const address = await addressOf({ reply: ({ Action }) => (Action === 'Last' ? 'hang-up' : null) })
    const both = withAmi(address, never(), (session) =>
      Promise.allSettled([session.act({ Action: 'First' }), session.list({ Action: 'Last' })]),
    )
    expect(await both).toMatchObject([{ reason: unreachable }, { reason: unreachable }])
  })

  test('silence, a wrong service and a message without an end are told apart from an answer', async () => {
    const silent = await addressOf({ banner: '', reply: () => null })
    await expect(withAmi(silent, never(), async () => undefined)).rejects.toMatchObject(unreachable)
    await fake!.stop()
    const web = await addressOf({ banner: 'HTTP/1.1 400 Bad Request\r\n', reply: () => null })
    await expect(withAmi(web, never(), async () => undefined)).rejects.toMatchObject({ code: 'PBX_REFUSED' })
    await fake!.stop()
    const endless = await addressOf({ reply: () => `Response: ${'x'.repeat(2 * 1024 * 1024)}` }, { timeoutMs: 5000 })
    await expect(withAmi(endless, never(), (session) => session.act({ Action: 'Ping' }))).rejects.toMatchObject({
      ...unreachable,
      message: expect.stringContaining('without an end'),
    })
  })

  test('nobody listening is unreachable', async () => {
    const address = await addressOf({ reply: () => null })
    await fake!.stop()
    await expect(withAmi(address, never(), async () => undefined)).rejects.toMatchObject(unreachable)
  })

  test('whoever gives up is let go at once, and no connection stays behind', async () => {
    const address = await addressOf({ reply: () => null }, { timeoutMs: 60_000 })
    const giveUp = new AbortController()
    const waiting = withAmi(address, giveUp.signal, (session) => {
      const asked = session.act({ Action: 'Ping' })
      setImmediate(() => giveUp.abort())
      return asked
    })
    await expect(waiting).rejects.toMatchObject({
      code: 'PBX_UNREACHABLE',
      message: expect.stringContaining('given up'),
    })
    await expect.poll(() => fake!.openSockets()).toBe(0)
    await expect(withAmi(address, giveUp.signal, async () => undefined)).rejects.toMatchObject(unreachable)
    const brokenOff = withAmi(address, AbortSignal.timeout(50), () =>
      pause(60_000, undefined, { signal: AbortSignal.timeout(60) }),
    )
    await expect(brokenOff).rejects.toMatchObject(unreachable)
  })
})
