/** Certificates of the Service CA for what phones dial, and the Handset CA beside them. Asked daily, they renew in time. */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { defaultId } from '../domain/site.ts'
import { type FolderOfSetting, makeFolder, writeDurably, writingInto } from '../durable-file.ts'
import { edgeFiles } from '../pbx/edge/edge-options.ts'
import type { TlsPorts } from '../pbx/tls-ports.ts'
import type { PbxSettings } from '../pbx-settings.ts'
import { keepServerCertificate, type ServerCertificate } from '../pki/server-certificate.ts'
import type { TlsFiles } from '../setting-reader.ts'
import type { Foundations } from './foundations.ts'

const serverDays = 397

/** Names inside the folder of a PBX. */
const pbxFiles = {
  certificate: 'ringfence-pbx.crt',
  key: 'ringfence-pbx.key',
  handsetAuthority: 'ringfence-handset-ca.crt',
} as const

interface OwnFiles {
  readonly bind: string
  readonly tls: TlsFiles | null
  readonly caFile: string | null
}

/** The files are those that the admin names, else ours. */
export function tlsPortsOf(
  { own }: Pick<PbxSettings, 'own'>,
  { bind, tls, caFile }: OwnFiles,
  folder: string,
): TlsPorts {
  return {
    bindAddress: bind,
    port: own.port,
    mtlsPort: own.mtlsPort,
    certificateFile: tls?.certificateFile ?? join(folder, pbxFiles.certificate),
    keyFile: tls?.keyFile ?? join(folder, pbxFiles.key),
    handsetCaFile: caFile ?? join(folder, pbxFiles.handsetAuthority),
  }
}

export async function keepPbxCertificates(config: Config, foundations: Foundations, now: Date): Promise<void> {
  for (const pbx of config.pbxs) await keepPbxCertificate(pbx, foundations, now)
}

/**
 * In the PBX's folder, or where whoever operates the PBX by hand finds them; for the host that handsets dial, and the PBX's
 * address inside the VPN. Unused where the admin names files of his own. Asterisk takes a file with a new time at its next
 * reload.
 */
export async function keepPbxCertificate(
  { id, prefix, own: { host }, address, driven }: PbxSettings,
  foundations: Foundations,
  now: Date,
): Promise<void> {
  const ours = driven.kind === 'asterisk' || driven.kind === 'kamailio' ? driven : null
  if (!ours && address === null) return
  const { authorities, pkiFolder } = foundations
  const suffix = id === defaultId ? '' : `-${id}`
  const folder = ours?.configFolder ?? join(pkiFolder, `for-the-pbx${suffix}`)
  // What a phone dials is what it looks for here, be that a name or an address.
  const names = [...new Set([host, ...(address ? [address] : [])])]
  const { certificate, privateKey } = await keep(`pbx-certificate${suffix}.json`, [host, names], foundations, now)
  const group = ours?.kind ?? 'asterisk'
  // The key is readable by the PBX's own group; the folder decides who that is.
  await putInto({ folder, name: `RINGFENCE_${prefix}_CONFIG_DIR`, group, isShared: group === 'kamailio' }, [
    [pbxFiles.handsetAuthority, authorities.handset.certificate, 0o644],
    [pbxFiles.key, privateKey.reveal(), 0o640],
    [pbxFiles.certificate, certificate, 0o644],
  ])
}

/**
 * What the edge shows: to phones unless the admin names another certificate, to the PBX and to us always. The edge takes a
 * new one over with the next list.
 */
export async function keepEdgeCertificates(
  { pbxs: [pbx] }: Config,
  foundations: Foundations,
  now: Date,
): Promise<void> {
  const edge = pbx?.edge
  if (!edge) return
  const names = [...new Set([edge.host, edge.address, edge.rpc.host])]
  const { certificate, privateKey } = await keep('edge-certificate.json', [edge.host, names], foundations, now)
  await putInto({ folder: edge.folder, name: 'RINGFENCE_EDGE_DIR', group: 'kamailio' }, [
    [edgeFiles.handsetAuthority, foundations.authorities.handset.certificate, 0o640],
    [edgeFiles.serviceAuthority, foundations.authorities.service.certificate, 0o640],
    [edgeFiles.key, privateKey.reveal(), 0o640],
    [edgeFiles.ownKey, privateKey.reveal(), 0o640],
    [edgeFiles.certificate, certificate, 0o640],
    [edgeFiles.ownCertificate, certificate, 0o640],
  ])
}

function keep(
  file: string,
  [commonName, names]: readonly [commonName: string, names: readonly string[]],
  { vault, authorities, pkiFolder }: Foundations,
  now: Date,
): Promise<ServerCertificate> {
  return keepServerCertificate(
    { path: join(pkiFolder, file), vault, authority: authorities.service },
    {
      commonName,
      dnsNames: names.filter((name) => isIP(name) === 0),
      addresses: names.filter((name) => isIP(name) !== 0),
      now,
      validDays: serverDays,
    },
  )
}

type File = readonly [name: string, content: string, mode: number]

/** In order, the certificates last. What is there already keeps its time. */
async function putInto(folder: FolderOfSetting, files: readonly File[]): Promise<void> {
  await writingInto(folder, async () => {
    await makeFolder(folder.folder, 0o750)
    for (const [name, content, mode] of files) {
      const path = join(folder.folder, name)
      if ((await readFile(path, 'utf8').catch(() => null)) !== content) await writeDurably(path, content, mode)
    }
  })
}
