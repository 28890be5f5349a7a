import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import type { AppError } from '../../src/errors.ts'

const folder = mkdtempSync(join(tmpdir(), `ringfence-help-${process.pid}-`))
const secret = join(folder, 'secret')
writeFileSync(secret, 'a secret of more than twenty characters\n', { mode: 0o600 })
mkdirSync(join(folder, 'dir'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Settings = Readonly<Record<string, string>>
const environment = (settings: Settings) =>
  Object.fromEntries(Object.entries(settings).map(([name, value]) => [`RINGFENCE_${name}`, value]))
const notesOf = (settings: Settings) => readConfig(environment(settings)).notes.map(({ message }) => message)
function problemsOf(settings: Settings) {
  try {
    readConfig(environment(settings))
    return []
  } catch (error) {
    return (error as AppError).problems.map(({ field, message, hint }) => `${field} ${message} -> ${hint ?? ''}`)
  }
}

const asterisk = { PBX: 'asterisk', PBX_CONFIG_DIR: '/etc/asterisk/x', PBX_AMI_SECRET_FILE: secret }
const threeCx = { PBX: '3cx', PBX_API_CLIENT: 'c', PBX_API_SECRET_FILE: secret }
const yeastar = { ...threeCx, PBX: 'yeastar' }
const freepbx = { ...threeCx, PBX: 'freepbx', PBX_AMI_SECRET_FILE: secret }
const kamailio = { PBX: 'kamailio', PBX_CONFIG_DIR: '/etc/kamailio/x', PBX_ADDRESS: '192.0.2.10' }
const edge = {
  PBX_ADDRESS: '192.0.2.10',
  EDGE_ADDRESS: '192.0.2.11',
  EDGE_DIR: '/var/lib/x',
  EDGE_RPC_SECRET_FILE: secret,
}

describe('a setting that is wrong', () => {
  test.each<[string, Settings, string, string]>([
    [
      'a manager interface on another machine without TLS',
      { ...asterisk, PBX_AMI: '192.0.2.10:5038' },
      'RINGFENCE_PBX_AMI "192.0.2.10" would be spoken to without TLS',
      'RINGFENCE_PBX_AMI_TLS=yes',
    ],
    [
      'the authority behind the PBX with a path that is none',
      { ...edge, EDGE_PBX_CA_FILE: 'pbx-ca.crt' },
      'RINGFENCE_EDGE_PBX_CA_FILE "pbx-ca.crt" cannot stand in Kamailio\'s files',
      'a full path',
    ],
    ['an underscore left out', { PBX_APIURL: 'x' }, 'PBX_APIURL there is no', 'did you mean RINGFENCE_PBX_API_URL?'],
    ['an end left out', { PBX_API_SECRET: 'x' }, 'there is no', 'did you mean RINGFENCE_PBX_API_SECRET_FILE?'],
    [
      'of a further PBX',
      { PBX2: 'manual', PBX2_NAME: 'b', PBX2_ADRESS: 'x' },
      'there is no',
      'did you mean RINGFENCE_PBX2_ADDRESS?',
    ],
    [
      'http for 3CX',
      { ...threeCx, PBX_API_URL: 'http://pbx' },
      '"http://pbx" needs https',
      'such as https://pbx.example.com:5001',
    ],
    [
      'no address for Yeastar',
      { ...yeastar, PBX_API_URL: 'pbx' },
      'is no address',
      'such as https://pbx.example.com:8088',
    ],
    ['http for FreePBX elsewhere', { ...freepbx, PBX_API_URL: 'http://pbx' }, 'needs https', 'such as https://'],
    [
      'a password, even without https',
      { ...threeCx, PBX_API_URL: 'me:x@pbx' },
      'holds a name or a password',
      'settings of',
    ],
    ['port 0', { ...freepbx, PBX_API_URL: 'https://127.0.0.1:0' }, 'has port 0', 'such as'],
    [
      'a secret file that is not there',
      { ...asterisk, PBX_AMI_SECRET_FILE: join(folder, 'other') },
      `names "${join(folder, 'other')}", which is not there`,
      'a path',
    ],
    [
      'a secret file right below /, which could be a secret instead',
      { ...asterisk, PBX_AMI_SECRET_FILE: '/nope' },
      'names a file in the folder /, which is not there',
      'a path',
    ],
    [
      'a secret file that is a folder',
      { ...asterisk, PBX_AMI_SECRET_FILE: join(folder, 'dir') },
      'which is a folder',
      'a path',
    ],
    [
      'an authority that is none',
      { ...asterisk, PBX_MANAGEMENT_CA_FILE: secret },
      'which holds no certificate in PEM',
      '-----BEGIN CERTIFICATE-----',
    ],
    [
      'one port of Kamailio twice',
      { ...kamailio, PBX_RPC: '127.0.0.1:5062' },
      'RINGFENCE_PBX_RPC port 5062 is RINGFENCE_PBX_MTLS_PORT too',
      'its own',
    ],
    [
      'a folder of the edge that is no full path',
      { ...edge, EDGE_DIR: 'edge' },
      'RINGFENCE_EDGE_DIR "edge" cannot stand in Kamailio\'s files',
      'full path',
    ],
    [
      'one port of the edge twice',
      { ...edge, EDGE_PBX_PORT: '5061' },
      'RINGFENCE_EDGE_PBX_PORT 5061 is RINGFENCE_EDGE_PORT too',
      'a purpose',
    ],
    [
      'every address for the management of the edge',
      { ...edge, EDGE_RPC: '0.0.0.0:5064' },
      '0.0.0.0 is every address of the machine',
      '127.0.0.1',
    ],
  ])('is told in words that mend it: %s', (_what, settings, problem, hint) => {
    const found = problemsOf(settings)
    expect(found).toHaveLength(1)
    const [said, remedy] = found[0]!.split(' -> ')
    expect(said).toContain(problem)
    expect(remedy).toContain(hint)
  })

  test('a secret in the place of its file is never repeated', () => {
    for (const value of ['hunter2hunter2', '/hunter2hunter2', '/hunter2/hunter2'])
      expect(problemsOf({ ...asterisk, PBX_AMI_SECRET_FILE: value }).join()).not.toContain('hunter2')
  })

  test('a further PBX without a name is asked for one, and for nothing that follows from that', () => {
    expect(problemsOf({ PBX2: 'manual' })).toEqual([expect.stringContaining('RINGFENCE_PBX2_NAME is needed')])
  })

  test('a certificate that cannot be read is not a certificate that was not named', () => {
    const freeswitch = {
      PBX: 'freeswitch',
      PBX_REALM: 'x',
      PBX_ESL_SECRET_FILE: secret,
      PBX_DIRECTORY_SECRET_FILE: secret,
    }
    const files = { PBX_DIRECTORY_TLS_CERT: join(folder, 'none.crt'), PBX_DIRECTORY_TLS_KEY: secret }
    expect(problemsOf({ ...freeswitch, PBX_DIRECTORY_LISTEN: '192.0.2.5:8444', ...files })).toEqual([
      expect.stringContaining('RINGFENCE_PBX_DIRECTORY_TLS_CERT names'),
    ])
  })
})

describe('a setting that is not wrong, and yet worth a line of `doctor`', () => {
  test('a realm that nobody chose, where Ringfence cannot know it', () => {
    const url = { PBX_ADDRESS: '192.0.2.10', PBX_API_URL: 'https://pbx.example.com' }
    const told = expect.stringContaining('RINGFENCE_PBX_REALM is not set')
    for (const settings of [{ ...threeCx, ...url }, { ...yeastar, ...url }, { PBX_ADDRESS: '192.0.2.10' }])
      expect(notesOf(settings)).toEqual([told])
    expect(notesOf({ ...threeCx, ...url, PBX_REALM: 'pbx' })).toEqual([])
    expect(notesOf(asterisk)).toEqual([])
  })

  test('an edge that does not know whose certificate the PBX should show', () => {
    const told = 'the edge does not check the certificate of the PBX: nobody said which authority is behind it'
    const own = { PBX_TLS_CERT: '/etc/asterisk/pbx.crt', PBX_TLS_KEY: '/etc/asterisk/pbx.key' }
    const tables = { PBX_ACCOUNTS: 'realtime', PBX_DATABASE: '/var/lib/x.sqlite3', PBX_CONFIG_DIR: '' }
    for (const settings of [{ PBX_REALM: 'pbx' }, { ...asterisk, ...own }, { ...asterisk, ...tables }]) {
      expect(notesOf({ ...edge, ...settings })).toEqual([told])
      expect(notesOf({ ...edge, ...settings, EDGE_PBX_CA_FILE: '/etc/kamailio/pbx-ca.crt' })).toEqual([])
    }
    // Of Ringfence's own authority.
    expect(notesOf({ ...edge, ...asterisk })).toEqual([])
  })

  test('settings of another PBX, which nobody reads', () => {
    const left = { PBX2: 'manual', PBX2_NAME: 'branch', PBX2_ARI: 'http://127.0.0.1:8088', PBX2_AMI_USER: 'x' }
    expect(notesOf({ ...asterisk, ...left })).toEqual([
      'with RINGFENCE_PBX2=manual nobody reads RINGFENCE_PBX2_AMI_USER, RINGFENCE_PBX2_ARI',
    ])
  })

  test('a secret file that everybody may read', () => {
    const open = join(folder, 'open')
    writeFileSync(open, 'x')
    chmodSync(open, 0o644)
    expect(notesOf({ ...asterisk, PBX_AMI_SECRET_FILE: open })).toEqual([
      'everybody on this machine may read the secret file of RINGFENCE_PBX_AMI_SECRET_FILE',
    ])
  })
})

test('the name that handsets dial is that of the edge, where there is one', () => {
  const demo = (settings: Settings) => readConfig(environment(settings)).demo.filter((line) => /HOST/.test(line))
  expect(demo({ ...edge, EDGE_HOST: 'sip.example.com' })).toEqual([])
  expect(demo(edge)).toEqual([expect.stringContaining('RINGFENCE_EDGE_HOST is not set')])
})

test('the hub reads the same settings without a look at any secret', () => {
  const away = join(folder, 'for the server alone')
  const env = environment({
    ...edge,
    EDGE_RPC_SECRET_FILE: away,
    PBX2: '3cx',
    PBX2_NAME: 'branch',
    PBX2_API_URL: 'https://pbx.example.com',
    PBX2_API_CLIENT: 'c',
    PBX2_API_SECRET_FILE: away,
    SMTP_URL: 'smtps://mail.example.com',
    SMTP_FROM: 'it@example.com',
    SMTP_USER: 'it',
    SMTP_PASSWORD_FILE: away,
    PASSPHRASE_FILE: away,
  })
  expect(() => readConfig(env)).toThrow('4 settings are wrong')
  expect(readConfig(env, 'unread').pbxs.map(({ driver }) => driver)).toEqual(['manual', '3cx'])
})
