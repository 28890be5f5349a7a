import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { asteriskDriver } from '../../src/pbx/asterisk.ts'
import { type AsteriskLab, startAsterisk } from '../lab/asterisk.ts'
import { connectSipPhone } from '../lab/sip-client.ts'

let lab: AsteriskLab
beforeAll(async () => {
  lab = await startAsterisk()
})
afterAll(async () => {
  await lab?.stop()
})
const signal = () => AbortSignal.timeout(20_000)

describe('smoke', () => {
  test('register, rotate, close', async () => {
    const driver = asteriskDriver(lab.driverOptions)
    console.log(await driver.describe(signal()))
    const credential = { id: 'c1', generation: 1, username: '1001-a', secret: new Secret('one') }
    const account = { extension: '1001', displayName: 'Ana', credentials: [credential], maxContacts: 2 }
    await driver.applyAccounts([account], signal())
    console.log(await driver.describe(signal()))
    const options = { host: lab.address, port: lab.port, extension: '1001', username: '1001-a', secret: 'one' }
    const phone = await connectSipPhone(options)
    expect((await phone.register()).status).toBe(200)
    expect((await phone.call('600')).status).toBe(200)
    console.dir(await driver.readAccounts(signal()), { depth: 9 })
    await driver.applyAccounts([{ ...account, credentials: [] }], signal())
    await driver.disconnect?.([{ extension: '1001', addresses: null }], signal())
    console.dir(await driver.readAccounts(signal()), { depth: 9 })
    await phone.hungUp
    expect((await phone.register()).status).toBe(401)
    await phone.close()
  })
})
