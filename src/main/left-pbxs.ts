/** PBXs that left the settings while people still hold extensions there, and the people who leave. */
import type { Pbx } from '../domain/site.ts'
import type { KnownPbx } from '../journeys/known-pbx.ts'
import { absentDriver } from '../pbx/absent.ts'
import type { PbxSettings } from '../pbx-settings.ts'
import type { StoreReader } from '../store/store.ts'
import { guideOf } from './foundations.ts'

/** Rows of PBXs that the settings do not name, on which somebody holds an extension or is still being offboarded. */
export async function leftOnes(
  store: Pick<StoreReader, 'find'>,
  configured: readonly PbxSettings[],
): Promise<readonly KnownPbx[]> {
  const others = (await store.find('pbx', {})).filter(({ id }) => configured.every((pbx) => pbx.id !== id))
  if (others.length === 0) return []
  const sites = new Map((await store.find('site', {})).map((site) => [site.id, site]))
  const leaving = await leavingOnes(store)
  const found: KnownPbx[] = []
  for (const row of others) {
    const assignments = await store.find('assignment', { pbxId: row.id })
    const isInUse = assignments.some(({ untilAt, employeeId }) => untilAt === null || leaving.has(employeeId))
    const site = sites.get(row.siteId)
    if (!isInUse || !site) continue
    const settings = { ...settingsOfLeft(row), site }
    const driver = absentDriver({ name: row.name })
    found.push({ settings, driver, guide: await guideOf(settings), isConfigured: false })
  }
  return found
}

/** Ids of the people who are being offboarded. */
export async function leavingOnes(store: Pick<StoreReader, 'find'>): Promise<ReadonlySet<string>> {
  return new Set((await store.find('employee', { lifecycle: 'offboarding' })).map(({ id }) => id))
}

/** What phones were told of it stays what they are told. */
function settingsOfLeft({
  id,
  name,
  driver,
  address,
  host,
  port,
  mtlsPort,
  rtpFrom,
  rtpTo,
  realm,
}: Pbx): Omit<PbxSettings, 'site'> {
  const rtp = { from: rtpFrom, to: rtpTo }
  const dialled = { host: host ?? address ?? '', port, mtlsPort }
  return {
    id,
    name,
    prefix: '',
    driver,
    driven: { kind: 'absent' },
    address,
    ...dialled,
    own: dialled,
    edge: null,
    rtp,
    realm,
    brand: 'generic',
  }
}
