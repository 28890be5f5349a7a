import type { JourneyContext } from './context.ts'
import type { ChangedHandset } from './file-view.ts'

/** Who hears of a change at once, and what the others do: true of this PBX and of these models. */
export function tellWords(
  { catalogue, pbxs }: Pick<JourneyContext, 'catalogue' | 'pbxs'>,
  changes: readonly ChangedHandset[],
): readonly string[] {
  if (changes.length === 0) return []
  const mute = pbxs.filter(({ driver }) => !driver.notify)
  if (mute.length === pbxs.length) {
    const why = mute.every(({ driver }) => driver.kind === 'manual') ? 'PBX by hand' : 'this PBX cannot tell a phone'
    return [`nobody can be told (${why}): each fetches at its next poll or start`]
  }
  const cannot = changes.filter(({ model }) => !catalogue.model(model)?.capabilities.resyncEvent)
  const told = changes.length - cannot.length
  return [
    ...(told > 0 ? [`${told} told to fetch now; whoever does not hear it does so at the next poll`] : []),
    ...mute.map(
      ({ settings }) => `phones of PBX ${settings.name} cannot be told: each fetches at its next poll or start`,
    ),
    ...(cannot.length > 0
      ? [
          `no way is known to tell ${[...new Set(cannot.map(({ model }) => model))].join(', ')}: it fetches when it starts, or at its next poll`,
        ]
      : []),
  ]
}
