import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { AppError } from '../../src/errors.ts'
import { settingNames } from '../../src/setting-reader.ts'
import { namesOf, problemsOf, read, type Settings } from './environment.ts'

describe('problems', () => {
  test('are all told at once, each with its name', () => {
    expect(
      namesOf({
        LISTEN: 'nowhere',
        LOG_LEVEL: 'loud',
        HUB_PORT: '0',
        HUB_SUBNET: '10.77.0.0',
        PBX: 'cups',
        PBX_RTP: '9-8',
        TIME_SERVER: 'pool.ntp.org',
        HUB_MASQUERADE: 'maybe',
        COLOUR: 'red',
      }).sort(),
    ).toEqual([
      'COLOUR',
      'HUB_MASQUERADE',
      'HUB_PORT',
      'HUB_SUBNET',
      'LISTEN',
      'LOG_LEVEL',
      'PBX',
      'PBX_RTP',
      'TIME_SERVER',
    ])
  })

  test('name a setting that does not exist, whatever else the environment holds', () => {
    expect(problemsOf({ PHONE_TSL: 'off' })).toEqual(['RINGFENCE_PHONE_TSL there is no such setting'])
    expect(() => readConfig({ PATH: '/bin', RINGFENCE: 'x', RINGFENCE_TEST_CACHE: '/x' })).not.toThrow()
  })

  test.each<[Settings, string]>([
    [{ LISTEN: '0.0.0.0:8080' }, 'LISTEN'],
    [{ LISTEN: '[::]:8080' }, 'LISTEN'],
    [{ LISTEN: '192.0.2.1:8080', ALLOW_PLAIN_CONSOLE: 'no' }, 'LISTEN'],
    [{ LISTEN: 'console.example.com:8080' }, 'LISTEN'],
    [{ LISTEN: '127.0.0.1' }, 'LISTEN'],
    [{ LISTEN: '127.0.0.1:70000' }, 'LISTEN'],
    [{ LISTEN: '127.1:8080' }, 'LISTEN'],
    [{ LISTEN: '::1:8080' }, 'LISTEN'],
    [{ LISTEN_TLS_CERT: '/c.pem' }, 'LISTEN_TLS_KEY'],
    [{ LISTEN_TLS_KEY: '/k.pem' }, 'LISTEN_TLS_CERT'],
    [{ CONSOLE_URL: 'ringfence.example.com' }, 'CONSOLE_URL'],
    [{ CONSOLE_URL: 'http://ringfence.example.com' }, 'CONSOLE_URL'],
    [{ CONSOLE_URL: 'https://ringfence.example.com/console' }, 'CONSOLE_URL'],
    [{ CONSOLE_URL: 'https://olga@ringfence.example.com' }, 'CONSOLE_URL'],
    [{ OIDC_CLIENT_ID: 'x' }, 'OIDC_CLIENT_ID'],
    [{ OIDC_ISSUER: 'http://id.example.com', OIDC_CLIENT_ID: 'x', OIDC_ROLES: 'a=admin' }, 'OIDC_ISSUER'],
    [{ OIDC_ISSUER: 'https://id.example.com', OIDC_ROLES: 'a=admin' }, 'OIDC_CLIENT_ID'],
    [{ OIDC_ISSUER: 'https://id.example.com', OIDC_CLIENT_ID: 'x' }, 'OIDC_ROLES'],
    [{ OIDC_ISSUER: 'https://id.example.com', OIDC_CLIENT_ID: 'x', OIDC_ROLES: 'a=king' }, 'OIDC_ROLES'],
    [{ PHONE_TLS_CERT: '/c.pem' }, 'PHONE_TLS_KEY'],
    [{ PHONE_TLS: 'on' }, 'PHONE_TLS'],
    [{ PHONE_TLS: 'off', PHONE_TLS_CERT: '/c', PHONE_TLS_KEY: '/k' }, 'PHONE_TLS'],
    [{ PHONE_URL: 'http://phones.example.com' }, 'PHONE_URL'],
    [{ PHONE_URL: 'phones.example.com' }, 'PHONE_URL'],
    [{ PHONE_URL: 'https://phones.example.com/?a=b' }, 'PHONE_URL'],
    [{ PHONE_URL: 'https://phones.example.com/#x' }, 'PHONE_URL'],
    [{ PHONE_URL: 'https://exa mple.com' }, 'PHONE_URL'],
    [{ PHONE_URL: 'https://phones.example.com\\@evil.example' }, 'PHONE_URL'],
    [{ PHONE_URL: 'javascript:alert(1)' }, 'PHONE_URL'],
    [{ TRUSTED_PROXIES: '127.0.0.1, proxy' }, 'TRUSTED_PROXIES'],
    [{ HUB_INTERFACE: 'ringfence-is-too-long' }, 'HUB_INTERFACE'],
    [{ HUB_INTERFACE: 'wg/0' }, 'HUB_INTERFACE'],
    [{ HUB_INTERFACE: 'wg 0' }, 'HUB_INTERFACE'],
    [{ HUB_INTERFACE: '..' }, 'HUB_INTERFACE'],
    [{ HUB_ENDPOINT: 'vpn.example.com' }, 'HUB_ENDPOINT'],
    [{ HUB_ENDPOINT: 'vpn#x:51820' }, 'HUB_ENDPOINT'],
    [{ HUB_ENDPOINT: '192.0.2.999:51820' }, 'HUB_ENDPOINT'],
    [{ HUB_SUBNET: '10.77.0.0/30' }, 'HUB_SUBNET'],
    [{ HUB_SUBNET: ',' }, 'HUB_SUBNET'],
    [{ HUB_SUBNET: '010.77.0.0/16' }, 'HUB_SUBNET'],
    [{ HUB_SUBNET: '127.0.0.0/8' }, 'HUB_SUBNET'],
    [{ HUB_SUBNET: 'fe80::/64' }, 'HUB_SUBNET'],
    [{ HUB_SUBNET: '10.1.0.0/16, 10.1.2.0/24' }, 'HUB_SUBNET'],
    [{ HUB_SUBNET: '10.78.0.0/24' }, 'PHONE_SUBNETS'],
    [{ PHONE_SUBNETS: '10.0.0.0/29' }, 'PHONE_SUBNETS'],
    [{ PHONE_SUBNETS: 'fd00::/64' }, 'PHONE_SUBNETS'],
    [{ HUB_TIME_SERVERS: '10.77.3.4' }, 'HUB_TIME_SERVERS'],
    [{ HUB_NAME_SERVERS: '10.78.3.4' }, 'HUB_NAME_SERVERS'],
    [{ PBX_ADDRESS: 'pbx.example.com' }, 'PBX_ADDRESS'],
    [{ PBX_ADDRESS: '::ffff:192.0.2.10' }, 'PBX_ADDRESS'],
    [{ PBX_ADDRESS: 'fe80::1%eth0' }, 'PBX_ADDRESS'],
    [{ PBX_ADDRESS: '10.77.5.5' }, 'PBX_ADDRESS'],
    [{ PBX_ADDRESS: '10.78.0.1' }, 'PBX_ADDRESS'],
    [{ PBX_HOST: 'pbx_1' }, 'PBX_HOST'],
    [{ PBX_HOST: 'pbx.example.com:5061' }, 'PBX_HOST'],
    [{ PBX_PORT: '5061x' }, 'PBX_PORT'],
    [{ PBX_RTP: '10000' }, 'PBX_RTP'],
    [{ PBX_RTP: '10000-20000-3' }, 'PBX_RTP'],
    [{ PBX_RTP: '20000-10000' }, 'PBX_RTP'],
    [{ PBX_RTP: '1-65536' }, 'PBX_RTP'],
    [{ PBX_REALM: 'my realm' }, 'PBX_REALM'],
    [{ TIME_SERVER: 'time.example.com' }, 'TIME_SERVER'],
    [{ LOG_LEVEL: 'trace' }, 'LOG_LEVEL'],
    [{ TIME_ZONE: 'Berlin/Europe' }, 'TIME_ZONE'],
    [{ TIME_ZONE: '+01:00' }, 'TIME_ZONE'],
    [{ DATA: '/'.padEnd(120, 'x') }, 'DATA'],
    [{ HUB_SOCKET: '/'.padEnd(120, 'x') }, 'HUB_SOCKET'],
    [{ DATA: '/srv/\u0007x' }, 'DATA'],
    [{ PASSPHRASE: 'one', PASSPHRASE_FILE: '/etc/hostname' }, 'PASSPHRASE'],
    [{ PASSPHRASE_FILE: '/nonexistent/passphrase' }, 'PASSPHRASE_FILE'],
  ])('%j is wrong at %s and nowhere else', (settings, name) => {
    expect(namesOf(settings)).toEqual([name])
  })

  test('a public URL with http: is told that https: is what it lacks', () => {
    const problems = problemsOf({ PHONE_URL: 'http://phones.example.com' })
    expect(problems).toEqual(['RINGFENCE_PHONE_URL begins with http:, and has to be https:'])
  })

  test.each<[Settings]>([
    [{ LISTEN: '0.0.0.0:8080', ALLOW_PLAIN_CONSOLE: 'yes' }],
    [{ LISTEN: '0.0.0.0:8080', LISTEN_TLS_CERT: '/c', LISTEN_TLS_KEY: '/k' }],
    [{ LISTEN: '[::1]:8080' }],
    [{ LISTEN: 'localhost:8080' }],
    [{ CONSOLE_URL: 'https://ringfence.example.com/' }],
    [{ CONSOLE_URL: 'http://localhost:8080' }],
    [{ OIDC_ISSUER: 'https://id.example.com/realms/x', OIDC_CLIENT_ID: 'x', OIDC_ROLES: 'it help=helpdesk, a=admin' }],
    // A router in front may translate ports.
    [{ HUB_ENDPOINT: 'vpn.example.com:443', HUB_PORT: '51820' }],
    [{ HUB_SUBNET: '10.99.0.0/16, fd77::/64', PBX_ADDRESS: 'fd00::10' }],
    // The PBX on the hub itself, at its address inside the VPN.
    [{ PBX_ADDRESS: '10.77.0.1' }],
    [{ PBX_PORT: '5061', PBX_MTLS_PORT: '5061' }],
    [{ PBX_RTP: '16384-16384' }],
  ])('%j is fine', (settings) => {
    expect(problemsOf(settings)).toEqual([])
  })

  test('never tell what may be a secret', () => {
    const secret = 's3cr3t-w0rd'
    const every: Settings = {
      ...Object.fromEntries(['PASSPHRASE', 'TOKEN'].map((name) => [name, secret])),
      PASSPHRASE_FILE: secret,
      PBX: 'asterisk',
      PBX_AMI_SECRET_FILE: secret,
      PBX_AMI_SECRET: secret,
      PHONE_URL: `https://admin:${secret}@phones.example.com`,
    }
    try {
      read(every)
      expect.unreachable()
    } catch (error) {
      expect((error as AppError).problems.map(({ field }) => field)).toEqual(
        expect.arrayContaining([
          'RINGFENCE_PBX_AMI_SECRET',
          'RINGFENCE_PASSPHRASE',
          'RINGFENCE_PBX_AMI_SECRET_FILE',
          'RINGFENCE_PHONE_URL',
        ]),
      )
      expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain(secret)
    }
  })

  test('are the answer to any value of any setting, never a crash', () => {
    const value = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'off',
        'asterisk',
        '[::1]:1',
        '0.0.0.0:1',
        '10.0.0.0/8',
        'fd00::/64',
        '/etc',
        'https://a',
        '1-2',
        '/\0/secret',
      ),
    )
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...settingNames), value), (settings) => {
        for (const line of problemsOf(settings)) expect(line).toMatch(/^RINGFENCE_[A-Z_]+ [^\n\r]+$/)
      }),
      { numRuns: 500 },
    )
  })
})
