import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hubSettings } from '../../src/main/hub-settings.ts'
import { earnest, problemsOf, read, type Settings, secretsFolder } from './environment.ts'

const secrets = secretsFolder()

describe('with several PBXs', () => {
  const branch = { PBX2: 'manual', PBX2_NAME: 'branch' }

  test('each further one has its own settings under its number, in the order of the numbers', () => {
    const config = read({
      ...earnest,
      ...secrets.asterisk(),
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
      PBX2_AMI_SECRET_FILE: secrets.file,
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
      ...secrets.asterisk(),
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
      PBX2_CONFIG_DIR: secrets.asterisk().PBX_CONFIG_DIR,
      PBX2_AMI_SECRET_FILE: secrets.file,
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
    const url = join(secrets.folder, 'twin-url')
    writeFileSync(url, 'postgres://ada:hunter2@localhost/accounts')
    const own = (number: '' | '2'): Settings => ({
      [`PBX${number}_ADDRESS`]: `192.0.2.1${number || 1}`,
      [`PBX${number}_REALM`]: 'office',
      [`PBX${number}_CONFIG_DIR`]:
        settings.PBX === 'yeastar' || settings.PBX === 'freeswitch' ? '' : `/srv/pbx${number}`,
      [`PBX${number}_AMI_SECRET_FILE`]: settings.PBX === 'asterisk' ? secrets.file : '',
      [`PBX${number}_ESL_SECRET_FILE`]: settings.PBX === 'freeswitch' ? secrets.file : '',
      [`PBX${number}_DIRECTORY_SECRET_FILE`]: settings.PBX === 'freeswitch' ? secrets.file : '',
      [`PBX${number}_DIRECTORY_LISTEN`]: settings.PBX === 'freeswitch' ? `127.0.0.1:844${number || 1}` : '',
      [`PBX${number}_API_CLIENT`]: settings.PBX === 'yeastar' ? 'c' : '',
      [`PBX${number}_API_SECRET_FILE`]: settings.PBX === 'yeastar' ? secrets.file : '',
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
