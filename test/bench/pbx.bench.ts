import { spawnSync } from 'node:child_process'
import { reconcile } from '../../src/access/reconcile.ts'
import type { SipCredentialSubject } from '../../src/domain/access.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import { sipAccess } from '../../src/pbx/sip-access.ts'
import { makeAccount } from '../contracts/pbx-accounts.ts'
import { asteriskMissing, fileDriver, startAsterisk } from '../lab/asterisk.ts'
import { connectSipPhone } from '../lab/sip-client.ts'
import type { BenchRow } from './bench-row.ts'

const accountsThere = 1000
const rounds = 25

/** On a real Asterisk with 1,000 accounts: take one registered phone off, and see that it is off. */
export async function rows(): Promise<readonly BenchRow[]> {
  const what = `one phone taken off a real Asterisk with ${accountsThere} accounts, seen in a read-back`
  const target = '<= 2 s p99'
  const missing = asteriskMissing()
  if (missing) return [{ what, target, measured: `not measured: ${missing}`, anchor: '-', met: null }]
  const lab = await startAsterisk()
  try {
    const driver = fileDriver(lab.driverOptions)
    const desired = new Map<string, PbxAccount>()
    for (let index = 0; index < accountsThere; index++) {
      const account = makeAccount(String(5000 + index))
      desired.set(account.extension, account)
    }
    await driver.applyAccounts([...desired.values()], limit())
    const system = sipAccess({
      pbxId: 'bench',
      driver,
      accountsOf: async (extensions) => extensions.flatMap((extension) => desired.get(extension) ?? []),
      digestOf: () => null,
    })
    const closing: number[] = []
    const reading: number[] = []
    for (let round = 0; round < rounds; round++) {
      const account = desired.get(String(5000 + round))!
      const { username, secret } = account.credentials[0]!
      const { extension } = account
      const phone = await connectSipPhone({
        host: lab.address,
        port: lab.port,
        extension,
        username,
        secret: secret.reveal(),
      })
      if ((await phone.register()).status !== 200) throw new Error('the phone could not register')
      if ((await phone.call('600')).status !== 200) throw new Error('the phone could not call')
      desired.set(extension, { ...account, credentials: [] })
      const started = performance.now()
      const { outcomes } = await reconcile(system, [closed(account)], { actFirst: true, whole: false, signal: limit() })
      closing.push(performance.now() - started)
      if (outcomes[0]!.finding.state !== 'as-desired') throw new Error(JSON.stringify(outcomes[0]!.finding))
      await phone.close()
      const readFrom = performance.now()
      await driver.readAccounts(limit())
      reading.push(performance.now() - readFrom)
    }
    const reloads = Array.from({ length: 5 }, () => timeOf(() => lab.cli('module reload res_pjsip.so')))
    const bare = timeOf(() => spawnSync('true'))
    return [
      {
        what,
        target,
        measured: `p50 ${ms(percentile(closing, 50))}, p99 ${ms(percentile(closing, 99))} (${rounds} rounds, with registration and call)`,
        anchor: `asterisk -rx "module reload res_pjsip.so" alone: ${ms(percentile(reloads, 50) - bare)} (nothing else found that reads back)`,
        met: percentile(closing, 99) <= 2000,
      },
      {
        what: `complete read of ${accountsThere} accounts from a real Asterisk`,
        target: 'well under 1 s',
        measured: `p50 ${ms(percentile(reading, 50))}, p99 ${ms(percentile(reading, 99))}`,
        anchor: '-',
        met: percentile(reading, 99) < 500,
      },
    ]
  } finally {
    await lab.stop()
  }
}

function closed(account: PbxAccount): SipCredentialSubject {
  const { id, generation, username } = account.credentials[0]!
  return {
    kind: 'sip-credential',
    id,
    employeeId: null,
    wanted: 'closed',
    generation: generation + 1,
    pbxId: 'bench',
    extension: account.extension,
    username,
    displayName: null,
    secretSealed: null,
    addresses: ['127.0.0.1'],
    certificate: false,
    extensionShared: false,
  }
}

function timeOf(work: () => unknown): number {
  const started = performance.now()
  work()
  return performance.now() - started
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)]!
}

function ms(value: number): string {
  return `${Math.round(value)} ms`
}

function limit(): AbortSignal {
  return AbortSignal.timeout(60_000)
}
