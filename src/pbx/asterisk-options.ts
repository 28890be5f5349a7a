import type { AmiAddress } from './ami-connection.ts'
import type { AsteriskSettings, AsteriskTransports } from './asterisk-config.ts'

export interface AsteriskOptions extends AsteriskSettings {
  /** The folder of our files as seen from here, such as `/etc/asterisk/ringfence.d`. */
  readonly configDir: string
  readonly manager: AmiAddress
  /** Null where the admin sets up the TLS transports. */
  readonly transports: AsteriskTransports | null
}
