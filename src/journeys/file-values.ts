import { createHmac } from 'node:crypto'
import type { Handset } from '../domain/handset.ts'
import { Secret } from '../domain/secret.ts'
import type { SipCredential } from '../domain/sip-account.ts'
import type { FileValues } from '../phones/phone-port.ts'
import type { JourneyContext } from './context.ts'
import { steadyTokenOf } from './enrolment.ts'
import { abilitiesOf, type KnownPbx, pbxById } from './known-pbx.ts'
import type { Phone } from './phone-settings-memory.ts'

/** How long a registration lasts; short enough that a phone notices a rotated secret within minutes. */
const registrationSeconds = 600

/** Everything that a handset's file says; null when it holds no credential any more. */
export async function fileValues(
  context: JourneyContext,
  handset: Handset,
  displayName: string,
): Promise<FileValues | null> {
  const { store, vault, config } = context
  // Before the first wait: the door has just taken their stamp into the name under which it keeps the file.
  const settings = settingsOf(context, handset)
  const credential = await credentialOf(store, handset)
  const assignment = await store.get('assignment', handset.assignmentId)
  const certificate = (await store.find('certificate', { handsetId: handset.id, revokedAt: null })).at(-1)
  const model = context.catalogue.model(handset.model)
  if (!credential?.secretSealed || !assignment || !model) return null
  const pbx = pbxById(context, assignment.pbxId)
  const provisioned = model.capabilities.clientCertificate === 'provisioned' && certificate?.privateKeySealed
  return {
    extension: assignment.extension,
    displayName,
    mac: handset.mac,
    sip: {
      host: pbx.settings.host,
      port: portFor(pbx, certificate !== undefined),
      username: credential.username,
      secret: vault.open(credential.secretSealed, `sip:${credential.id}:${credential.generation}`),
      realm: pbx.settings.realm,
      expiresSeconds: registrationSeconds,
    },
    caCertificate: model.capabilities.acceptsPrivateCa ? context.serviceCertificate : null,
    clientCertificate: provisioned
      ? {
          certificate: certificate.certificate,
          privateKey: vault.open(certificate.privateKeySealed!, `certificate:${certificate.id}`),
        }
      : null,
    provisioningUrl: `${config.phoneDoor.url}/p/${steadyTokenOf(context, handset.id, handset.doorGeneration)}/`,
    phoneAdminPassword: derivedPassword(context, handset, 'admin'),
    phoneUserPassword: derivedPassword(context, handset, 'user'),
    timeServer: config.timeServer,
    settings,
  }
}

/** Its own, or the one that it shares with the other handsets of the same assignment. */
export async function credentialOf(
  store: Pick<JourneyContext['store'], 'find'>,
  { id, assignmentId }: Handset,
): Promise<SipCredential | undefined> {
  const [own] = await store.find('sipCredential', { assignmentId, handsetId: id, closedAt: null })
  return own ?? (await store.find('sipCredential', { assignmentId, handsetId: null, closedAt: null }))[0]
}

/** Handsets with a certificate use the port that demands one; where the PBX has no such port, all use the same. */
function portFor(pbx: KnownPbx, hasCertificate: boolean): number {
  const isOwn = hasCertificate && abilitiesOf(pbx).certificates === 'required-on-own-port'
  return isOwn ? pbx.settings.mtlsPort : pbx.settings.port
}

/** The phone's own passwords: derived, so that its file stays the same byte for byte without storing them. */
export function derivedPassword({ vault }: JourneyContext, handset: Handset, purpose: string): Secret {
  const bytes = createHmac('sha256', vault.deriveKey('phone-pages'))
    .update(`${purpose}:${handset.id}:${handset.doorGeneration}`)
    .digest()
  return new Secret(bytes.toString('base64url').replaceAll('-', 'x').replaceAll('_', 'y').slice(0, 22))
}

/** What admins set for this handset's files, by name. */
export function settingsOf(
  { phoneSettings, catalogue }: Pick<JourneyContext, 'phoneSettings' | 'catalogue'>,
  handset: Handset,
): Readonly<Record<string, string>> {
  const effective = phoneSettings.effective(phoneOf(catalogue, handset))
  return Object.fromEntries(effective.map(({ name, value }) => [name, value]))
}

/** What settings go by. */
export function phoneOf(catalogue: JourneyContext['catalogue'], { id, model }: Pick<Handset, 'id' | 'model'>): Phone {
  return { id, model, vendor: catalogue.model(model)?.vendor ?? '' }
}
