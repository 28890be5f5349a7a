import { expect, test } from 'vitest'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { kamailioLab } from '../lab/kamailio.ts'
import { openNetwork, tunnelNeeds, uniqueName, until } from '../lab/network.ts'
import { serverProcess } from '../lab/server-process.ts'
import { attemptToRegister } from '../lab/sip-attempt.ts'
import { stayRegistered } from '../lab/sip-listener.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('a real server with a real Kamailio', [...tunnelNeeds, 'kamailio'], () => {
  test('hands a phone out and takes it back: all doors are seen shut, also the certificate on the PBX', async () => {
    await using network = await openNetwork()
    const place = await network.namespace('kam')
    const address = '192.0.2.10'
    await place.run('ip', 'address', 'add', `${address}/32`, 'dev', 'lo')
    const kamailio = kamailioLab({ address, ports: [5061, 5062, 5068], namespace: place.name })
    network.defer(() => kamailio.stop())
    await using server = await serverProcess(place, uniqueName('rfk'), {
      LISTEN: '127.0.0.1:8080',
      PHONE_LISTEN: '127.0.0.1:8443',
      PBX: 'kamailio',
      PBX_CONFIG_DIR: kamailio.folder,
      PBX_ADDRESS: address,
    })
    // As docs/kamailio.md has it: first Ringfence, which writes the script, then Kamailio.
    await server.start()
    expect(kamailio.refusal()).toBe(null)
    await kamailio.start()

    const created = await server.api('POST', '/api/v1/employees', {
      name: "Ada O'Byron; drop table",
      email: 'ada@example.com',
      extension: '1001',
      handsets: [{ model: 'linphone-desktop' }],
    })
    expect(created.status).toBe(201)
    const { id } = created.body as EmployeeView
    const person = async () => (await server.api('GET', `/api/v1/employees/${id}`)).body as EmployeeView
    const line = (view: EmployeeView, name: string) => view.access.find(({ system }) => system === name)
    await until(async () => line(await person(), 'sip-account')?.verdict === 'converged', 60_000)
    expect(line(await person(), 'certificate')?.verdict).toBe('converged')

    const { items } = (await server.api('POST', `/api/v1/employees/${id}/sip-secrets`, {})).body as {
      items: { username: string; secret: string }[]
    }
    const { username, secret } = items[0]!
    const phone = { host: address, port: 5061, extension: '1001', username, secret }
    await stayRegistered(place, kamailio.folder, phone)

    expect((await server.api('POST', `/api/v1/employees/${id}/offboard`, { reason: 'test' })).status).toBe(202)
    await until(async () => {
      const { access } = await person()
      return access.every(({ system, verdict }) => verdict === (system === 'extension' ? 'waiting' : 'converged'))
    }, 60_000)
    const gone = await person()
    // Kamailio does not show what outlives a password, so somebody has to look.
    expect(line(gone, 'extension')).toMatchObject({ problem: expect.stringContaining('voicemail box') })
    expect(line(gone, 'sip-account')).toMatchObject({
      wanted: 'closed',
      evidence: { summary: expect.stringContaining('no such credential, no registration, no call') },
    })
    expect(line(gone, 'certificate')).toMatchObject({
      wanted: 'closed',
      evidence: { summary: expect.stringContaining('in force on the PBX') },
    })
    expect(await attemptToRegister(place, kamailio.folder, phone)).toBe(401)
    expect(server.log()).not.toContain(secret)
    expect(kamailio.log()).not.toContain(secret)
  })
})
