import { abilityWords } from './ability-words.ts'
import type { JourneyContext } from './context.ts'
import { existingExtensions } from './existing-extensions.ts'
import { abilitiesOf, type KnownPbx, pbxNamed } from './known-pbx.ts'
import type { PbxDeeds, PbxView } from './pbx-view.ts'

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
    configured: isConfigured,
    abilities,
    ...abilityWords(abilitiesOf(pbx)),
  }
}
