import { afterEach } from 'vitest'
import { openWorld, type World, type WorldOptions } from './world.ts'

/** Opens worlds that end with the test that asked for them, the last one first. */
export function worldsOfEachTest() {
  const worlds: World[] = []
  const ends = (world: World): World => {
    worlds.push(world)
    return world
  }
  afterEach(async () => {
    for (const world of worlds.splice(0).reverse()) await world[Symbol.asyncDispose]()
  })
  return {
    open: async (options: WorldOptions = {}): Promise<World> => ends(await openWorld(options)),
    /** For a world that came about in another way, as by a restart. */
    ends,
  }
}
