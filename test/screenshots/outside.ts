/** The hub and the PBX of the office: the fakes of the tests, with what a real one would tell of itself. */
import { type FakeHub, fakeHub } from '../fakes/fake-hub.ts'
import { type FakePbx, fakePbx } from '../fakes/fake-pbx.ts'

/** Peers have spoken, from somewhere, so and so much. */
export function busyHub(): FakeHub {
  const hub = fakeHub({ mode: 'kernel' })
  const list = hub.listPeers
  hub.listPeers = async (signal) =>
    (await list(signal)).map((peer, index) => ({
      ...peer,
      endpoint: `203.0.113.${20 + index}:${41_000 + index * 617}`,
      receivedBytes: 3_100_000 + index * 917_000,
      sentBytes: 2_700_000 + index * 1_213_000,
    }))
  return hub
}

export function namedPbx(): FakePbx {
  const pbx = fakePbx()
  const { readAccounts } = pbx.driver
  const product = 'Asterisk 22.5.2'
  const driver = {
    ...pbx.driver,
    kind: 'asterisk',
    describe: async () => ({ product, problems: [] }),
    readAccounts: async (signal: AbortSignal) => ({ ...(await readAccounts(signal)), product }),
  }
  return { ...pbx, driver }
}
