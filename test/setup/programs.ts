import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Where test/lab/asterisk-setup.sh and the other cached things go; outside the checkout, kept between runs. */
export function testCache(): string {
  return process.env.RINGFENCE_TEST_CACHE ?? join(homedir(), '.cache', 'ringfence-tests')
}

/** A program's full path, also in the folders that a plain user's PATH leaves out; null when it is not installed. */
export function programPath(name: string): string | null {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder: the next one may have it.
    }
  }
  return null
}

/** The folder of PostgreSQL's server programs (`initdb`, `postgres`), which Debian keeps out of PATH; newest first. */
export function postgresFolder(): string | null {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((one, other) => Number(other) - Number(one)) : []
  for (const version of versions) {
    const folder = join(root, version, 'bin')
    if (existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))) return folder
  }
  return null
}

/** The folder of Kamailio's modules, where the TLS one shows that all of the test's packages are there; null without. */
export function kamailioModules(): string | null {
  const root = '/usr/lib'
  const folders = existsSync(root) ? readdirSync(root).map((name) => join(root, name, 'kamailio', 'modules')) : []
  return folders.find((folder) => kamailioModuleFiles.every((name) => existsSync(join(folder, `${name}.so`)))) ?? null
}

/** One module of each Debian package that the tests need. */
const kamailioModuleFiles = ['tls', 'db_sqlite', 'db_postgres', 'json', 'uuid', 'utils', 'htable']

/** Not in any PATH. */
export const networkd = '/lib/systemd/systemd-networkd'
