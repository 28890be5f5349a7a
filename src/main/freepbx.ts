/** What a FreePBX's driver is put together from. */
import { join } from 'node:path'
import { freepbxDriver } from '../pbx/freepbx.ts'
import type { PbxDriver } from '../pbx/pbx-driver.ts'
import type { FreepbxSettings } from '../pbx-settings/freepbx.ts'
import type { PbxSettings } from '../pbx-settings.ts'
import { authorityOf, managerOf } from './asterisk.ts'

export function openFreepbx({ id, realm }: PbxSettings, settings: FreepbxSettings, dataFolder: string): PbxDriver {
  const { origin, clientId, clientSecret } = settings
  return freepbxDriver({
    web: { origin, ...authorityOf(settings) },
    clientId,
    clientSecret,
    manager: managerOf(settings),
    realm,
    bookPath: join(dataFolder, `pbx-${id}-accounts.json`),
  })
}
