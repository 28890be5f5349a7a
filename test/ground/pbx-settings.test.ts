import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openFreepbx } from '../../src/main/freepbx.ts'
import { openFreeswitch } from '../../src/main/freeswitch.ts'
import { issueTestCertificate, makeTestAuthority } from '../lab/test-certificates.ts'
import { drivenAs } from './driven-as.ts'
import { namesOf, read, type Settings, secretsFolder } from './environment.ts'

const secrets = secretsFolder()
const pbxOf = (settings: Settings) => read(settings).pbxs[0]!

describe('the settings of a FreePBX', () => {
  const whole = () => ({
    PBX: 'freepbx',
    PBX_API_URL: 'https://pbx.example.com/',
    PBX_API_CLIENT: 'an-id',
    PBX_API_SECRET_FILE: secrets.file,
    PBX_AMI_SECRET_FILE: secrets.file,
  })

  test('are enough to drive it', () => {
    const pbx = pbxOf(whole())
    expect(drivenAs(pbx, 'freepbx')).toMatchObject({ origin: 'https://pbx.example.com', clientId: 'an-id' })
    expect(drivenAs(pbx, 'freepbx').clientSecret.reveal()).toBe('hunter2')
    expect(JSON.stringify(pbx)).not.toContain('hunter2')
    expect(openFreepbx(pbx, drivenAs(pbx, 'freepbx'), secrets.folder).abilities.realm).toBe('asterisk')
  })

  test('are asked for, all at once', () => {
    expect(namesOf({ PBX: 'freepbx' })).toEqual([
      'PBX_API_URL',
      'PBX_API_CLIENT',
      'PBX_API_SECRET_FILE',
      'PBX_AMI_SECRET_FILE',
    ])
  })

  test.each([
    'http://pbx.example.com',
    'pbx.example.com',
    'https://pbx.example.com/admin',
    'https://me:x@pbx.example.com',
    'ftp://x',
  ])('refuse the address %s', (url) => expect(namesOf({ ...whole(), PBX_API_URL: url })).toEqual(['PBX_API_URL']))

  test('take plain http on this machine', () => {
    expect(namesOf({ ...whole(), PBX_API_URL: 'http://127.0.0.1' })).toEqual([])
  })
})

describe('the settings of a FreeSWITCH', () => {
  const whole = () => ({
    PBX: 'freeswitch',
    PBX_REALM: 'pbx.example.com',
    PBX_ESL_SECRET_FILE: secrets.file,
    PBX_DIRECTORY_SECRET_FILE: secrets.file,
  })

  test('are asked for, the realm too, since it is the domain of its directory', () => {
    expect(namesOf({ PBX: 'freeswitch' })).toEqual(['PBX_ESL_SECRET_FILE', 'PBX_DIRECTORY_SECRET_FILE', 'PBX_REALM'])
  })

  test('let nobody ask from afar in the clear', () => {
    expect(namesOf({ ...whole(), PBX_DIRECTORY_LISTEN: '0.0.0.0:8444' })).toEqual(['PBX_DIRECTORY_LISTEN'])
  })

  test('give each of two FreeSWITCHes a door of its own', () => {
    const second = {
      PBX2_NAME: 'branch',
      PBX2_REALM: 'b.example.com',
      PBX2_ESL: '192.0.2.20:8021',
      PBX2_ESL_SECRET_FILE: secrets.file,
      PBX2_DIRECTORY_SECRET_FILE: secrets.file,
    }
    expect(namesOf({ ...whole(), PBX2: 'freeswitch', ...second })).toEqual(['PBX2_DIRECTORY_LISTEN'])
    expect(namesOf({ ...whole(), PBX2: 'freeswitch', ...second, PBX2_DIRECTORY_LISTEN: '127.0.0.1:8445' })).toEqual([])
  })

  test('name the allow-list, and restart nothing unless told to', () => {
    expect(drivenAs(pbxOf(whole()), 'freeswitch').subjects).toBeNull()
    const listed = { ...whole(), PBX_SUBJECTS_FILE: '/etc/freeswitch/ringfence/subjects.xml' }
    const file = '/etc/freeswitch/ringfence/subjects.xml'
    expect(drivenAs(pbxOf(listed), 'freeswitch').subjects).toEqual({ file, restart: false })
    expect(drivenAs(pbxOf({ ...listed, PBX_SUBJECTS_RESTART: 'yes' }), 'freeswitch').subjects).toEqual({
      file,
      restart: true,
    })
    expect(namesOf({ ...whole(), PBX_SUBJECTS_FILE: 'subjects.xml' })).toEqual(['PBX_SUBJECTS_FILE'])
    expect(namesOf({ ...whole(), PBX_SUBJECTS_RESTART: 'yes' })).toEqual(['PBX_SUBJECTS_RESTART'])
    const second = {
      PBX2: 'freeswitch',
      PBX2_NAME: 'branch',
      PBX2_REALM: 'b.example.com',
      PBX2_ESL: '192.0.2.20:8021',
      PBX2_ESL_SECRET_FILE: secrets.file,
      PBX2_DIRECTORY_SECRET_FILE: secrets.file,
      PBX2_DIRECTORY_LISTEN: '127.0.0.1:8445',
      PBX2_SUBJECTS_FILE: file,
    }
    expect(namesOf({ ...listed, ...second })).toEqual(['PBX2_SUBJECTS_FILE'])
  })

  test('open the door for its questions, from the PBX and this machine only', async () => {
    const { certificate, key } = issueTestCertificate(makeTestAuthority('Authority'), 'localhost', ['127.0.0.1'])
    await writeFile(join(secrets.folder, 'door.crt'), certificate)
    await writeFile(join(secrets.folder, 'door.key'), key)
    const pbx = pbxOf({
      ...whole(),
      PBX_ADDRESS: '192.0.2.10',
      PBX_DIRECTORY_TLS_CERT: join(secrets.folder, 'door.crt'),
      PBX_DIRECTORY_TLS_KEY: join(secrets.folder, 'door.key'),
    })
    expect(drivenAs(pbx, 'freeswitch').directory.from).toEqual(['127.0.0.1', '::1', '192.0.2.10'])
    const { directory, ...rest } = drivenAs(pbx, 'freeswitch')
    const driver = await openFreeswitch(
      pbx,
      { ...rest, eventSocket: { host: '127.0.0.1', port: 1 }, directory: { ...directory, port: 0 } },
      join(secrets.folder, 'accounts.json'),
    )
    expect(driver.kind).toBe('freeswitch')
    await expect(driver.describe(AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'PBX_UNREACHABLE' })
  })
})
