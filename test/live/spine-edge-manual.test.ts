import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { channelsOf, contactsOf, type Desk, moveIn, untilRegistered } from '../lab/desk.ts'
import { type EdgeSpine, openEdgeSpine } from '../lab/edge-spine.ts'
import type { Linphone } from '../lab/linphone.ts'
import { tunnelNeeds, until } from '../lab/network.ts'
import { attemptToRegister } from '../lab/sip-attempt.ts'
import { edgeAddress, lineOf, type Spine, untilShown } from '../lab/spine.ts'
import { describeLive } from '../setup/requirements.ts'

const needs = [...tunnelNeeds, 'asterisk', 'kamailio', 'linphone', 'openssl'] as const
const realm = 'office.example'

interface SipSecret {
  readonly username: string
  readonly secret: string
}

/** A pjsip.conf without Ringfence: one TLS port, and accounts that somebody types. */
const writtenByHand = (inner: string, address: string) => `[global]
type=global
[tls]
type=transport
protocol=tls
bind=${address}:5061
cert_file=${inner}/keys/server.pem
priv_key_file=${inner}/keys/server.key
method=tlsv1_2
`

/** As docs/edge.md asks of a PBX by hand: Path, the contact as it is, and nobody but the edge. */
const accountByHand = (extension: string, { username, secret }: SipSecret) => `; begin ${extension}
[${extension}]
type=endpoint
context=from-internal
auth=${extension}
aors=${extension}
disallow=all
allow=g722,alaw,ulaw
media_encryption=sdes
direct_media=no
rewrite_contact=no
deny=0.0.0.0/0.0.0.0
permit=${edgeAddress}/255.255.255.255
[${extension}]
type=aor
max_contacts=2
remove_existing=yes
support_path=yes
[${extension}]
type=auth
auth_type=digest
realm=${realm}
username=${username}
password=${secret}
; end ${extension}
`

describeLive('a SIP edge in front of an Asterisk that is operated by hand', needs, () => {
  let world: EdgeSpine
  let spine: Spine
  let [ada, ben]: Desk[] = []
  let [adaPhone, benPhone]: Linphone[] = []
  let adasSecret: SipSecret

  beforeAll(async () => {
    world = await openEdgeSpine({
      accounts: (_, { pbxAddress }) => ({
        asterisk: { files: ({ inner }) => ({ 'pjsip.conf': writtenByHand(inner, pbxAddress) }) },
        settings: { PBX: 'manual', PBX_REALM: realm },
      }),
    })
    spine = world.spine
  }, 120_000)
  afterAll(async () => {
    for (const phone of [adaPhone, benPhone]) await phone?.quit()
    await world?.[Symbol.asyncDispose]()
  })

  const pjsip = () => join(spine.asterisk.etcDir, 'pjsip.conf')
  const reload = () => spine.asterisk.cli('module reload res_pjsip.so')

  /** Somebody moves in, and the admin does the step on the PBX and ticks it. */
  async function movedIn(name: string, extension: string, answers: boolean) {
    const desk = await moveIn(spine, { name, extension, answers })
    const step = await untilShown(spine, desk.person.id, ({ access }) =>
      access.some(({ system, verdict }) => system === 'sip-account' && verdict === 'waiting'),
    )
    const { body } = await spine.server.api('POST', `/api/v1/employees/${desk.person.id}/sip-secrets`, {})
    const secret = (body as { items: readonly SipSecret[] }).items[0]!
    const { problem } = lineOf(step, 'sip-account')
    for (const said of [`login name (authentication ID) ${secret.username}`, `realm ${realm}`])
      expect(problem).toContain(said)
    appendFileSync(pjsip(), accountByHand(extension, secret))
    reload()
    await spine.acknowledge(desk.person.id, 'sip-account')
    return { desk, secret }
  }

  /** Who has a connection to the port for certificates, as the edge's host sees it. */
  const connectedTo = async (address: string) => {
    const sockets = await spine.office.pbx.run('ss', '-Htn', 'state', 'established', `sport = :5062 and dst ${address}`)
    return sockets.trim().split('\n').filter(Boolean).length
  }

  /** Signs in with somebody's certificate and password at the edge, from beside the PBX, with their tunnel's address. */
  async function signInBeside({ folder, extension, tunnel }: Desk, login: SipSecret): Promise<number | string> {
    const saved = (ending: string) =>
      readFileSync(join(folder, readdirSync(folder).find((name) => name.endsWith(ending))!), 'utf8')
    const own = `${tunnel.address}/32`
    await spine.office.pbx.run('ip', 'addr', 'add', own, 'dev', 'lo')
    try {
      return await attemptToRegister(spine.office.pbx, spine.folder('attempt'), {
        ...{ host: edgeAddress, port: 5062, extension, localAddress: tunnel.address, ...login },
        certificate: { certificate: saved('-certificate.pem'), key: saved('-key.pem') },
      })
    } finally {
      await spine.office.pbx.run('ip', 'addr', 'del', own, 'dev', 'lo')
    }
  }

  test('Linphone signs in through it to accounts that were typed, and the PBX holds the phone’s own address', async () => {
    const [one, other] = [await movedIn('Ada Byron', '1001', true), await movedIn('Ben Okri', '1002', false)]
    ada = one.desk
    ben = other.desk
    adasSecret = one.secret
    adaPhone = ada.startPhone()
    benPhone = ben.startPhone()
    for (const desk of [ada, ben]) {
      expect(await untilRegistered(spine, desk.extension)).toContain(`@${desk.tunnel.address}:`)
      expect(await connectedTo(desk.tunnel.address)).toBe(1)
    }
    const shown = await untilShown(spine, ada.person.id, ({ access }) =>
      access.some(({ system, verdict }) => system === 'edge' && verdict === 'converged'),
    )
    expect(lineOf(shown, 'edge').evidence?.summary).toContain(`speak for 1001 from ${ada.tunnel.address}/32`)
  })

  test('the PBX itself takes a right password from nobody but the edge', async () => {
    const past = { host: spine.asterisk.address, port: spine.asterisk.port, extension: '1001', ...adasSecret }
    expect(await attemptToRegister(spine.office.pbx, spine.folder('past'), past)).toBe(401)
    expect(spine.asterisk.log()).toMatch(/SecurityEvent="FailedACL".*AccountID="1001"/)
  })

  test('a call reaches the other phone along the way that its registration left, and is picked up', async () => {
    benPhone!.say('call 1001')
    for (const phone of [adaPhone!, benPhone!]) await until(() => phone.shown().includes('Media streams established'))
    for (const extension of ['1001', '1002']) expect(channelsOf(spine, extension)).toHaveLength(1)
  })

  test('one click cuts the leaver’s live connection, and nothing of hers gets in again although the PBX still has her account', async () => {
    const shown = await spine.offboard(ada!.person.id, 10)
    expect(lineOf(shown, 'edge')).toMatchObject({
      ...{ wanted: 'closed', verdict: 'converged' },
      evidence: { summary: expect.stringMatching(/^refused at the edge: serial .{8}… in the deny table/) },
    })
    expect(lineOf(shown, 'sip-account')).toMatchObject({ wanted: 'closed', verdict: 'waiting' })
    expect(shown.lifecycle).toBe('offboarding')
    expect(await connectedTo(ada!.tunnel.address)).toBe(0)
    expect(readFileSync(pjsip(), 'utf8')).toContain('; begin 1001')
    expect(await signInBeside(ada!, adasSecret)).toMatch(/closed the connection|ECONNRESET|revoked/i)
    // Nobody else noticed.
    expect(await connectedTo(ben!.tunnel.address)).toBe(1)
    expect(contactsOf(spine, '1002')).toHaveLength(1)
    const count = benPhone!.shown().length
    benPhone!.say('terminate')
    await until(() => channelsOf(spine, '1002').length === 0)
    benPhone!.say('call 600')
    await until(() => benPhone!.shown().slice(count).includes('Media streams established'))
  })

  test('the offboarding is complete when somebody did the step on the PBX and ticked it', async () => {
    const text = readFileSync(pjsip(), 'utf8')
    writeFileSync(pjsip(), text.replace(/^; begin 1001\n[\s\S]*?^; end 1001\n/m, ''))
    reload()
    const done = await spine.acknowledge(ada!.person.id, 'sip-account')
    expect(done.lifecycle).toBe('offboarded')
    expect(lineOf(done, 'sip-account')).toMatchObject({ verdict: 'waiting', acknowledged: { by: expect.any(String) } })
  })

  test('and the certificate of whoever stays opens the same way that the leaver’s does not', async () => {
    benPhone!.say('terminate')
    await until(() => channelsOf(spine, '1002').length === 0)
    const { body } = await spine.server.api('POST', `/api/v1/employees/${ben!.person.id}/sip-secrets`, {})
    expect(await signInBeside(ben!, (body as { items: readonly SipSecret[] }).items[0]!)).toBe(200)
  })
})
