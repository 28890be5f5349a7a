import type { ChildProcess } from 'node:child_process'
import { chmodSync, statSync } from 'node:fs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freeTcpPorts } from '../lab/kamailio.ts'
import { asRingfence, kamailioUser, outsideEveryGroup, setUpByPage } from '../lab/set-up.ts'
import { describeLive } from '../setup/requirements.ts'

/** As of docs/edge.md: with root in place of the two users nobody would notice that a folder or a group is wrong. */
describeLive('a Kamailio that is set up by the commands of its page', ['kamailio', 'openssl', 'root'], () => {
  const { commandOf, inPlace, shell, run, end, kamailio, words, doctor, ...setUp } = setUpByPage('kamailio.md')
  /** As step 5 runs it, by the user and the group of Debian's unit. */
  const start = 'kamailio -DD -E -m 64 -M 8 -u kamailio -g kamailio -f /etc/kamailio/ringfence/kamailio.cfg'
  let server: ChildProcess | null = null
  let registrar: ChildProcess | null = null

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
    server = run(asRingfence('serve'))
    await vi.waitFor(() => expect(words(server!)).toContain('Ringfence is running'), {
      timeout: 60_000,
      interval: 200,
    })
    registrar = kamailio(start)
    await vi.waitFor(() => expect(doctor()).toMatch(/ok +pbx +Kamailio/), { timeout: 60_000, interval: 500 })
    // Made by the one that is there first, removed by the last that goes: from now on Kamailio holds it open.
    expect(statSync(inPlace('etc/kamailio/ringfence/accounts.db-shm')).uid).toBe(kamailioUser().uid)
    expect(doctor()).toMatch(/ok +pbx +Kamailio/)
    expect(doctor()).not.toContain('the database of the PBX')
  }, 180_000)

  test('is said to be what keeps Ringfence out, with the file and its owner, where Ringfence is not in its group', async () => {
    await end(server!)
    const outside = asRingfence('serve').replace('runuser -u ringfence --', outsideEveryGroup)
    server = run(outside)
    const { uid, gid } = kamailioUser()
    await vi.waitFor(() => expect(words(server!)).toMatch(/\(SQLite 14\)/), { timeout: 30_000, interval: 200 })
    expect(words(server)).toContain(
      `${inPlace('etc/kamailio/ringfence/accounts.db-wal')} belongs to user ${uid} and group ${gid}`,
    )
    await end(server)
  })

  test('that may not write the folder is told of with the command that mends it', async () => {
    await end(registrar!)
    const folder = inPlace('etc/kamailio/ringfence')
    chmodSync(folder, 0o2750)
    run(asRingfence('serve'))
    kamailio(start)
    await vi.waitFor(() => expect(doctor()).toContain(`chmod 2770 ${folder}`), { timeout: 60_000, interval: 500 })
  }, 120_000)
})
