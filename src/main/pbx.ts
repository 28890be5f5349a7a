/** The PBXs that the settings name. A further kind is a file in src/pbx and a line here. */

import { mkdir, readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { defaultId, type Pbx } from '../domain/site.ts'
import { writeDurably, writingInto } from '../durable-file.ts'
import { dialPlanOf } from '../journeys/dial-plans.ts'
import type { KnownPbx } from '../journeys/known-pbx.ts'
import { absentDriver } from '../pbx/absent.ts'
import { beginAccountBook } from '../pbx/account-book.ts'
import { manualDriver } from '../pbx/manual.ts'
import { loadManualGuide, type ManualGuide } from '../pbx/manual-guide.ts'
import type { PbxDriver } from '../pbx/pbx-driver.ts'
import { threeCxDriver } from '../pbx/three-cx.ts'
import { yeastarDriver } from '../pbx/yeastar.ts'
import type { PbxSettings } from '../pbx-settings.ts'
import { keepServerCertificate } from '../pki/server-certificate.ts'
import type { Store, StoreReader } from '../store/store.ts'
import { openAsterisk } from './asterisk.ts'
import { type Foundations, templates } from './foundations.ts'
import { openFreepbx } from './freepbx.ts'
import { openFreeswitch } from './freeswitch.ts'
import { openKamailio } from './kamailio.ts'

const serverDays = 397

/** Those of the settings, and those that left them while people still hold extensions there. */
export async function choosePbxs(config: Config, foundations: Foundations, now: Date): Promise<readonly KnownPbx[]> {
  const pbxs: KnownPbx[] = []
  for (const settings of config.pbxs) {
    await keepPbxCertificate(settings, foundations, now)
    const driver = await driverOf(settings, { config, foundations })
    pbxs.push({ settings, driver, guide: await guideOf(settings), isConfigured: true })
  }
  return [...pbxs, ...(await leftOnes(foundations.store, config.pbxs))]
}

/** A further driver is a line here, and a file beside this one where it needs to be put together. */
async function driverOf(
  pbx: PbxSettings,
  { config: { dataFolder }, foundations }: { config: Config; foundations: Foundations },
): Promise<PbxDriver> {
  const { asterisk, freepbx, freeswitch, kamailio, api } = pbx
  // Each driver has a format of its own: one that follows another on the same PBX must not read its file.
  const accountsFile = join(dataFolder, `pbx-${pbx.id}-${pbx.driver}-accounts.json`)
  const dialPlan = () => dialPlanOf(foundations.store, pbx.site.id)
  if (asterisk) return openAsterisk(pbx, asterisk, dialPlan)
  if (freepbx || api) await beginBookOnce(foundations.store, pbx, accountsFile)
  if (freepbx) return openFreepbx(pbx, freepbx, accountsFile)
  if (freeswitch) return openFreeswitch(pbx, freeswitch, accountsFile)
  if (kamailio) return openKamailio(pbx, kamailio, foundations)
  if (api) {
    const { ca, ...access } = api
    const options = { ...access, ca: ca ?? undefined, realm: pbx.realm, accountsFile }
    return pbx.driver === '3cx' ? threeCxDriver({ ...options, dialPlan }) : yeastarDriver(options)
  }
  return manualDriver({ name: 'the PBX' })
}

/** The database remembers that there is one: only of a PBX that is new may the book be an empty one. */
export async function beginBookOnce(
  store: Pick<Store, 'get' | 'transaction'>,
  { id, driver }: Pick<PbxSettings, 'id' | 'driver'>,
  path: string,
): Promise<void> {
  const begun = `account-book:${id}:${driver}`
  if (await store.get('setting', begun)) return
  await beginAccountBook(path)
  await store.transaction((tx) => tx.put('setting', [{ id: begun, value: 'begun' }]))
}

/** What a person does on it, in order. */
function guideOf({ brand }: Pick<PbxSettings, 'brand'>): Promise<ManualGuide> {
  return loadManualGuide(join(templates, 'manual-pbx'), brand)
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
    const settings = { ...placeOf(row), site }
    const driver = absentDriver({ name: row.name })
    found.push({ settings, driver, guide: await guideOf(settings), isConfigured: false })
  }
  return found
}

/** What phones were told of it stays what they are told. */
function placeOf({ id, name, driver, address, host, port, mtlsPort, rtpFrom, rtpTo, realm }: Pbx) {
  const rtp = { from: rtpFrom, to: rtpTo }
  const dialled = { host: host ?? address ?? '', port, mtlsPort }
  return {
    id,
    name,
    prefix: '',
    driver,
    address,
    ...dialled,
    own: dialled,
    edge: null,
    rtp,
    realm,
    brand: 'generic',
    asterisk: null,
    freepbx: null,
    freeswitch: null,
    kamailio: null,
    api: null,
  }
}

/** Asked daily, it renews in time. */
export async function keepPbxCertificates(config: Config, foundations: Foundations, now: Date): Promise<void> {
  for (const pbx of config.pbxs) await keepPbxCertificate(pbx, foundations, now)
}

/**
 * A certificate of the Service CA for the PBX (the name that handsets dial, and its address inside the VPN), and the
 * Handset CA that it must demand on the port for client certificates: in the PBX's folder, or where whoever operates the
 * PBX by hand finds them. Unused where the admin names files of his own. Asterisk takes a file with a new time at its next
 * reload.
 */
async function keepPbxCertificate(
  { id, prefix, own: { host }, address, asterisk, kamailio }: PbxSettings,
  { vault, authorities, pkiFolder }: Foundations,
  now: Date,
): Promise<void> {
  const driven = asterisk ?? kamailio
  if (!driven && address === null) return
  const suffix = id === defaultId ? '' : `-${id}`
  const folder = driven?.configFolder ?? join(pkiFolder, `for-the-pbx${suffix}`)
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
  const group = kamailio ? 'kamailio' : 'asterisk'
  await writingInto({ folder, name: `RINGFENCE_${prefix}_CONFIG_DIR`, group }, async () => {
    await mkdir(folder, { recursive: true, mode: 0o750 })
    const present = await readFile(join(folder, 'ringfence-pbx.crt'), 'utf8').catch(() => null)
    if (present === kept.certificate) return
    await writeDurably(join(folder, 'ringfence-handset-ca.crt'), authorities.handset.certificate, 0o644)
    // Readable by the PBX's own group; the folder decides who that is. The certificate last: it says that all is there.
    await writeDurably(join(folder, 'ringfence-pbx.key'), kept.privateKey.reveal(), 0o640)
    await writeDurably(join(folder, 'ringfence-pbx.crt'), kept.certificate, 0o644)
  })
}
