/** What a FreeSWITCH's driver is put together from; its directory answers from the start on. */
import { openFreeswitch as openDriver } from '../pbx/freeswitch/freeswitch.ts'
import type { PbxDriver } from '../pbx/pbx-driver.ts'
import type { FreeswitchSettings } from '../pbx-settings/freeswitch.ts'
import type { PbxSettings } from '../pbx-settings.ts'

export async function openFreeswitch(
  { realm }: PbxSettings,
  settings: FreeswitchSettings,
  accountsFile: string,
): Promise<PbxDriver> {
  const { eventSocket, eventSocketPassword, profile, context, classContexts, directory: door } = settings
  const { driver, directory } = await openDriver({
    realm,
    profile,
    context,
    classContexts,
    eventSocket: { ...eventSocket, password: eventSocketPassword },
    directory: {
      host: door.host,
      port: door.port,
      username: door.user,
      password: door.password,
      from: door.from,
      tls: door.tls && { cert: door.tls.cert, key: door.tls.key.reveal() },
    },
    accountsFile,
  })
  await directory.listen()
  return driver
}
