import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { kamailioModules, networkd, postgresFolder, programPath, testCache } from './programs.ts'

/**
 * What the live tests ask of the machine. Each is tried, not guessed: a container may have `ip` and yet no right to use it.
 * `npm test` as root on Debian installs what can be installed; what is then still missing is told to the reader.
 */
export type Requirement =
  | 'asterisk'
  | 'baresip'
  | 'busybox'
  | 'chromium'
  | 'dnsmasq'
  | 'kamailio'
  | 'linphone'
  | 'namespaces'
  | 'networkd'
  | 'nft'
  | 'openssl'
  | 'pdftoppm'
  | 'postgres'
  | 'root'
  | 'tun'
  | 'wg'
  | 'wireguard-go'
  | 'zbarimg'

const remedy = 'run `sudo npm test` on Debian, which installs it'

/** Null when all of them are there; else one sentence that names the first gap and what closes it. */
export function requires(...names: readonly Requirement[]): { missing: string | null } {
  for (const name of names) {
    const gap = gapOf(name)
    if (gap) return { missing: gap }
  }
  return { missing: null }
}

/**
 * A `describe` for tests that need the real thing. Something missing: its tests are skipped and the reason stands in the
 * title (test/run.ts repeats it at the end); with REQUIRE_LIVE=1, as in CI, a gap is a failed test instead.
 */
export function describeLive(name: string, requirements: readonly Requirement[], body: () => void): void {
  const { missing } = requires(...requirements)
  if (!missing) {
    describe(name, body)
    return
  }
  if (process.env.REQUIRE_LIVE === '1') {
    describe(name, () => {
      test('this machine has what the tests need', () => {
        throw new Error(`${missing} (REQUIRE_LIVE=1 forbids skipping)`)
      })
    })
    return
  }
  describe.skip(`${name} [skipped: ${missing}]`, body)
}

const answers = new Map<Requirement, string | null>()

function gapOf(name: Requirement): string | null {
  if (!answers.has(name)) answers.set(name, probes[name]())
  return answers.get(name) ?? null
}

const probes: Readonly<Record<Requirement, () => string | null>> = {
  root: () => (process.getuid?.() === 0 ? null : 'needs root: sudo npm test'),
  namespaces: () =>
    gapOf('root') ??
    program('ip', 'iproute2') ??
    works('unshare', ['--net', 'true'], 'this machine may not make network namespaces: run it with CAP_SYS_ADMIN'),
  nft: () =>
    program('nft', 'nftables') ??
    gapOf('namespaces') ??
    works('unshare', ['--net', 'nft', 'list', 'tables'], 'nft cannot reach the kernel: load nf_tables'),
  tun: () => gapOf('root') ?? tunGap(),
  wg: () => program('wg', 'wireguard-tools'),
  'wireguard-go': () => program('wireguard-go', 'wireguard-go'),
  openssl: () => program('openssl', 'openssl'),
  chromium: () => program('chromium', 'chromium'),
  baresip: () => program('baresip', 'baresip-core'),
  busybox: () => program('busybox', 'busybox'),
  dnsmasq: () => program('dnsmasq', 'dnsmasq-base'),
  networkd: () => (existsSync(networkd) ? null : `systemd-networkd is missing (package systemd): ${remedy}`),
  kamailio: () =>
    program('kamailio', 'kamailio') ??
    (kamailioModules() ? null : `modules of Kamailio are missing (package kamailio-tls-modules and others): ${remedy}`),
  linphone: () => program('linphonec', 'linphone-cli'),
  pdftoppm: () => program('pdftoppm', 'poppler-utils'),
  zbarimg: () => program('zbarimg', 'zbar-tools'),
  postgres: () => (postgresFolder() ? null : `PostgreSQL's server is missing (package postgresql): ${remedy}`),
  asterisk: () =>
    gapOf('root') ??
    (existsSync(join(testCache(), 'asterisk', '.ringfence-complete'))
      ? null
      : 'Asterisk is not built yet: sudo test/lab/asterisk-setup.sh'),
}

function program(name: string, debianPackage: string): string | null {
  return programPath(name) ? null : `${name} is missing (package ${debianPackage}): ${remedy}`
}

function works(command: string, args: readonly string[], otherwise: string): string | null {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0 ? null : otherwise
}

function tunGap(): string | null {
  try {
    closeSync(openSync('/dev/net/tun', 'r+'))
    return null
  } catch {
    return '/dev/net/tun cannot be opened: modprobe tun, or hand the device to the container'
  }
}
