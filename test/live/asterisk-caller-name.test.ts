import { afterAll, beforeAll, expect, test } from 'vitest'
import { callerName } from '../../src/pbx/caller-name.ts'
import { awkwardNames, makeAccount } from '../contracts/pbx-accounts.ts'
import { metacharacters } from '../contracts/pbx-neighbours.contract.ts'
import { type AsteriskLab, fileDriver, startAsterisk } from '../lab/asterisk.ts'
import { connectSipPhone } from '../lab/sip-client.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

describeLive('the name of whoever calls', ['asterisk'], () => {
  let lab: AsteriskLab
  beforeAll(async () => {
    lab = await startAsterisk({ dialplan: '[from-internal]\nexten => 342,1,Dial(PJSIP/342)\n' })
  })
  afterAll(() => lab?.stop())

  test('reaches another phone as one name, and says nothing else to it', async () => {
    const driver = fileDriver(lab.driverOptions)
    const [caller, called] = [makeAccount('341'), makeAccount('342')]
    await driver.applyAccounts([caller, called], limit())
    const [ana, ben] = await Promise.all(
      [caller, called].map(({ extension, credentials: [credential] }) => {
        const { username, secret } = credential!
        return connectSipPhone({ host: lab.address, port: lab.port, extension, username, secret: secret.reveal() })
      }),
    )
    try {
      expect([(await ana!.register()).status, (await ben!.register()).status]).toEqual([200, 200])
      for (const displayName of [...metacharacters, ...awkwardNames]) {
        await driver.applyAccounts([{ ...caller, displayName }], limit())
        expect((await ana!.call('342')).status, displayName).toBe(200)
        const from = Buffer.from(ben!.calls.at(-1)!, 'latin1').toString('utf8')
        const name = callerName(displayName)
        expect(from.replace(/;tag=[\w-]+$/, ''), displayName).toBe(
          `${name === '' ? '' : `"${name}" `}<sip:341@${lab.address}>`,
        )
        await ana!.hangUp()
      }
    } finally {
      await Promise.all([ana!.close(), ben!.close()])
    }
  })
})
