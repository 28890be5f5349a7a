import { afterAll, beforeAll, expect, test } from 'vitest'
import { asteriskDriver } from '../../src/pbx/asterisk.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { makeAccount } from '../contracts/pbx.contract.ts'
import { type AsteriskLab, startAsterisk } from '../lab/asterisk.ts'
import { type EdgeLab, startEdge } from '../lab/edge.ts'
import { connectSipPhone, type SipPhone, type SipPhoneOptions } from '../lab/sip-client.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

describeLive('a SIP edge in front of a real Asterisk', ['asterisk', 'kamailio', 'openssl'], () => {
  let asterisk: AsteriskLab
  let edge: EdgeLab
  const phones: SipPhone[] = []
  const accounts = new Map<string, PbxAccount>()

  beforeAll(async () => {
    asterisk = await startAsterisk({
      dialplan: `[from-internal]
exten => 600,1,Answer()
 same => n,Echo()
exten => _XXXX,1,Dial(PJSIP/\${EXTEN},20)
`,
    })
    edge = await startEdge({
      address: '127.0.0.3',
      host: 'edge.test',
      pbx: { address: asterisk.address, port: asterisk.port },
    })
  }, 120_000)
  afterAll(async () => {
    await Promise.all(phones.map((phone) => phone.close()))
    await edge?.stop()
    await asterisk?.stop()
  })

  const driver = () => asteriskDriver({ ...asterisk.driverOptions, edge: '127.0.0.3' })
  async function phone(extension: string, extra: Partial<SipPhoneOptions> = {}) {
    const { username, secret } = accounts.get(extension)!.credentials[0]!
    const made = await connectSipPhone({
      host: edge.options.address,
      port: edge.options.mtlsPort,
      extension,
      username,
      secret: secret.reveal(),
      trusts: { authority: edge.authorities.service.certificate, name: 'edge.test' },
      ...extra,
    })
    phones.push(made)
    return made
  }
  async function account(extension: string) {
    const made = makeAccount(extension)
    accounts.set(extension, made)
    await driver().applyAccounts([made], limit())
  }
  async function handset(extension: string, address: string) {
    if (!accounts.has(extension)) await account(extension)
    const issued = await edge.issue(extension)
    edge.wanted.bind(issued, extension, [`${address}/32`])
    await edge.publish()
    const certificate = { certificate: issued.certificate, key: issued.privateKey.reveal() }
    return { issued, address, certificate, connect: () => phone(extension, { localAddress: address, certificate }) }
  }

  test('a phone registers through the edge, and Asterisk knows its true address and the way back', async () => {
    const one = await handset('1001', '127.0.0.11')
    const sip = await one.connect()
    const answer = await sip.register()
    console.log(answer, asterisk.log().slice(-1500))
    expect(answer.status).toBe(200)
    console.log(answer.headers)
    console.log(asterisk.cli('pjsip show contacts'), asterisk.cli('database show registrar'))
    const { accounts: inForce } = await driver().readAccounts(limit())
    expect(inForce.find(({ extension }) => extension === '1001')?.registrations).toMatchObject([{ address: '127.0.0.11' }])
    expect((await sip.call('600')).status).toBe(200)
    console.log(edge.kamailio.log().split('\n').filter((l) => /ERROR|WARN|CRIT/.test(l)).slice(-10))
  })
})
