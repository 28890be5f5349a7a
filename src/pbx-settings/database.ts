/** Where the accounts of a PBX lie in tables: RINGFENCE_PBX_DATABASE or RINGFENCE_PBX_DATABASE_URL_FILE. */
import type { Secret } from '../domain/secret.ts'
import type { SettingReader } from '../setting-reader.ts'
import { readPostgres } from './postgres.ts'

export type DatabaseSettings = { readonly sqlite: string } | { readonly postgres: Secret }

/** @param file where no PostgreSQL is named */
export function readDatabase(read: SettingReader, file: string): DatabaseSettings {
  const { text, wrong } = read
  const url = readPostgres(read)
  if (text('PBX_DATABASE') !== null && text('PBX_DATABASE_URL_FILE') !== null)
    wrong('PBX_DATABASE', 'is set, but RINGFENCE_PBX_DATABASE_URL_FILE is too', 'a file or a PostgreSQL, not both')
  return url === null ? { sqlite: file } : { postgres: url }
}
