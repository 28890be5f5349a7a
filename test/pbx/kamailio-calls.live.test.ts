import { connect } from 'node:tls'
import { expect, test, vi } from 'vitest'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { describeLive } from '../setup/requirements.ts'
import { kamailioOfFile, limit } from './kamailio-office.ts'

describeLive('calls through a real Kamailio', ['kamailio'], () => {
  const office = kamailioOfFile()
  const { apply, accountOf, phone, registered, reached } = office

  test('two phones call each other; when one is shut its call ends on both sides and the other phone stays', async () => {
    const [ada, ben] = [makeAccount('3101'), makeAccount('3102')]
    await apply(ada, ben)
    const [leaver, stayer] = [await registered(ada, '127.0.0.21'), await registered(ben, '127.0.0.22')]
    expect((await stayer.call('3101')).status).toBe(200)
    expect(leaver.calls).toHaveLength(1)
    expect((await accountOf('3101'))!.calls).toMatchObject([{ address: '127.0.0.21' }])
    expect((await accountOf('3102'))!.calls).toMatchObject([{ address: '127.0.0.22' }])
    await apply({ ...ada, credentials: [] })
    await office.driver.disconnect!([{ extension: '3101', addresses: null }], limit())
    await stayer.hungUp
    expect(await accountOf('3101')).toBeUndefined()
    expect(await accountOf('3102')).toMatchObject({ registrations: [{ address: '127.0.0.22' }], calls: [] })
    expect((await stayer.register()).status).toBe(200)
  })

  test('a call that still rings is given up when its phone is shut', async () => {
    const account = makeAccount('3103')
    await apply(account)
    const leaver = await registered(account)
    const call = leaver.call('700').catch((error: Error) => error)
    await vi.waitFor(async () => expect((await accountOf('3103'))!.calls).toHaveLength(1), { timeout: 5_000 })
    await apply({ ...account, credentials: [] })
    await office.driver.disconnect!([{ extension: '3103', addresses: null }], limit())
    await call
    await vi.waitFor(() => expect(reached('CANCEL sip:700@')).toHaveLength(1), { timeout: 5_000 })
    expect(await accountOf('3103')).toBeUndefined()
  })

  test('a login speaks for no other extension', async () => {
    const [ada, ben] = [makeAccount('3104'), makeAccount('31040')]
    await apply(ada, ben)
    const disguised = await phone(ada, { extension: '31040' })
    expect((await disguised.register()).status).toBe(403)
    expect((await disguised.call('030777001')).status).toBe(403)
    expect((await accountOf('31040'))!.registrations).toEqual([])
    expect(reached('777001')).toEqual([])
  })

  test('who calls is said by Ringfence, number and name: a phone claims neither, not in the middle of a call and not when it answers', async () => {
    const ada = { ...makeAccount('3141'), displayName: 'Ada "O\\Byron"; Zoë <sip:100@x>' }
    const [ben, nameless] = [makeAccount('3142'), { ...makeAccount('3143'), displayName: '' }]
    await apply(ada, ben, nameless)
    const boss = (word: string) => `x\r\n${word}: "The Boss" <sip:100@pbx.test>`
    const callee = await phone(ben, { userAgent: boss('P-Asserted-Identity') })
    expect((await callee.register()).status).toBe(200)
    const shown = `"Ada 'O/Byron', Zoë (sip:100@x)"`
    const onTheWire = (text: string) => Buffer.from(text).toString('latin1')
    for (const [claimedName, header] of [
      ['"The Boss" ', 'p-asserted-identity'],
      ['The Boss ', 'Remote-Party-ID'],
      ['', 'History-Info'],
    ] as const) {
      const caller = await phone(ada, { claimedName, userAgent: boss(header) })
      expect((await caller.register()).status).toBe(200)
      const answer = await caller.call('3142')
      expect(answer.status).toBe(200)
      expect(answer.headers.get('user-agent')).toEqual(['x'])
      expect(answer.headers.has('p-asserted-identity')).toBe(false)
      expect(callee.calls.at(-1)).toMatch(onTheWire(shown))
      expect((await caller.call('030777111')).status).toBe(200)
      // Asks the next hop for something in the middle of the call.
      expect((await caller.transfer('100')).status).toBe(200)
    }
    const seen = reached('<sip:3141@')
    expect(seen.map((head) => head.split(' ')[0])).toEqual(
      expect.arrayContaining(['INVITE', 'ACK', 'REFER', 'INVITE', 'ACK', 'REFER']),
    )
    for (const head of seen) {
      expect(head).not.toMatch(/The Boss/)
      expect(/^from:\s*(.*?)\s*<sip:3141@/im.exec(head)?.[1]).toBe(onTheWire(shown))
    }
    expect(seen.find((head) => head.startsWith('INVITE'))).toMatch(
      new RegExp(`^P-Asserted-Identity: ${onTheWire(shown).replace(/[()]/g, '\\$&')} <sip:3141@`, 'm'),
    )
    const quiet = await phone(nameless, { claimedName: '"The Boss" ' })
    expect((await quiet.register()).status).toBe(200)
    expect((await quiet.call('3142')).status).toBe(200)
    expect(callee.calls.at(-1)).toMatch(/^\s*<sip:3143@/)
  })

  test('nobody calls out without a login, with a made-up dialog, or from elsewhere than the next hop', async () => {
    const account = makeAccount('3105')
    await apply(account)
    const guess = await phone({
      ...account,
      credentials: [{ ...account.credentials[0]!, username: `3105' or '1'='1` }],
    })
    expect((await guess.call('030777002')).status).toBe(407)
    expect(await rawStatus(invite('030777002', ''))).toBe(407)
    expect(await rawStatus(invite('030777002', ';tag=made-up'))).toBe(481)
    const route = `Route: <sip:${office.lab.options.bindAddress}:${office.lab.options.port};transport=tls;lr>\r\nRoute: <sip:127.0.0.1:${office.lab.nextHop.port};lr>\r\n`
    expect(await rawStatus(invite('030777002', ';tag=made-up', route))).toBe(481)
    expect(await office.stranger.call('030777002', office.lab.trunkPort)).toBe(403)
    expect(await office.stranger.call('3105', office.lab.trunkPort)).toBe(403)
    expect(await office.lab.nextHop.call('030777002', office.lab.trunkPort)).toBe(404)
    expect(reached('777002')).toEqual([])
  })

  test('a call from the next hop rings at the extension, and one for a phone that is away says so', async () => {
    const [ada, ben] = [makeAccount('3106'), makeAccount('3107')]
    await apply(ada, ben)
    const called = await registered(ada)
    expect(await office.lab.nextHop.call('3106', office.lab.trunkPort)).toBe(200)
    expect(called.calls).toHaveLength(1)
    expect((await accountOf('3106'))!.calls).toMatchObject([{ address: '127.0.0.1' }])
    expect(await office.lab.nextHop.call('3107', office.lab.trunkPort)).toBe(480)
    expect(await office.lab.nextHop.call('310', office.lab.trunkPort)).toBe(404)
  })

  test('a phone too many takes the place of the one that registered first', async () => {
    const account = { ...makeAccount('3110'), maxContacts: 2 }
    await apply(account)
    for (const address of ['127.0.0.31', '127.0.0.32', '127.0.0.33']) await registered(account, address)
    const { registrations } = (await accountOf('3110'))!
    expect(registrations.map(({ address }) => address).sort()).toEqual(['127.0.0.32', '127.0.0.33'])
  })

  function invite(number: string, tag: string, extra = ''): string {
    const id = Math.random().toString(36).slice(2)
    return `INVITE sip:${number}@127.0.0.1:${office.lab.nextHop.port} SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK${id};rport\r\nMax-Forwards: 70\r\nFrom: <sip:3105@127.0.0.1>;tag=${id}\r\nTo: <sip:${number}@127.0.0.1>${tag}\r\nCall-ID: ${id}\r\nCSeq: 1 INVITE\r\nContact: <sip:3105@127.0.0.1:9;transport=tls>\r\n${extra}Content-Length: 0\r\n\r\n`
  }

  /** The first final answer to what was sent as it stands. */
  function rawStatus(text: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: office.lab.options.port, rejectUnauthorized: false }, () => {
        socket.write(text)
      })
      let received = ''
      socket.setTimeout(5_000, () => socket.destroy(new Error('no answer')))
      socket.on('error', reject)
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1')
        const status = Number(/^SIP\/2\.0 ([2-6][0-9]{2})/m.exec(received)?.[1] ?? 0)
        if (status === 0) return
        socket.destroy()
        resolve(status)
      })
    })
  }
})
