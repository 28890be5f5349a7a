import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { fakePbx } from '../fakes/fake-pbx.ts'
import { pbxContract } from './pbx.contract.ts'

/** What the driver is held to, written down a second time. */
const told: PbxAbilities = {
  realm: 'ringfence',
  credentialsPerExtension: 'many',
  readBack: true,
  endsRegistrations: true,
  endsCalls: true,
  resync: true,
  certificates: 'not-checked',
  revocationLists: 'not-checked',
  storesSecretAs: 'digest',
  callClasses: 'enforced',
  adoption: true,
}

pbxContract('fake', told, async () => {
  const fake = fakePbx()
  return {
    driver: fake.driver,
    parts: null,
    phone: async ({ extension, username, secret, address = '127.0.0.1' }) => {
      const phone = { extension, username, secret, address }
      return {
        register: async () => fake.register(phone),
        call: async () => fake.call(phone),
        events: () =>
          fake.notified
            .filter((one) => one.extension === extension && one.address === address)
            .map(({ event }) => event),
      }
    },
    addForeign: async (extension) => fake.addForeign(extension),
    addLeftover: async (extension) => fake.addLeftover(extension),
    look: (extension) =>
      JSON.stringify(JSON.parse(fake.snapshot()), null, 1)
        .split('\n')
        // As a word: four digits also stand in the middle of a digest.
        .filter((line) => new RegExp(`\\b${extension}\\b`).test(line))
        .map((line) => line.replace(/,$/, ''))
        .join('\n'),
    allBut: (extensions) => {
      const whole: Record<'accounts' | 'foreign', unknown[]> = JSON.parse(fake.snapshot())
      const isOther = (one: unknown) => !extensions.some((extension) => JSON.stringify(one).includes(`"${extension}"`))
      return { accounts: whole.accounts.filter(isOther), foreign: whole.foreign.filter(isOther) }
    },
    shownName: (extension) => fake.shownName(extension),
    goDown: async () => {
      fake.faults.down = true
    },
    comeBack: async () => {
      fake.faults.down = false
    },
    stop: async () => undefined,
  }
})
