import { writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { kamailioLab } from '../lab/kamailio.ts'
import { openNetwork, tunnelNeeds, uniqueName, until } from '../lab/network.ts'
import { serverProcess } from '../lab/server-process.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('a server whose Kamailio has a database that cannot be used', [...tunnelNeeds, 'kamailio'], () => {
  test('starts all the same, says so, holds up nobody of another PBX, and goes on when it is put right', async () => {
    await using network = await openNetwork()
    const place = await network.namespace('kdb')
    const address = '192.0.2.10'
    await place.run('ip', 'address', 'add', `${address}/32`, 'dev', 'lo')
    const kamailio = kamailioLab({ address, ports: [5061, 5062, 5068], namespace: place.name })
    network.defer(() => kamailio.stop())
    const path = join(kamailio.folder, 'accounts.db')
    writeFileSync(path, 'words where a database should be. '.repeat(100))
    await using server = await serverProcess(place, uniqueName('rfd'), {
      LISTEN: '127.0.0.1:8080',
      PHONE_LISTEN: '127.0.0.1:8443',
      PBX: 'kamailio',
      PBX_CONFIG_DIR: kamailio.folder,
      PBX_ADDRESS: address,
      PBX2: 'manual',
      PBX2_NAME: 'branch',
      PBX2_ADDRESS: '192.0.2.20',
      PBX2_HOST: 'pbx.branch.example.com',
    })
    await server.start()
    expect(server.log()).toContain(`${path}, is no SQLite database (SQLite 26)`)
    const doctor = async () => JSON.stringify((await server.api('GET', '/api/v1/doctor')).body)
    expect(await doctor()).toContain('is no SQLite database (SQLite 26)')

    const onboard = async (name: string, pbx: string | undefined, extension: string) => {
      const asked = { name, email: `${extension}@example.com`, extension, handsets: [{ model: 'linphone-desktop' }] }
      const made = await server.api('POST', '/api/v1/employees', pbx === undefined ? asked : { ...asked, pbx })
      expect(made.status).toBe(201)
      return (made.body as EmployeeView).id
    }
    const line = async (id: string, wanted: string) => {
      const { access } = (await server.api('GET', `/api/v1/employees/${id}`)).body as EmployeeView
      return access.find(({ system }) => system === wanted)
    }
    const branch = await onboard('Bo of the branch', 'branch', '2001')
    const office = await onboard('Ada of the office', undefined, '1001')
    await until(async () => (await line(branch, 'tunnel'))?.verdict === 'converged', 30_000)
    await until(async () => (await line(office, 'sip-account'))?.problem?.includes('SQLite 26') ?? false, 30_000)
    expect((await server.api('POST', `/api/v1/employees/${branch}/offboard`, { reason: 'test' })).status).toBe(202)
    await until(async () => {
      const tunnel = await line(branch, 'tunnel')
      return tunnel?.wanted === 'closed' && tunnel.verdict === 'converged'
    }, 30_000)

    await server.stop()
    await rm(path)
    await server.start()
    await kamailio.start()
    await until(async () => (await line(office, 'sip-account'))?.verdict === 'converged', 60_000)
    expect(await doctor()).not.toContain('SQLite')
  })
})
