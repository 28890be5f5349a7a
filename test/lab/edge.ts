import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallPolicy } from '../../src/domain/call-policy.ts'
import { Secret } from '../../src/domain/secret.ts'
import { bindingText, denialText } from '../../src/pbx/edge/edge-access.ts'
import { callRows, type EdgeCallSettings } from '../../src/pbx/edge/edge-calls.ts'
import { edgeConfiguration, edgeTlsConfiguration } from '../../src/pbx/edge/edge-config.ts'
import { type EdgeKeeper, type EdgeList, edgeKeeper } from '../../src/pbx/edge/edge-keeper.ts'
import { type EdgeOptions, edgeFiles } from '../../src/pbx/edge/edge-options.ts'
import { edgeRpc } from '../../src/pbx/edge/edge-rpc.ts'
import { decimalSerial } from '../../src/pbx/edge/edge-tables.ts'
import type { KamailioRpc } from '../../src/pbx/kamailio/kamailio-rpc.ts'
import { type Authorities, openAuthorities } from '../../src/pki/certificate-authority.ts'
import { makeKeyPair } from '../../src/pki/key-pair.ts'
import type { IssuedCertificate } from '../../src/pki/pki-port.ts'
import { readRevocationList, revocationListPem } from '../../src/pki/revocation-list.ts'
import { realSystem } from '../../src/system.ts'
import { openVault } from '../../src/vault.ts'
import { freeTcpPorts, type KamailioLab, kamailioLab } from './kamailio.ts'

/**
 * A real Kamailio as the edge, with the real authorities of Ringfence, in front of a PBX that listens at `pbx`. The test
 * says who may speak; the keeper under test brings it into the edge.
 */
export interface EdgeLab {
  readonly kamailio: KamailioLab
  readonly options: EdgeOptions
  readonly keeper: EdgeKeeper
  readonly rpc: KamailioRpc
  readonly key: Secret
  readonly authorities: Authorities
  issue(extension: string): Promise<IssuedCertificate>
  /** Opens and shuts in what is wanted; `keeper.publish` does it. */
  readonly wanted: {
    bind(certificate: IssuedCertificate, extension: string, addresses: readonly string[]): void
    revoke(certificate: IssuedCertificate): void
    /** As a database from before: it knows of neither. */
    forget(certificate: IssuedCertificate): void
    source(address: string, extension: string | null): void
    /** Null: nothing was chosen for this extension, which is known all the same. */
    policy(extension: string, policy: CallPolicy | null): void
    plan(settings: EdgeCallSettings): void
  }
  /** Signs the next list, as the publication does. */
  signList(list?: { readonly thisUpdate?: Date; readonly nextUpdate?: Date; readonly without?: string }): Promise<void>
  /** The list that is published, to be replaced by what a test makes of it. */
  readonly publishedFile: string
  publish(): Promise<void>
  stop(): Promise<void>
}

export interface EdgeLabOptions {
  readonly address: string
  readonly host: string
  readonly pbx: {
    readonly address: string
    readonly port: number
    /** PEM of whose certificate it must show; null: of anybody. */
    readonly authority: string | null
  }
  readonly memoryMb?: number
}

const day = 86_400_000

export async function startEdge({ address, host, pbx, memoryMb }: EdgeLabOptions): Promise<EdgeLab> {
  const data = mkdtempSync(join(tmpdir(), `rf-edge-${process.pid}-`))
  const vault = await openVault(join(data, 'vault.json'), new Secret('a passphrase for a test'))
  const authorities = await openAuthorities({
    folder: join(data, 'pki'),
    vault,
    system: realSystem,
    takeKey: () => makeKeyPair(2048),
  })
  const [port, mtlsPort, pbxPort, rpcPort] = (await freeTcpPorts(address, 4)) as [number, number, number, number]
  const kamailio = kamailioLab({
    address,
    ports: [port, mtlsPort, pbxPort, rpcPort],
    ...(memoryMb === undefined ? {} : { memoryMb }),
  })
  const key = new Secret(randomBytes(24).toString('base64url'))
  const options: EdgeOptions = {
    address,
    host,
    port,
    mtlsPort,
    pbxPort,
    rpc: { address, port: rpcPort },
    folder: kamailio.folder,
    tls: null,
    pbx: { ...pbx, authorityFile: pbx.authority === null ? null : join(kamailio.folder, 'pbx-ca.crt') },
    rpcKeyHash: createHash('sha256').update(`Bearer ${key.reveal()}`).digest('hex'),
  }
  const put = (name: string, text: string) => writeFileSync(join(kamailio.folder, name), text, { mode: 0o640 })
  put('kamailio.cfg', edgeConfiguration(options, join(kamailio.folder, 'tls.cfg')).text)
  put('tls.cfg', edgeTlsConfiguration(options))
  const server = await authorities.service.issueServer({
    commonName: host,
    dnsNames: [host],
    addresses: [address],
    now: new Date(),
    validDays: 10,
  })
  for (const [certificateFile, keyFile] of [
    [edgeFiles.certificate, edgeFiles.key],
    [edgeFiles.ownCertificate, edgeFiles.ownKey],
  ] as const) {
    put(certificateFile, server.certificate)
    put(keyFile, server.privateKey.reveal())
  }
  put(edgeFiles.handsetAuthority, authorities.handset.certificate)
  put(edgeFiles.serviceAuthority, authorities.service.certificate)
  if (pbx.authority !== null) put('pbx-ca.crt', pbx.authority)

  const publishedFile = join(data, 'handsets.pem')
  const [deny, bind, source] = [
    new Map<string, string>(),
    new Map<string, string>(),
    new Map<string, string>(),
  ] as const
  const revoked: string[] = []
  const policies = new Map<string, CallPolicy | null>()
  const policySubjects = () =>
    [...policies].map(([extension, policy]) => ({ extension, policy, wanted: 'open' as const, hasNextHolder: false }))
  let callSettings: EdgeCallSettings = { dialPlan: null, internal: [] }
  let number = 40
  const rpc = edgeRpc({ address, port: rpcPort, authority: authorities.service.certificate, key })
  const keeper = edgeKeeper({
    folder: kamailio.folder,
    rpc,
    desired: async () => ({
      deny: new Map(deny),
      bind: new Map(bind),
      source: new Map(source),
      ...callRows([...policies.keys()], policySubjects(), callSettings),
    }),
    publishedList: async () => readFileSync(publishedFile),
    readList: (bytes) => edgeList(bytes, authorities.handset.certificate),
    now: () => new Date(),
    listEveryMs: 0,
  })
  const lab: EdgeLab = {
    kamailio,
    options,
    keeper,
    rpc,
    key,
    authorities,
    publishedFile,
    issue: (extension) =>
      authorities.handset.issue({
        handsetId: '019a0000-0000-7000-8000-000000000001',
        commonName: `Phone ${extension}`,
        extension,
        sipDomain: host,
        crlUrl: 'https://phones.test/crl/handsets.crl',
        now: new Date(),
        validDays: 30,
      }),
    wanted: {
      bind: ({ serial }, extension, addresses) =>
        void bind.set(decimalSerial(serial), bindingText({ extension, addresses })),
      revoke({ serial, notAfter }) {
        bind.delete(decimalSerial(serial))
        deny.set(decimalSerial(serial), denialText(notAfter))
        revoked.push(serial)
      },
      forget({ serial }) {
        bind.delete(decimalSerial(serial))
        deny.delete(decimalSerial(serial))
      },
      source: (from, extension) => void (extension === null ? source.delete(from) : source.set(from, extension)),
      policy: (extension, policy) => void policies.set(extension, policy),
      plan(settings) {
        callSettings = settings
      },
    },
    async signList({ thisUpdate = new Date(Date.now() - 600_000), nextUpdate, without } = {}) {
      number += 1
      const der = await authorities.handset.signRevocationList({
        number,
        thisUpdate,
        nextUpdate: nextUpdate ?? new Date(Date.now() + 30 * day),
        entries: revoked
          .filter((serial) => serial !== without)
          .map((serial) => ({ serial, revokedAt: new Date().toISOString() })),
      })
      writeFileSync(publishedFile, revocationListPem(der))
    },
    publish: () => keeper.publish(AbortSignal.timeout(20_000)),
    async stop() {
      await kamailio.stop()
      rmSync(data, { recursive: true, force: true })
    },
  }
  try {
    await lab.signList()
    // The edge is not there yet; its files are.
    await lab.publish().catch(() => undefined)
    const refusal = kamailio.refusal()
    if (refusal !== null) throw new Error(`kamailio -c: ${refusal}`)
    await kamailio.start()
    await lab.publish()
    return lab
  } catch (error) {
    await lab.stop()
    throw error
  }
}

function edgeList(bytes: Buffer, authority: string): EdgeList | null {
  const list = readRevocationList(bytes, authority)
  return list.signatureValid ? { ...list, serials: new Set([...list.serials].map(decimalSerial)) } : null
}
