import type { SettingName, SettingReader } from '../setting-reader.ts'

const manager = ['PBX_AMI', 'PBX_AMI_TLS', 'PBX_AMI_USER', 'PBX_AMI_SECRET_FILE'] as const
const api = ['PBX_API_URL', 'PBX_API_CLIENT', 'PBX_API_SECRET_FILE'] as const
const files = ['PBX_CONFIG_DIR', 'PBX_BIND', 'PBX_TLS_CERT', 'PBX_TLS_KEY', 'PBX_CA_FILE'] as const
const database = ['PBX_DATABASE', 'PBX_DATABASE_URL_FILE'] as const
const directory = ['PBX_DIRECTORY_LISTEN', 'PBX_DIRECTORY_USER', 'PBX_DIRECTORY_SECRET_FILE', 'PBX_DIRECTORY_FROM', 'PBX_DIRECTORY_TLS_CERT', 'PBX_DIRECTORY_TLS_KEY'] as const // biome-ignore format: a list

/** What only some drivers read. A name that is in none of these lists is everybody's. */
const readBy: Readonly<Record<string, readonly SettingName[]>> = {
  asterisk: [...manager, ...files, ...database, 'PBX_MANAGEMENT_CA_FILE', 'PBX_ACCOUNTS', 'PBX_ARI', 'PBX_ARI_USER', 'PBX_ARI_SECRET_FILE', 'PBX_CONTEXT', 'PBX_INTERNAL_CONTEXT'], // biome-ignore format: a list
  freepbx: [...manager, ...api, 'PBX_MANAGEMENT_CA_FILE'],
  '3cx': [...api, 'PBX_MANAGEMENT_CA_FILE'],
  yeastar: [...api, 'PBX_MANAGEMENT_CA_FILE'],
  kamailio: [...files, ...database, 'PBX_MANAGEMENT_CA_FILE', 'PBX_RPC'],
  freeswitch: [...directory, 'PBX_ESL', 'PBX_ESL_SECRET_FILE', 'PBX_PROFILE', 'PBX_CONTEXT', 'PBX_CLASS_CONTEXTS'],
}

/** Settings of another PBX's kind that are set and read by nobody: most likely they are left over, or meant for another. */
export function noteUnused({ text, note }: SettingReader, driver: string): void {
  const own = readBy[driver] ?? []
  const some = new Set(Object.values(readBy).flat())
  const unused = [...some].filter((name) => !own.includes(name) && text(name) !== null)
  if (unused.length === 0) return
  note(
    `with RINGFENCE_PBX=${driver} nobody reads ${unused.map((name) => `RINGFENCE_${name}`).join(', ')}`,
    'leave out what is left over, or set RINGFENCE_PBX to the PBX that is meant',
  )
}
