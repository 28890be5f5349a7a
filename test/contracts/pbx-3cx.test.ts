import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { bookBut } from '../pbx/booked-bench.ts'
import { threeCxBench } from '../pbx/three-cx-bench.ts'
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
  adoption: true,
  tellsAddresses: false,
}

pbxContract('3CX (a fake of its configuration interface)', told, async () => {
  const bench = await threeCxBench()
  const { fake } = bench
  return {
    // Its own patience, not the short one of the bench.
    driver: bench.open({ timeoutMs: undefined }),
    parts: { '3CX': 'fake' },
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
    allBut: (extensions) => {
      const [users, profiles, rules] = JSON.parse(fake.snapshot()) as [
        { Id: number; Number: string }[],
        [number, unknown][],
        unknown[],
      ]
      const others = users.filter((user) => !extensions.includes(user.Number))
      return {
        users: others,
        profiles: profiles.filter(([id]) => others.some(({ Id }) => Id === id)),
        rules,
        calls: [...fake.calls].filter(([, { Caller }]) => !extensions.includes(Caller.split(' ')[0]!)),
        conference: { ...fake.conference },
        book: bookBut(bench.accountsFile, extensions),
      }
    },
    shownName: (extension) => {
      const { FirstName, LastName } = fake.user(extension) ?? {}
      return `${FirstName} ${LastName}`.trim()
    },
    goDown: () => fake.https.goDown(),
    comeBack: () => fake.https.comeBack(),
    stop: async () => bench[Symbol.asyncDispose](),
  }
})
