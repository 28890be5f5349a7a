/** An Asterisk as the settings describe it. */
import type { DialPlan } from '../domain/call-policy.ts'
import { writingInto } from '../durable-file.ts'
import type { AccountWriter } from '../pbx/asterisk/account-writer.ts'
import type { AmiAddress } from '../pbx/asterisk/ami-connection.ts'
import { asteriskDriver, prepareAsterisk } from '../pbx/asterisk/asterisk.ts'
import { ariWriter } from '../pbx/asterisk/asterisk-ari.ts'
import { fileWriter } from '../pbx/asterisk/asterisk-files.ts'
import { type AsteriskOptions, folderOf } from '../pbx/asterisk/asterisk-options.ts'
import { realtimeWriter } from '../pbx/asterisk/asterisk-realtime.ts'
import type { PbxDriver } from '../pbx/pbx-driver.ts'
import type { AsteriskSettings } from '../pbx-settings/asterisk.ts'
import type { ManagerSettings } from '../pbx-settings/asterisk-ami.ts'
import type { PbxSettings } from '../pbx-settings.ts'
import { tlsPortsOf } from './pbx-certificates.ts'

type Place = Pick<PbxSettings, 'realm' | 'own' | 'edge' | 'prefix'>

export async function openAsterisk(
  pbx: Place,
  asterisk: AsteriskSettings,
  dialPlan: () => Promise<DialPlan | null>,
): Promise<PbxDriver> {
  const options: AsteriskOptions = { ...optionsOf(pbx, asterisk), dialPlan }
  const folder = asterisk.configFolder ?? ''
  await writingInto({ folder, name: `RINGFENCE_${pbx.prefix}_CONFIG_DIR`, group: 'asterisk' }, () =>
    prepareAsterisk(options),
  )
  return asteriskDriver(options, writerOf(asterisk, options))
}

function optionsOf(pbx: Place, asterisk: AsteriskSettings): Omit<AsteriskOptions, 'dialPlan'> {
  const folder = asterisk.configFolder
  return {
    configDir: folder,
    realm: pbx.realm,
    context: asterisk.context,
    edge: pbx.edge?.address ?? null,
    manager: managerOf(asterisk),
    internalContext: asterisk.internalContext,
    // Without a folder of ours the transports are the admin's, and so are their certificates.
    transports: folder === null ? null : tlsPortsOf(pbx, asterisk, folder),
  }
}

function writerOf(asterisk: AsteriskSettings, options: AsteriskOptions): AccountWriter {
  const { accounts } = asterisk
  const folder = folderOf(options)
  switch (accounts.kind) {
    case 'files':
      return fileWriter(folder, options.edge)
    case 'realtime':
      return realtimeWriter(accounts.database, folder, options.edge)
    case 'ari': {
      const { origin, user, secret } = accounts
      return ariWriter({ origin, username: user, secret, ...authorityOf(asterisk) }, folder)
    }
  }
}

export function managerOf(settings: ManagerSettings): AmiAddress {
  const { ami, amiTls, amiUser, amiSecret } = settings
  return { ...ami, username: amiUser, secret: amiSecret, tls: amiTls ? authorityOf(settings) : null }
}

export function authorityOf({ managementCa }: Pick<ManagerSettings, 'managementCa'>): { readonly ca?: string } {
  return managementCa === null ? {} : { ca: managementCa }
}
