/** A Yeastar that pretends, and the driver that talks to it. */
import { type YeastarOptions, yeastarDriver } from '../../src/pbx/yeastar/yeastar.ts'
import { type FakeYeastar, startFakeYeastar } from '../fakes/fake-yeastar.ts'
import { type BookedBench, bookedBench } from './booked-bench.ts'

export type YeastarBench = BookedBench<FakeYeastar, YeastarOptions>

export async function yeastarBench(): Promise<YeastarBench> {
  const fake = await startFakeYeastar()
  const shape = {
    addExtension: fake.addExtension,
    removeExtension: fake.removeExtension,
    extension: fake.extension,
    fields: {
      id: 'id',
      name: 'first_name',
      login: 'reg_name',
      secret: 'reg_password',
      otherWays: ['user_password'],
      other: 'mobile_number',
    },
  }
  return bookedBench(fake, shape, (options) => yeastarDriver({ realm: 'YSAsterisk', ...options }))
}
