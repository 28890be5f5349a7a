import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { settingNames } from '../../src/setting-reader.ts'
import { programPath } from '../setup/programs.ts'
import { environmentOf, parseUnit, readUnit, type Unit, words } from './unit-file.ts'

const folder = join(import.meta.dirname, '../../packaging/systemd')
const server = readUnit(join(folder, 'ringfence.service'))
const hub = readUnit(join(folder, 'ringfence-hub.service'))
const one = (unit: Unit, key: string): string | undefined => words(unit, 'Service', key).join(' ') || undefined

const hardening = {
  NoNewPrivileges: 'yes',
  ProtectSystem: 'strict',
  ProtectHome: 'yes',
  PrivateTmp: 'yes',
  ProtectClock: 'yes',
  ProtectHostname: 'yes',
  ProtectControlGroups: 'yes',
  ProtectKernelLogs: 'yes',
  ProtectKernelModules: 'yes',
  ProtectKernelTunables: 'yes',
  ProtectProc: 'invisible',
  LockPersonality: 'yes',
  RestrictNamespaces: 'yes',
  RestrictRealtime: 'yes',
  RestrictSUIDSGID: 'yes',
  SystemCallArchitectures: 'native',
  StateDirectoryMode: '0700',
  UMask: '0077',
}

describe.each([
  ['server', server],
  ['hub', hub],
])('the systemd unit of the %s', (_name, unit) => {
  test.each(Object.entries(hardening))('has %s=%s', (key, value) => {
    expect(one(unit, key)).toBe(value)
  })

  test('does not run as root', () => {
    expect(one(unit, 'User')).toMatch(/^ringfence(-hub)?$/)
    expect(words(unit, 'Service', 'SystemCallFilter')).toContain('@system-service')
  })

  test('sets only settings that Ringfence knows, and they are right', () => {
    const names = Object.keys(environmentOf(unit)).filter((name) => name.startsWith('RINGFENCE_'))
    expect(names.filter((name) => !(settingNames as readonly string[]).includes(name.slice(10)))).toEqual([])
    const { RINGFENCE_PASSPHRASE_FILE: _handedInBySystemd, ...env } = environmentOf(unit)
    expect(readConfig(env).hub).toMatchObject({ separate: true, socket: '/run/ringfence-hub/hub.sock' })
  })

  test('holds no secret in its environment', () => {
    expect(Object.keys(environmentOf(unit)).filter((name) => /(PASSPHRASE|SECRET|TOKEN)$/.test(name))).toEqual([])
  })
})

describe('the systemd unit of the server', () => {
  test('has no capability at all and sees no device', () => {
    expect(server.get('Service')?.get('CapabilityBoundingSet')).toEqual([''])
    expect(server.get('Service')?.get('AmbientCapabilities')).toEqual([''])
    expect(one(server, 'PrivateDevices')).toBe('yes')
    expect(words(server, 'Service', 'RestrictAddressFamilies')).toEqual(['AF_UNIX', 'AF_INET', 'AF_INET6'])
  })

  test('gets the passphrase as a credential, from a file that only root reads', () => {
    expect(words(server, 'Service', 'LoadCredential')).toEqual(['passphrase:/etc/ringfence/passphrase'])
    expect(environmentOf(server).RINGFENCE_PASSPHRASE_FILE).toBe('%d/passphrase')
  })

  test('starts after the hub and goes on without it', () => {
    expect(words(server, 'Unit', 'After')).toContain('ringfence-hub.service')
    expect(words(server, 'Unit', 'Wants')).toContain('ringfence-hub.service')
    expect(words(server, 'Unit', 'Requires')).toEqual([])
  })
})

describe('the systemd unit of the hub', () => {
  test('has CAP_NET_ADMIN and no other capability', () => {
    expect(words(hub, 'Service', 'CapabilityBoundingSet')).toEqual(['CAP_NET_ADMIN'])
    expect(words(hub, 'Service', 'AmbientCapabilities')).toEqual(['CAP_NET_ADMIN'])
  })

  test('sees one device: the one that wireguard-go makes tunnels with', () => {
    expect(one(hub, 'DevicePolicy')).toBe('closed')
    expect(words(hub, 'Service', 'DeviceAllow')).toEqual(['/dev/net/tun', 'rw'])
    // It would hide that device.
    expect(one(hub, 'PrivateDevices')).toBeUndefined()
    expect(words(hub, 'Service', 'RestrictAddressFamilies')).toContain('AF_NETLINK')
  })

  test('owns the folder of the WireGuard sockets and keeps it over a restart', () => {
    expect(words(hub, 'Service', 'RuntimeDirectory')).toEqual(['ringfence-hub', 'wireguard'])
    expect(one(hub, 'RuntimeDirectoryPreserve')).toBe('yes')
    expect(one(hub, 'KillMode')).toBe('process')
  })

  test("lets the server in by its group, and keeps the server's secrets out", () => {
    expect(one(hub, 'Group')).toBe(one(server, 'Group'))
    expect(one(hub, 'User')).not.toBe(one(server, 'User'))
    expect(one(hub, 'RuntimeDirectoryMode')).toBe('0750')
    expect(words(hub, 'Service', 'UnsetEnvironment')).toEqual(
      expect.arrayContaining(['RINGFENCE_PBX', 'RINGFENCE_PBX_AMI_SECRET_FILE', 'RINGFENCE_PASSPHRASE_FILE']),
    )
  })
})

describe('systemd itself', () => {
  const analyze = programPath('systemd-analyze')

  test.skipIf(!analyze)('finds nothing wrong with the units [needs systemd-analyze]', () => {
    // verify looks for the programs as well, which are not installed where the tests run.
    const copies = mkdtempSync(join(tmpdir(), 'ringfence-units-'))
    try {
      const paths = ['ringfence.service', 'ringfence-hub.service'].map((name) => {
        const text = readFileSync(join(folder, name), 'utf8').replaceAll('/opt/ringfence/ringfence ', '/bin/true ')
        writeFileSync(join(copies, name), text.replaceAll('/sbin/sysctl ', '/bin/true '))
        return join(copies, name)
      })
      const { status, stderr } = spawnSync(analyze ?? '', ['verify', '--man=no', ...paths], { encoding: 'utf8' })
      expect(stderr).toBe('')
      expect(status).toBe(0)
    } finally {
      rmSync(copies, { recursive: true, force: true })
    }
  })

  test.skipIf(!analyze)('rates their exposure as low (at most 2 of 10) [needs systemd-analyze]', () => {
    for (const name of ['ringfence.service', 'ringfence-hub.service']) {
      const args = ['security', '--offline=yes', '--no-pager', '--threshold=20', join(folder, name)]
      const { status, stdout } = spawnSync(analyze ?? '', args, { encoding: 'utf8' })
      expect(stdout).toMatch(/Overall exposure level/)
      expect(status).toBe(0)
    }
  })

  test('units lie where the deployment page says', () => {
    expect(existsSync(join(folder, 'ringfence.service'))).toBe(true)
    expect(readFileSync(join(folder, '../../docs/deployment.md'), 'utf8')).toContain(
      'packaging/systemd/ringfence.service',
    )
  })
})

describe('the reader of units', () => {
  test('keeps resets, joins continued lines and refuses what it does not understand', () => {
    const unit = parseUnit('# note\n[Service]\nA=1 2\nA=\nA=3 \\\n  4\n')
    expect(words(unit, 'Service', 'A')).toEqual(['3', '4'])
    expect(() => parseUnit('[Service]\nwhat is this')).toThrow('line 2')
    expect(() => parseUnit('A=1')).toThrow('line 1')
  })
})
