import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { drivenAs } from './driven-as.ts'
import { namesOf, problemsOf, read, type Settings, secretsFolder } from './environment.ts'

const secrets = secretsFolder()

describe('with Asterisk', () => {
  test('the folder and the secret are needed', () => {
    expect(namesOf({ PBX: 'asterisk' })).toEqual(['PBX_CONFIG_DIR', 'PBX_AMI_SECRET_FILE'])
    expect(problemsOf(secrets.asterisk())).toEqual([])
  })

  test('it listens where handsets reach it', () => {
    expect(drivenAs(read({ ...secrets.asterisk(), PBX_ADDRESS: '192.0.2.10' }).pbxs[0]!, 'asterisk').bind).toBe(
      '192.0.2.10',
    )
    expect(
      drivenAs(read({ ...secrets.asterisk(), PBX_ADDRESS: '192.0.2.10', PBX_BIND: '0.0.0.0' }).pbxs[0]!, 'asterisk')
        .bind,
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
    expect(namesOf({ ...secrets.asterisk(), ...settings })).toEqual([name])
  })

  test('accounts go where they are said to go, and a setting of another place is no accident', () => {
    const { PBX_CONFIG_DIR: _, ...bare } = secrets.asterisk()
    const tables = { ...bare, PBX_ACCOUNTS: 'realtime', PBX_DATABASE: '/srv/realtime.sqlite3' }
    expect(drivenAs(read(secrets.asterisk()).pbxs[0]!, 'asterisk').accounts).toEqual({ kind: 'files' })
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
    expect(namesOf({ ...secrets.asterisk(), PBX_DATABASE: '/srv/x' })).toEqual(['PBX_DATABASE'])
    expect(namesOf({ ...tables, PBX_ARI_USER: 'ringfence' })).toEqual(['PBX_ARI_USER'])
    expect(namesOf({ ...secrets.asterisk(), PBX_ACCOUNTS: 'mysql' })).toEqual(['PBX_ACCOUNTS'])
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
    const file = join(secrets.folder, 'pbx-database-url')
    writeFileSync(file, url)
    const place = { PBX_DATABASE_URL_FILE: file }
    const { PBX_CONFIG_DIR: _, ...bare } = secrets.asterisk()
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
      ...secrets.asterisk(),
      PBX_ACCOUNTS: 'ari',
      PBX_ARI_SECRET_FILE: secrets.asterisk().PBX_AMI_SECRET_FILE,
      PBX_ARI,
    }
    expect(namesOf(settings)).toEqual(['PBX_ARI'])
    expect(JSON.stringify(problemsOf(settings))).not.toContain('hunter2')
  })
})
