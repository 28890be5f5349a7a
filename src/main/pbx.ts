/** The PBX that the settings name. A further one is a file in src/pbx and a line here. */

import { mkdir, readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { writeDurably } from '../durable-file.ts'
import { asteriskDriver, prepareAsterisk } from '../pbx/asterisk.ts'
import type { AsteriskOptions } from '../pbx/asterisk-options.ts'
import { manualDriver } from '../pbx/manual.ts'
import type { PbxDriver } from '../pbx/pbx-driver.ts'
import { keepServerCertificate } from '../pki/server-certificate.ts'
import type { Foundations } from './foundations.ts'

const serverDays = 397

export async function choosePbx(config: Config, foundations: Foundations, now: Date): Promise<PbxDriver> {
  const asterisk = config.pbx.asterisk
  await keepPbxCertificates(config, foundations, now)
  if (!asterisk) return manualDriver({ name: 'the PBX' })
  const folder = asterisk.configFolder
  const options: AsteriskOptions = {
    configDir: folder,
    realm: config.pbx.realm,
    context: asterisk.context,
    edge: config.pbx.edge?.address ?? null,
    manager: {
      host: asterisk.ami.host,
      port: asterisk.ami.port,
      username: asterisk.amiUser,
      secret: asterisk.amiSecret,
      tls: asterisk.amiTls ? {} : null,
    },
    transports: {
      bindAddress: asterisk.bind,
      port: config.pbx.own.port,
      mtlsPort: config.pbx.own.mtlsPort,
      certificateFile: asterisk.tls?.certificateFile ?? join(folder, 'ringfence-pbx.crt'),
      keyFile: asterisk.tls?.keyFile ?? join(folder, 'ringfence-pbx.key'),
      handsetCaFile: asterisk.caFile ?? join(folder, 'ringfence-handset-ca.crt'),
    },
  }
  await prepareAsterisk(options)
  return asteriskDriver(options)
}

/**
 * A certificate of the Service CA for the PBX (the name that handsets dial, and its address inside the VPN), and the
 * Handset CA that it must demand on the port for client certificates: in Asterisk's folder, or where whoever operates the
 * PBX by hand finds them. Unused where the admin names files of his own. Asked daily, it renews in time; Asterisk takes a
 * file with a new time at its next reload.
 */
export async function keepPbxCertificates(
  config: Config,
  { vault, authorities, pkiFolder }: Foundations,
  now: Date,
): Promise<void> {
  const { address, asterisk } = config.pbx
  const { host } = config.pbx.own
  if (!asterisk && address === null) return
  const folder = asterisk?.configFolder ?? join(pkiFolder, 'for-the-pbx')
  const kept = await keepServerCertificate(
    { path: join(pkiFolder, 'pbx-certificate.json'), vault, authority: authorities.service },
    {
      commonName: host,
      dnsNames: isIP(host) ? [] : [host],
      addresses: address ? [address] : [],
      now,
      validDays: serverDays,
    },
  )
  await mkdir(folder, { recursive: true, mode: 0o750 })
  const present = await readFile(join(folder, 'ringfence-pbx.crt'), 'utf8').catch(() => null)
  if (present === kept.certificate) return
  await writeDurably(join(folder, 'ringfence-handset-ca.crt'), authorities.handset.certificate, 0o644)
  // Readable by the PBX's own group; the folder decides who that is. The certificate last: it says that all is there.
  await writeDurably(join(folder, 'ringfence-pbx.key'), kept.privateKey.reveal(), 0o640)
  await writeDurably(join(folder, 'ringfence-pbx.crt'), kept.certificate, 0o644)
}
