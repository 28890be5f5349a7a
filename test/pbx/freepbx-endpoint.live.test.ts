import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import { withAmi } from '../../src/pbx/asterisk/ami-connection.ts'
import { readEndpoint, settingsLost, unencrypted } from '../../src/pbx/freepbx/freepbx-endpoint.ts'
import { readFreepbxLeftovers } from '../../src/pbx/freepbx/freepbx-leftovers.ts'
import { readLogins } from '../../src/pbx/freepbx/freepbx-state.ts'
import { type AsteriskLab, startAsterisk } from '../lab/asterisk.ts'
import { connectSipPhone } from '../lab/sip-client.ts'
import { describeLive } from '../setup/requirements.ts'

describeLive('the endpoints of FreePBX on a real Asterisk', ['asterisk'], () => {
  let lab: AsteriskLab
  beforeAll(async () => {
    lab = await startAsterisk()
  })
  afterAll(async () => {
    await lab?.stop()
  })

  const write = (context: string, auth = 'auth_type=userpass\npassword=a-clear-one') => {
    const endpoint = (name: string, media: string) => `
[${name}]
type=endpoint
aors=${name}
auth=${name}-auth
allow=alaw
context=${context}
media_encryption=${media}
[${name}-auth]
type=auth
${auth}
username=${name}
[${name}]
type=aor
max_contacts=1
remove_existing=yes
`
    writeFileSync(
      join(lab.configDir, '20-freepbx.conf'),
      endpoint('1001', 'no') + endpoint('1002', 'sdes') + endpoint('991003', 'dtls'),
    )
    lab.cli('module reload res_pjsip.so')
  }
  const signal = () => AbortSignal.timeout(20_000)

  test('those without encrypted media are told from those with it', async () => {
    write('from-internal')
    expect(await withAmi(lab.ami, signal(), (session) => unencrypted(session, ['1001', '1002', '1999']))).toEqual([
      '1001',
    ])
  })

  test('a phone in the browser is seen by its endpoint, with the number of nobody else', async () => {
    write('from-internal')
    const read = (...extensions: string[]) =>
      withAmi(lab.ami, signal(), (session) => readFreepbxLeftovers(session, new Map(), extensions))
    expect(await read('1001', '003', '100')).toEqual([])
    expect(await read('1003')).toMatchObject([{ extension: '1003', kind: 'other-login' }])
  })

  test('nothing counts as lost when only a phone came, and a changed setting does, by its name', async () => {
    write('from-internal')
    const read = () => withAmi(lab.ami, signal(), (session) => readEndpoint(session, '1002'))
    const before = (await read())!
    const phone = await connectSipPhone({
      host: lab.address,
      port: lab.port,
      extension: '1002',
      username: '1002',
      secret: 'a-clear-one',
    })
    try {
      expect((await phone.register()).status).toBe(200)
      expect(settingsLost(before, (await read())!)).toEqual([])
    } finally {
      await phone.close()
    }
    write('somewhere-else')
    expect(settingsLost(before, (await read())!)).toEqual(['context'])
    expect(await withAmi(lab.ami, signal(), (session) => readEndpoint(session, '1999'))).toBeNull()
  })

  test('the digest is the same, whether Asterisk keeps the password or the digest of it', async () => {
    const digest = digestHa1('1002', 'asterisk', new Secret('a-clear-one'))
    for (const auth of [
      'auth_type=userpass\npassword=a-clear-one',
      `auth_type=md5\nmd5_cred=${digest}\nrealm=asterisk`,
    ]) {
      write('from-internal', auth)
      const logins = await withAmi(lab.ami, signal(), (session) => readLogins(session, 'asterisk'))
      expect(logins.get('1002'), auth).toEqual([{ digest }])
    }
  })
})
