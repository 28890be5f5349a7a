import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { settingNames } from '../../src/setting-reader.ts'

const docs = join(import.meta.dirname, '../../docs')
const page = readFileSync(join(docs, 'configuration.md'), 'utf8')
const authority = join(import.meta.dirname, '../fixtures/authority.pem')
const databaseUrl = join(import.meta.dirname, '../fixtures/database-url')
const rows = page.split('\n').flatMap((line) => {
  const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim())
  const name = /^`RINGFENCE_([A-Z_]+)`$/.exec(cells[1] ?? '')?.[1]
  return name === undefined ? [] : [{ name, cells: cells.slice(1, -1) }]
})

describe('docs/configuration.md', () => {
  test('has one line for every setting, with meaning and default', () => {
    expect(rows.map(({ name }) => name).sort()).toEqual([...settingNames].sort())
    for (const { name, cells } of rows) {
      expect([name, cells.length]).toEqual([name, 4])
      expect([name, cells[1]!.length > 4, cells[2]!.length > 0]).toEqual([name, true, true])
    }
  })

  test('names no setting that does not exist', () => {
    const named = [...page.matchAll(/RINGFENCE_([A-Z_]+)/g)].map(([, name]) => name)
    expect(named.filter((name) => !(settingNames as readonly (string | undefined)[]).includes(name))).toEqual([])
  })

  test.each(rows.filter(({ cells }) => /^`[^`]+`$/.test(cells[3]!)))(
    'has an example for $name that is taken',
    (row) => {
      const example = row.cells[3]!.slice(1, -1)
      const ari = { PBX_ACCOUNTS: 'ari', PBX_ARI_SECRET_FILE: import.meta.filename }
      const held: Record<string, string> = {
        PBX_DATABASE_URL_FILE: databaseUrl,
        PBX_MANAGEMENT_CA_FILE: authority,
        SMTP_CA_FILE: authority,
      }
      const present = held[row.name] ?? import.meta.filename
      // What needs company, and what names files that are not here.
      const company: Record<string, Record<string, string>> = {
        LISTEN: { ALLOW_PLAIN_CONSOLE: 'yes' },
        HUB_SUBNET: { PHONE_SUBNETS: '10.80.0.0/14' },
        SMTP_URL: { SMTP_FROM: 'it@example.com' },
        SMTP_USER: { SMTP_PASSWORD_FILE: import.meta.filename },
        SMTP_PASSWORD_FILE: { SMTP_USER: 'it' },
        PBX_ACCOUNTS: { PBX_DATABASE: '/srv/x' },
        PBX_DATABASE: { PBX_ACCOUNTS: 'realtime' },
        PBX_DATABASE_URL_FILE: { PBX_ACCOUNTS: 'realtime' },
        PBX_ARI: ari,
        PBX_ARI_USER: ari,
        PBX_ARI_SECRET_FILE: ari,
      }
      const pair = /^(.*_TLS)_(CERT|KEY)$/.exec(row.name)
      if (pair) company[row.name] = { [`${pair[1]}_${pair[2] === 'CERT' ? 'KEY' : 'CERT'}`]: example }
      const settings = {
        [row.name]: row.name.endsWith('_FILE') && row.name !== 'PBX_CA_FILE' ? present : example,
      }
      const asterisk = { PBX: 'asterisk', PBX_CONFIG_DIR: '/etc/asterisk/x', PBX_AMI_SECRET_FILE: import.meta.filename }
      const mail = { SMTP_URL: 'smtps://mail.example.com', SMTP_FROM: 'it@example.com' }
      const edge = {
        PBX_ADDRESS: '192.0.2.10',
        EDGE_ADDRESS: '192.0.2.11',
        EDGE_DIR: '/var/lib/x',
        EDGE_RPC_SECRET_FILE: import.meta.filename,
      }
      const all = {
        ...(row.name.startsWith('EDGE') ? edge : {}),
        ...(row.name.startsWith('PBX') ? asterisk : {}),
        ...(/^(SMTP|MAIL)_/.test(row.name) ? mail : {}),
        ...company[row.name],
        ...settings,
      }
      expect(() =>
        readConfig(Object.fromEntries(Object.entries(all).map(([name, value]) => [`RINGFENCE_${name}`, value]))),
      ).not.toThrow()
    },
  )

  test('gives a production file with which nothing is a demo any more', () => {
    const lines = [...page.matchAll(/^ {4}(RINGFENCE_[A-Z_]+)=(.+)$/gm)].map(([, name, value]) => [name, value])
    expect(lines.length).toBeGreaterThan(5)
    expect(readConfig(Object.fromEntries(lines)).demo).toEqual([])
  })

  test.each([
    [
      'LISTEN',
      '127.0.0.1:8080',
      (config: ReturnType<typeof readConfig>) => `${config.console.host}:${config.console.port}`,
    ],
    ['HUB_INTERFACE', 'ringfence0', (config: ReturnType<typeof readConfig>) => config.hub.interface],
    ['HUB_SUBNET', '10.77.0.0/16', (config: ReturnType<typeof readConfig>) => config.hub.subnets.join()],
    ['PHONE_SUBNETS', '10.78.0.0/16', (config: ReturnType<typeof readConfig>) => config.hub.phoneSubnets.join()],
    ['PBX', 'manual', (config: ReturnType<typeof readConfig>) => config.pbxs[0]!.driver],
    ['PBX_PORT', '5061', (config: ReturnType<typeof readConfig>) => String(config.pbxs[0]!.port)],
    ['PBX_MTLS_PORT', '5062', (config: ReturnType<typeof readConfig>) => String(config.pbxs[0]!.mtlsPort)],
    ['PBX_RTP', '10000-20000', ({ pbxs: [pbx] }: ReturnType<typeof readConfig>) => `${pbx!.rtp.from}-${pbx!.rtp.to}`],
    ['PBX_REALM', 'asterisk', (config: ReturnType<typeof readConfig>) => config.pbxs[0]!.realm],
  ])('tells the default of %s as it is: %s', (name, value, read) => {
    expect(read(readConfig({}))).toBe(value)
    expect(rows.find((row) => row.name === name)?.cells[2]).toBe(`\`${value}\``)
  })
})
