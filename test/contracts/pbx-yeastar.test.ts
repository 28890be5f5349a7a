import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import { beginAccountBook } from '../../src/pbx/account-book.ts'
import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { yeastarDriver } from '../../src/pbx/yeastar.ts'
import { presence, startFakeYeastar } from '../fakes/fake-yeastar.ts'
import { pbxContract } from './pbx.contract.ts'

/** What the driver is held to, written down a second time. */
const told: PbxAbilities = {
  realm: 'YSAsterisk',
  credentialsPerExtension: 'one',
  readBack: true,
  endsRegistrations: false,
  endsCalls: true,
  resync: false,
  certificates: 'not-checked',
  revocationLists: 'not-checked',
  storesSecretAs: 'clear',
  callClasses: 'absent',
  adoption: true,
}

pbxContract('Yeastar P-Series (a fake of its open interface)', told, async () => {
  const fake = await startFakeYeastar()
  const folder = await mkdtemp(join(tmpdir(), `ringfence-yeastar-${process.pid}-`))
  await beginAccountBook(join(folder, 'accounts.json'))
  const { clientId, clientSecret } = fake.client
  return {
    driver: yeastarDriver({
      origin: fake.https.url,
      ca: fake.https.ca,
      clientId,
      clientSecret: new Secret(clientSecret),
      realm: 'YSAsterisk',
      accountsFile: join(folder, 'accounts.json'),
    }),
    phone: async ({ extension, username, secret, address = '127.0.0.1' }) => ({
      register: async () => fake.register(extension, username, secret, address),
      call: async () => fake.call(extension, username, secret),
      events: () => [],
    }),
    addForeign: async (extension) => {
      fake.addExtension(extension)
    },
    addLeftover: async (extension) => {
      const away = presence('away', {
        enb_ex_always_forward: 1,
        ex_always_forward_dest: 'mobile',
        ex_always_forward_num: '0171',
      })
      Object.assign(fake.extension(extension)!, { presence_list: [presence('available'), away] })
    },
    look: (extension) => JSON.stringify(fake.extension(extension) ?? null),
    goDown: () => fake.https.goDown(),
    comeBack: () => fake.https.comeBack(),
    stop: async () => {
      await fake.https.stop()
      await rm(folder, { recursive: true })
    },
  }
})
