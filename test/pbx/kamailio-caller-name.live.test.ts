import { afterAll, beforeAll, expect, test } from 'vitest'
import { callerName } from '../../src/pbx/caller-name.ts'
import { kamailioDriver } from '../../src/pbx/kamailio/kamailio.ts'
import { awkwardNames, makeAccount } from '../contracts/pbx-accounts.ts'
import { metacharacters } from '../contracts/pbx-neighbours.contract.ts'
import { type RegistrarLab, startRegistrar } from '../lab/kamailio-registrar.ts'
import { connectSipPhone } from '../lab/sip-client.ts'
import { describeLive } from '../setup/requirements.ts'

const limit = () => AbortSignal.timeout(20_000)

describeLive('the name of whoever calls through Kamailio', ['kamailio'], () => {
  let lab: RegistrarLab
  beforeAll(async () => {
    lab = await startRegistrar()
  })
  afterAll(() => lab?.stop())

  test('reaches whoever is behind it as one name, and says nothing else there', async () => {
    const driver = kamailioDriver(lab.options)
    const account = makeAccount('341')
    const { username, secret } = account.credentials[0]!
    await driver.applyAccounts([account], limit())
    const { bindAddress: host, port } = lab.options
    const phone = await connectSipPhone({ host, port, extension: '341', username, secret: secret.reveal() })
    try {
      expect((await phone.register()).status).toBe(200)
      for (const displayName of [...metacharacters, ...awkwardNames]) {
        await driver.applyAccounts([{ ...account, displayName }], limit())
        const before = lab.nextHop.requests.length
        expect((await phone.call('030777')).status, displayName).toBe(200)
        const invite = lab.nextHop.requests.slice(before).find((head) => head.startsWith('INVITE'))
        const name = callerName(displayName)
        const [, from] = /^From: *(.*?);tag=/m.exec(Buffer.from(invite!, 'latin1').toString('utf8')) ?? []
        expect(from, displayName).toBe(`${name === '' ? '' : `"${name}" `}<sip:341@${host}>`)
        await phone.hangUp()
      }
    } finally {
      await phone.close()
    }
  })
})
