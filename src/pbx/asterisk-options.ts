import type { AmiAddress } from './ami-connection.ts'
import type { AsteriskSettings } from './asterisk-account.ts'
import type { AsteriskTransports } from './asterisk-config.ts'

export interface AsteriskFolder {
  /** The folder of our files as seen from here, such as `/etc/asterisk/ringfence.d`. */
  readonly configDir: string
  /** Null where the admin sets up the TLS transports. */
  readonly transports: AsteriskTransports | null
}

export interface AsteriskOptions extends AsteriskSettings {
  readonly manager: AmiAddress
  /** Null where neither accounts nor transports are files of ours. */
  readonly configDir: string | null
  readonly transports: AsteriskTransports | null
}

export function folderOf({ configDir, transports }: AsteriskOptions): AsteriskFolder | null {
  return configDir === null ? null : { configDir, transports }
}
