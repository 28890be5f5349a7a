/**
 * The PBXs that the settings name, each with its driver. A further kind is a driver in src/pbx and its settings in
 * src/pbx-settings: once driver-settings.ts lists it, `driverOf` here and management-places.ts compile no more until they
 * know it. Which settings are its own stands in unused.ts.
 */

import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Log } from '../journeys/context.ts'
import { dialPlanOf } from '../journeys/dial-plans.ts'
import type { KnownPbx } from '../journeys/known-pbx.ts'
import { absentDriver } from '../pbx/absent.ts'
import { beginAccountBook } from '../pbx/account-book.ts'
import { manualDriver } from '../pbx/manual.ts'
import type { PbxDriver } from '../pbx/pbx-driver.ts'
import { threeCxDriver } from '../pbx/three-cx/three-cx.ts'
import { yeastarDriver } from '../pbx/yeastar/yeastar.ts'
import type { PbxSettings } from '../pbx-settings.ts'
import type { Store } from '../store/store.ts'
import { openAsterisk } from './asterisk.ts'
import { type Foundations, guideOf } from './foundations.ts'
import { openFreepbx } from './freepbx.ts'
import { openFreeswitch } from './freeswitch.ts'
import { openKamailio } from './kamailio.ts'
import { leftOnes } from './left-pbxs.ts'
import { keepPbxCertificate } from './pbx-certificates.ts'

/** Those of the settings, and those that left them while people still hold extensions there. */
export async function choosePbxs(
  config: Config,
  foundations: Foundations,
  { now, log }: { readonly now: Date; readonly log: Log },
): Promise<readonly KnownPbx[]> {
  const pbxs: KnownPbx[] = []
  for (const settings of config.pbxs) {
    await keepPbxCertificate(settings, foundations, now)
    const driver = await driverOf(settings, { config, foundations, log })
    pbxs.push({ settings, driver, guide: await guideOf(settings), isConfigured: true })
  }
  return [...pbxs, ...(await leftOnes(foundations.store, config.pbxs))]
}

async function driverOf(
  pbx: PbxSettings,
  { config: { dataFolder }, foundations, log }: { config: Config; foundations: Foundations; log: Log },
): Promise<PbxDriver> {
  const { driven, realm } = pbx
  // Each driver has a format of its own: one that follows another on the same PBX must not read its file.
  const accountsFile = join(dataFolder, `pbx-${pbx.id}-${pbx.driver}-accounts.json`)
  const dialPlan = () => dialPlanOf(foundations.store, pbx.site.id)
  switch (driven.kind) {
    case 'asterisk':
      return openAsterisk(pbx, driven, dialPlan)
    case 'freepbx':
      await beginBookOnce(foundations.store, pbx, accountsFile)
      return openFreepbx(pbx, driven, accountsFile)
    case 'freeswitch':
      return openFreeswitch(pbx, driven, accountsFile)
    case 'kamailio':
      return openKamailio(pbx, driven, { foundations, log })
    case '3cx':
    case 'yeastar': {
      await beginBookOnce(foundations.store, pbx, accountsFile)
      const { origin, ca, clientId, clientSecret } = driven
      const options = { origin, ca: ca ?? undefined, clientId, clientSecret, realm, accountsFile }
      return driven.kind === '3cx' ? threeCxDriver({ ...options, dialPlan }) : yeastarDriver(options)
    }
    case 'manual':
      return manualDriver({ name: 'the PBX', realm })
    case 'absent':
      return absentDriver({ name: pbx.name })
  }
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
