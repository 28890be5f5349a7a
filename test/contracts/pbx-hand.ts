import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PbxAbilities, PbxAccount, PbxDriver, PbxState } from '../../src/pbx/pbx-driver.ts'
import { makeAccount } from './pbx-accounts.ts'
import type { SeenPbx } from './pbx-seen.ts'

/** One PBX under test and what surrounds it: phones, somebody else's extension, a power cut. */
export interface PbxWorld {
  readonly driver: PbxDriver
  /** Each program that answers, and whether it is the program itself; null: one of the tests' own, in no document. */
  readonly parts: SeenPbx['parts'] | null
  /** A phone with an address of its own (a loopback one). */
  phone(identity: PhoneIdentity): Promise<ContractPhone>
  addForeign(extension: string): Promise<void>
  /** Everything that can be seen of an extension, in the PBX's own words and files. */
  look(extension: string): string | Promise<string>
  /** Everything that the PBX has on its disk and runs, but what carries the name of one of these extensions. */
  allBut(extensions: readonly string[]): Whole | Promise<Whole>
  /** The name that others see when this extension calls, as the PBX has it. */
  shownName(extension: string): string | undefined | Promise<string | undefined>
  /** A call forward that somebody set for an extension. There exactly where the PBX shows them. */
  addLeftover?(extension: string): Promise<void>
  goDown(): Promise<void>
  comeBack(): Promise<void>
  stop(): Promise<void>
}

/** Part by part; two are compared. */
export type Whole = Readonly<Record<string, unknown>>

export interface PhoneIdentity {
  readonly extension: string
  readonly username: string
  readonly secret: string
  readonly address?: string
}

export interface ContractPhone {
  /** The final SIP status. */
  register(): Promise<number>
  call(): Promise<number>
  /** The Event of each NOTIFY that it got. */
  events(): readonly string[]
}

/** What a phone without the right secret gets: a challenge for ever, or a plain no. */
export const refused = expect.toBeOneOf([401, 403])

export const limit = () => AbortSignal.timeout(20_000)

/** What a part of the contract has in hand. */
export interface PbxHand {
  readonly abilities: PbxAbilities
  /** Whether it ends calls, registrations or both. */
  readonly cuts: boolean
  readonly world: PbxWorld
  /** `test` where this holds, else one that is skipped and says what the PBX lacks. */
  given(holds: boolean, lack: string): (title: string, body: () => Promise<void>) => void
  read(): Promise<PbxState>
  apply(...accounts: PbxAccount[]): Promise<void>
  accountOf(extension: string): Promise<PbxState['accounts'][number] | undefined>
  phoneFor(account: PbxAccount, index?: number, address?: string): Promise<ContractPhone>
  /** As this PBX can hold it. */
  makeAccount(extension: string, credentials?: number): PbxAccount
}

/** One PBX for all tests of the contract. */
export function openHand(abilities: PbxAbilities, makeWorld: () => Promise<PbxWorld>): PbxHand {
  let world: PbxWorld
  beforeAll(async () => {
    world = await makeWorld()
  })
  afterAll(async () => {
    await world?.stop()
  })
  const read = () => world.driver.readAccounts(limit())
  return {
    abilities,
    cuts: abilities.endsCalls || abilities.endsRegistrations,
    get world() {
      return world
    },
    given: (holds, lack) => (title, body) =>
      holds ? test(title, body) : test.skip(`${title} [skipped: ${lack}]`, body),
    read,
    apply: (...accounts) => world.driver.applyAccounts(accounts, limit()),
    accountOf: async (extension) => (await read()).accounts.find((account) => account.extension === extension),
    phoneFor(account, index = 0, address) {
      const { username, secret } = account.credentials[index]!
      return world.phone({
        extension: account.extension,
        username,
        secret: secret.reveal(),
        ...(address ? { address } : {}),
      })
    },
    makeAccount: (extension, credentials = 1) => accountOn(abilities, extension, credentials),
  }
}

function accountOn(abilities: PbxAbilities, extension: string, credentials: number): PbxAccount {
  const account = makeAccount(extension, credentials)
  if (abilities.credentialsPerExtension === 'many') return account
  return { ...account, credentials: account.credentials.map((one) => ({ ...one, username: extension })) }
}
