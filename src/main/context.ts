/** What the deeds stand on: from the foundations, and from what each program has of its own. */
import type { JourneyContext } from '../journeys/context.ts'
import { openPhoneSettings } from '../journeys/phone-settings-memory.ts'
import { trafficWatch } from '../journeys/watch-traffic.ts'
import { managedProfile } from '../phones/managed-profile.ts'
import { tunnelConfiguration } from '../phones/tunnel-configuration.ts'
import type { Foundations } from './foundations.ts'

type Laid = Pick<Foundations, 'store' | 'vault' | 'templates' | 'authorities' | 'journal'>
/** What every program has in the same way. */
type Common =
  | 'store'
  | 'vault'
  | 'catalogue'
  | 'phoneSettings'
  | 'handsetAuthority'
  | 'serviceCertificate'
  | 'journal'
  | 'tunnelConfiguration'
  | 'managedProfile'
  | 'traffic'

export async function openContext(
  { store, vault, templates, authorities, journal }: Laid,
  own: Omit<JourneyContext, Common>,
): Promise<JourneyContext> {
  return {
    ...own,
    store,
    vault,
    catalogue: templates.catalogue,
    phoneSettings: await openPhoneSettings(store),
    handsetAuthority: authorities.handset,
    serviceCertificate: authorities.service.certificate,
    journal,
    tunnelConfiguration,
    managedProfile,
    traffic: trafficWatch(),
  }
}
