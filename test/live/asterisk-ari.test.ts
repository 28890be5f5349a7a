import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, request, type Server } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { withAmi } from '../../src/pbx/asterisk/ami-connection.ts'
import { type AmiMessage, field } from '../../src/pbx/asterisk/ami-conversation.ts'
import { type AriAddress, ariObjects, sorceryLines } from '../../src/pbx/asterisk/ari-objects.ts'
import { asteriskDriver } from '../../src/pbx/asterisk/asterisk.ts'
import { accountObjects, namesIn } from '../../src/pbx/asterisk/asterisk-account.ts'
import { ariWriter } from '../../src/pbx/asterisk/asterisk-ari.ts'
import { folderOf } from '../../src/pbx/asterisk/asterisk-options.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { makeAccount, rotate } from '../contracts/pbx-accounts.ts'
import { type AriWorld, ariWorld } from '../lab/ari-world.ts'
import type { AsteriskLab } from '../lab/asterisk.ts'
import { makeTestAuthority } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

const driverOn = (lab: AsteriskLab, address: AriAddress) =>
  asteriskDriver(lab.driverOptions, ariWriter(address, folderOf(lab.driverOptions)))

describeLive('accounts over ARI', ['asterisk', 'openssl'], () => {
  let world: AriWorld
  const apply = (...accounts: PbxAccount[]) => world.driver.applyAccounts(accounts, limit())
  const accountOf = async (extension: string) =>
    (await world.driver.readAccounts(limit())).accounts.find((account) => account.extension === extension)
  const register = async ({ extension, credentials }: PbxAccount) => {
    const { username, secret } = credentials[0]!
    return (await world.phone({ extension, username, secret: secret.reveal() })).register()
  }
  /** Everything in Asterisk's own database that does not belong to this extension. */
  const restOf = (extension: string) =>
    world.lab
      .cli('database show')
      .split('\n')
      .filter((line) => !new RegExp(`/${extension}[-; ]`).test(line) && !/results found/.test(line))
  beforeAll(async () => {
    world = await ariWorld()
  })
  afterAll(() => world?.stop())

  test('with the described installation nothing is missing, over TLS and on loopback without', async () => {
    expect((await world.driver.describe(limit())).problems).toEqual([])
    expect((await driverOn(world.lab, world.plain).describe(limit())).problems).toEqual([])
  })

  test('an on- and an offboarding change nothing else in its database, and leave no trace of their own', async () => {
    await apply(makeAccount('3201', 2), makeAccount('32011'))
    const before = restOf('320')
    const account = makeAccount('320', 2)
    await apply(account)
    await apply({ ...account, credentials: [rotate(account.credentials[0]!)] })
    expect(restOf('320')).toEqual(before)
    await apply({ ...account, credentials: [] })
    expect(restOf('320')).toEqual(before)
    expect(world.lab.cli('database show')).not.toMatch(/\/320[-; ]/)
  })

  test('only the digest is in its database', async () => {
    const account = makeAccount('3202')
    await apply(account)
    const shown = world.lab.cli('database show ringfence')
    expect(shown).toContain(account.credentials[0]!.username)
    expect(shown).not.toContain(account.credentials[0]!.secret.reveal())
  })

  test('a clear password that somebody adds beside the digest is seen as a change, and goes', async () => {
    const account = makeAccount('3203')
    await apply(account)
    const auth = accountObjects(account, world.lab.driverOptions)!.find(({ type }) => type === 'auth')!
    await ariObjects(world.plain).put({ ...auth, fields: [['password', 'second-way']] }, limit())
    expect((await accountOf('3203'))!.credentials).toMatchObject([{ digest: null }])
    await apply(account)
    expect((await accountOf('3203'))!.credentials).toMatchObject([{ digest: expect.stringMatching(/^[0-9a-f]{32}$/) }])
    expect(await register(account)).toBe(200)
  })

  test('an extension that somebody deleted by hand is gone in what is read, and comes back', async () => {
    const account = makeAccount('3204')
    await apply(account)
    await ariObjects(world.plain).remove('endpoint', '3204', limit())
    expect((await accountOf('3204'))?.credentials ?? []).toEqual([])
    await ariObjects(world.plain).remove('aor', '3204', limit())
    await apply(account)
    expect(await register(account)).toBe(200)
  })

  test("a leaver's secret behind somebody else's endpoint is seen when only the leaver is asked about", async () => {
    const account = makeAccount('3207')
    const [endpoint, , auth] = accountObjects(account, world.lab.driverOptions)!
    await apply(account)
    await apply({ ...account, credentials: [] })
    const objects = ariObjects(world.plain)
    await objects.put(auth!, limit())
    await objects.put({ ...endpoint!, id: 'lobby' }, limit())
    const { accounts } = await world.driver.readAccounts(limit(), { extensions: ['3207'], policies: false })
    expect(accounts.find(({ extension }) => extension === '3207')).toMatchObject({
      credentials: [{ id: account.credentials[0]!.id, generation: 1 }],
    })
    await objects.remove('endpoint', 'lobby', limit())
    await objects.remove('auth', auth!.id, limit())
  })

  test('broken off after any request, no endpoint is without its login, and the next try mends it', async () => {
    const account = makeAccount('3205', 2)
    const rotated = { ...account, credentials: account.credentials.map(rotate) }
    const steps: PbxAccount[] = [account, rotated, { ...account, credentials: [] }]
    let broken = 0
    for (const [index, step] of steps.entries()) {
      for (let allowed = 0; ; allowed++) {
        // Each try begins where the step before has ended.
        if (index > 0) await apply(steps[index - 1]!)
        const middle = await between(world.plain.origin, allowed)
        const { port } = middle.address() as { port: number }
        const failed = await driverOn(world.lab, { ...world.plain, origin: `http://127.0.0.1:${port}` })
          .applyAccounts([step], limit())
          .then(
            () => null,
            (error: unknown) => error,
          )
        middle.closeAllConnections()
        middle.close()
        expect(await openEndpoints(world.lab)).toEqual([])
        if (failed === null) break
        broken++
        expect(failed).toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true })
        await apply(step)
        expect((await accountOf('3205'))?.credentials.length ?? 0).toBe(step.credentials.length)
      }
    }
    // Four objects to make, four to change beside two secrets that go, four to remove.
    expect(broken).toBeGreaterThanOrEqual(12)
    expect(world.lab.cli('database show')).not.toMatch(/\/3205[-; ]/)
  }, 60_000)

  test('a certificate of another authority, a wrong password: refused, without telling the password', async () => {
    const stranger = driverOn(world.lab, { ...world.ari, ca: makeTestAuthority('another CA').certificate })
    await expect(stranger.applyAccounts([makeAccount('3206')], limit())).rejects.toMatchObject({
      code: 'PBX_UNREACHABLE',
      message: expect.stringMatching(/\((UNABLE|SELF|ERR|CERT)\w+\)/),
    })
    const wrong = driverOn(world.lab, { ...world.ari, secret: new Secret('not-the-secret') })
    const error = await wrong.applyAccounts([makeAccount('3206')], limit()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'PBX_REFUSED', hint: expect.stringContaining('ari.conf') })
    expect(`${error}${JSON.stringify(error)}`).not.toContain('not-the-secret')
    expect((await wrong.describe(limit())).problems).toMatchObject([{ hint: expect.stringContaining('ari.conf') }])
    expect(() => ariObjects({ ...world.plain, origin: 'http://192.0.2.1:8088' })).toThrow(/without TLS/)
  })
})

describeLive('an Asterisk that is not set up for ARI', ['asterisk', 'openssl'], () => {
  const refusalOf = async (options: Parameters<typeof ariWorld>[0]) => {
    const world = await ariWorld(options)
    try {
      const { problems } = await world.driver.describe(limit())
      const before = world.lab.cli('database show') + world.lab.cli('pjsip show endpoints')
      const refusal = await world.driver.applyAccounts([makeAccount('3210')], limit()).catch((error: unknown) => error)
      const isUnchanged = before === world.lab.cli('database show') + world.lab.cli('pjsip show endpoints')
      return { problems, refusal, isUnchanged }
    } finally {
      await world.stop()
    }
  }

  test('keeps its objects in files: told once, and where the lines are that are missing', async () => {
    const { problems, refusal, isUnchanged } = await refusalOf({ sorcery: '' })
    const remedy = 'put the six lines that docs/asterisk.md has under "A place for the objects" into [res_pjsip]'
    expect(refusal).toMatchObject({
      code: 'PBX_REFUSED',
      message: expect.stringContaining('Cannot create sorcery objects'),
      hint: expect.stringContaining(remedy),
    })
    expect(problems).toEqual([{ message: expect.stringContaining('no place'), hint: expect.stringContaining(remedy) }])
    expect(isUnchanged).toBe(true)
    const page = readFileSync(join(import.meta.dirname, '../../docs/asterisk.md'), 'utf8')
    const lines = page
      .slice(page.indexOf('**A place for the objects**'))
      .split('\n')
      .map((line) => line.trim())
    for (const line of sorceryLines.split('\n')) expect(lines).toContain(line)
  })

  test('lets its user only read: told which line of ari.conf', async () => {
    const { refusal, isUnchanged } = await refusalOf({ readOnly: true })
    expect(refusal).toMatchObject({ code: 'PBX_REFUSED', hint: expect.stringContaining('read_only = no') })
    expect(isUnchanged).toBe(true)
  })

  test('counts the making of accounts as overload of its SIP: told which line of pjsip.conf', async () => {
    const { problems, refusal } = await refusalOf({ trigger: 'global' })
    expect(problems).toMatchObject([{ hint: expect.stringContaining('taskprocessor_overload_trigger = pjsip_only') }])
    expect(refusal).toBeUndefined()
  })

  test('forgets its objects at a restart: told before it happens', async () => {
    const sorcery = ['endpoint', 'auth', 'aor'].map((type) => `${type} = memory`).join('\n')
    const { problems } = await refusalOf({ sorcery })
    expect(problems.map(({ message }) => message)).toEqual(
      expect.arrayContaining([expect.stringContaining('forgets endpoint')]),
    )
  })
})

describe('what answers instead of ARI', () => {
  const auth = accountObjects(makeAccount('3220'), { realm: 'r', context: 'c', edge: null })!.at(-1)!
  const answers = async (listener: RequestListener, signal = limit()) => {
    const server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const address = { origin: `http://127.0.0.1:${port}`, username: 'u', secret: new Secret('hunter2') }
    try {
      return await ariObjects(address)
        .put(auth, signal)
        .then(
          () => 'taken',
          (error: unknown) => error,
        )
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }

  test('a page that says 200 is no success, and a success without an object is none', async () => {
    for (const body of ['<html>Welcome</html>', '{}', '', 'null', '"ok"']) {
      expect(await answers((_, response) => void response.end(body))).toMatchObject({
        code: 'PBX_REFUSED',
        message: expect.stringContaining('not Asterisk'),
      })
    }
  })

  test('a redirect is not followed: the password goes nowhere else', async () => {
    const asked: string[] = []
    const refusal = await answers(({ url }, response) => {
      asked.push(url ?? '')
      response.writeHead(302, { location: '/elsewhere' }).end()
    })
    expect(refusal).toMatchObject({ code: 'PBX_REFUSED', message: expect.stringContaining('302') })
    expect(asked).toEqual([expect.stringMatching(/^\/ari\//)])
  })

  test('half an answer, and none at all, are no answer', async () => {
    const half = await answers((_, response) => {
      response.writeHead(200, { 'content-length': '500' })
      response.write('[{"attribute":"auth_type",')
      setImmediate(() => response.destroy())
    })
    expect(half).toMatchObject({ code: 'PBX_UNREACHABLE', retryable: true })
    const silent = await answers(() => undefined, AbortSignal.timeout(300))
    expect(silent).toMatchObject({
      code: 'PBX_UNREACHABLE',
      message: expect.stringContaining('did not answer in time'),
    })
  })

  test('an error of the server is told with its number and its words, in one line', async () => {
    const refusal = await answers((_, response) => {
      response.writeHead(500).end(JSON.stringify({ message: 'no\nmemory' }))
    })
    expect(refusal).toMatchObject({
      code: 'PBX_REFUSED',
      retryable: true,
      message: expect.stringContaining('500: no memory'),
    })
  })
})

/** Lets this many changing requests through to the real one, then cuts the line in the middle of the next. */
async function between(origin: string, allowed: number): Promise<Server> {
  let left = allowed
  const server = createServer((incoming, outgoing) => {
    if (incoming.method !== 'GET' && left-- <= 0) return void incoming.socket.destroy()
    const { method, url, headers } = incoming
    const onward = request(new URL(url ?? '/', origin), { method: method ?? 'GET', headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** Endpoints of extensions that name no login, or one that is not there. */
function openEndpoints(lab: AsteriskLab): Promise<string[]> {
  return withAmi(lab.ami, limit(), async (session) => {
    const names = (objects: readonly AmiMessage[]) => objects.map((object) => field(object, 'ObjectName'))
    const endpoints = await session.list({ Action: 'PJSIPShowEndpoints' }, 'No endpoints found')
    const secrets = new Set(names(await session.list({ Action: 'PJSIPShowAuths' }, 'No Auths found')))
    const isOpen = (endpoint: AmiMessage) => {
      const named = namesIn(field(endpoint, 'Auths'))
      return named.length === 0 || !named.every((name) => secrets.has(name))
    }
    return names(endpoints.filter(isOpen)).filter((name) => /^[0-9]+$/.test(name))
  })
}
