import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kamailioModules, networkd, postgresFolder, programPath } from './programs.ts'

const checkout = join(import.meta.dirname, '../..')

/** What shows that a package is there, and the package of Debian 12 that brings it. */
const wanted: readonly { readonly present: () => boolean; readonly debianPackage: string }[] = [
  ...Object.entries({
    wg: 'wireguard-tools',
    'wireguard-go': 'wireguard-go',
    nft: 'nftables',
    ip: 'iproute2',
    setpriv: 'util-linux',
    openssl: 'openssl',
    chromium: 'chromium',
    baresip: 'baresip-core',
    busybox: 'busybox',
    dnsmasq: 'dnsmasq-base',
    linphonec: 'linphone-cli',
    zbarimg: 'zbar-tools',
    pdftoppm: 'poppler-utils',
    debootstrap: 'debootstrap',
  }).map(([program, debianPackage]) => ({ present: () => programPath(program) !== null, debianPackage })),
  { present: () => postgresFolder() !== null, debianPackage: 'postgresql' },
  { present: () => programPath('kamailio') !== null, debianPackage: 'kamailio' },
  ...['tls', 'sqlite', 'postgres', 'json', 'extra', 'utils'].map((name) => ({
    present: () => kamailioModules() !== null,
    debianPackage: `kamailio-${name}-modules`,
  })),
  { present: () => existsSync(networkd), debianPackage: 'systemd' },
  // Chromium without a font draws boxes instead of the join page's letters.
  { present: () => existsSync('/usr/share/fonts/truetype'), debianPackage: 'fonts-dejavu-core' },
]

/** Null where the set-up can work: on Debian, as root. */
export function setupRefusal(): string | null {
  if (process.env.RINGFENCE_TEST_SETUP === 'off') return 'RINGFENCE_TEST_SETUP=off'
  if (!existsSync('/etc/debian_version') || !programPath('apt-get')) return 'this is not Debian'
  if (process.getuid?.() !== 0) return 'only root may install packages: sudo npm test'
  return null
}

/**
 * Installs what the live tests need and is missing, and builds their Asterisk. Says what it does; does nothing the second
 * time. Problems are told and returned, not thrown: the tests that need the missing thing say so themselves.
 */
export async function setUpDebian(say: (line: string) => void): Promise<readonly string[]> {
  const missing = wanted.filter(({ present }) => !present()).map(({ debianPackage }) => debianPackage)
  const problems: string[] = []
  if (missing.length > 0) {
    say(`installing ${missing.join(' ')}`)
    if (!(await install(['update', '-qq']))) problems.push('apt-get update failed')
  }
  // Asterisk's folder takes two minutes and needs only this one package of ours, so the others come in meanwhile.
  if (missing.includes('debootstrap') && !(await install([...quietly, 'debootstrap']))) {
    problems.push('debootstrap could not be installed')
  }
  const others = missing.filter((name) => name !== 'debootstrap')
  const [installed, built] = await Promise.all([
    others.length === 0 || installAll(others),
    finished(join(checkout, 'test/lab/asterisk-setup.sh'), []),
  ])
  if (!installed) problems.push(`could not install ${others.join(' ')}`)
  if (!built) problems.push('the Asterisk folder could not be built (test/lab/asterisk-setup.sh)')
  return problems
}

const quietly = ['install', '-y', '-qq', '-o', 'Dpkg::Use-Pty=0', '--no-install-recommends'] as const

/** One by one after a failure: a package that is gone from the mirror must not cost all the others. */
async function installAll(names: readonly string[]): Promise<boolean> {
  if (await install([...quietly, ...names])) return true
  let complete = true
  for (const name of names) complete = (await install([...quietly, name])) && complete
  return complete
}

async function install(args: readonly string[]): Promise<boolean> {
  return withoutStartingServices(() => finished('apt-get', args, { DEBIAN_FRONTEND: 'noninteractive' }))
}

/**
 * The tests start PostgreSQL and the rest themselves, so nothing may start because it was installed. Exit 101 of this file
 * is Debian's way to say so (invoke-rc.d(8)); a file that is there already is the admin's and stays as it is.
 */
async function withoutStartingServices<T>(deed: () => Promise<T>): Promise<T> {
  const file = '/usr/sbin/policy-rc.d'
  const script = '#!/bin/sh\n# Put here by the Ringfence tests while they install packages.\nexit 101\n'
  if (existsSync(file) && readFileSync(file, 'utf8') !== script) return deed()
  writeFileSync(file, script, { mode: 0o755 })
  try {
    return await deed()
  } finally {
    rmSync(file, { force: true })
  }
}

function finished(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } })
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
  })
}

/** The versions that a test report should name, one line each; absent programs are left out. */
export function programVersions(): readonly string[] {
  const questions: readonly (readonly [string, ...string[]])[] = [
    ['wg', '--version'],
    ['wireguard-go', '--version'],
    ['nft', '--version'],
    ['openssl', 'version'],
  ]
  return questions.flatMap(([program, ...args]) => {
    const { stdout } = spawnSync(programPath(program) ?? program, args, { encoding: 'utf8', timeout: 10_000 })
    const line = stdout?.split('\n')[0]?.trim()
    return line ? [line] : []
  })
}
