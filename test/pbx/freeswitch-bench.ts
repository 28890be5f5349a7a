/** A FreeSWITCH that pretends, and the driver that talks to it, anew for each test of a file. */
import { afterEach, beforeEach } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import type { PbxAccount } from '../../src/pbx/pbx-driver.ts'
import type { SofiaPhone } from '../fakes/fake-freeswitch.ts'
import { type FreeswitchWorld, freeswitchWorld } from '../fakes/freeswitch-world.ts'

export const limit = () => AbortSignal.timeout(20_000)

export function account(extension: string, more: Partial<PbxAccount> = {}, handsets = ['a']): PbxAccount {
  const credentials = handsets.map((name) => ({
    id: `c-${extension}-${name}`,
    generation: 1,
    username: `${extension}-${name}`,
    secret: new Secret(`secret of ${extension} ${name}`),
  }))
  return { extension, displayName: 'Ana Gómez', credentials, maxContacts: 2, policy: null, adopted: false, ...more }
}

/** With the login of that account. */
export function phone(extension: string, name = 'a', more: Partial<SofiaPhone> = {}): SofiaPhone {
  const own = { username: `${extension}-${name}`, secret: `secret of ${extension} ${name}` }
  return { extension, ...own, address: '127.0.0.1', ...more }
}

export function freeswitchOfEachTest() {
  let world: FreeswitchWorld
  beforeEach(async () => {
    world = await freeswitchWorld()
  })
  afterEach(() => world.stop())
  return {
    get fake() {
      return world.fake
    },
    get options() {
      return world.options
    },
    get driver() {
      return world.driver
    },
    goDown: () => world.goDown(),
    comeBack: () => world.comeBack(),
    apply: (...accounts: PbxAccount[]) => world.driver.applyAccounts(accounts, limit()),
    read: () => world.driver.readAccounts(limit()),
    disconnect: (extension: string, addresses: string[] | null = null) =>
      world.driver.disconnect!([{ extension, addresses }], limit()),
  }
}
