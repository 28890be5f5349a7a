import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { type AsteriskLab, fileDriver, startAsterisk } from '../lab/asterisk.ts'
import { connectSipPhone } from '../lab/sip-client.ts'
import { describeLive } from '../setup/requirements.ts'
import { limit } from './asterisk-office.ts'

describeLive('an Asterisk in a network of its own', ['asterisk', 'namespaces', 'openssl'], () => {
  test('is driven through the address that leads there', async () => {
    const name = `rfpbx-${process.pid}`
    const [outside, inside] = [`rfpo${process.pid % 100000}`, `rfpi${process.pid % 100000}`]
    const ip = (...args: string[]) => {
      const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
      if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
    }
    let lab: AsteriskLab | null = null
    ip('netns', 'add', name)
    try {
      ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', name)
      ip('addr', 'add', '198.51.100.1/30', 'dev', outside)
      ip('link', 'set', outside, 'up')
      ip('-n', name, 'addr', 'add', '198.51.100.2/30', 'dev', inside)
      ip('-n', name, 'link', 'set', inside, 'up')
      ip('-n', name, 'link', 'set', 'lo', 'up')
      lab = await startAsterisk({ namespace: name, address: '198.51.100.2' })
      const driver = fileDriver(lab.driverOptions)
      const account = makeAccount('3100')
      await driver.applyAccounts([account], limit())
      const { username, secret } = account.credentials[0]!
      const phone = await connectSipPhone({
        host: '198.51.100.2',
        port: 5061,
        extension: '3100',
        username,
        secret: secret.reveal(),
      })
      expect((await phone.register()).status).toBe(200)
      const state = await driver.readAccounts(limit())
      expect(state.accounts[0]!.registrations).toMatchObject([{ address: '198.51.100.1' }])
      await phone.close()
    } finally {
      await lab?.stop()
      ip('netns', 'del', name)
    }
  })
})

describeLive('an Asterisk that is not set up as it should be', ['asterisk', 'openssl'], () => {
  const problemsOf = async (options: Parameters<typeof startAsterisk>[0]) => {
    const lab = await startAsterisk(options)
    try {
      return (await fileDriver(lab.driverOptions).describe(limit())).problems
    } finally {
      await lab.stop()
    }
  }

  test('names the missing include line, and the ports that therefore do not answer', async () => {
    const problems = await problemsOf({ include: false })
    expect(problems[0]).toMatchObject({
      message: expect.stringContaining('does not read the files'),
      hint: expect.stringContaining('#include'),
    })
    expect(problems.slice(1).map(({ message }) => message)).toEqual([
      expect.stringContaining('no TLS transport answers'),
      expect.stringContaining('no TLS transport answers'),
    ])
  })

  test('names the module without which calls cannot be encrypted', async () => {
    const problems = await problemsOf({ without: ['res_srtp.so'] })
    expect(problems).toEqual([
      { message: expect.stringContaining('res_srtp.so is not loaded'), hint: expect.stringContaining('module load') },
    ])
  })

  test('names the module without which no phone can be told to fetch its files', async () => {
    const problems = await problemsOf({ without: ['res_pjsip_notify.so'] })
    expect(problems).toEqual([
      {
        message: expect.stringContaining('res_pjsip_notify.so is not loaded'),
        hint: expect.stringContaining('module load'),
      },
    ])
  })

  test('names a context that the dialplan does not have, since every call would fail', async () => {
    const emptyAndMissing = '[from-internal]\n[elsewhere]\nexten => 600,1,Answer()\n'
    const problems = await problemsOf({ managerWrite: 'system,reporting', dialplan: emptyAndMissing })
    expect(problems).toEqual([
      {
        message: expect.stringMatching(/^the dialplan has no context from-internal, or nothing in it/),
        hint: expect.stringContaining('RINGFENCE_PBX_CONTEXT'),
      },
    ])
    expect(await problemsOf({ managerWrite: 'system,reporting', dialplan: '[other]\n' })).toEqual(problems)
    expect(await problemsOf({ managerWrite: 'system,reporting' })).toEqual([])
  })

  test('names what the manager user may not do', async () => {
    const problems = await problemsOf({ managerWrite: 'call,reporting' })
    expect(problems).toEqual([
      {
        message: expect.stringMatching(/may not .*PJSIPShowAuths.*Reload/),
        hint: expect.stringContaining('write = system'),
      },
    ])
  })

  test('refuses a wrong manager secret without telling it', async () => {
    const lab = await startAsterisk()
    try {
      const secret = new Secret('not-the-secret')
      const driver = fileDriver({ ...lab.driverOptions, manager: { ...lab.ami, secret } })
      const error = await driver.readAccounts(limit()).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'PBX_REFUSED', hint: expect.stringContaining('manager.conf') })
      expect(`${error}${JSON.stringify(error)}`).not.toContain('not-the-secret')
    } finally {
      await lab.stop()
    }
  })
})
