/** The employee's page and the files beside it. Every refusal is `null`: outsiders never learn why. */
import { createHash } from 'node:crypto'
import type { Gateway, Handset } from '../domain/handset.ts'
import { enrolmentToken } from '../domain/invite.ts'
import { Secret } from '../domain/secret.ts'
import type { EmployeeAccess } from '../store/store.ts'
import type { JourneyContext } from './context.ts'
import type { DoorFile } from './door-view.ts'
import { invitedBy } from './enrolment.ts'
import { settingsOf } from './file-values.ts'
import { gatewayScript, gatewayValues } from './gateway-setup.ts'
import type { JoinGateway, JoinHandset, JoinView } from './join-view.ts'
import { pbxOfPerson } from './known-pbx.ts'
import { openInvite } from './open-invite.ts'
import { gatewaysOfInvite, handsetsOfInvite, joinTunnel, tunnelOf } from './tunnel-hand-over.ts'

export async function join(context: JourneyContext, token: string): Promise<JoinView | null> {
  const invited = await openInvite(context, token)
  if (!invited) return null
  const { access, invite } = invited
  const handsets = handsetsOfInvite(access, token)
  const gateways = gatewaysOfInvite(access)
  const pbx = pbxOfPerson(context, access).settings
  return {
    name: access.employee.name,
    extension: access.assignments.find(({ untilAt }) => untilAt === null)?.extension ?? '',
    expiresAt: invite.expiresAt,
    demo: context.config.demo,
    pbxHost: pbx.host,
    pbxAddress: pbx.address,
    handsets: handsets.map((handset) => joinHandset(context, access, handset, token)),
    gateways: (await Promise.all(gateways.map((gateway) => joinGateway(context, access, gateway)))).filter(
      (gateway) => gateway !== null,
    ),
  }
}

async function joinGateway(
  context: JourneyContext,
  access: EmployeeAccess,
  gateway: Gateway,
): Promise<JoinGateway | null> {
  const tunnel = tunnelOf(access, gateway.id)
  if (!tunnel) return null
  const values = await gatewayValues(context, access, gateway, tunnel)
  const model = `gateway-${gateway.kind}`
  return {
    id: gateway.id,
    kind: gateway.kind,
    kindName: context.catalogue.model(model)?.name ?? gateway.kind,
    tunnel: joinTunnel(context, access, tunnel),
    script: gatewayScript(context, access, gateway, tunnel, values),
    phoneSubnet: values.phoneSubnets[0] ?? '',
    instructionsHtml: context.catalogue.gatewayInstructions(model, values) ?? '',
  }
}

/** `<name>.conf`, or a gateway's script: a plain GET that can be repeated for as long as the key is open. */
export async function joinTunnelFile(
  context: JourneyContext,
  token: string,
  fileName: string,
): Promise<DoorFile | null> {
  const view = await join(context, token)
  const tunnels = [...(view?.handsets ?? []), ...(view?.gateways ?? [])].flatMap(({ tunnel }) => tunnel ?? [])
  const scripts = (view?.gateways ?? []).flatMap(({ script }) => script ?? [])
  const found = [...tunnels, ...scripts].find((candidate) => candidate.fileName === fileName)
  return found?.configuration ? fileOf('text/plain; charset=utf-8', found.configuration.reveal()) : null
}

/** Certificate and key for a softphone that takes them from two local settings. */
export async function joinCertificateFile(
  context: JourneyContext,
  token: string,
  fileName: string,
): Promise<DoorFile | null> {
  const invited = await openInvite(context, token)
  for (const handset of invited?.access.handsets ?? []) {
    const files =
      invited && handset.enrolledAt === null && invitedBy(token, handset)
        ? certificateFiles(context, invited.access, handset)
        : []
    const file = files.find(({ name }) => name === fileName)
    if (file) return fileOf('application/x-pem-file', file.content().reveal())
  }
  return null
}

function joinHandset(context: JourneyContext, access: EmployeeAccess, handset: Handset, token: string): JoinHandset {
  const model = context.catalogue.model(handset.model)
  const tunnel = tunnelOf(access, handset.id)
  const enrolled = handset.enrolledAt !== null
  const base = `${context.config.phoneDoor.url}/p/${enrolmentToken(token, handset.id)}/`
  const files = context.catalogue.fileNames(handset.model, handset.mac)
  const signIn = enrolled ? null : (model?.signIn ?? null)
  const url = signIn && signIn.how !== 'save' ? `${base}${files[0] ?? ''}` : null
  return {
    id: handset.id,
    modelId: handset.model,
    modelName: model?.name ?? handset.model,
    kind: model?.kind === 'desk-phone' ? 'desk-phone' : 'softphone',
    tunnel: tunnel ? joinTunnel(context, access, tunnel) : null,
    signIn: signIn && {
      app: signIn.app,
      scan: signIn.how === 'scan',
      words: signIn.words,
      translations: signIn.translations,
      stores: signIn.stores,
      files: signIn.how === 'save' ? files.map((name) => fileToSave(context, handset, base, name)) : [],
    },
    softphoneUrl: url,
    softphoneDeepLink: url && (signIn?.deepLink ? filledIn(signIn.deepLink, url) : null),
    provisioningUrl: model?.kind === 'desk-phone' && !enrolled ? base : null,
    typing: model?.typing ?? null,
    certificateFiles: enrolled
      ? []
      : certificateFiles(context, access, handset).map(({ name, what }) => ({ name, what })),
    mac: handset.mac,
    enrolled,
    emergencyNote: settingsOf(context, handset).emergencyNote ?? null,
    notes: model?.notes ?? [],
  }
}

function fileToSave({ catalogue }: JourneyContext, handset: Handset, base: string, name: string) {
  return { name, url: `${base}${name}`, what: catalogue.filePurpose(handset.model, name, handset.mac) ?? '' }
}

function filledIn(deepLink: string, url: string): string {
  return deepLink.replace('{url}', url).replace('{urlWithoutScheme}', url.replace(/^https?:\/\//, ''))
}

function certificateFiles(
  context: JourneyContext,
  access: EmployeeAccess,
  handset: Handset,
): readonly { name: string; what: string; content: () => Secret }[] {
  const certificate = access.certificates.find(
    (candidate) => candidate.handsetId === handset.id && candidate.revokedAt === null,
  )
  if (
    context.catalogue.model(handset.model)?.capabilities.clientCertificate !== 'by-hand' ||
    !certificate?.privateKeySealed
  )
    return []
  const extension = access.assignments.find(({ id }) => id === handset.assignmentId)?.extension ?? 'handset'
  const sealed = certificate.privateKeySealed
  return [
    {
      name: `${extension}-certificate.pem`,
      what: 'the client certificate',
      content: () => new Secret(certificate.certificate),
    },
    {
      name: `${extension}-key.pem`,
      what: 'its private key',
      content: () => context.vault.open(sealed, `certificate:${certificate.id}`),
    },
    {
      name: 'ringfence-ca.pem',
      what: 'the authority that signed the PBX, if it is your own',
      content: () => new Secret(context.serviceCertificate),
    },
  ]
}

function fileOf(contentType: string, body: string): DoorFile {
  return {
    contentType,
    body,
    etag: `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`,
    notModified: false,
  }
}
