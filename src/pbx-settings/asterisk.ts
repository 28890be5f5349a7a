/** Settings of the Asterisk driver: RINGFENCE_PBX=asterisk. */
import { Secret } from '../domain/secret.ts'
import {
  quoted,
  readWord,
  requireSettings,
  type SettingName,
  type SettingReader,
  type TlsFiles,
} from '../setting-reader.ts'
import { type ManagerSettings, readManager } from './asterisk-ami.ts'
import { type DatabaseSettings, readDatabase } from './database.ts'
import { readWebAddress } from './web-address.ts'

export interface AsteriskSettings extends ManagerSettings {
  /** Null: neither accounts nor transports are files of Ringfence's. */
  readonly configFolder: string | null
  readonly accounts: AccountPlace
  readonly context: string
  /** Knows internal numbers and nothing else; null: only endpoints are internal. */
  readonly internalContext: string | null
  readonly bind: string
  /** As the PBX sees them; null: Ringfence puts a certificate of its Service CA into the config folder. */
  readonly tls: TlsFiles | null
  /** The Handset CA as the PBX sees it; null: Ringfence puts it into the config folder. */
  readonly caFile: string | null
}

/** Where Asterisk keeps the accounts. */
export type AccountPlace =
  | { readonly kind: 'files' }
  | { readonly kind: 'realtime'; readonly database: DatabaseSettings }
  | { readonly kind: 'ari'; readonly origin: string; readonly user: string; readonly secret: Secret }

export function readAsterisk(read: SettingReader, pbxAddress: string | null): AsteriskSettings {
  const { text, asteriskPath } = read
  const accounts = readAccounts(read)
  const needed: readonly SettingName[] =
    accounts.kind === 'files' ? ['PBX_CONFIG_DIR', 'PBX_AMI_SECRET_FILE'] : ['PBX_AMI_SECRET_FILE']
  requireSettings(read, 'asterisk', needed)
  return {
    configFolder: accounts.kind === 'files' ? (asteriskPath('PBX_CONFIG_DIR') ?? '') : asteriskPath('PBX_CONFIG_DIR'),
    ...readManager(read),
    accounts,
    context: readWord(read, 'PBX_CONTEXT', 'from-internal', 'a dialplan context'),
    internalContext: text('PBX_INTERNAL_CONTEXT') && readWord(read, 'PBX_INTERNAL_CONTEXT', '', 'a dialplan context'),
    bind: read.address('PBX_BIND', text('PBX_BIND')) ?? pbxAddress ?? '0.0.0.0',
    tls: read.tlsFiles('PBX_TLS_CERT', 'PBX_TLS_KEY', asteriskPath),
    caFile: asteriskPath('PBX_CA_FILE'),
  }
}

const ofPlace: Readonly<Record<AccountPlace['kind'], readonly SettingName[]>> = {
  files: [],
  realtime: ['PBX_DATABASE', 'PBX_DATABASE_URL_FILE'],
  ari: ['PBX_ARI', 'PBX_ARI_USER', 'PBX_ARI_SECRET_FILE'],
}

function readAccounts(read: SettingReader): AccountPlace {
  const { text, wrong } = read
  const word = (text('PBX_ACCOUNTS') ?? 'files').toLowerCase()
  const kind = (['files', 'realtime', 'ari'] as const).find((one) => one === word)
  if (!kind) {
    wrong(
      'PBX_ACCOUNTS',
      `${quoted(word)} is no place for accounts`,
      'files, realtime or ari; docs/asterisk.md tells which',
    )
    return { kind: 'files' }
  }
  // A database that is named and not used would mean that the accounts go somewhere else than the admin thinks.
  for (const [other, names] of Object.entries(ofPlace)) {
    for (const name of other === kind ? [] : names) {
      if (text(name) !== null) wrong(name, `is for RINGFENCE_PBX_ACCOUNTS=${other} only`, 'set that, or leave this out')
    }
  }
  if (kind === 'files') return { kind }
  return kind === 'realtime' ? { kind, database: readRealtime(read) } : readAri(read)
}

function readRealtime(read: SettingReader): DatabaseSettings {
  const { text, wrong } = read
  const file = text('PBX_DATABASE')
  if (file === null && text('PBX_DATABASE_URL_FILE') === null) {
    const hint = 'or RINGFENCE_PBX_DATABASE_URL_FILE: the database that Asterisk reads its accounts from'
    wrong('PBX_DATABASE', 'is needed with RINGFENCE_PBX_ACCOUNTS=realtime', hint)
  }
  if (file !== null && !file.startsWith('/')) wrong('PBX_DATABASE', `${quoted(file)} is not a full path`)
  return readDatabase(read, file ?? '')
}

function readAri(read: SettingReader): AccountPlace {
  const { text, wrong } = read
  const given = text('PBX_ARI') ?? 'http://127.0.0.1:8088'
  const origin = readWebAddress(read, 'PBX_ARI', { given, plain: 'here', example: 'https://pbx.example.com:8089' })
  if (text('PBX_ARI_SECRET_FILE') === null)
    wrong(
      'PBX_ARI_SECRET_FILE',
      'is needed with RINGFENCE_PBX_ACCOUNTS=ari',
      'docs/asterisk.md goes through the set-up',
    )
  return {
    kind: 'ari',
    origin: origin ?? '',
    user: readWord(read, 'PBX_ARI_USER', 'ringfence', 'a user of ari.conf'),
    secret: read.secretFile('PBX_ARI_SECRET_FILE') ?? new Secret(''),
  }
}
