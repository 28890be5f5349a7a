import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../../src/domain/secret.ts'
import { beginAccountBook } from '../../src/pbx/account-book.ts'
import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { threeCxDriver } from '../../src/pbx/three-cx.ts'
import { startFake3cx } from '../fakes/fake-3cx.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { pbxContract } from './pbx.contract.ts'

/** What the driver is held to, written down a second time. */
const told: PbxAbilities = {
  realm: '3CXPhoneSystem',
  credentialsPerExtension: 'one',
  readBack: true,
  endsRegistrations: false,
  endsCalls: true,
  resync: false,
  certificates: 'not-checked',
  revocationLists: 'not-checked',
  storesSecretAs: 'clear',
  callClasses: 'judged',
  leftovers: 'read',
  adoption: true,
  tellsAddresses: false,
}

pbxContract('3CX (a fake of its configuration interface)', told, async () => {
  const fake = await startFake3cx()
  const folder = await mkdtemp(join(tmpdir(), `ringfence-3cx-${process.pid}-`))
  await beginAccountBook(join(folder, 'accounts.json'))
  const { clientId, clientSecret } = fake.client
  return {
    driver: threeCxDriver({
      origin: fake.https.url,
      ca: fake.https.ca,
      clientId,
      clientSecret: new Secret(clientSecret),
      realm: '3CXPhoneSystem',
      accountsFile: join(folder, 'accounts.json'),
      dialPlan: async () => germany,
    }),
    phone: async ({ extension, username, secret }) => ({
      register: async () => fake.register(extension, username, secret),
      call: async () => fake.call(extension, username, secret),
      events: () => [],
    }),
    addForeign: async (extension) => {
      fake.addUser(extension)
    },
    addLeftover: async (extension) =>
      fake.setProfile(extension, {
        Name: 'Away',
        RingMyMobile: false,
        AvailableRoute: null,
        AwayRoute: { External: { To: 'External', External: '01711234567' }, Internal: { To: 'VoiceMail' } },
      }),
    look: (extension) => JSON.stringify(fake.user(extension) ?? null),
    goDown: () => fake.https.goDown(),
    comeBack: () => fake.https.comeBack(),
    stop: async () => {
      await fake.https.stop()
      await rm(folder, { recursive: true })
    },
  }
})
