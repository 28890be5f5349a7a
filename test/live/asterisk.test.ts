import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SipCredentialSubject } from '../../src/domain/access.ts'
import { accountsFile } from '../../src/pbx/asterisk/asterisk-config.ts'
import { callerName } from '../../src/pbx/caller-name.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { awkwardNames, makeAccount, rotate } from '../contracts/pbx-accounts.ts'
import { fileDriver } from '../lab/asterisk.ts'
import { foreignEndpoint, lookAt } from '../lab/asterisk-world.ts'
import { connectSipPhone } from '../lab/sip-client.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'
import { accessTo, asteriskOfFile, limit, subjectOf } from './asterisk-office.ts'

describeLive('a real Asterisk', ['asterisk', 'openssl'], () => {
  const office = asteriskOfFile()
  const { driver, apply, phone } = office

  test('is version 22 or newer, and with the described installation nothing is missing', async () => {
    const { product, problems } = await driver().describe(limit())
    expect(Number(/^Asterisk ([0-9]+)\./.exec(product)![1])).toBeGreaterThanOrEqual(22)
    expect(problems).toEqual([])
    console.log(`tested with ${product}`)
  })

  test('the first port asks for no client certificate, the second takes only those of the handset authority', async () => {
    const account = makeAccount('3001')
    await apply(account)
    const certificate = issueTestCertificate(office.lab.handsetAuthority, 'handset-1')
    const stranger = issueTestCertificate(makeTestAuthority('another CA'), 'handset-1')
    expect((await (await phone(account)).register()).status).toBe(200)
    expect((await (await phone(account, { port: office.lab.mtlsPort, certificate })).register()).status).toBe(200)
    // TLS 1.3 tells a client without a certificate only at its first request.
    const attempt = async (extra: object) => (await phone(account, { port: office.lab.mtlsPort, ...extra })).register()
    await expect(attempt({})).rejects.toThrow()
    await expect(attempt({ certificate: stranger })).rejects.toThrow()
  })

  test('a bad object that Asterisk drops in silence is seen, because the old secret is still in force', async () => {
    const account = makeAccount('3002')
    await apply(account)
    const next: PbxAccount = { ...account, credentials: [rotate(account.credentials[0]!)] }
    const twice = '[twice]\ntype=auth\nusername=twice\npassword=twice\n'
    // Objects that are there already: Asterisk keeps all the old ones of that kind and still answers "Module Reloaded".
    writeFileSync(join(office.lab.configDir, 'zz-broken.conf'), `[3002]\ntype=endpoint\n${twice}${twice}`)
    try {
      await apply(next)
      const system = accessTo(driver(), next)
      const finding = system.judge(subjectOf(next), await system.read(limit()))
      expect(finding).toMatchObject({
        state: 'differs',
        evidence: { summary: expect.stringContaining('instead of credential generation 2, 1 is in force') },
        hint: expect.stringContaining('log'),
      })
      expect((await (await phone(account)).register()).status).toBe(200)
    } finally {
      writeFileSync(join(office.lab.configDir, 'zz-broken.conf'), '')
    }
    await apply(next)
    const system = accessTo(driver(), next)
    expect(system.judge(subjectOf(next), await system.read(limit()))).toMatchObject({ state: 'as-desired' })
    expect((await (await phone(account)).register()).status).toBe(401)
  })

  test('the manager interface may be reached over TLS, from the right authority only', async () => {
    const overTls = fileDriver({ ...office.lab.driverOptions, manager: office.lab.amiTls })
    expect((await overTls.describe(limit())).problems).toEqual([])
    const other = makeTestAuthority('another CA').certificate
    const strict = fileDriver({ ...office.lab.driverOptions, manager: { ...office.lab.amiTls, tls: { ca: other } } })
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
      writeFileSync(join(office.lab.configDir, 'zz-broken.conf'), broken)
      try {
        await apply(next)
        const system = accessTo(driver(), next)
        expect(system.judge(subjectOf(next), await system.read(limit()))).toMatchObject({
          state: 'differs',
          evidence: { summary: expect.stringContaining('credential generation 2 is not in force') },
        })
        // The names of the objects carry the generation, so old and new never fit together: an error, not an open door.
        expect((await (await phone(account)).register()).status).toBe(500)
        expect((await (await phone(next)).register()).status).toBe(500)
      } finally {
        writeFileSync(join(office.lab.configDir, 'zz-broken.conf'), '')
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
    const system = accessTo(driver(), { ...account, credentials: [] })
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
    expect(office.lab.cli('database show registrar/contact')).not.toContain('3003')
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
    const system = accessTo(driver(), next)
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
    const file = join(office.lab.configDir, accountsFile)
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/(username=3005-.*\npassword_digest=MD5:)[0-9a-f]+/, `$1${'a'.repeat(32)}`),
    )
    office.lab.cli('module reload res_pjsip.so')
    const system = accessTo(driver(), account)
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
    const file = join(office.lab.configDir, accountsFile)
    writeFileSync(file, readFileSync(file, 'utf8').replace(/(username=3011-.*\n)/, '$1password=second-way\n'))
    office.lab.cli('module reload res_pjsip.so')
    const system = accessTo(driver(), account)
    expect(system.judge(subjectOf(account), await system.read(limit()))).toMatchObject({ state: 'differs' })
    await system.apply([subjectOf(account)], limit())
    expect(system.judge(subjectOf(account), await system.read(limit()))).toMatchObject({ state: 'as-desired' })
  })

  test('a second secret that somebody adds to our extension is reported, and our file takes it away again', async () => {
    const account = makeAccount('3006')
    await apply(account)
    const file = join(office.lab.configDir, accountsFile)
    const text = readFileSync(file, 'utf8').replace(/^auth=(3006-.*)$/m, 'auth=$1,backdoor')
    const backdoor = '[backdoor]\ntype=auth\nauth_type=digest\nusername=back\npassword=door\n'
    writeFileSync(file, text.replace('; extension 3006\n', `; extension 3006\n${backdoor}`))
    office.lab.cli('module reload res_pjsip.so')
    const system = accessTo(driver(), account)
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
    const snapshot = () => others.map(({ extension }) => lookAt(office.lab, extension))
    const before = snapshot()
    await apply({ ...leaver, credentials: [] })
    await driver().disconnect!([{ extension: '410', addresses: null }], limit())
    expect(snapshot()).toEqual(before)
    expect(lookAt(office.lab, '410')).toMatch(/Unable to find object 410.*no block/s)
    expect(readdirSync(office.lab.configDir).filter((name) => name.startsWith('.'))).toEqual([])
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
    await office.lab.halt()
    try {
      await expect(apply({ ...account, credentials: [] })).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    } finally {
      await office.lab.start()
    }
    expect((await (await phone(account)).register()).status).toBe(401)
  })

  test('a name arrives as its safe spelling, in one piece', async () => {
    for (const displayName of awkwardNames) {
      const account = { ...makeAccount('3008'), displayName }
      await apply(account)
      const shown = /^ callerid +: (.*)$/m.exec(office.lab.cli('pjsip show endpoint 3008'))?.[1]
      const name = callerName(displayName)
      expect(shown, JSON.stringify(displayName)).toBe(name === '' ? '3008' : `"${name}" <3008>`)
    }
  })

  test('only the digest is on the disk, and only the group may read it', async () => {
    const account = makeAccount('3009')
    await apply(account)
    const file = join(office.lab.configDir, accountsFile)
    expect(readFileSync(file, 'utf8')).not.toContain(account.credentials[0]!.secret.reveal())
    expect((statSync(file).mode & 0o777).toString(8)).toBe('640')
  })

  test('an extension that an admin wrote by hand keeps working and is never overwritten', async () => {
    appendFileSync(join(office.lab.etcDir, 'pjsip.conf'), foreignEndpoint('3010'))
    office.lab.cli('module reload res_pjsip.so')
    await expect(apply(makeAccount('3010'))).rejects.toMatchObject({ code: 'PBX_REFUSED', retryable: false })
    const byHand = await connectSipPhone({
      host: office.lab.address,
      port: office.lab.port,
      extension: '3010',
      username: '3010',
      secret: 'by-hand-3010',
    })
    try {
      expect((await byHand.register()).status).toBe(200)
      await driver().disconnect!([{ extension: '301', addresses: null }], limit())
      expect((await driver().readAccounts(limit())).foreign).toContain('3010')
    } finally {
      await byHand.close()
    }
  })
})
