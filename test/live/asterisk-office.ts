import { afterAll, beforeAll } from 'vitest'
import type { SipCredentialSubject } from '../../src/domain/access.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { sipAccess } from '../../src/pbx/sip-access.ts'
import { type AsteriskLab, fileDriver, startAsterisk } from '../lab/asterisk.ts'
import { connectSipPhone, type SipPhone } from '../lab/sip-client.ts'

export const limit = () => AbortSignal.timeout(20_000)

/** One Asterisk for the tests of a file, and phones that hang up at its end. */
export function asteriskOfFile() {
  let lab: AsteriskLab
  const phones: SipPhone[] = []
  beforeAll(async () => {
    lab = await startAsterisk()
  })
  afterAll(async () => {
    await Promise.all(phones.map((phone) => phone.close()))
    await lab?.stop()
  })

  const driver = () => fileDriver(lab.driverOptions)
  const apply = (...accounts: PbxAccount[]) => driver().applyAccounts(accounts, limit())
  async function phone(
    account: PbxAccount,
    extra: {
      port?: number
      index?: number
      localAddress?: string
      certificate?: { certificate: string; key: string }
    } = {},
  ) {
    const { port = lab.port, index = 0, ...rest } = extra
    const { username, secret } = account.credentials[index]!
    const made = await connectSipPhone({
      host: lab.address,
      port,
      extension: account.extension,
      username,
      secret: secret.reveal(),
      ...rest,
    })
    phones.push(made)
    return made
  }

  return {
    get lab() {
      return lab
    },
    driver,
    apply,
    phone,
  }
}

/** As the line of one login sees the PBX. */
export function accessTo(driver: PbxDriver, account: PbxAccount) {
  return sipAccess({
    pbxId: 'default',
    driver,
    accountsOf: async (extensions) => [account].filter(({ extension }) => extensions.includes(extension)),
    digestOf: (subject) => {
      const issued = account.credentials.find(({ id }) => id === subject.id)
      return issued ? digestHa1(issued.username, 'ringfence', issued.secret) : null
    },
  })
}

export function subjectOf(account: PbxAccount, addresses: readonly string[] = []): SipCredentialSubject {
  const { id, generation, username } = account.credentials[0]!
  return {
    kind: 'sip-credential',
    id,
    employeeId: null,
    wanted: 'open',
    generation,
    pbxId: 'default',
    extension: account.extension,
    username,
    displayName: account.displayName,
    secretSealed: null,
    addresses,
    certificate: false,
    extensionShared: false,
  }
}
