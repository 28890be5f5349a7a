import { X509Certificate } from 'node:crypto'
import { createServer } from 'node:net'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { openDoors } from '../../src/main/doors.ts'
import { undoList } from '../../src/main/undo.ts'
import { realSystem } from '../../src/system.ts'
import { fakeApplication } from '../fakes/fake-application.ts'
import { openTestAuthorities, scratchFolder, testVault } from '../pki/pki-fixture.ts'

const day = 86_400_000
const silence = { info() {}, warn() {}, error() {} }

test.each([
  ['also where a proxy does TLS outside', 'off'],
  ['and outside with it', ''],
])('the certificate inside the VPN is renewed without a restart, %s', async (_what, tls) => {
  await using folder = await scratchFolder()
  const [listen, phones, inTunnel] = [await freePort(), await freePort(), await freePort()]
  const config = readConfig({
    RINGFENCE_DATA: folder.path,
    RINGFENCE_LISTEN: `127.0.0.1:${listen}`,
    RINGFENCE_PHONE_LISTEN: `127.0.0.1:${phones}`,
    RINGFENCE_PHONE_TUNNEL_LISTEN: `127.0.0.1:${inTunnel}`,
    RINGFENCE_PHONE_TLS: tls,
  })
  const authorities = await openTestAuthorities(folder.path)
  let now = new Date()
  const system = { ...realSystem, now: () => now }
  const undo = undoList(silence)
  try {
    const foundations = { vault: testVault, authorities, pkiFolder: folder.path }
    const doors = await openDoors(fakeApplication(), { config, foundations, system, log: silence, undo })
    const first = await certificateAt(inTunnel)
    now = new Date(now.getTime() + 300 * day)
    await doors.refresh()
    expect(await certificateAt(inTunnel)).toEqual(first)

    now = new Date(now.getTime() + 80 * day)
    await doors.refresh()
    const second = await certificateAt(inTunnel)
    expect(second.serial).not.toBe(first.serial)
    expect(second.validTo - now.getTime()).toBeGreaterThan(390 * day)
    if (tls !== 'off') expect(await certificateAt(phones)).toEqual(second)
  } finally {
    await undo.all()
  }
})

function certificateAt(port: number): Promise<{ serial: string; validTo: number }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      const { serialNumber, validTo } = new X509Certificate(socket.getPeerCertificate(false).raw)
      socket.destroy()
      resolve({ serial: serialNumber, validTo: Date.parse(validTo) })
    })
    socket.once('error', reject)
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
