/** What a PBX has to itself: two that shared it would each remove what the other one made. */
import { isLoopback, withoutBrackets } from '../domain/address.ts'
import { type HostPort, quoted, type SettingName } from '../setting-reader.ts'
import type { DatabaseSettings } from './database.ts'
import type { DriverSettings } from './driver-settings.ts'

export interface ManagementPlace {
  readonly setting: SettingName
  /** To be compared, never shown: a database's URL may be in it. */
  readonly place: string
  /** What is wrong with a place that another PBX has already, and what to do. */
  readonly words: readonly [problem: string, hint: string]
}

export function managementPlaces(driven: DriverSettings): readonly ManagementPlace[] {
  switch (driven.kind) {
    case 'asterisk': {
      const { configFolder, ami, accounts } = driven
      return [
        ...folder(configFolder),
        ...managed('PBX_AMI', socket(ami)),
        ...(accounts.kind === 'ari' ? managed('PBX_ARI', website(accounts.origin)) : []),
        ...(accounts.kind === 'realtime' ? database(accounts.database) : []),
      ]
    }
    case 'freepbx':
      return [...managed('PBX_AMI', socket(driven.ami)), ...managed('PBX_API_URL', website(driven.origin))]
    case 'freeswitch': {
      const { eventSocket, subjects, directory } = driven
      const port = String(directory.port)
      return [
        ...managed('PBX_ESL', socket(eventSocket)),
        ...(subjects
          ? [own('PBX_SUBJECTS_FILE', subjects.file, `${quoted(subjects.file)} is another PBX's file too`)]
          : []),
        own('PBX_DIRECTORY_LISTEN', port, `${port} is another PBX's port too`),
      ]
    }
    case 'kamailio':
      return [...folder(driven.configFolder), ...managed('PBX_RPC', socket(driven.rpc)), ...database(driven.database)]
    case '3cx':
    case 'yeastar':
      return managed('PBX_API_URL', website(driven.origin))
    case 'manual':
    case 'absent':
      return []
  }
}

function managed(setting: SettingName, place: string | null): ManagementPlace[] {
  const words = ["is another PBX's place too", 'two that are one would each remove what the other one made'] as const
  return place ? [{ setting, place, words }] : []
}

function own(setting: SettingName, place: string, problem: string): ManagementPlace {
  return { setting, place, words: [problem, 'each needs its own'] }
}

function folder(path: string | null): ManagementPlace[] {
  return path === null ? [] : [own('PBX_CONFIG_DIR', path, `${quoted(path)} is another PBX's folder too`)]
}

function database(settings: DatabaseSettings): ManagementPlace[] {
  return managed('postgres' in settings ? 'PBX_DATABASE_URL_FILE' : 'PBX_DATABASE', databasePlace(settings))
}

function socket(at: HostPort): string {
  return `${machine(at.host)} ${at.port}`
}

function website(address: string): string | null {
  const url = URL.parse(address)
  return url && `${machine(url.hostname)} ${url.port || url.protocol}`
}

function databasePlace(database: DatabaseSettings): string | null {
  if ('sqlite' in database) return database.sqlite
  const url = URL.parse(database.postgres.reveal().replace('@/', '@localhost/'))
  if (url === null) return null
  const host = url.searchParams.getAll('host').at(-1) || url.hostname
  return `${machine(host)} ${url.searchParams.getAll('port').at(-1) || url.port || 5432} ${url.pathname}`
}

function machine(host: string): string {
  const bare = withoutBrackets(host).toLowerCase()
  return bare === '' || isLoopback(bare) ? 'localhost' : bare
}
