import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { AppError } from '../../src/errors.ts'
import { tableScript } from '../../src/hub/firewall-rules.ts'
import { hubSettingsSchema } from '../../src/hub/hub-settings.ts'
import { hubSettings } from '../../src/main/hub-settings.ts'
import { settingNames } from '../../src/setting-reader.ts'
import { drivenAs } from './driven-as.ts'

let folder: string
let secretFile: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), `ringfence-config-${process.pid}-`))
  secretFile = join(folder, 'secret')
  writeFileSync(secretFile, 'hunter2\n')
  writeFileSync(join(folder, 'empty'), ' \n')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Settings = Readonly<Record<string, string>>
const environment = (settings: Settings) =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`RINGFENCE_${name}`, value]))
const read = (settings: Settings = {}) => readConfig(environment(settings))
function problemsOf(settings: Settings): string[] {
  try {
    read(settings)
    return []
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    expect(error.code).toBe('CONFIG_INVALID')
    return error.problems.map(({ field, message }) => `${field} ${message}`)
  }
}
const namesOf = (settings: Settings) => problemsOf(settings).map((problem) => problem.split(' ')[0]!.slice(10))
const asterisk = () => ({
  PBX: 'asterisk',
  PBX_CONFIG_DIR: '/etc/asterisk/ringfence.d',
  PBX_AMI_SECRET_FILE: secretFile,
})
const earnest = {
  PHONE_URL: 'https://phones.example.com',
  HUB_ENDPOINT: 'vpn.example.com:51820',
  PBX_ADDRESS: '192.0.2.10',
  PBX_HOST: 'pbx.example.com',
}

describe('with nothing configured', () => {
  test('Ringfence listens on this machine only and names everything that is missing', () => {
    const config = read()
    expect([config.console.host, config.phoneDoor.host]).toEqual(['127.0.0.1', '127.0.0.1'])
    expect(config.demo.map((line) => line.split(' ')[0])).toEqual([
      'RINGFENCE_PHONE_URL',
      'RINGFENCE_HUB_ENDPOINT',
      'RINGFENCE_PBX_ADDRESS',
    ])
    expect(config.phoneDoor.inTunnel).toEqual({ host: '10.77.0.1', port: 8443 })
    expect(config.pbxs[0]!.host).toMatch(/\.invalid$/)
  })

  test('an empty setting is one that is not set', () => {
    expect(read({ PHONE_URL: '', LISTEN: '  ', PBX: '' })).toEqual(read())
  })

  test('in earnest nothing is missing', () => {
    expect(read(earnest).demo).toEqual([])
  })

  test('a PBX without a name is named, since softphones want one', () => {
    const { PBX_HOST: _left, ...rest } = earnest
    expect(read(rest)).toMatchObject({ pbxs: [{ host: '192.0.2.10' }], demo: [expect.stringContaining('PBX_HOST')] })
  })
})

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

describe('what is read', () => {
  test('cannot be changed afterwards, at any depth', () => {
    const config = read(earnest)
    expect(() => Object.assign(config.hub, { endpoint: 'evil:1' })).toThrow(TypeError)
    expect(() => (config.hub.subnets as string[]).push('0.0.0.0/0')).toThrow(TypeError)
  })

  test('is canonical, so that it can be compared', () => {
    const config = read({
      HUB_SUBNET: 'FD77:0::5/64',
      PBX_ADDRESS: 'FD00:0::A',
      PHONE_URL: 'https://Phones.Example.com:443/x/',
    })
    expect([config.hub.subnets, config.pbxs[0]!.address, config.phoneDoor.url]).toEqual([
      ['fd77::/64'],
      'fd00::a',
      'https://phones.example.com/x',
    ])
    expect(config.phoneDoor.inTunnel).toEqual({ host: 'fd77::1', port: 8443 })
  })

  test("takes the hub's port from the endpoint unless it has one of its own", () => {
    expect(read({ HUB_ENDPOINT: 'vpn.example.com:443' }).hub.listenPort).toBe(443)
    expect(read({ HUB_ENDPOINT: 'vpn.example.com:443', HUB_PORT: '51820' }).hub.listenPort).toBe(51820)
    expect(read({ HUB_PORT: '51821' }).hub).toMatchObject({ listenPort: 51821, endpoint: '127.0.0.1:51821' })
  })

  test('keeps the door inside the VPN shut where it is off', () => {
    expect(read({ PHONE_TUNNEL_LISTEN: 'off' }).phoneDoor.inTunnel).toBe(null)
  })

  test('takes secrets from files, without the line break at their end', () => {
    expect(read({ PASSPHRASE_FILE: secretFile }).passphrase?.reveal()).toBe('hunter2')
    expect(drivenAs(read(asterisk()).pbxs[0]!, 'asterisk').amiSecret.reveal()).toBe('hunter2')
    expect(problemsOf({ PASSPHRASE_FILE: join(folder, 'empty') })).toEqual([
      'RINGFENCE_PASSPHRASE_FILE names a file that is empty',
    ])
    expect(inspect(read({ ...asterisk(), PASSPHRASE: 'open sesame' }), { depth: 9 })).not.toMatch(/hunter2|sesame/)
  })

  test('has every interface name that the hub takes, and no other', () => {
    const base = { listenPort: 1, subnets: ['10.0.0.0/16'], pbxs: [] }
    const hubTakes = (name: string) =>
      hubSettingsSchema.safeParse({ ...base, doorPort: null, socketPath: '/s', dataFolder: '/d', interface: name })
        .success
    expect(hubTakes('ringfence0')).toBe(true)
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'aZ0_-=+./ %:'), minLength: 1, maxLength: 17 }), (name) => {
        fc.pre(name.trim() === name)
        expect(namesOf({ HUB_INTERFACE: name }).length === 0).toBe(hubTakes(name))
      }),
      { numRuns: 500 },
    )
  })
})

describe('with Asterisk', () => {
  test('the folder and the secret are needed', () => {
    expect(namesOf({ PBX: 'asterisk' })).toEqual(['PBX_CONFIG_DIR', 'PBX_AMI_SECRET_FILE'])
    expect(problemsOf(asterisk())).toEqual([])
  })

  test('it listens where handsets reach it', () => {
    expect(drivenAs(read({ ...asterisk(), PBX_ADDRESS: '192.0.2.10' }).pbxs[0]!, 'asterisk').bind).toBe('192.0.2.10')
    expect(
      drivenAs(read({ ...asterisk(), PBX_ADDRESS: '192.0.2.10', PBX_BIND: '0.0.0.0' }).pbxs[0]!, 'asterisk').bind,
    ).toBe('0.0.0.0')
  })

  test.each<[Settings, string]>([
    [{ PBX_CONFIG_DIR: 'ringfence.d' }, 'PBX_CONFIG_DIR'],
    [{ PBX_CONFIG_DIR: '/etc/asterisk/a b' }, 'PBX_CONFIG_DIR'],
    [{ PBX_CONFIG_DIR: '/etc/asterisk/a;b' }, 'PBX_CONFIG_DIR'],
    [{ PBX_TLS_CERT: 'cert.pem', PBX_TLS_KEY: '/key.pem' }, 'PBX_TLS_CERT'],
    [{ PBX_TLS_CERT: '/cert.pem' }, 'PBX_TLS_KEY'],
    [{ PBX_CA_FILE: '/etc/$x' }, 'PBX_CA_FILE'],
    [{ PBX_CONTEXT: 'from internal' }, 'PBX_CONTEXT'],
    [{ PBX_CONTEXT: 'a;b' }, 'PBX_CONTEXT'],
    [{ PBX_BIND: 'eth0' }, 'PBX_BIND'],
    [{ PBX_AMI: '5038' }, 'PBX_AMI'],
    [{ PBX_AMI: '192.0.2.10:5038' }, 'PBX_AMI'],
    [{ PBX_AMI_USER: 'ring fence' }, 'PBX_AMI_USER'],
    [{ PBX_MTLS_PORT: '5061' }, 'PBX_MTLS_PORT'],
  ])('%j is wrong at %s, before Asterisk refuses it', (settings, name) => {
    expect(namesOf({ ...asterisk(), ...settings })).toEqual([name])
  })
})

describe('with a mail server', () => {
  const mail = (settings: Settings = {}) => ({
    SMTP_URL: 'smtps://mail.example.com',
    SMTP_FROM: 'IT of Example <it@example.com>',
    ...settings,
  })

  test.each([
    ['smtps://mail.example.com', { host: 'mail.example.com', port: 465, tls: 'implicit' }],
    ['smtp://mail.example.com', { host: 'mail.example.com', port: 587, tls: 'starttls' }],
    ['smtp://mail.example.com:25', { port: 25, tls: 'starttls' }],
    ['SMTP://127.0.0.1:25', { host: '127.0.0.1', tls: 'none' }],
    ['smtp://[::1]:2525/', { host: '::1', port: 2525, tls: 'none' }],
    ['smtps://localhost', { tls: 'implicit' }],
  ])('%s says how it is spoken to: in the clear only on this machine itself', (url, expected) => {
    expect(read(mail({ SMTP_URL: url })).mail).toMatchObject({
      ...expected,
      from: { name: 'IT of Example', address: 'it@example.com' },
      language: 'en',
    })
  })

  test('the password is read and never shown', () => {
    const config = read(mail({ SMTP_USER: 'it', SMTP_PASSWORD_FILE: secretFile, MAIL_LANGUAGE: 'DE' }))
    expect(config.mail).toMatchObject({ login: { user: 'it' }, language: 'de' })
    expect(config.mail?.login?.password.reveal()).toBe('hunter2')
    expect(inspect(config, { depth: 9 })).not.toContain('hunter2')
  })

  test.each([
    ['no sender', { SMTP_FROM: '' }, ['SMTP_FROM']],
    ['a sender that is none', { SMTP_FROM: 'IT <nobody>' }, ['SMTP_FROM']],
    ['a user without a password', { SMTP_USER: 'it' }, ['SMTP_PASSWORD_FILE']],
    ['another scheme', { SMTP_URL: 'https://mail.example.com' }, ['SMTP_URL']],
    ['a port that is none', { SMTP_URL: 'smtp://mail.example.com:99999' }, ['SMTP_URL']],
    ['a language that is none', { MAIL_LANGUAGE: 'klingon' }, ['MAIL_LANGUAGE']],
    ['an authority that is not there', { SMTP_CA_FILE: '/nowhere' }, ['SMTP_CA_FILE']],
    ['a sender but no server', { SMTP_URL: '' }, ['SMTP_FROM']],
  ])('%s keeps it from starting', (_what, change, names) => {
    expect(namesOf(mail(change))).toEqual(names)
  })

  test('a password in the URL is refused and not repeated', () => {
    const problems = problemsOf(mail({ SMTP_URL: 'smtps://it:hunter2@mail.example.com' }))
    expect(problems).toHaveLength(1)
    expect(problems[0]).not.toContain('hunter2')
  })

  test('accounts go where they are said to go, and a setting of another place is no accident', () => {
    const { PBX_CONFIG_DIR: _, ...bare } = asterisk()
    const tables = { ...bare, PBX_ACCOUNTS: 'realtime', PBX_DATABASE: '/srv/realtime.sqlite3' }
    expect(drivenAs(read(asterisk()).pbxs[0]!, 'asterisk').accounts).toEqual({ kind: 'files' })
    expect(drivenAs(read(tables).pbxs[0]!, 'asterisk')).toMatchObject({
      configFolder: null,
      accounts: { kind: 'realtime', database: { sqlite: '/srv/realtime.sqlite3' } },
    })
    const ari = { ...bare, PBX_ACCOUNTS: 'ari', PBX_ARI_SECRET_FILE: bare.PBX_AMI_SECRET_FILE }
    expect(
      drivenAs(read({ ...ari, PBX_ARI: 'https://pbx.example.com:8089/' }).pbxs[0]!, 'asterisk').accounts,
    ).toMatchObject({
      kind: 'ari',
      origin: 'https://pbx.example.com:8089',
      user: 'ringfence',
    })
    expect(namesOf({ ...tables, PBX_DATABASE: 'x.sqlite3' })).toEqual(['PBX_DATABASE'])
    expect(namesOf({ ...bare, PBX_ACCOUNTS: 'realtime' })).toEqual(['PBX_DATABASE'])
    // The file is there, but what it holds is no URL; it is not repeated.
    expect(namesOf({ ...bare, PBX_ACCOUNTS: 'realtime', PBX_DATABASE_URL_FILE: bare.PBX_AMI_SECRET_FILE })).toEqual([
      'PBX_DATABASE_URL_FILE',
    ])
    expect(namesOf({ ...bare, PBX_ACCOUNTS: 'ari' })).toEqual(['PBX_ARI_SECRET_FILE'])
    expect(namesOf({ ...asterisk(), PBX_DATABASE: '/srv/x' })).toEqual(['PBX_DATABASE'])
    expect(namesOf({ ...tables, PBX_ARI_USER: 'ringfence' })).toEqual(['PBX_ARI_USER'])
    expect(namesOf({ ...asterisk(), PBX_ACCOUNTS: 'mysql' })).toEqual(['PBX_ACCOUNTS'])
  })

  test.each([
    ['another machine in the clear', 'postgres://u:hunter2@db.example.com/x', false],
    ['another machine, TLS not demanded', 'postgres://u:hunter2@192.0.2.7/x?sslmode=prefer', false],
    ['a certificate that nobody checks', 'postgres://u:hunter2@db.example.com/x?sslmode=no-verify', false],
    ['the last of two modes', 'postgres://u:hunter2@db/x?sslmode=verify-full&sslmode=disable', false],
    ['a host that counts before the other', 'postgres://u:hunter2@localhost/x?host=db.example.com', false],
    ['a name that begins like this machine', 'postgres://u:hunter2@localhost.example.com/x', false],
    ['another machine over verified TLS', 'postgres://u:hunter2@db.example.com/x?sslmode=verify-full', true],
    ['this machine', 'postgres://u:hunter2@127.0.0.1:5433/x', true],
    ['this machine by its IPv6 address', 'postgres://u:hunter2@[::1]/x', true],
    ['a socket', 'postgres://u@/x?host=/run/postgresql', true],
    ['a socket in the place of the host', 'postgres://u@%2Frun%2Fpostgresql/x', true],
  ])('a PostgreSQL on %s', (_words, url, isTaken) => {
    const file = join(folder, 'pbx-database-url')
    writeFileSync(file, url)
    const place = { PBX_DATABASE_URL_FILE: file }
    const { PBX_CONFIG_DIR: _, ...bare } = asterisk()
    const kamailio = { PBX: 'kamailio', PBX_CONFIG_DIR: '/etc/kamailio', PBX_ADDRESS: '10.90.0.2' }
    for (const settings of [
      { ...bare, PBX_ACCOUNTS: 'realtime', ...place },
      { ...kamailio, ...place },
    ]) {
      expect(namesOf(settings)).toEqual(isTaken ? [] : ['PBX_DATABASE_URL_FILE'])
      expect(JSON.stringify(isTaken ? [] : problemsOf(settings))).not.toContain('hunter2')
    }
  })

  test.each([
    'http://pbx.example.com:8088',
    'http://192.0.2.1',
    'https://u:hunter2@pbx:8089',
    'https://pbx/ari',
    'pbx:8089',
  ])('ARI at %s would carry a password where it must not, or is no address', (PBX_ARI) => {
    const settings = {
      ...asterisk(),
      PBX_ACCOUNTS: 'ari',
      PBX_ARI_SECRET_FILE: asterisk().PBX_AMI_SECRET_FILE,
      PBX_ARI,
    }
    expect(namesOf(settings)).toEqual(['PBX_ARI'])
    expect(JSON.stringify(problemsOf(settings))).not.toContain('hunter2')
  })
})

describe('with several PBXs', () => {
  const branch = { PBX2: 'manual', PBX2_NAME: 'branch' }

  test('each further one has its own settings under its number, in the order of the numbers', () => {
    const config = read({
      ...earnest,
      ...asterisk(),
      PBX_NAME: 'office',
      PBX_SITE: 'Berlin',
      PBX10: 'manual',
      PBX10_NAME: 'depot',
      PBX10_SITE: 'berlin ',
      PBX2: 'asterisk',
      PBX2_NAME: 'branch',
      PBX2_SITE: 'Hamburg Süd',
      PBX2_ADDRESS: '192.0.2.20',
      PBX2_HOST: 'branch.example.com',
      PBX2_PORT: '6061',
      PBX2_CONFIG_DIR: '/etc/asterisk/branch.d',
      PBX2_AMI_SECRET_FILE: secretFile,
      PBX2_AMI: '192.0.2.20:5039',
      PBX2_AMI_TLS: 'yes',
    })
    expect(config.pbxs).toMatchObject([
      { id: 'default', name: 'office', site: { id: 'default', name: 'Berlin' }, host: 'pbx.example.com', port: 5061 },
      {
        id: 'branch',
        name: 'branch',
        site: { id: 'hamburg-sud', name: 'Hamburg Süd' },
        address: '192.0.2.20',
        port: 6061,
        driven: {
          kind: 'asterisk',
          configFolder: '/etc/asterisk/branch.d',
          ami: { host: '192.0.2.20', port: 5039 },
          bind: '192.0.2.20',
        },
      },
      { id: 'depot', site: { id: 'default', name: 'Berlin' }, driver: 'manual' },
    ])
  })

  test('one alone is called default, as it always was', () => {
    expect(read(earnest).pbxs).toMatchObject([{ id: 'default', name: 'default', site: { name: 'Main site' } }])
    expect(read({ ...earnest, PBX2: ' ', PBX2_ADDRESS: '' }).pbxs).toHaveLength(1)
  })

  test('what is wrong with one is said with its own number, hint and all', () => {
    expect(problemsOf({ ...branch, PBX2: 'asterisk' })).toEqual([
      'RINGFENCE_PBX2_CONFIG_DIR is needed with RINGFENCE_PBX2=asterisk',
      'RINGFENCE_PBX2_AMI_SECRET_FILE is needed with RINGFENCE_PBX2=asterisk',
    ])
    expect(
      problemsOf({ ...branch, PBX2_ADDRESS: 'branch', PBX2_RTP: '9', PBX2_PORT: 'x' }).map((one) => one.split(' ')[0]),
    ).toEqual(['RINGFENCE_PBX2_ADDRESS', 'RINGFENCE_PBX2_RTP', 'RINGFENCE_PBX2_PORT'])
    expect(read(branch).demo).toContainEqual(expect.stringContaining('RINGFENCE_PBX2_ADDRESS is not set'))
    expect(problemsOf({ ...branch, PBX2_ADDRESS: '10.77.1.1' })).toEqual([
      'RINGFENCE_PBX2_ADDRESS 10.77.1.1 lies in 10.77.0.0/16, which is handed out to handsets',
    ])
  })

  test.each<[Settings, string]>([
    [{ PBX2: 'manual' }, 'RINGFENCE_PBX2_NAME is needed for a further PBX'],
    [{ PBX3_NAME: 'depot' }, 'RINGFENCE_PBX3 is not set, but other settings of this PBX are'],
    [{ ...branch, PBX2_NAME: 'Branch' }, 'RINGFENCE_PBX2_NAME "Branch" is not a name'],
    [{ ...branch, PBX2_NAME: '../x' }, 'RINGFENCE_PBX2_NAME "../x" is not a name'],
    [{ ...branch, PBX2_NAME: 'a.b' }, 'RINGFENCE_PBX2_NAME "a.b" is not a name'],
    [{ ...branch, PBX2_NAME: '2001' }, 'RINGFENCE_PBX2_NAME "2001" is not a name'],
    [{ ...branch, PBX2_NAME: 'default' }, 'RINGFENCE_PBX2_NAME "default" is another PBX\'s name too'],
    [{ ...branch, PBX3: 'manual', PBX3_NAME: 'branch' }, 'RINGFENCE_PBX3_NAME "branch" is another PBX\'s name too'],
    [{ ...branch, PBX2_SITE: '—' }, 'RINGFENCE_PBX2_SITE "—" holds no letter or digit of A to Z'],
    [{ PBX1: 'manual' }, 'RINGFENCE_PBX1 there is no such setting'],
    [{ PBX02: 'manual' }, 'RINGFENCE_PBX02 there is no such setting'],
    [{ PBX2COLOUR: 'red' }, 'RINGFENCE_PBX2COLOUR there is no such setting'],
    [{ ...branch, PBX2_COLOUR: 'red' }, 'RINGFENCE_PBX2_COLOUR there is no such setting'],
    [
      { ...branch, PBX_ADDRESS: '192.0.2.10', PBX2_ADDRESS: '192.0.2.10' },
      "RINGFENCE_PBX2_ADDRESS 192.0.2.10 with these ports is another PBX's place too",
    ],
  ])('%j is refused', (settings, problem) => {
    expect(problemsOf(settings)).toContain(problem)
  })

  test('two on one machine are told apart by their ports, but never share a folder', () => {
    const twins = {
      ...asterisk(),
      PBX_ADDRESS: '192.0.2.10',
      ...branch,
      PBX2_ADDRESS: '192.0.2.10',
      PBX2_PORT: '6061',
      PBX2_MTLS_PORT: '6062',
    }
    expect(problemsOf(twins)).toEqual([])
    const sharing = {
      ...twins,
      PBX2: 'asterisk',
      PBX2_CONFIG_DIR: asterisk().PBX_CONFIG_DIR,
      PBX2_AMI_SECRET_FILE: secretFile,
    }
    expect(problemsOf(sharing)).toEqual([
      'RINGFENCE_PBX2_CONFIG_DIR "/etc/asterisk/ringfence.d" is another PBX\'s folder too',
      "RINGFENCE_PBX2_AMI is another PBX's place too",
    ])
  })

  test.each<[string, Settings, string | null]>([
    ['PBX_AMI', { PBX: 'asterisk', PBX_AMI: 'pbx.example.com:5038', PBX_AMI_TLS: 'yes' }, 'PBX.example.com:5038'],
    ['PBX_AMI', { PBX: 'asterisk', PBX_AMI: 'pbx.example.com:5038', PBX_AMI_TLS: 'yes' }, null],
    ['PBX_AMI', { PBX: 'asterisk', PBX_AMI: '127.0.0.1:5038' }, 'localhost:5038'],
    ['PBX_ESL', { PBX: 'freeswitch', PBX_ESL: '192.0.2.9:8021' }, '192.0.2.9:8021'],
    ['PBX_RPC', { PBX: 'kamailio', PBX_RPC: '192.0.2.9:5068' }, '192.0.2.9:5068'],
    ['PBX_API_URL', { PBX: 'yeastar', PBX_API_URL: 'https://pbx.example.com' }, 'https://pbx.example.com:443/'],
    ['PBX_DATABASE', { PBX: 'kamailio', PBX_DATABASE: '/srv/accounts.db' }, '/srv/accounts.db'],
    ['PBX_DATABASE_URL_FILE', { PBX: 'kamailio' }, 'the same file'],
  ])('two with the same %s are one, and refused: %j', (name, settings, other) => {
    const url = join(folder, 'twin-url')
    writeFileSync(url, 'postgres://ada:hunter2@localhost/accounts')
    const own = (number: '' | '2'): Settings => ({
      [`PBX${number}_ADDRESS`]: `192.0.2.1${number || 1}`,
      [`PBX${number}_REALM`]: 'office',
      [`PBX${number}_CONFIG_DIR`]:
        settings.PBX === 'yeastar' || settings.PBX === 'freeswitch' ? '' : `/srv/pbx${number}`,
      [`PBX${number}_AMI_SECRET_FILE`]: settings.PBX === 'asterisk' ? secretFile : '',
      [`PBX${number}_ESL_SECRET_FILE`]: settings.PBX === 'freeswitch' ? secretFile : '',
      [`PBX${number}_DIRECTORY_SECRET_FILE`]: settings.PBX === 'freeswitch' ? secretFile : '',
      [`PBX${number}_DIRECTORY_LISTEN`]: settings.PBX === 'freeswitch' ? `127.0.0.1:844${number || 1}` : '',
      [`PBX${number}_API_CLIENT`]: settings.PBX === 'yeastar' ? 'c' : '',
      [`PBX${number}_API_SECRET_FILE`]: settings.PBX === 'yeastar' ? secretFile : '',
      [`PBX${number}_DATABASE_URL_FILE`]: name === 'PBX_DATABASE_URL_FILE' ? url : '',
    })
    const second = Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [
        key.replace('PBX', 'PBX2'),
        key === name && other ? other : value,
      ]),
    )
    const distinct = name.startsWith('PBX_DATABASE') ? { PBX_RPC: '127.0.0.1:5068', PBX2_RPC: '127.0.0.1:5069' } : {}
    const problems = problemsOf({ ...own(''), ...settings, ...own('2'), ...second, PBX2_NAME: 'branch', ...distinct })
    expect(problems).toEqual([`RINGFENCE_${name.replace('PBX', 'PBX2')} is another PBX's place too`])
  })

  test('the hub lets handsets to the ports of each, and of none without an address', () => {
    const { pbxs } = hubSettings(
      read({
        ...earnest,
        ...branch,
        PBX2_ADDRESS: '192.0.2.20',
        PBX2_RTP: '30000-30100',
        PBX3: 'manual',
        PBX3_NAME: 'depot',
      }),
    )
    expect(pbxs).toEqual([
      { address: '192.0.2.10', ports: [5061, 5062], rtpFrom: 10_000, rtpTo: 20_000 },
      { address: '192.0.2.20', ports: [5061, 5062], rtpFrom: 30_000, rtpTo: 30_100 },
    ])
  })
})

describe('a SIP edge', () => {
  const edge = () => ({
    ...earnest,
    EDGE_ADDRESS: '192.0.2.11',
    EDGE_HOST: 'sip.example.com',
    EDGE_DIR: '/var/lib/ringfence-edge',
    EDGE_RPC_SECRET_FILE: join(folder, 'edge'),
  })
  beforeAll(() => writeFileSync(join(folder, 'edge'), 'a secret that is long enough\n'))

  test('is what handsets dial from then on, while media goes to the PBX', () => {
    const [pbx] = read({ ...edge(), PBX_PORT: '6061', EDGE_MTLS_PORT: '7062' }).pbxs
    expect(pbx).toMatchObject({ address: '192.0.2.10', host: 'sip.example.com', port: 5061, mtlsPort: 7062 })
    expect(pbx!.own).toEqual({ host: 'pbx.example.com', port: 6061, mtlsPort: 5062 })
    expect(read(earnest).pbxs[0]).toMatchObject({ host: 'pbx.example.com', port: 5061, edge: null })
  })

  test('opens the hub for itself and shuts it for the ports of the PBX', () => {
    const settings = hubSettingsSchema.parse(hubSettings(read(edge())))
    expect(settings).toMatchObject({
      pbxs: [{ address: '192.0.2.10', ports: [] }],
      edge: { address: '192.0.2.11', ports: [5061, 5062] },
    })
    const table = tableScript(settings, [], true)
    expect(table).toContain('ip daddr { 192.0.2.11 } tcp dport { 5061, 5062 } counter accept')
    expect(table).not.toMatch(/192\.0\.2\.10 \} tcp/)
    expect(table).toContain('ip daddr { 192.0.2.10 } udp dport 10000-20000 counter accept')
  })

  test.each([
    ['half of it', { EDGE_HOST: 'sip.example.com' }, ['EDGE_HOST']],
    ['no folder and no key', { EDGE_ADDRESS: '192.0.2.11' }, ['EDGE_RPC_SECRET_FILE', 'EDGE_DIR']],
    ['management on a public address', { EDGE_RPC: '192.0.2.11:5064' }, ['EDGE_RPC']],
    ['management at a name', { EDGE_RPC: 'edge.example.com:5064' }, ['EDGE_RPC']],
    ['one port twice', { EDGE_PBX_PORT: '5062' }, ['EDGE_PBX_PORT']],
    ['internal numbers as a range', { EDGE_INTERNAL_NUMBERS: '1000-1999' }, ['EDGE_INTERNAL_NUMBERS']],
    ['internal numbers as an expression', { EDGE_INTERNAL_NUMBERS: '1xxx,.*' }, ['EDGE_INTERNAL_NUMBERS']],
    [
      'internal numbers as long as telephone numbers',
      { EDGE_INTERNAL_NUMBERS: 'xxxxxxxxx' },
      ['EDGE_INTERNAL_NUMBERS'],
    ],
    ['management on a port of phones', { EDGE_RPC: '127.0.0.1:5062' }, ['EDGE_RPC']],
    ["the PBX's own port at the PBX's own address", { EDGE_ADDRESS: '192.0.2.10' }, ['EDGE_PORT']],
    ['handsets that all look alike', { HUB_MASQUERADE: 'yes' }, ['HUB_MASQUERADE']],
    ['an address that handsets get', { EDGE_ADDRESS: '10.77.0.9' }, ['EDGE_ADDRESS']],
  ])('is refused with %s', (what, settings, names) => {
    const alone = what === 'half of it' || what === 'no folder and no key'
    expect(namesOf(alone ? { ...earnest, ...settings } : { ...edge(), ...settings })).toEqual(names)
  })

  test.each([
    ['Kamailio checks certificates itself', { PBX: 'kamailio' }],
    ['FreeSWITCH was never tried behind it', { PBX: 'freeswitch' }],
    ['Asterisk keeps no rule of an account that it got over its REST interface', { PBX_ACCOUNTS: 'ari' }],
  ])('is refused because %s', (_why, settings) => {
    expect(namesOf({ ...asterisk(), ...edge(), PBX: 'asterisk', ...settings })).toContain('EDGE_ADDRESS')
    expect(namesOf({ ...asterisk(), ...edge(), PBX: 'asterisk' })).toEqual([])
  })

  test('stands in front of the first PBX alone, and no other may have its place', () => {
    const two = { ...edge(), PBX2: 'manual', PBX2_NAME: 'branch', PBX2_ADDRESS: '192.0.2.20' }
    expect(read(two).pbxs.map(({ edge: found }) => found?.address ?? null)).toEqual(['192.0.2.11', null])
    expect(hubSettings(read(two))).toMatchObject({
      pbxs: [{ ports: [] }, { address: '192.0.2.20', ports: [5061, 5062] }],
      edge: { address: '192.0.2.11' },
    })
    expect(namesOf({ ...two, PBX2_ADDRESS: '192.0.2.11' })).toEqual(['PBX2_ADDRESS'])
  })

  test('is refused with a secret that is short', () => {
    expect(namesOf({ ...edge(), EDGE_RPC_SECRET_FILE: secretFile })).toEqual(['EDGE_RPC_SECRET_FILE'])
  })
})
