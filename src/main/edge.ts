/** The SIP edge that the settings name: its keeper for the server, its configuration for `ringfence edge`. */
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { type Config, readConfig } from '../config.ts'
import { addressOf } from '../domain/address.ts'
import { Secret } from '../domain/secret.ts'
import { writeDurably, writeForFoldersGroup, writingInto } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import { dialPlanOf } from '../journeys/dial-plans.ts'
import { bindingText, denialText } from '../pbx/edge/edge-access.ts'
import { callRows, type EdgeCallSettings } from '../pbx/edge/edge-calls.ts'
import { edgeConfiguration, edgeTlsConfiguration } from '../pbx/edge/edge-config.ts'
import { describeEdge, type EdgeDescription } from '../pbx/edge/edge-description.ts'
import type { EdgeCalls } from '../pbx/edge/edge-extension-access.ts'
import { type EdgeKeeper, type EdgeList, edgeKeeper } from '../pbx/edge/edge-keeper.ts'
import { type EdgeOptions, edgeFiles } from '../pbx/edge/edge-options.ts'
import { edgeReadme } from '../pbx/edge/edge-readme.ts'
import { edgeRpc } from '../pbx/edge/edge-rpc.ts'
import { readCallTables } from '../pbx/edge/edge-state.ts'
import { decimalSerial, type EdgeRows } from '../pbx/edge/edge-tables.ts'
import { publishedFiles } from '../pki/publication.ts'
import { readRevocationList } from '../pki/revocation-list.ts'
import { keepServerCertificate } from '../pki/server-certificate.ts'
import type { Store } from '../store/store.ts'
import type { System } from '../system.ts'
import type { Foundations } from './foundations.ts'

export interface Edge {
  /** The PBX behind it. */
  readonly pbxId: string
  readonly keeper: EdgeKeeper
  readonly calls: EdgeCalls
  describe(signal: AbortSignal): Promise<EdgeDescription>
}

/** Null where phones dial the PBX itself. */
export async function openEdge(config: Config, foundations: Foundations, system: System): Promise<Edge | null> {
  const pbx = config.pbxs[0]
  const edge = pbx?.edge
  if (!edge) return null
  await keepEdgeCertificates(config, foundations, system.now())
  const { authorities, publishedFolder, store } = foundations
  const rpc = edgeRpc({
    address: edge.rpc.host,
    port: edge.rpc.port,
    authority: authorities.service.certificate,
    key: rpcKey(edge.rpcSecret),
  })
  const callSettings = async () => ({
    dialPlan: await dialPlanOf(store, pbx.site.id),
    internal: edge.internalNumbers,
  })
  const keeper = edgeKeeper({
    folder: edge.folder,
    rpc,
    desired: async () => desiredRows(store, pbx.id, await callSettings()),
    publishedList: () => readFile(join(publishedFolder, publishedFiles.pem)),
    readList: (bytes) => edgeList(bytes, authorities.handset.certificate),
    now: system.now,
    ...(config.sweepMs === null ? {} : { listEveryMs: config.sweepMs }),
  })
  const { fingerprint } = edgeConfiguration(edgeOptions(config), '')
  return {
    pbxId: pbx.id,
    keeper,
    calls: {
      async read(signal) {
        const settings = await callSettings()
        return settings.dialPlan === null ? null : { rows: await readCallTables(rpc, signal), settings }
      },
      publish: keeper.publish,
    },
    describe: (signal) => describeEdge({ keeper, rpc, fingerprint }, signal),
  }
}

/** `ringfence edge --out DIR`: the names of what it wrote. */
export async function writeEdge(
  env: Readonly<Record<string, string | undefined>>,
  out: string,
): Promise<readonly string[]> {
  const config = readConfig(env)
  const options = edgeOptions(config)
  const folder = resolve(out)
  const tlsFile = join(folder, 'tls.cfg')
  const files = {
    'tls.cfg': edgeTlsConfiguration(options),
    'kamailio.cfg': edgeConfiguration(options, tlsFile).text,
    'README.txt': edgeReadme(options, folder),
  }
  const paths = Object.entries(files).map(([name, text]) => [join(folder, name), text] as const)
  await writingInto({ folder, name: '--out', group: 'kamailio' }, async () => {
    await mkdir(folder, { recursive: true, mode: 0o750 })
    for (const [path, text] of paths) {
      // Kamailio reads tls.cfg again and again, as its own user.
      await writeForFoldersGroup(path, text, 0o640)
    }
  })
  return paths.map(([path]) => path)
}

/** @throws AppError CONFIG_INVALID where no edge is configured. */
function edgeOptions({ pbxs: [pbx] }: Config): EdgeOptions {
  const edge = pbx?.edge
  if (!edge || pbx.address === null) {
    throw new AppError('CONFIG_INVALID', 'no SIP edge is configured', {
      hint: 'set RINGFENCE_EDGE_ADDRESS and what docs/edge.md names with it',
    })
  }
  const { address, host, port, mtlsPort, pbxPort, folder, tls, rpc, rpcSecret } = edge
  return {
    ...{ address, host, port, mtlsPort, pbxPort, folder, tls },
    rpc: { address: rpc.host, port: rpc.port },
    pbx: { address: pbx.address, port: pbx.own.port },
    rpcKeyHash: hashOf(`Bearer ${rpcKey(rpcSecret).reveal()}`),
  }
}

/** What the header says: whatever the file holds, it is one word, and the admin's own secret never travels. */
function rpcKey(secret: Secret): Secret {
  return new Secret(hashOf(`ringfence edge: ${secret.reveal()}`))
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Everything that should be in the edge's tables: of the PBX behind it. */
export async function desiredRows(
  store: Pick<Store, 'subjects'>,
  pbxId: string,
  calls: EdgeCallSettings,
): Promise<EdgeRows> {
  const isBehind = (subject: { readonly pbxId: string }) => subject.pbxId === pbxId
  const [deny, bind, source] = [new Map<string, string>(), new Map<string, string>(), new Map<string, string>()]
  const certified = new Set<string>()
  const held = new Set<string>()
  for (const { serial, wanted, holder, notAfter } of (await store.subjects('certificate')).filter(isBehind)) {
    if (wanted === 'closed') deny.set(decimalSerial(serial), denialText(notAfter))
    else if (holder) {
      bind.set(decimalSerial(serial), bindingText(holder))
      for (const prefix of holder.addresses) certified.add(prefix)
    }
  }
  for (const { wanted, addresses, extension } of (await store.subjects('sip-credential')).filter(isBehind)) {
    if (wanted === 'closed') continue
    held.add(extension)
    // Whoever can hold a certificate has to show it.
    for (const prefix of addresses) if (!certified.has(prefix)) source.set(addressOf(prefix), extension)
  }
  const extensions = (await store.subjects('assignment')).filter(isBehind)
  return { deny, bind, source, ...callRows(held, extensions, calls) }
}

function edgeList(bytes: Buffer, authority: string): EdgeList | null {
  const list = readRevocationList(bytes, authority)
  return list.signatureValid ? { ...list, serials: new Set([...list.serials].map(decimalSerial)) } : null
}

const serverDays = 397

/**
 * What the edge shows: to phones a certificate of the Service CA unless the admin names another, to the PBX and to us always
 * one. Asked daily, it renews in time; the edge takes it over with the next list.
 */
export async function keepEdgeCertificates(
  { pbxs: [pbx] }: Config,
  { vault, authorities, pkiFolder }: Foundations,
  now: Date,
): Promise<void> {
  const edge = pbx?.edge
  if (!edge) return
  const names = [...new Set([edge.host, edge.address, edge.rpc.host])]
  const { certificate, privateKey } = await keepServerCertificate(
    { path: join(pkiFolder, 'edge-certificate.json'), vault, authority: authorities.service },
    {
      commonName: edge.host,
      dnsNames: names.filter((name) => isIP(name) === 0),
      addresses: names.filter((name) => isIP(name) !== 0),
      now,
      validDays: serverDays,
    },
  )
  const put = async (name: string, content: Secret) => {
    const path = join(edge.folder, name)
    if ((await readFile(path, 'utf8').catch(() => null)) !== content.reveal())
      await writeDurably(path, content.reveal(), 0o640)
  }
  await writingInto({ folder: edge.folder, name: 'RINGFENCE_EDGE_DIR', group: 'kamailio' }, async () => {
    await mkdir(edge.folder, { recursive: true, mode: 0o750 })
    await put(edgeFiles.handsetAuthority, new Secret(authorities.handset.certificate))
    for (const name of [edgeFiles.key, edgeFiles.ownKey]) await put(name, privateKey)
    for (const name of [edgeFiles.certificate, edgeFiles.ownCertificate]) await put(name, new Secret(certificate))
  })
}
