import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import { prepareKamailio } from '../../src/pbx/kamailio/kamailio-files.ts'
import type { KamailioOptions } from '../../src/pbx/kamailio/kamailio-options.ts'
import type { Authorities } from '../../src/pki/certificate-authority.ts'
import type { IssuedCertificate } from '../../src/pki/pki-port.ts'
import { readRevocationList, revocationListPem } from '../../src/pki/revocation-list.ts'
import { openTestAuthorities, requestFor } from '../pki/pki-fixture.ts'
import { freeTcpPorts, type KamailioLab, kamailioLab } from './kamailio.ts'
import { type NextHop, startNextHop } from './next-hop.ts'

/**
 * A real Kamailio that runs the script that Ringfence wrote, with certificates of Ringfence's own authorities, and behind
 * it a next hop that answers every call.
 */
export interface RegistrarLab {
  readonly kamailio: KamailioLab
  readonly nextHop: NextHop
  /** Where Kamailio takes the next hop's calls, UDP. */
  readonly trunkPort: number
  readonly options: KamailioOptions
  readonly authorities: Authorities
  /** A handset's client certificate. */
  certificateFor(extension: string): Promise<IssuedCertificate>
  /** Publishes a list, as the server would; Kamailio learns of it from the driver. */
  publish(serials: readonly string[], validForMs?: number): Promise<number>
  stop(): Promise<void>
}

export interface RegistrarLabOptions {
  /** What the admin adds to local.cfg. */
  readonly local?: string
  readonly options?: (defaults: KamailioOptions, authorities: Authorities) => KamailioOptions
  /** Before Ringfence sees the machine. */
  readonly before?: (options: KamailioOptions) => void
  readonly environment?: Readonly<Record<string, string>>
  readonly memoryMb?: number
}

export async function startRegistrar(lab: RegistrarLabOptions = {}): Promise<RegistrarLab> {
  const address = '127.0.0.1'
  const [port, mtlsPort, rpcPort, ownPort] = await freeTcpPorts(address, 4)
  const nextHop = await startNextHop(address)
  const kamailio = kamailioLab({
    address,
    ports: [port!, mtlsPort!, rpcPort!],
    ...(lab.environment ? { environment: lab.environment } : {}),
    ...(lab.memoryMb ? { memoryMb: lab.memoryMb } : {}),
  })
  const home = mkdtempSync(join(tmpdir(), `ringfence-registrar-${process.pid}-`))
  const { folder } = kamailio
  const path = join(home, 'handsets.pem')
  let number = 0
  const stop = async () => {
    await kamailio.stop()
    await nextHop.stop()
    rmSync(home, { recursive: true, force: true })
  }
  try {
    const authorities = await openTestAuthorities(join(home, 'pki'))
    const publish = async (serials: readonly string[], validForMs = 30 * 86_400_000) => {
      number++
      const thisUpdate = new Date(Date.now() - 60_000)
      const entries = serials.map((serial) => ({ serial, revokedAt: thisUpdate.toISOString() }))
      const nextUpdate = new Date(Date.now() + validForMs)
      const der = await authorities.handset.signRevocationList({ number, thisUpdate, nextUpdate, entries })
      writeFileSync(path, revocationListPem(der))
      return number
    }
    await publish([])
    const names = { commonName: 'pbx.test', dnsNames: ['pbx.test'], addresses: [address] }
    const server = await authorities.service.issueServer({ ...names, now: new Date(), validDays: 2 })
    writeFileSync(join(folder, 'server.crt'), server.certificate)
    writeFileSync(join(folder, 'server.key'), server.privateKey.reveal(), { mode: 0o600 })
    writeFileSync(join(folder, 'handset-ca.crt'), authorities.handset.certificate)
    writeFileSync(
      join(folder, 'local.cfg'),
      `#!define RINGFENCE_NEXT_HOP "sip:${address}:${nextHop.port}"
#!define RINGFENCE_NEXT_HOP_ADDRESS "${address}"
listen = udp:${address}:${ownPort}
${lab.local ?? ''}
`,
    )
    const defaults: KamailioOptions = {
      folder,
      rpc: { host: address, port: rpcPort!, secret: new Secret(randomBytes(18).toString('base64url')), tls: null },
      database: { sqlite: join(folder, 'accounts.db') },
      revocationList: {
        path,
        read(bytes) {
          const list = readRevocationList(bytes, authorities.handset.certificate)
          return list.signatureValid ? list : null
        },
      },
      realm: 'ringfence',
      bindAddress: address,
      port: port!,
      mtlsPort: mtlsPort!,
      certificateFile: join(folder, 'server.crt'),
      keyFile: join(folder, 'server.key'),
      handsetCaFile: join(folder, 'handset-ca.crt'),
      dialPlan: async () => null,
    }
    const options = lab.options?.(defaults, authorities) ?? defaults
    lab.before?.(options)
    await prepareKamailio(options)
    await kamailio.start()
    const certificateFor = (extension: string) =>
      authorities.handset.issue(requestFor({ extension, handsetId: randomUUID(), validDays: 2 }))
    return { kamailio, nextHop, trunkPort: ownPort!, options, authorities, certificateFor, publish, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
