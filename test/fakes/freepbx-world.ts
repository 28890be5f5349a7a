import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import { beginAccountBook } from '../../src/pbx/account-book.ts'
import { freepbxDriver } from '../../src/pbx/freepbx/freepbx.ts'
import type { FreepbxOptions } from '../../src/pbx/freepbx/freepbx-options.ts'
import type { PbxWorld } from '../contracts/pbx-hand.ts'
import { bookBut } from '../pbx/booked-bench.ts'
import { type FakeFreepbx, startFakeFreepbx } from './fake-freepbx.ts'

/** A FreePBX that is not real, the driver beside it and phones in front of it. */
export async function freepbxWorld(): Promise<PbxWorld & { fake: FakeFreepbx; options: FreepbxOptions }> {
  const fake = await startFakeFreepbx()
  const folder = await mkdtemp(join(tmpdir(), 'ringfence-freepbx-'))
  await beginAccountBook(join(folder, 'accounts.json'))
  const options = freepbxOptions(fake, folder)
  return {
    fake,
    options,
    driver: freepbxDriver(options),
    parts: { FreePBX: 'fake' },
    phone: async ({ extension, username, secret, address = '127.0.0.1' }) => {
      const phone = { extension, username, secret, address }
      return {
        register: async () => fake.asterisk.register(phone),
        call: async () => fake.asterisk.call(phone),
        events: () => fake.asterisk.events(phone),
      }
    },
    addForeign: async (extension) => fake.addByHand(extension),
    addLeftover: async (extension) => void fake.asterisk.database.set(`CF/${extension}`, '01715550100'),
    look: (extension) => `${JSON.stringify(fake.database.get(extension))} ${fake.asterisk.look(extension)}`,
    allBut: (extensions) => ({
      pages: pagesBut(fake, extensions),
      ...fake.asterisk.allBut(extensions),
      book: bookBut(options.accountsFile, extensions),
    }),
    shownName: (extension) => String(fake.database.get(extension)?.user.name),
    goDown: async () => {
      await Promise.all([fake.door.shut(), fake.asterisk.ami.door.shut()])
    },
    comeBack: async () => {
      await Promise.all([fake.door.open(), fake.asterisk.ami.door.open()])
    },
    stop: async () => {
      await fake.stop()
      await rm(folder, { recursive: true })
    },
  }
}

/** What FreePBX's own database has on others. */
export function pagesBut(fake: FakeFreepbx, extensions: readonly string[]): unknown {
  const others = [...fake.database].filter(([extension]) => !extensions.includes(extension))
  return structuredClone(others.sort(([one], [other]) => (one < other ? -1 : 1)))
}

export function freepbxOptions(fake: FakeFreepbx, folder: string): FreepbxOptions {
  return {
    web: { origin: fake.origin, timeoutMs: 2_000 },
    clientId: fake.clientId,
    clientSecret: new Secret(fake.clientSecret),
    manager: {
      host: '127.0.0.1',
      port: fake.asterisk.ami.port,
      username: 'ringfence',
      secret: new Secret(fake.asterisk.secret),
      timeoutMs: 2_000,
    },
    realm: 'asterisk',
    accountsFile: join(folder, 'accounts.json'),
    lookEveryMs: 5,
  }
}
