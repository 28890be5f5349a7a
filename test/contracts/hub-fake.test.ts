import { describe } from 'vitest'
import { fakeHub } from '../fakes/fake-hub.ts'
import { hubContract } from './hub.contract.ts'

describe('the fake hub', () => {
  hubContract(async () => {
    const hub = fakeHub()
    return { hub, addForeignPeer: hub.addForeignPeer, close: async () => undefined }
  })
})
