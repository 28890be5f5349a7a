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

/** Not in any PATH. */
export const networkd = '/lib/systemd/systemd-networkd'
