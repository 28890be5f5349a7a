import type { Secret } from '../../domain/secret.ts'
import type { AmiAddress } from '../asterisk/ami-connection.ts'
import type { PbxHttpAddress } from '../pbx-http.ts'

export interface FreepbxOptions {
  /** The web interface that people log in to, without `/admin`. */
  readonly web: PbxHttpAddress
  readonly clientId: string
  readonly clientSecret: Secret
  /** The manager interface of the Asterisk under it: what is in force is seen there and nowhere else. */
  readonly manager: AmiAddress
  /** What Asterisk says in its challenge: FreePBX writes none, so Asterisk's own default `asterisk`, unless it was changed. */
  readonly realm: string
  /** The list of accounts, a file in the data folder. */
  readonly accountsFile: string
  /** How often the end of "Apply Config" is looked for; default 500 ms. */
  readonly lookEveryMs?: number
  /** How long one whose answer was lost may be running; default 60 000 ms. */
  readonly lostReloadMs?: number
}
