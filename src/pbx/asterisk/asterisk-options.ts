import type { DialPlan } from '../../domain/call-policy.ts'
import type { TlsPorts } from '../tls-ports.ts'
import type { AmiAddress } from './ami-connection.ts'
import type { AccountRules } from './asterisk-account.ts'

export interface AsteriskFolder {
  /** The folder of our files as seen from here, such as `/etc/asterisk/ringfence.d`. */
  readonly configDir: string
  /** Null where the admin sets up the TLS transports. */
  readonly transports: TlsPorts | null
}

export interface AsteriskOptions extends AccountRules {
  readonly manager: AmiAddress
  /** Null where neither accounts nor transports are files of ours. */
  readonly configDir: string | null
  readonly transports: TlsPorts | null
  /** A dialplan context that knows internal numbers and nothing else; null: only endpoints are internal. */
  readonly internalContext: string | null
  /** What numbers mean at this PBX, asked at each change: null until somebody set it. */
  readonly dialPlan: () => Promise<DialPlan | null>
}

export function folderOf({ configDir, transports }: AsteriskOptions): AsteriskFolder | null {
  return configDir === null ? null : { configDir, transports }
}
