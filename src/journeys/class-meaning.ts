/** Settings that say what a call class means beside the dial plan. */
import type { JourneyContext } from './context.ts'

type Meaning = Pick<JourneyContext, 'config' | 'store'>

/**
 * Call once at start, before anything is looked at. A class means something else when these settings changed: what the PBX
 * and the edge hold from before is out of date then, and nobody's doing.
 */
export async function noteClassMeaning({ config, store }: Meaning): Promise<void> {
  for (const { id: pbxId, driven, edge } of config.pbxs) {
    const internalContext = driven.kind === 'asterisk' ? driven.internalContext : null
    const value = JSON.stringify({ internalContext, internalNumbers: edge?.internalNumbers ?? [] })
    const id = `class-meaning/${pbxId}`
    await store.transaction(async (tx) => {
      const before = await tx.get('setting', id)
      if (before?.value === value) return
      await tx.put('setting', [{ id, value }])
      if (before === undefined) return
      const held = await tx.find('assignment', { pbxId, untilAt: null })
      for (const { id, generation, callPolicy } of held)
        if (callPolicy !== null) await tx.update('assignment', id, { generation: generation + 1 })
    })
  }
}
