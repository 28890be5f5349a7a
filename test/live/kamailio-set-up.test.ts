import { statSync } from 'node:fs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freeTcpPorts } from '../lab/kamailio.ts'
import { asRingfence, kamailioUser, setUpByPage } from '../lab/set-up.ts'
import { describeLive } from '../setup/requirements.ts'

/** As of docs/edge.md: with root in place of the two users nobody would notice that a folder or a group is wrong. */
describeLive('a Kamailio that is set up by the commands of its page', ['kamailio', 'openssl', 'root'], () => {
  const { commandOf, inPlace, shell, run, kamailio, words, doctor, ...setUp } = setUpByPage('kamailio.md')

  beforeAll(async () => {
    setUp.prepare()
    const [listen, phones, rpc] = (await freeTcpPorts('127.0.0.1', 3)) as [number, number, number]
    const [port, mtls] = (await freeTcpPorts('127.0.0.44', 2)) as [number, number]
    setUp.settings({
      LISTEN: `127.0.0.1:${listen}`,
      PHONE_LISTEN: `127.0.0.1:${phones}`,
      PHONE_TUNNEL_LISTEN: 'off',
      HUB_INTERFACE: `rfkam${process.pid % 10_000}`,
      PBX: 'kamailio',
      PBX_CONFIG_DIR: inPlace('etc/kamailio/ringfence'),
      PBX_ADDRESS: '127.0.0.44',
      PBX_HOST: 'sip.example.com',
      PBX_PORT: port,
      PBX_MTLS_PORT: mtls,
      PBX_REALM: 'sip.example.com',
      PBX_RPC: `127.0.0.1:${rpc}`,
    })
  })
  afterAll(setUp.remove)

  test('and Ringfence go on with one SQLite file, whoever of both opened it first', async () => {
    shell(commandOf('install -d'))
    const server = run(asRingfence('serve'))
    await vi.waitFor(() => expect(words(server)).toContain('Ringfence is running'), {
      timeout: 60_000,
      interval: 200,
    })
    // As step 5 runs it, by the user and the group of Debian's unit.
    kamailio('kamailio -DD -E -m 64 -M 8 -u kamailio -g kamailio -f /etc/kamailio/ringfence/kamailio.cfg')
    await vi.waitFor(() => expect(doctor()).toMatch(/ok +pbx +Kamailio/), { timeout: 60_000, interval: 500 })
    // Made by the one that is there first, removed by the last that goes: from now on Kamailio holds it open.
    expect(statSync(inPlace('etc/kamailio/ringfence/accounts.db-shm')).uid).toBe(kamailioUser().uid)
    expect(doctor()).toMatch(/ok +pbx +Kamailio/)
    expect(doctor()).not.toContain('the database of the PBX')
  }, 180_000)
})
