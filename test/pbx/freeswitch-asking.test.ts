import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { openFreeswitch } from '../../src/pbx/freeswitch/freeswitch.ts'
import { account, freeswitchOfEachTest, limit, phone } from './freeswitch-bench.ts'

const world = freeswitchOfEachTest()
const { apply, read } = world

describe('whether FreeSWITCH asks', () => {
  test('when it does not, nothing is claimed and nobody is given an account', async () => {
    await apply(account('1001'))
    world.fake.directory = null
    const refused = { code: 'PBX_REFUSED', message: 'FreeSWITCH does not ask Ringfence who may log in' }
    await expect(read()).rejects.toMatchObject(refused)
    await expect(apply(account('1002'))).rejects.toMatchObject(refused)
    expect((await world.driver.describe(limit())).problems).toMatchObject([{ message: refused.message }])
  })

  test('with another password than ours it does not count as asking', async () => {
    world.fake.directory = { ...world.fake.directory!, credentials: 'freeswitch:guess' }
    await expect(read()).rejects.toMatchObject({ code: 'PBX_REFUSED' })
  })

  test('a leaver is shut out at once, also while FreeSWITCH cannot be reached', async () => {
    await apply(account('1001'))
    await world.goDown()
    await expect(apply(account('1001', { credentials: [] }))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
    expect(await world.fake.register(phone('1001'))).toBe(403)
    await world.comeBack()
  })

  test('after a restart of Ringfence the answers are there before anybody was asked for them', async () => {
    await apply(account('1001'))
    const again = await openFreeswitch(world.options)
    const port = await again.directory.listen()
    try {
      world.fake.directory = { ...world.fake.directory!, port }
      expect(await world.fake.register(phone('1001'))).toBe(200)
    } finally {
      await again.directory.close()
    }
  })

  test('a table that cannot be read is no empty table', async () => {
    await apply(account('1001'))
    expect(await readFile(world.options.accountsFile, 'utf8')).not.toContain('secret of')
    await writeFile(world.options.accountsFile, '[{"extension":"1001"')
    await expect(openFreeswitch(world.options)).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  test('a number in the files of FreeSWITCH is foreign, and stays so when it is ours too', async () => {
    await apply(account('1001'))
    world.fake.files.set('1001', 'by hand')
    expect((await read()).foreign).toEqual(['1001'])
  })

  test('a leaver whose number is back in the files of FreeSWITCH is shown with his phone and his call', async () => {
    await apply(account('1001'))
    await apply(account('1001', { credentials: [] }))
    world.fake.files.set('1001', 'old password')
    const back = phone('1001', 'a', { username: '1001', secret: 'old password', address: '10.77.0.9' })
    expect(await world.fake.register(back)).toBe(200)
    await world.fake.call(back)
    const shown = { extension: '1001', credentials: [], registrations: [{ address: '10.77.0.9' }], calls: [{}] }
    expect(await read()).toMatchObject({ accounts: [shown], foreign: ['1001'] })
  })
})
