/** What only one driver needs, read in the file of that driver. */
import type { SettingReader } from '../setting-reader.ts'
import { type AsteriskSettings, readAsterisk } from './asterisk.ts'
import { type FreepbxSettings, readFreepbx } from './freepbx.ts'
import { type FreeswitchSettings, readFreeswitch } from './freeswitch.ts'
import { type HttpApiSettings, readHttpApi } from './http-api.ts'
import { type KamailioSettings, readKamailio } from './kamailio.ts'

export type DriverSettings =
  | ({ readonly kind: 'asterisk' } & AsteriskSettings)
  | ({ readonly kind: 'freepbx' } & FreepbxSettings)
  | ({ readonly kind: 'freeswitch' } & FreeswitchSettings)
  | ({ readonly kind: 'kamailio' } & KamailioSettings)
  | ({ readonly kind: '3cx' | 'yeastar' } & HttpApiSettings)
  | { readonly kind: 'manual' }
  /** Of a PBX that left the settings. */
  | { readonly kind: 'absent' }

/** The words of RINGFENCE_PBX. */
export type DriverWord = Exclude<DriverSettings['kind'], 'absent'>

export const driverWords: readonly DriverWord[] = [
  'manual',
  'asterisk',
  'freepbx',
  'freeswitch',
  'kamailio',
  '3cx',
  'yeastar',
]

export function readDriver(read: SettingReader, kind: DriverWord, address: string | null): DriverSettings {
  switch (kind) {
    case 'manual':
      return { kind }
    case 'asterisk':
      return { kind, ...readAsterisk(read, address) }
    case 'freepbx':
      return { kind, ...readFreepbx(read) }
    case 'freeswitch':
      return { kind, ...readFreeswitch(read, address) }
    case 'kamailio':
      return { kind, ...readKamailio(read, address) }
    case '3cx':
    case 'yeastar':
      return { kind, ...readHttpApi(read, kind) }
  }
}
