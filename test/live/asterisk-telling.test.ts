import { expect, test, vi } from 'vitest'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { fileDriver, startAsterisk } from '../lab/asterisk.ts'
import { outboundEndpoint } from '../lab/asterisk-world.ts'
import { connectSipPhone, type SipPhone } from '../lab/sip-client.ts'
import { issueTestCertificate } from '../lab/test-certificates.ts'
import { describeLive } from '../setup/requirements.ts'
import { asteriskOfFile, limit } from './asterisk-office.ts'

describeLive('a real Asterisk', ['asterisk', 'openssl'], () => {
  const office = asteriskOfFile()
  const { driver, apply, phone } = office

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
      { told: [], passedOver: [expect.stringContaining('3013@127.0.0.21')], why: expect.stringContaining('step 8') },
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
    const certificate = issueTestCertificate(office.lab.handsetAuthority, 'handset-1')
    const handset = await phone(account, { port: office.lab.mtlsPort, certificate })
    expect((await handset.register()).status).toBe(200)
    const [answer] = await driver().notify!([{ extension: '3014', addresses: null, event: 'resync' }], limit())
    expect(answer!.told).toEqual([expect.stringContaining(handset.localAddress)])
    await vi.waitFor(() => expect(handset.events).toEqual(['resync']), { timeout: 5_000 })
  })
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
