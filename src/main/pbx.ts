/** The PBXs that the settings name. A further kind is a file in src/pbx and a line here. */

import { mkdir, readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { defaultId, type Pbx } from '../domain/site.ts'
import { writeDurably } from '../durable-file.ts'
import { dialPlanOf } from '../journeys/dial-plans.ts'
import type { KnownPbx } from '../journeys/known-pbx.ts'
import { absentDriver } from '../pbx/absent.ts'
import { manualDriver } from '../pbx/manual.ts'
import type { PbxDriver } from '../pbx/pbx-driver.ts'
import type { PbxSettings } from '../pbx-settings.ts'
import { keepServerCertificate } from '../pki/server-certificate.ts'
import type { StoreReader } from '../store/store.ts'
import { chooseAsterisk } from './asterisk.ts'
import type { Foundations } from './foundations.ts'

const serverDays = 397

/** Those of the settings, and those that left them while people still hold extensions there. */
export async function choosePbxs(config: Config, foundations: Foundations, now: Date): Promise<readonly KnownPbx[]> {
  const pbxs: KnownPbx[] = []
  for (const settings of config.pbxs) {
    await keepPbxCertificate(settings, foundations, now)
    pbxs.push({ settings, driver: await choosePbx(settings, foundations.store), isConfigured: true })
  }
  return [...pbxs, ...(await leftOnes(foundations.store, config.pbxs))]
}

async function choosePbx(pbx: PbxSettings, store: StoreReader): Promise<PbxDriver> {
  const { asterisk } = pbx
  if (!asterisk) return manualDriver({ name: pbx.id === defaultId ? 'the PBX' : `PBX ${pbx.name}` })
  return chooseAsterisk(pbx, asterisk, () => dialPlanOf(store, pbx.site.id))
}

/** Rows of PBXs that the settings do not name, on which somebody holds an extension or is still being offboarded. */
export async function leftOnes(
  store: Pick<StoreReader, 'find'>,
  configured: readonly PbxSettings[],
): Promise<readonly KnownPbx[]> {
  const others = (await store.find('pbx', {})).filter(({ id }) => configured.every((pbx) => pbx.id !== id))
  if (others.length === 0) return []
  const sites = new Map((await store.find('site', {})).map((site) => [site.id, site]))
  const leaving = new Set((await store.find('employee', { lifecycle: 'offboarding' })).map(({ id }) => id))
  const found: KnownPbx[] = []
  for (const row of others) {
    const assignments = await store.find('assignment', { pbxId: row.id })
    const isInUse = assignments.some(({ untilAt, employeeId }) => untilAt === null || leaving.has(employeeId))
    const site = sites.get(row.siteId)
    if (!isInUse || !site) continue
    found.push({ settings: { ...placeOf(row), site }, driver: absentDriver({ name: row.name }), isConfigured: false })
  }
  return found
}

/** What phones were told of it stays what they are told. */
function placeOf({ id, name, driver, address, host, port, mtlsPort, rtpFrom, rtpTo, realm }: Pbx) {
  const rtp = { from: rtpFrom, to: rtpTo }
  return {
    id,
    name,
    prefix: '',
    driver,
    address,
    host: host ?? address ?? '',
    port,
    mtlsPort,
    rtp,
    realm,
    asterisk: null,
  }
}

/** Asked daily, it renews in time. */
export async function keepPbxCertificates(config: Config, foundations: Foundations, now: Date): Promise<void> {
  for (const pbx of config.pbxs) await keepPbxCertificate(pbx, foundations, now)
}

/**
 * A certificate of the Service CA for the PBX (the name that handsets dial, and its address inside the VPN), and the
 * Handset CA that it must demand on the port for client certificates: in Asterisk's folder, or where whoever operates the
 * PBX by hand finds them. Unused where the admin names files of his own. Asterisk takes a file with a new time at its next
 * reload.
 */
async function keepPbxCertificate(
  { id, host, address, asterisk }: PbxSettings,
  { vault, authorities, pkiFolder }: Foundations,
  now: Date,
): Promise<void> {
  if (!asterisk && address === null) return
  const suffix = id === defaultId ? '' : `-${id}`
  const folder = asterisk?.configFolder ?? join(pkiFolder, `for-the-pbx${suffix}`)
  const kept = await keepServerCertificate(
    { path: join(pkiFolder, `pbx-certificate${suffix}.json`), vault, authority: authorities.service },
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
