/** Settings of the FreeSWITCH driver: RINGFENCE_PBX=freeswitch. */
import { isLoopback } from '../domain/address.ts'
import { Secret } from '../domain/secret.ts'
import { type HostPort, readWord, requireSettings, type SettingReader } from '../setting-reader.ts'

export interface FreeswitchSettings {
  readonly eventSocket: HostPort
  readonly eventSocketPassword: Secret
  readonly profile: string
  readonly context: string
  /** Null: no call classes. */
  readonly classContexts: string | null
  /** Null: Ringfence keeps no allow-list of certificates. */
  readonly subjects: {
    readonly file: string
    /** Whether Ringfence restarts the profile by itself when a certificate was taken back. */
    readonly restart: boolean
  } | null
  readonly directory: HostPort & {
    readonly user: string
    readonly password: Secret
    readonly from: readonly string[]
    /** PEM; null: plain HTTP on loopback. */
    readonly tls: { readonly cert: string; readonly key: Secret } | null
  }
}

export function readFreeswitch(read: SettingReader, pbxAddress: string | null): FreeswitchSettings {
  const { text, wrong } = read
  // The realm is the domain in FreeSWITCH's directory, so there is no default that fits.
  requireSettings(read, 'freeswitch', ['PBX_ESL_SECRET_FILE', 'PBX_DIRECTORY_SECRET_FILE', 'PBX_REALM'])
  const at = read.hostPort('PBX_DIRECTORY_LISTEN', { host: '127.0.0.1', port: 8444 })
  const files = read.tlsFiles('PBX_DIRECTORY_TLS_CERT', 'PBX_DIRECTORY_TLS_KEY')
  const [cert, key] = files
    ? [read.pemFile('PBX_DIRECTORY_TLS_CERT'), read.secretFile('PBX_DIRECTORY_TLS_KEY')]
    : [null, null]
  const tls = cert !== null && key !== null ? { cert, key } : null
  // Files that are named and cannot be read are a problem of their own.
  if (!files && text('PBX_DIRECTORY_TLS_CERT') === null && !isLoopback(at.host)) {
    wrong(
      'PBX_DIRECTORY_LISTEN',
      `${at.host} can be reached from outside and has no TLS`,
      'keep 127.0.0.1, or set RINGFENCE_PBX_DIRECTORY_TLS_CERT and _KEY',
    )
  }
  const subjectsFile = read.asteriskPath('PBX_SUBJECTS_FILE')
  const restart = read.on('PBX_SUBJECTS_RESTART')
  if (restart && subjectsFile === null)
    wrong('PBX_SUBJECTS_RESTART', 'is set, but there is no allow-list', 'set RINGFENCE_PBX_SUBJECTS_FILE too')
  const named = read.addresses('PBX_DIRECTORY_FROM')
  return {
    eventSocket: read.hostPort('PBX_ESL', { host: '127.0.0.1', port: 8021 }),
    eventSocketPassword: read.secretFile('PBX_ESL_SECRET_FILE') ?? new Secret(''),
    profile: readWord(read, 'PBX_PROFILE', 'internal', 'a sofia profile'),
    context: readWord(read, 'PBX_CONTEXT', 'default', 'a dialplan context'),
    classContexts:
      text('PBX_CLASS_CONTEXTS') === null
        ? null
        : readWord(read, 'PBX_CLASS_CONTEXTS', 'ringfence', 'the beginning of a dialplan context'),
    subjects: subjectsFile === null ? null : { file: subjectsFile, restart },
    directory: {
      ...at,
      user: readWord(read, 'PBX_DIRECTORY_USER', 'freeswitch', 'a login name'),
      password: read.secretFile('PBX_DIRECTORY_SECRET_FILE') ?? new Secret(''),
      from: named.length > 0 ? named : ['127.0.0.1', '::1', ...(pbxAddress === null ? [] : [pbxAddress])],
      tls,
    },
  }
}
