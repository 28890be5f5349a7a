/** A 3CX that pretends, and the driver that talks to it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import { beginAccountBook } from '../../src/pbx/account-book.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { type ThreeCxOptions, threeCxDriver } from '../../src/pbx/three-cx.ts'
import { type Fake3cx, startFake3cx } from '../fakes/fake-3cx.ts'
import { germany } from '../fixtures/dialled-numbers.ts'

export interface ThreeCxBench extends AsyncDisposable {
  readonly fake: Fake3cx
  readonly driver: PbxDriver
  readonly accountsFile: string
  /** Another driver on the same book. */
  open(changes?: Partial<ThreeCxOptions>): PbxDriver
  apply(...accounts: PbxAccount[]): Promise<void>
  read(): ReturnType<PbxDriver['readAccounts']>
}

export async function threeCxBench(): Promise<ThreeCxBench> {
  const fake = await startFake3cx()
  const folder = await mkdtemp(join(tmpdir(), `ringfence-3cx-${process.pid}-`))
  const accountsFile = join(folder, 'accounts.json')
  await beginAccountBook(accountsFile)
  const open = (changes: Partial<ThreeCxOptions> = {}) =>
    threeCxDriver({
      origin: fake.https.url,
      ca: fake.https.ca,
      clientId: fake.client.clientId,
      clientSecret: new Secret(fake.client.clientSecret),
      realm: '3CXPhoneSystem',
      accountsFile,
      timeoutMs: 400,
      dialPlan: async () => germany,
      ...changes,
    })
  const driver = open()
  return {
    fake,
    driver,
    accountsFile,
    open,
    apply: (...accounts) => driver.applyAccounts(accounts, signal()),
    read: () => driver.readAccounts(signal()),
    async [Symbol.asyncDispose]() {
      await fake.https.stop()
      await rm(folder, { recursive: true })
    },
  }
}

export const signal = () => AbortSignal.timeout(10_000)
export const shut = (account: PbxAccount): PbxAccount => ({ ...account, credentials: [] })
export const loginOf = ({ credentials }: PbxAccount) =>
  [credentials[0]!.username, credentials[0]!.secret.reveal()] as const
export const unreachable = { code: 'PBX_UNREACHABLE', retryable: true }
