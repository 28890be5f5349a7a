/** A FreePBX that pretends, and the driver that talks to it, anew for each test of a file. */
import { afterEach, beforeEach } from 'vitest'
import { Secret } from '../../src/domain/secret.ts'
import { freepbxDriver } from '../../src/pbx/freepbx/freepbx.ts'
import type { PbxAccount, PbxDriver } from '../../src/pbx/pbx-driver.ts'
import { freepbxWorld } from '../fakes/freepbx-world.ts'

export const limit = () => AbortSignal.timeout(20_000)

export function account(extension: string, generation = 1, more: Partial<PbxAccount> = {}): PbxAccount {
  const secret = new Secret(`${extension}-generation-${generation}-secret`)
  const credential = { id: `c-${extension}`, generation, username: extension, secret }
  return {
    extension,
    displayName: 'Ana Gómez',
    credentials: [credential],
    maxContacts: 2,
    policy: null,
    adopted: false,
    ...more,
  }
}

export const shut = (extension: string) => account(extension, 1, { credentials: [] })

export function freepbxOfEachTest() {
  let world: Awaited<ReturnType<typeof freepbxWorld>>
  let driver: PbxDriver
  beforeEach(async () => {
    world = await freepbxWorld()
    driver = world.driver
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
      return driver
    },
    /** Ringfence's own: what it did not write down is forgotten. */
    restart() {
      driver = freepbxDriver(world.options)
    },
    apply: (...accounts: PbxAccount[]) => driver.applyAccounts(accounts, limit()),
    login: async (extension: string) =>
      (await driver.readAccounts(limit())).accounts.find((one) => one.extension === extension)?.credentials ?? [],
    register: (extension: string, secret: string) =>
      world.fake.asterisk.register({ extension, username: extension, secret, address: '127.0.0.1' }),
  }
}
