import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { openFreeswitch } from '../../src/pbx/freeswitch/freeswitch.ts'
import { account, freeswitchOfEachTest, limit, phone } from './freeswitch-bench.ts'

const world = freeswitchOfEachTest()
const { apply, read } = world

describe('an event socket that misbehaves', () => {
  const faults: [string, object, string][] = [
    ['a web server', { says: 'HTTP/1.1 400 Bad Request\r\n\r\n' }, 'PBX_REFUSED'],
    ['a line without an end', { says: 'x'.repeat(70_000) }, 'PBX_REFUSED'],
    ['a length that cannot be', { says: 'Content-Type: auth/request\nContent-Length: 99999999999\n\n' }, 'PBX_REFUSED'],
    ['a list of who may speak to it', { aclRefuses: true }, 'PBX_REFUSED'],
    ['half an answer', { breaksOff: true }, 'PBX_UNREACHABLE'],
  ]
  test.each(faults)('%s is told from FreeSWITCH', async (_, fault, code) => {
    Object.assign(world.fake.eventSocket.faults, fault)
    await expect(read()).rejects.toMatchObject({ code, hint: expect.stringMatching(/\w/) })
  })

  test('answers that come byte by byte are the same answers', async () => {
    await apply(account('1001', { displayName: 'Zoë 李雷' }))
    await world.fake.register(phone('1001'))
    const whole = await read()
    world.fake.eventSocket.faults.crumbs = true
    expect(await read()).toEqual(whole)
  })

  test('half a list is no list', async () => {
    await apply(account('1001'))
    await world.fake.register(phone('1001'))
    world.fake.faults.listsHalf = true
    await expect(read()).rejects.toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true })
  })

  test('silence ends with the patience of the caller', async () => {
    world.fake.eventSocket.faults.silent = true
    const started = performance.now()
    await expect(world.driver.readAccounts(AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    expect(performance.now() - started).toBeLessThan(1_500)
    await expect(read()).rejects.toMatchObject({ message: expect.stringContaining('did not answer in time') })
  })

  test('a password that is refused is said so, and not shown', async () => {
    const eventSocket = { ...world.options.eventSocket, password: new Secret('guessed wrong') }
    const { driver } = await openFreeswitch({ ...world.options, eventSocket })
    const error = await driver.describe(limit()).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'PBX_REFUSED', message: 'FreeSWITCH refused the password of its event socket' })
    expect(JSON.stringify(error) + String(error)).not.toContain('guessed')
  })

  test('leaves no connection behind', async () => {
    await read()
    await expect.poll(() => world.fake.eventSocket.door.openSockets()).toBe(0)
  })
})
