/** A 3CX that pretends, and the driver that talks to it. */
import { type ThreeCxOptions, threeCxDriver } from '../../src/pbx/three-cx/three-cx.ts'
import { type Fake3cx, startFake3cx } from '../fakes/fake-3cx.ts'
import { germany } from '../fixtures/dialled-numbers.ts'
import { type BookedBench, bookedBench } from './booked-bench.ts'

export type ThreeCxBench = BookedBench<Fake3cx, ThreeCxOptions>

export async function threeCxBench(): Promise<ThreeCxBench> {
  const fake = await startFake3cx()
  const shape = {
    addExtension: fake.addUser,
    removeExtension: fake.removeUser,
    extension: fake.user,
    fields: {
      id: 'Id',
      name: 'FirstName',
      login: 'AuthID',
      secret: 'AuthPassword',
      otherWays: ['AccessPassword', 'DeskphonePassword', 'VMPIN'],
      other: 'OutboundCallerID',
    },
  }
  return bookedBench(fake, shape, (options) =>
    threeCxDriver({ realm: '3CXPhoneSystem', dialPlan: async () => germany, ...options }),
  )
}
