/** Where the accounts of a PBX lie in tables: RINGFENCE_PBX_DATABASE or RINGFENCE_PBX_DATABASE_URL_FILE. */
import type { Secret } from '../domain/secret.ts'
import type { SettingReader } from '../setting-reader.ts'

export type DatabaseSettings = { readonly sqlite: string } | { readonly postgres: Secret }

/** @param file where no PostgreSQL is named */
export function readDatabase(read: SettingReader, file: string): DatabaseSettings {
  const { text, wrong } = read
  const url = read.secretFile('PBX_DATABASE_URL_FILE')
  if (text('PBX_DATABASE') !== null && text('PBX_DATABASE_URL_FILE') !== null)
    wrong('PBX_DATABASE', 'is set, but RINGFENCE_PBX_DATABASE_URL_FILE is too', 'a file or a PostgreSQL, not both')
  if (url === null) return { sqlite: file }
  // libpq's spelling for a socket has no host (`postgres://user@/name?host=/run/postgresql`); a URL must have one.
  if (!/^postgres(ql)?:\/\//.test(url.reveal()) || !URL.canParse(url.reveal().replace('@/', '@socket/')))
    wrong(
      'PBX_DATABASE_URL_FILE',
      'names a file that holds no PostgreSQL URL',
      'postgres://user:password@host/database, special characters percent-encoded',
    )
  return { postgres: url }
}
