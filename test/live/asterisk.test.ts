import { spawnSync } from 'node:child_process'
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { SipCredentialSubject } from '../../src/domain/access.ts'
import { Secret } from '../../src/domain/secret.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import { accountsFile } from '../../src/pbx/asterisk-config.ts'
import { callerName } from '../../src/pbx/caller-name.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { sipAccess } from '../../src/pbx/sip-access.ts'
import { awkwardNames, makeAccount, rotate } from '../contracts/pbx.contract.ts'
import { type AsteriskLab, fileDriver, startAsterisk } from '../lab/asterisk.ts'
import { foreignEndpoint, lookAt, outboundEndpoint } from '../lab/asterisk-world.ts'
import { connectSipPhone, type SipPhone } from '../lab/sip-client.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

describeLive('a real Asterisk', ['asterisk', 'openssl'], () => {
  let lab: AsteriskLab
  const phones: SipPhone[] = []
  beforeAll(async () => {
    lab = await startAsterisk()
  })
  afterAll(async () => {
    await Promise.all(phones.map((phone) => phone.close()))
    await lab?.stop()
  })

  const driver = () => fileDriver(lab.driverOptions)
  const apply = (...accounts: PbxAccount[]) => driver().applyAccounts(accounts, limit())
  async function phone(
    account: PbxAccount,
    extra: {
      port?: number
      index?: number
      localAddress?: string
      certificate?: { certificate: string; key: string }
    } = {},
  ) {
    const { port = lab.port, index = 0, ...rest } = extra
    const { username, secret } = account.credentials[index]!
    const made = await connectSipPhone({
      host: lab.address,
      port,
      extension: account.extension,
      username,
      secret: secret.reveal(),
      ...rest,
    })
    phones.push(made)
    return made
  }

  test('is version 22 or newer, and with the described installation nothing is missing', async () => {
    const { product, problems } = await driver().describe(limit())
    expect(Number(/^Asterisk ([0-9]+)\./.exec(product)![1])).toBeGreaterThanOrEqual(22)
    expect(problems).toEqual([])
    console.log(`tested with ${product}`)
  })

  test('the first port asks for no client certificate, the second takes only those of the handset authority', async () => {
    const account = makeAccount('3001')
    await apply(account)
    const certificate = issueTestCertificate(lab.handsetAuthority, 'handset-1')
    const stranger = issueTestCertificate(makeTestAuthority('another CA'), 'handset-1')
    expect((await (await phone(account)).register()).status).toBe(200)
    expect((await (await phone(account, { port: lab.mtlsPort, certificate })).register()).status).toBe(200)
    // TLS 1.3 tells a client without a certificate only at its first request.
    const attempt = async (extra: object) => (await phone(account, { port: lab.mtlsPort, ...extra })).register()
    await expect(attempt({})).rejects.toThrow()
    await expect(attempt({ certificate: stranger })).rejects.toThrow()
  })

  test('a bad object that Asterisk drops in silence is seen, because the old secret is still in force', async () => {
    const account = makeAccount('3002')
    await apply(account)
    const next: PbxAccount = { ...account, credentials: [rotate(account.credentials[0]!)] }
    const twice = '[twice]\ntype=auth\nusername=twice\npassword=twice\n'
    // Objects that are there already: Asterisk keeps all the old ones of that kind and still answers "Module Reloaded".
    writeFileSync(join(lab.configDir, 'zz-broken.conf'), `[3002]\ntype=endpoint\n${twice}${twice}`)
    try {
      await apply(next)
      const system = accessTo(next)
      const finding = system.judge(subjectOf(next), await system.read(limit()))
      expect(finding).toMatchObject({
        state: 'differs',
        evidence: { summary: expect.stringContaining('instead of credential generation 2, 1 is in force') },
        hint: expect.stringContaining('log'),
      })
      expect((await (await phone(account)).register()).status).toBe(200)
    } finally {
      writeFileSync(join(lab.configDir, 'zz-broken.conf'), '')
    }
    await apply(next)
    const system = accessTo(next)
    expect(system.judge(subjectOf(next), await system.read(limit()))).toMatchObject({ state: 'as-desired' })
    expect((await (await phone(account)).register()).status).toBe(401)
  })

  test('the manager interface may be reached over TLS, from the right authority only', async () => {
    const overTls = fileDriver({ ...lab.driverOptions, manager: lab.amiTls })
    expect((await overTls.describe(limit())).problems).toEqual([])
    const other = makeTestAuthority('another CA').certificate
    const strict = fileDriver({ ...lab.driverOptions, manager: { ...lab.amiTls, tls: { ca: other } } })
    await expect(strict.describe(limit())).rejects.toMatchObject({
      code: 'PBX_UNREACHABLE',
      message: expect.stringMatching(/\((UNABLE|SELF|ERR|CERT)\w+\)/),
    })
  })

  test('a reload that Asterisk takes over by half leaves no secret usable, and is seen', async () => {
    for (const broken of ['[3012]\ntype=endpoint\n', '[twice]\ntype=auth\nusername=t\npassword=t\n'.repeat(2)]) {
      const account = makeAccount('3012')
      await apply(account)
      const next: PbxAccount = { ...account, credentials: [rotate(account.credentials[0]!)] }
      writeFileSync(join(lab.configDir, 'zz-broken.conf'), broken)
      try {
        await apply(next)
        const system = accessTo(next)
        expect(system.judge(subjectOf(next), await system.read(limit()))).toMatchObject({
          state: 'differs',
          evidence: { summary: expect.stringContaining('credential generation 2 is not in force') },
        })
        // The names of the objects carry the generation, so old and new never fit together: an error, not an open door.
        expect((await (await phone(account)).register()).status).toBe(500)
        expect((await (await phone(next)).register()).status).toBe(500)
      } finally {
        writeFileSync(join(lab.configDir, 'zz-broken.conf'), '')
      }
      await apply({ ...account, credentials: [] })
    }
  })

  test('an off-boarded phone loses its call, registration and secret; its live connection is worth nothing', async () => {
    const account = makeAccount('3003')
    await apply(account)
    const leaver = await phone(account)
    expect((await leaver.register()).status).toBe(200)
    expect((await leaver.call('600')).status).toBe(200)
    const subject: SipCredentialSubject = { ...subjectOf(account), wanted: 'closed', generation: 2 }
    const system = accessTo({ ...account, credentials: [] })
    const before = system.judge(subject, await system.read(limit()))
    expect(before).toMatchObject({ state: 'differs', evidence: { facts: { registrations: 1, calls: 1 } } })
    await system.apply([subject], limit())
    const after = system.judge(subject, await system.read(limit()))
    expect(after).toMatchObject({
      state: 'as-desired',
      evidence: {
        summary: expect.stringMatching(
          /^REGISTER with the old secret has nothing to match on Asterisk \d+.*: no such credential, no registration, no call$/,
        ),
      },
    })
    await leaver.hungUp
    expect(leaver.connected).toBe(true)
    expect((await leaver.register()).status).toBe(401)
    expect((await leaver.call('600')).status).toBe(401)
    expect(lab.cli('database show registrar/contact')).not.toContain('3003')
  })

  test("the tombstone of the last owner leaves the extension's next owner alone", async () => {
    const old = makeAccount('3004')
    await apply(old)
    const leaver = await phone(old, { localAddress: '127.0.0.5' })
    await leaver.register()
    const tombstone: SipCredentialSubject = { ...subjectOf(old, ['127.0.0.5']), wanted: 'closed', generation: 2 }
    const next = makeAccount('3004')
    await apply(next)
    const successor = await phone(next, { localAddress: '127.0.0.6' })
    expect((await successor.register()).status).toBe(200)
    expect((await successor.call('600')).status).toBe(200)
    const system = accessTo(next)
    // The leaver's registration outlived the change of secret: the tombstone finds it, and only it.
    expect(system.judge(tombstone, await system.read(limit()))).toMatchObject({
      state: 'differs',
      evidence: { facts: { registrations: 1 } },
    })
    await system.apply([tombstone], limit())
    const state = await system.read(limit())
    expect(system.judge(tombstone, state)).toMatchObject({ state: 'as-desired' })
    expect(system.judge(subjectOf(next), state)).toMatchObject({ state: 'as-desired' })
    expect(state.accounts.find(({ extension }) => extension === '3004')).toMatchObject({
      registrations: [{ address: '127.0.0.6' }],
      calls: [{ address: '127.0.0.6' }],
    })
  })

  test('a secret that somebody changes on the PBX is noticed and put right', async () => {
    const account = makeAccount('3005')
    await apply(account)
    const file = join(lab.configDir, accountsFile)
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/(username=3005-.*\npassword_digest=MD5:)[0-9a-f]+/, `$1${'a'.repeat(32)}`),
    )
    lab.cli('module reload res_pjsip.so')
    const system = accessTo(account)
    expect(system.judge(subjectOf(account), await system.read(limit()))).toMatchObject({
      state: 'differs',
      problem: 'the PBX holds another secret than the one that was issued',
    })
    await system.apply([subjectOf(account)], limit())
    expect(system.judge(subjectOf(account), await system.read(limit()))).toMatchObject({ state: 'as-desired' })
  })

  test('a clear password beside the digest is a second way in, and counts as a change', async () => {
    const account = makeAccount('3011')
    await apply(account)
    const file = join(lab.configDir, accountsFile)
    writeFileSync(file, readFileSync(file, 'utf8').replace(/(username=3011-.*\n)/, '$1password=second-way\n'))
    lab.cli('module reload res_pjsip.so')
    const system = accessTo(account)
    expect(system.judge(subjectOf(account), await system.read(limit()))).toMatchObject({ state: 'differs' })
    await system.apply([subjectOf(account)], limit())
    expect(system.judge(subjectOf(account), await system.read(limit()))).toMatchObject({ state: 'as-desired' })
  })

  test('a second secret that somebody adds to our extension is reported, and our file takes it away again', async () => {
    const account = makeAccount('3006')
    await apply(account)
    const file = join(lab.configDir, accountsFile)
    const text = readFileSync(file, 'utf8').replace(/^auth=(3006-.*)$/m, 'auth=$1,backdoor')
    const backdoor = '[backdoor]\ntype=auth\nauth_type=digest\nusername=back\npassword=door\n'
    writeFileSync(file, text.replace('; extension 3006\n', `; extension 3006\n${backdoor}`))
    lab.cli('module reload res_pjsip.so')
    const system = accessTo(account)
    expect(system.strangers!([subjectOf(account)], await system.read(limit()))).toEqual(
      expect.arrayContaining([expect.stringContaining('3006 (also takes the secret of backdoor)')]),
    )
    await system.apply([subjectOf(account)], limit())
    expect((await system.read(limit())).othersWaysIn).toEqual([])
  })

  test('one offboarding leaves every other account as it is, in Asterisk and on the disk', async () => {
    const others = Array.from({ length: 20 }, (_, index) => makeAccount(String(4100 + index)))
    const leaver = makeAccount('410')
    await apply(leaver, ...others)
    const snapshot = () => others.map(({ extension }) => lookAt(lab, extension))
    const before = snapshot()
    await apply({ ...leaver, credentials: [] })
    await driver().disconnect!([{ extension: '410', addresses: null }], limit())
    expect(snapshot()).toEqual(before)
    expect(lookAt(lab, '410')).toMatch(/Unable to find object 410.*no block/s)
    expect(readdirSync(lab.configDir).filter((name) => name.startsWith('.'))).toEqual([])
    await apply(...others.map((account) => ({ ...account, credentials: [] })))
  })

  test('twenty on- and offboardings at once all take hold, and a phone in a call notices nothing', async () => {
    const talking = makeAccount('3200')
    const leavers = Array.from({ length: 10 }, (_, index) => makeAccount(String(3210 + index)))
    const starters = Array.from({ length: 10 }, (_, index) => makeAccount(String(3220 + index)))
    await apply(talking, ...leavers)
    const handset = await phone(talking)
    expect((await handset.register()).status).toBe(200)
    expect((await handset.call('600')).status).toBe(200)
    const before = (await driver().readAccounts(limit())).accounts.find(({ extension }) => extension === '3200')
    const shared = driver()
    await Promise.all([
      ...starters.map((account) => shared.applyAccounts([account], limit())),
      ...leavers.map((account) => shared.applyAccounts([{ ...account, credentials: [] }], limit())),
      ...leavers.map(({ extension }) => shared.disconnect!([{ extension, addresses: null }], limit())),
    ])
    const { accounts } = await shared.readAccounts(limit())
    const there = accounts.map(({ extension }) => extension).filter((extension) => extension.startsWith('32'))
    expect(there.sort()).toEqual(['3200', ...starters.map(({ extension }) => extension)])
    expect(accounts.find(({ extension }) => extension === '3200')).toEqual(before)
    expect(handset.connected).toBe(true)
  })

  test('while Asterisk is down a leaver is written off, so that it starts with the door shut', async () => {
    const account = makeAccount('3007')
    await apply(account)
    await lab.halt()
    try {
      await expect(apply({ ...account, credentials: [] })).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    } finally {
      await lab.start()
    }
    expect((await (await phone(account)).register()).status).toBe(401)
  })

  test('a name arrives as its safe spelling, in one piece', async () => {
    for (const displayName of awkwardNames) {
      const account = { ...makeAccount('3008'), displayName }
      await apply(account)
      const shown = /^ callerid +: (.*)$/m.exec(lab.cli('pjsip show endpoint 3008'))?.[1]
      const name = callerName(displayName)
      expect(shown, JSON.stringify(displayName)).toBe(name === '' ? '3008' : `"${name}" <3008>`)
    }
  })

  test('only the digest is on the disk, and only the group may read it', async () => {
    const account = makeAccount('3009')
    await apply(account)
    const file = join(lab.configDir, accountsFile)
    expect(readFileSync(file, 'utf8')).not.toContain(account.credentials[0]!.secret.reveal())
    expect((statSync(file).mode & 0o777).toString(8)).toBe('640')
  })

  test('an extension that an admin wrote by hand keeps working and is never overwritten', async () => {
    appendFileSync(join(lab.etcDir, 'pjsip.conf'), foreignEndpoint('3010'))
    lab.cli('module reload res_pjsip.so')
    await expect(apply(makeAccount('3010'))).rejects.toMatchObject({ code: 'PBX_REFUSED', retryable: false })
    const byHand = await connectSipPhone({
      host: lab.address,
      port: lab.port,
      extension: '3010',
      username: '3010',
      secret: 'by-hand-3010',
    })
    phones.push(byHand)
    expect((await byHand.register()).status).toBe(200)
    await driver().disconnect!([{ extension: '301', addresses: null }], limit())
    expect((await driver().readAccounts(limit())).foreign).toContain('3010')
  })

  test('all registered phones of an extension can be told with nothing prepared, one of several is passed over', async () => {
    const account = makeAccount('3013', 2)
    await apply(account)
    const event = 'check-sync;reboot=false'
    const first = await phone(account, { localAddress: '127.0.0.21' })
    expect((await first.register()).status).toBe(200)
    const told = await driver().notify!([{ extension: '3013', addresses: ['127.0.0.21'], event }], limit())
    expect(told).toEqual([{ told: [expect.stringContaining('3013@127.0.0.21')], passedOver: [] }])
    await vi.waitFor(() => expect(first.events).toEqual([event]), { timeout: 5_000 })

    const second = await phone(account, { index: 1, localAddress: '127.0.0.22' })
    expect((await second.register()).status).toBe(200)
    // Without an outbound endpoint Asterisk would say "NOTIFY sent" and send nothing.
    const one = await driver().notify!([{ extension: '3013', addresses: ['127.0.0.21'], event }], limit())
    expect(one).toEqual([
      { told: [], passedOver: [expect.stringContaining('3013@127.0.0.21')], why: expect.stringContaining('step 6') },
    ])
    const both = await driver().notify!(
      ['127.0.0.21', '127.0.0.22'].map((address) => ({ extension: '3013', addresses: [address], event })),
      limit(),
    )
    expect(both.map((answer) => answer.told.length)).toEqual([1, 1])
    await vi.waitFor(() => expect([first.events, second.events]).toEqual([[event, event], [event]]), {
      timeout: 5_000,
    })
  })

  test('a phone on the port for certificates is told over the connection that it opened', async () => {
    const account = makeAccount('3014')
    await apply(account)
    const certificate = issueTestCertificate(lab.handsetAuthority, 'handset-1')
    const handset = await phone(account, { port: lab.mtlsPort, certificate })
    expect((await handset.register()).status).toBe(200)
    const [answer] = await driver().notify!([{ extension: '3014', addresses: null, event: 'resync' }], limit())
    expect(answer!.told).toEqual([expect.stringContaining(handset.localAddress)])
    await vi.waitFor(() => expect(handset.events).toEqual(['resync']), { timeout: 5_000 })
  })

  function accessTo(account: PbxAccount) {
    return sipAccess({
      pbxId: 'default',
      driver: driver(),
      accountsOf: async (extensions) => [account].filter(({ extension }) => extensions.includes(extension)),
      digestOf: (subject) => {
        const issued = account.credentials.find(({ id }) => id === subject.id)
        return issued ? digestHa1(issued.username, 'ringfence', issued.secret) : null
      },
    })
  }
})

describeLive('an Asterisk with an identity for telling one phone of several', ['asterisk', 'openssl'], () => {
  test.each([
    ['of the usual name', outboundEndpoint],
    [
      'that [global] names',
      `[global](+)\ndefault_outbound_endpoint=office\n${outboundEndpoint.replace('default_outbound_endpoint', 'office')}`,
    ],
  ])('%s: it tells that one, and opens no door itself', async (_, pjsip) => {
    const lab = await startAsterisk({ pjsip })
    const phones: SipPhone[] = []
    try {
      const driver = fileDriver(lab.driverOptions)
      const account = makeAccount('3015', 2)
      await driver.applyAccounts([account], limit())
      const connect = async (extension: string, username: string, secret: string, localAddress: string) => {
        const phone = await connectSipPhone({
          host: lab.address,
          port: lab.port,
          extension,
          username,
          secret,
          localAddress,
        })
        phones.push(phone)
        return phone
      }
      for (const [index, { username, secret }] of account.credentials.entries()) {
        const phone = await connect('3015', username, secret.reveal(), `127.0.0.${31 + index}`)
        expect((await phone.register()).status).toBe(200)
      }
      const event = 'check-sync;reboot=false'
      const [answer] = await driver.notify!([{ extension: '3015', addresses: ['127.0.0.31'], event }], limit())
      expect(answer).toEqual({ told: [expect.stringContaining('127.0.0.31')], passedOver: [] })
      await vi.waitFor(() => expect(phones[0]!.events).toEqual([event]), { timeout: 5_000 })
      expect((await phones[1]!.register()).status).toBe(200)
      expect(phones[1]!.events).toEqual([])

      const name = pjsip.includes('[office]') ? 'office' : 'default_outbound_endpoint'
      const stranger = await connect(name, name, '', '127.0.0.33')
      expect((await stranger.call('600')).status).toBe(401)
      expect((await stranger.register()).status).toBe(401)
    } finally {
      await Promise.all(phones.map((phone) => phone.close()))
      await lab.stop()
    }
  })
})

describeLive('an Asterisk in a network of its own', ['asterisk', 'namespaces', 'openssl'], () => {
  test('is driven through the address that leads there', async () => {
    const name = `rfpbx-${process.pid}`
    const [outside, inside] = [`rfpo${process.pid % 100000}`, `rfpi${process.pid % 100000}`]
    const ip = (...args: string[]) => {
      const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
      if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
    }
    let lab: AsteriskLab | null = null
    ip('netns', 'add', name)
    try {
      ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', name)
      ip('addr', 'add', '198.51.100.1/30', 'dev', outside)
      ip('link', 'set', outside, 'up')
      ip('-n', name, 'addr', 'add', '198.51.100.2/30', 'dev', inside)
      ip('-n', name, 'link', 'set', inside, 'up')
      ip('-n', name, 'link', 'set', 'lo', 'up')
      lab = await startAsterisk({ namespace: name, address: '198.51.100.2' })
      const driver = fileDriver(lab.driverOptions)
      const account = makeAccount('3100')
      await driver.applyAccounts([account], limit())
      const { username, secret } = account.credentials[0]!
      const phone = await connectSipPhone({
        host: '198.51.100.2',
        port: 5061,
        extension: '3100',
        username,
        secret: secret.reveal(),
      })
      expect((await phone.register()).status).toBe(200)
      const state = await driver.readAccounts(limit())
      expect(state.accounts[0]!.registrations).toMatchObject([{ address: '198.51.100.1' }])
      await phone.close()
    } finally {
      await lab?.stop()
      ip('netns', 'del', name)
    }
  })
})

describeLive('an Asterisk that is not set up as it should be', ['asterisk', 'openssl'], () => {
  const problemsOf = async (options: Parameters<typeof startAsterisk>[0]) => {
    const lab = await startAsterisk(options)
    try {
      return (await fileDriver(lab.driverOptions).describe(limit())).problems
    } finally {
      await lab.stop()
    }
  }

  test('names the missing include line, and the ports that therefore do not answer', async () => {
    const problems = await problemsOf({ include: false })
    expect(problems[0]).toMatchObject({
      message: expect.stringContaining('does not read the files'),
      hint: expect.stringContaining('#include'),
    })
    expect(problems.slice(1).map(({ message }) => message)).toEqual([
      expect.stringContaining('no TLS transport answers'),
      expect.stringContaining('no TLS transport answers'),
    ])
  })

  test('names the module without which calls cannot be encrypted', async () => {
    const problems = await problemsOf({ without: ['res_srtp.so'] })
    expect(problems).toEqual([
      { message: expect.stringContaining('res_srtp.so is not loaded'), hint: expect.stringContaining('module load') },
    ])
  })

  test('names the module without which no phone can be told to fetch its files', async () => {
    const problems = await problemsOf({ without: ['res_pjsip_notify.so'] })
    expect(problems).toEqual([
      {
        message: expect.stringContaining('res_pjsip_notify.so is not loaded'),
        hint: expect.stringContaining('module load'),
      },
    ])
  })

  test('names what the manager user may not do', async () => {
    const problems = await problemsOf({ managerWrite: 'call,reporting' })
    expect(problems).toEqual([
      {
        message: expect.stringMatching(/may not .*PJSIPShowAuths.*Reload/),
        hint: expect.stringContaining('write = system'),
      },
    ])
  })

  test('refuses a wrong manager secret without telling it', async () => {
    const lab = await startAsterisk()
    try {
      const secret = new Secret('not-the-secret')
      const driver = fileDriver({ ...lab.driverOptions, manager: { ...lab.ami, secret } })
      const error = await driver.readAccounts(limit()).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'PBX_REFUSED', hint: expect.stringContaining('manager.conf') })
      expect(`${error}${JSON.stringify(error)}`).not.toContain('not-the-secret')
    } finally {
      await lab.stop()
    }
  })
})

function subjectOf(account: PbxAccount, addresses: readonly string[] = []): SipCredentialSubject {
  const { id, generation, username } = account.credentials[0]!
  return {
    kind: 'sip-credential',
    id,
    employeeId: null,
    wanted: 'open',
    generation,
    pbxId: 'default',
    extension: account.extension,
    username,
    displayName: account.displayName,
    secretSealed: null,
    addresses,
    certificate: false,
    extensionShared: false,
  }
}
