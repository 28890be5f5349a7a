import type { ChildProcess } from 'node:child_process'
import { chownSync, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freeTcpPorts } from '../lab/kamailio.ts'
import { asRingfence, kamailioUser, setUpByPage } from '../lab/set-up.ts'
import { kamailioModules } from '../setup/programs.ts'
import { describeLive } from '../setup/requirements.ts'

/**
 * The set-up of docs/edge.md, command by command, by a Ringfence and a Kamailio that are two plain users: with root in their
 * place everything can be read, and nobody notices that a folder or a group is wrong.
 */
describeLive('a SIP edge that is set up by the commands of its page', ['kamailio', 'openssl', 'root'], () => {
  const setUp = setUpByPage('edge.md')
  const { commandOf, inPlace, shell, run, end, words } = setUp
  let edge: ChildProcess | null = null
  const kamailio = () => setUp.kamailio(commandOf('kamailio -DD'))

  beforeAll(async () => {
    setUp.prepare()
    const [listen, phones, rpc] = (await freeTcpPorts('127.0.0.1', 3)) as [number, number, number]
    const [port, mtls, pbx] = (await freeTcpPorts('127.0.0.43', 3)) as [number, number, number]
    const settings = {
      LISTEN: `127.0.0.1:${listen}`,
      PHONE_LISTEN: `127.0.0.1:${phones}`,
      PHONE_TUNNEL_LISTEN: 'off',
      HUB_INTERFACE: `rfsetup${process.pid % 10_000}`,
      PBX_ADDRESS: '127.0.0.42',
      EDGE_ADDRESS: '127.0.0.43',
      EDGE_HOST: 'sip.example.com',
      EDGE_PORT: port,
      EDGE_MTLS_PORT: mtls,
      EDGE_PBX_PORT: pbx,
      EDGE_RPC: `127.0.0.1:${rpc}`,
      EDGE_DIR: inPlace('var/lib/ringfence-edge'),
      EDGE_RPC_SECRET_FILE: inPlace('etc/ringfence/edge-key'),
    }
    setUp.settings(settings)
  })
  afterAll(setUp.remove)

  test('is not written into a folder that is not there, and the command that makes it is named', () => {
    shell(commandOf('(umask 077 && openssl rand'))
    shell(commandOf('chown ringfence:'))
    const { status, stderr } = setUp.attempt(commandOf('runuser -u ringfence'))
    const folder = inPlace('etc/kamailio-ringfence')
    expect(status).toBe(2)
    expect(stderr).toBe(
      `error: ${folder} (--out) cannot be written to (EACCES)\nhint: make it as root and give it to the user that runs Ringfence: install -d -m 2750 -o ringfence -g kamailio ${folder}\n`,
    )
  })

  test('takes the revocation list as the user kamailio', async () => {
    shell(commandOf('install -d'))
    expect(statSync(inPlace('etc/ringfence/edge-key')).mode & 0o777).toBe(0o600)
    const written = shell(commandOf('runuser -u ringfence'))
    expect(written).toContain(inPlace('etc/kamailio-ringfence/tls.cfg'))
    const server = run(asRingfence('serve'))
    await vi.waitFor(() => expect(words(server)).toContain('Ringfence is running'), {
      timeout: 60_000,
      interval: 200,
    })
    // The last that it writes before it looks for Kamailio.
    const list = inPlace('var/lib/ringfence-edge/handsets.pem')
    await vi.waitFor(() => expect(existsSync(list)).toBe(true), { timeout: 20_000, interval: 100 })
    shell(commandOf('kamailio -c').replace(' -f ', ` -L ${kamailioModules()} -f `))

    edge = kamailio()
    await vi.waitFor(() => expect(setUp.doctor()).toMatch(/edge +0 certificates .* list \d+ loaded/), {
      timeout: 60_000,
      interval: 500,
    })
    const status = readFileSync(`/proc/${edge.pid}/status`, 'utf8')
    expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe(`${kamailioUser().uid}`)
    expect(setUp.doctor()).not.toMatch(/problem +edge/)
  }, 180_000)

  test('is told of by `doctor` where that user may not read the folder of the configuration', async () => {
    await end(edge!)
    // As if step 1 had been left out, and step 3 been done by root.
    const folder = inPlace('etc/kamailio-ringfence')
    chownSync(folder, 0, 0)
    for (const name of ['tls.cfg', 'kamailio.cfg']) chownSync(join(folder, name), 0, 0)
    edge = kamailio()
    await vi.waitFor(() => expect(setUp.doctor()).toContain('the edge cannot load the new revocation list'), {
      timeout: 60_000,
      interval: 500,
    })
    expect(setUp.doctor()).toContain('must be able to read tls.cfg beside its kamailio.cfg')
    await vi.waitFor(() => expect(words(edge!)).toMatch(/cannot stat config file/))
  }, 120_000)
})
