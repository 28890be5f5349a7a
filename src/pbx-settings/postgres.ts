/** The database of a PBX in PostgreSQL: RINGFENCE_PBX_DATABASE_URL_FILE. */
import { isLoopback, withoutBrackets } from '../domain/address.ts'
import type { Secret } from '../domain/secret.ts'
import type { SettingReader } from '../setting-reader.ts'

/** The URL as it is; what is wrong with it is told without repeating any of it. */
export function readPostgres({ secretFile, wrong }: Pick<SettingReader, 'secretFile' | 'wrong'>): Secret | null {
  const secret = secretFile('PBX_DATABASE_URL_FILE')
  if (secret === null) return null
  // libpq's spelling for a socket has no host (`postgres://user@/name?host=/run/postgresql`); a URL must have one.
  const url = URL.parse(secret.reveal().replace('@/', '@localhost/'))
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol))
    wrong(
      'PBX_DATABASE_URL_FILE',
      'names a file that holds no PostgreSQL URL',
      'postgres://user:password@host/database, special characters percent-encoded',
    )
  else if (!staysHere(url) && lastOf(url, 'sslmode') !== 'verify-full')
    wrong(
      'PBX_DATABASE_URL_FILE',
      'names a database on another machine without TLS that is verified: its password and the logins would be open to whoever is between',
      'end the URL in ?sslmode=verify-full, with &sslrootcert=/path/of/the/authority.pem where that is a private one',
    )
  return secret
}

/** A socket, or this machine. A parameter `host` counts before the host of the URL (pg-connection-string). */
function staysHere(url: URL): boolean {
  const host = lastOf(url, 'host') || decodeURIComponent(url.hostname)
  return host === '' || host.startsWith('/') || isLoopback(withoutBrackets(host))
}

/** Of a parameter that is given twice, pg takes the last one. */
function lastOf(url: URL, name: string): string | undefined {
  return url.searchParams.getAll(name).at(-1)
}
