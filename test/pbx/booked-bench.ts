/** A PBX with one secret for each extension, that pretends, and the driver that talks to it. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { beginAccountBook } from '../../src/pbx/account-book.ts'
import type { PbxAccount, PbxDriver, PbxState } from '../../src/pbx/pbx-driver.ts'
import type { FakeHttps } from '../fakes/fake-https.ts'

/** What every such driver is opened with. */
export interface BookedOptions {
  readonly origin: string
  readonly ca?: string | undefined
  readonly clientId: string
  readonly clientSecret: Secret
  readonly accountsFile: string
  readonly timeoutMs?: number | undefined
}

/** What every such PBX that pretends can do. */
export interface BookedFake {
  readonly https: FakeHttps
  readonly client: { readonly clientId: string; readonly clientSecret: string }
  readonly faults: {
    keepOld: boolean
    dropField: string | null
    dropAgain: boolean
    stealTokens: boolean
    shortList: boolean
  }
  snapshot(): string
  register(number: string, name: string, secret: string, address: string): number
  logInElsewhere(): void
  readonly logins: () => number
  afterPage: () => void
}

/** How this PBX calls what all of them have. */
export interface BookedShape {
  addExtension(number: string, fields?: Record<string, unknown>): unknown
  removeExtension(number: string): void
  extension(number: string): Record<string, unknown> | undefined
  readonly fields: {
    readonly id: string
    readonly name: string
    readonly login: string
    readonly secret: string
    /** Secrets for other ways in. */
    readonly otherWays: readonly string[]
    /** A setting that is none of Ringfence's business. */
    readonly other: string
  }
}

export interface BookedBench<Fake extends BookedFake = BookedFake, Options extends BookedOptions = BookedOptions>
  extends AsyncDisposable {
  readonly fake: Fake
  readonly shape: BookedShape
  readonly driver: PbxDriver
  readonly accountsFile: string
  /** Another driver on the same book. */
  open(changes?: Partial<Options>): PbxDriver
  apply(...accounts: PbxAccount[]): Promise<void>
  read(): Promise<PbxState>
  /** What is read of one extension. */
  of(extension: string): Promise<PbxState['accounts'][number] | undefined>
}

export async function bookedBench<Fake extends BookedFake, Options extends BookedOptions>(
  fake: Fake,
  shape: BookedShape,
  driverWith: (options: BookedOptions & Partial<Options>) => PbxDriver,
): Promise<BookedBench<Fake, Options>> {
  const folder = await mkdtemp(join(tmpdir(), `ringfence-booked-${process.pid}-`))
  const accountsFile = join(folder, 'accounts.json')
  await beginAccountBook(accountsFile)
  const open = (changes: Partial<Options> = {}) =>
    driverWith({
      origin: fake.https.url,
      ca: fake.https.ca,
      clientId: fake.client.clientId,
      clientSecret: new Secret(fake.client.clientSecret),
      accountsFile,
      timeoutMs: 400,
      ...changes,
    })
  const driver = open()
  const read = () => driver.readAccounts(signal())
  return {
    fake,
    shape,
    driver,
    accountsFile,
    open,
    apply: (...accounts) => driver.applyAccounts(accounts, signal()),
    read,
    of: async (extension) => (await read()).accounts.find((account) => account.extension === extension),
    async [Symbol.asyncDispose]() {
      await fake.https.stop()
      await rm(folder, { recursive: true })
    },
  }
}

/** What the account book has on others. */
export function bookBut(accountsFile: string, extensions: readonly string[]): Readonly<Record<string, unknown>> {
  const book: Record<string, unknown> = JSON.parse(readFileSync(accountsFile, 'utf8'))
  return Object.fromEntries(Object.entries(book).filter(([extension]) => !extensions.includes(extension)))
}

export const signal = () => AbortSignal.timeout(10_000)
export const shut = (account: PbxAccount): PbxAccount => ({ ...account, credentials: [] })
export const loginOf = ({ credentials }: PbxAccount) =>
  [credentials[0]!.username, credentials[0]!.secret.reveal()] as const
export const unreachable = { code: 'PBX_UNREACHABLE', retryable: true }
export const refused = { code: 'PBX_REFUSED', hint: expect.stringMatching(/\w/) }
