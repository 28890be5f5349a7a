import { abilityWords } from './ability-words.ts'
import type { JourneyContext } from './context.ts'
import { existingExtensions } from './existing-extensions.ts'
import { abilitiesOf, type KnownPbx, pbxNamed } from './known-pbx.ts'
import type { PbxAbilityView, PbxDeeds, PbxView } from './pbx-view.ts'

export function pbxDeeds(context: JourneyContext): PbxDeeds {
  return {
    list: () => context.pbxs.map(pbxView),
    existing: async (name) => existingExtensions(context, pbxNamed(context, name)),
  }
}

function pbxView(pbx: KnownPbx): PbxView {
  const { settings, isConfigured } = pbx
  const { id, name, site, address, host } = settings
  const { realm: _, ...abilities } = abilitiesOf(pbx)
  return {
    id,
    name,
    site: site.name,
    driver: settings.driver,
    address,
    host,
    edge: settings.edge && { address: settings.edge.address, enforces: atEdge(abilities) },
    configured: isConfigured,
    abilities,
    ...abilityWords(abilities),
  }
}

/** What would not hold without it. */
function atEdge(abilities: PbxAbilityView): readonly string[] {
  const without = { certificates: 'not-checked', revocationLists: 'not-checked', callClasses: 'judged' } as const
  const { cannot } = abilityWords({ ...abilities, ...without })
  return abilityWords(abilities).can.filter((words) => cannot.includes(words))
}
