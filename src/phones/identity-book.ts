import type { Folder, VendorManifest } from './manifest.ts'
import type { Catalogue } from './phone-port.ts'
import { contradictionsIn, readUserAgent } from './user-agent.ts'

/** How phones call themselves, of all vendors. */
export function identityBook(vendors: readonly Folder<VendorManifest>[]): Pick<Catalogue, 'seen' | 'contradictions'> {
  const patterns = new Map(
    vendors.flatMap(({ id, manifest }) => (manifest.userAgent ? [[id, new RegExp(manifest.userAgent.pattern)]] : [])),
  )
  const homes = new Map(
    vendors.flatMap(({ id, manifest }) => manifest.models.map((model) => [model.id, { id, manifest, model }])),
  )
  return {
    seen(modelId, userAgent) {
      const home = homes.get(modelId)
      const own = home && patterns.get(home.id)
      const seen = own ? readUserAgent(own, userAgent) : null
      if (seen || !home) return seen
      // The link may have ended up in another maker's phone.
      for (const { id } of vendors) {
        const stranger = id === home.id ? undefined : patterns.get(id)
        const found = stranger ? readUserAgent(stranger, userAgent) : null
        if (found) return { ...found, model: `${id} ${found.model ?? 'phone'}` }
      }
      return null
    },
    contradictions(modelId, mac, seen) {
      const home = homes.get(modelId)
      if (!home) return []
      const stranger = vendors.find(({ id }) => id !== home.id && seen.model?.startsWith(`${id} `))
      return contradictionsIn(seen, {
        mac,
        model: stranger ? home.model.name : (home.model.userAgentModel ?? null),
        // Another maker counts differently.
        firmwareFloor: stranger ? null : home.manifest.firmwareFloor.version,
        hardwareParts: home.manifest.userAgent?.hardwareParts ?? 0,
      })
    },
  }
}
