/** Traffic to loopback only: what somebody with a password of their own may try at the registrar. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { blockedPolicy } from '../../src/domain/call-policy.ts'
import { kamailioDriver } from '../../src/pbx/kamailio.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { makeAccount } from '../contracts/pbx.contract.ts'
import { type RegistrarLab, startRegistrar } from '../lab/kamailio-registrar.ts'
import type { SipPhone } from '../lab/sip-client.ts'
import { openLine, type RawRequest, type SipLine } from '../lab/sip-line.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('whoever attacks a real Kamailio with a password of their own', ['kamailio'], () => {
  let lab: RegistrarLab
  let driver: PbxDriver
  const open: (SipPhone | SipLine)[] = []
  const limit = () => AbortSignal.timeout(20_000)
  const mallory = { ...makeAccount('3001'), policy: { ...blockedPolicy, class: 'internal' } } as const
  const victim = { ...makeAccount('3002'), policy: { ...blockedPolicy, class: 'international' } } as const

  beforeAll(async () => {
    lab = await startRegistrar({
      options: (defaults) => ({
        ...defaults,
        dialPlan: {
          countryCode: '49',
          outsideLine: '',
          internationalPrefix: '00',
          nationalPrefix: '0',
          areaCode: '30',
          emergencyNumbers: ['112'],
        },
      }),
    })
    driver = kamailioDriver(lab.options)
    await driver.applyAccounts([mallory, victim], limit())
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()))
  })
  afterAll(() => lab?.stop())

  const host = () => lab.options.bindAddress
  const loginOf = (account: PbxAccount) => {
    const { username, secret } = account.credentials[0]!
    return { username, secret: secret.reveal() }
  }
  async function line(localAddress = '127.0.0.1'): Promise<SipLine> {
    const made = await openLine({ host: host(), port: lab.options.port, localAddress })
    open.push(made)
    return made
  }
  const request = (method: string, from: string, to: string, more: Partial<RawRequest> = {}): RawRequest => {
    const callId = randomBytes(6).toString('hex')
    return {
      method,
      uri: method === 'REGISTER' ? `sip:${host()}` : `sip:${to}@${host()}`,
      from: `<sip:${from}@${host()}>;tag=${callId}`,
      to: `<sip:${to}@${host()}>`,
      callId,
      ...more,
    }
  }
  const reached = (text: string) => lab.nextHop.requests.filter((head) => head.includes(text))
  const registrationsOf = async (extension: string) =>
    (await driver.readAccounts(limit())).accounts.find((account) => account.extension === extension)!.registrations

  const decoy = `Digest username="${victim.credentials[0]!.username}", realm="x", nonce="n", uri="sip:x", response="00000000000000000000000000000000"`
  test.each([
    [
      'of the same kind before the true one',
      (header: string, digest: string) => `${header}: ${decoy}\n${header}: ${digest}\n`,
    ],
    [
      'of the same kind behind the true one',
      (header: string, digest: string) => `${header}: ${digest}\n${header}: ${decoy}\n`,
    ],
    ['for a proxy', (header: string, digest: string) => `Proxy-Authorization: ${decoy}\n${header}: ${digest}\n`],
    ['for a server', (header: string, digest: string) => `Authorization: ${decoy}\n${header}: ${digest}\n`],
  ])(
    "one's own password with somebody else's name in a second header, %s, speaks for nobody else",
    async (_, credentials) => {
      const registering = request('REGISTER', '3002', '3002', { extra: 'Expires: 600\n' })
      expect(await (await line()).login(registering, loginOf(mallory), credentials)).toBe(400)
      expect(await registrationsOf('3002')).toEqual([])
      const calling = request('INVITE', '3002', '0044777001')
      expect(await (await line()).login(calling, loginOf(mallory), credentials)).toBe(400)
      expect(reached('0044777001')).toEqual([])
    },
  )
})
