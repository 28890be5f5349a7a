/** What a FreePBX's driver is put together from. */
import { freepbxDriver } from '../pbx/freepbx/freepbx.ts'
import type { PbxDriver } from '../pbx/pbx-driver.ts'
import type { FreepbxSettings } from '../pbx-settings/freepbx.ts'
import type { PbxSettings } from '../pbx-settings.ts'
import { authorityOf, managerOf } from './asterisk.ts'

export function openFreepbx({ realm }: PbxSettings, settings: FreepbxSettings, accountsFile: string): PbxDriver {
  const { origin, clientId, clientSecret } = settings
  return freepbxDriver({
    web: { origin, ...authorityOf(settings) },
    clientId,
    clientSecret,
    manager: managerOf(settings),
    realm,
    accountsFile,
  })
}
