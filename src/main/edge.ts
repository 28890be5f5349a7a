/** The SIP edge that the settings name: its keeper for the server, its configuration for `ringfence edge`. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Config, readConfig } from '../config.ts'
import { Secret } from '../domain/secret.ts'
import { makeFolder, writeForFoldersGroup, writingInto } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import { dialPlanOf } from '../journeys/dial-plans.ts'
import { desiredRows } from '../pbx/edge/desired-rows.ts'
import { edgeConfiguration, edgeTlsConfiguration } from '../pbx/edge/edge-config.ts'
import { describeEdge, type EdgeDescription } from '../pbx/edge/edge-description.ts'
import type { EdgeCalls } from '../pbx/edge/edge-extension-access.ts'
import { type EdgeKeeper, type EdgeList, edgeKeeper } from '../pbx/edge/edge-keeper.ts'
import { type EdgeOptions, edgeFiles } from '../pbx/edge/edge-options.ts'
import { edgeReadme } from '../pbx/edge/edge-readme.ts'
import { edgeRpc } from '../pbx/edge/edge-rpc.ts'
import { readCallTables } from '../pbx/edge/edge-state.ts'
import { decimalSerial } from '../pbx/edge/edge-tables.ts'
import { type EdgeSettings, showsOurCertificate } from '../pbx-settings/edge.ts'
import type { PbxSettings } from '../pbx-settings.ts'
import { publishedFiles } from '../pki/publication.ts'
import { readRevocationList } from '../pki/revocation-list.ts'
import type { System } from '../system.ts'
import type { Foundations } from './foundations.ts'
import { keepEdgeCertificates } from './pbx-certificates.ts'

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
  const options = edgeOptions(config)
  const { fingerprint } = edgeConfiguration(options, '')
  return {
    pbxId: pbx.id,
    keeper,
    calls: {
      async read(signal) {
        const settings = await callSettings()
        if (settings.dialPlan === null) return null
        const wasChanging = keeper.isChanging()
        const rows = await readCallTables(rpc, signal)
        return { rows, settings, isChanging: wasChanging || keeper.isChanging() }
      },
      publish: keeper.publish,
    },
    describe: (signal) => describeEdge({ keeper, rpc, fingerprint, pbx: options.pbx }, signal),
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
    await makeFolder(folder, 0o750)
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
    pbx: { address: pbx.address, port: pbx.own.port, authorityFile: authorityBehind(pbx, edge) },
    rpcKeyHash: hashOf(`Bearer ${rpcKey(rpcSecret).reveal()}`),
  }
}

/** Null: not known whose certificate the PBX shows, and so not checked. */
function authorityBehind({ driven }: PbxSettings, { pbxCaFile, folder }: EdgeSettings): string | null {
  if (pbxCaFile !== null) return pbxCaFile
  return showsOurCertificate(driven) ? `${folder}/${edgeFiles.serviceAuthority}` : null
}

/** What the header says: whatever the file holds, it is one word, and the admin's own secret never travels. */
function rpcKey(secret: Secret): Secret {
  return new Secret(hashOf(`ringfence edge: ${secret.reveal()}`))
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function edgeList(bytes: Buffer, authority: string): EdgeList | null {
  const list = readRevocationList(bytes, authority)
  return list.signatureValid ? { ...list, serials: new Set([...list.serials].map(decimalSerial)) } : null
}
