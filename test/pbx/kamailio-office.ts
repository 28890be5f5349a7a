import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { DialPlan } from '../../src/domain/call-policy.ts'
import { kamailioDriver } from '../../src/pbx/kamailio/kamailio.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { type RegistrarLab, startRegistrar } from '../lab/kamailio-registrar.ts'
import { type NextHop, startNextHop } from '../lab/next-hop.ts'
import { connectSipPhone, type SipPhone, type SipPhoneOptions } from '../lab/sip-client.ts'

export const limit = () => AbortSignal.timeout(20_000)

/** One Kamailio for the tests of a file, the next hop behind it, and phones that hang up after each test. */
export function kamailioOfFile() {
  let lab: RegistrarLab
  let driver: PbxDriver
  let dialPlan: DialPlan | null
  let stranger: NextHop
  const phones: SipPhone[] = []

  beforeAll(async () => {
    dialPlan = germany
    lab = await startRegistrar({
      options: (defaults) => ({
        ...defaults,
        dialPlan: async () => dialPlan,
      }),
    })
    driver = kamailioDriver(lab.options)
    stranger = await startNextHop('127.0.0.9')
  })
  afterEach(async () => {
    await Promise.all(phones.splice(0).map((phone) => phone.close()))
  })
  afterAll(async () => {
    await stranger?.stop()
    await lab?.stop()
  })

  const apply = (...accounts: PbxAccount[]) => driver.applyAccounts(accounts, limit())
  const accountOf = async (extension: string) =>
    (await driver.readAccounts(limit())).accounts.find((account) => account.extension === extension)
  async function phone(
    account: PbxAccount,
    { extension = account.extension, localAddress = '127.0.0.1', ...claims }: Partial<SipPhoneOptions> = {},
  ) {
    const { username, secret } = account.credentials[0]!
    const { bindAddress: host, port } = lab.options
    const made = await connectSipPhone({
      ...{ host, port, extension, username, secret: secret.reveal(), localAddress },
      ...claims,
    })
    phones.push(made)
    return made
  }
  async function registered(account: PbxAccount, localAddress?: string): Promise<SipPhone> {
    const made = await phone(account, localAddress === undefined ? {} : { localAddress })
    expect((await made.register()).status).toBe(200)
    return made
  }
  const reached = (text: string) => lab.nextHop.requests.filter((head) => head.includes(text))

  return {
    get lab() {
      return lab
    },
    get driver() {
      return driver
    },
    set driver(other) {
      driver = other
    },
    /** As the settings of the site have it. */
    get dialPlan() {
      return dialPlan
    },
    set dialPlan(plan) {
      dialPlan = plan
    },
    /** Who is none of ours, and answers like the next hop. */
    get stranger() {
      return stranger
    },
    apply,
    accountOf,
    phone,
    registered,
    reached,
  }
}
