import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { presence } from '../fakes/fake-yeastar.ts'
import { bookBut } from '../pbx/booked-bench.ts'
import { yeastarBench } from '../pbx/yeastar-bench.ts'
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
  const bench = await yeastarBench()
  const { fake } = bench
  return {
    // Its own patience, not the short one of the bench.
    driver: bench.open({ timeoutMs: undefined }),
    parts: { Yeastar: 'fake' },
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
    allBut: (extensions) => {
      const all: { number: string }[] = JSON.parse(fake.snapshot())
      const isOwn = (channel: string) => extensions.some((extension) => channel.includes(`"PJSIP/${extension}-`))
      return {
        extensions: all.filter(({ number }) => !extensions.includes(number)),
        calls: fake.calls.map((call) => JSON.stringify(call)).filter((call) => !isOwn(call)),
        book: bookBut(bench.accountsFile, extensions),
      }
    },
    shownName: (extension) => String(fake.extension(extension)?.first_name),
    goDown: () => fake.https.goDown(),
    comeBack: () => fake.https.comeBack(),
    stop: async () => bench[Symbol.asyncDispose](),
  }
})
