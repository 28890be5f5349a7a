/** What somebody typed, checked as a whole: every problem at once, or clean values. */
import { type CallPolicy, parseCallPolicy, withEffect } from '../domain/call-policy.ts'
import { parseEmail, parseName } from '../domain/employee.ts'
import { parseMac } from '../domain/handset.ts'
import { noting, type Problem } from '../domain/parse.ts'
import { parseExtension } from '../domain/sip-account.ts'
import { asAppError } from '../errors.ts'
import type { Catalogue, Model } from '../phones/phone-port.ts'
import type { HandsetInput, OnboardInput } from './application.ts'
import type { JourneyContext } from './context.ts'
import { extensionInUse, type KnownPbx, pbxNamed } from './known-pbx.ts'
import { invalid } from './refusal.ts'

export interface CheckedPerson {
  readonly name: string
  readonly email: string
  readonly extension: string
  readonly pbx: KnownPbx
  /** The extension is there already, and taken over. */
  readonly adopt: boolean
  readonly calls: CallPolicy | null
  readonly handsets: readonly CheckedHandset[]
  readonly gateway: Model | null
}

export interface CheckedHandset {
  readonly model: Model
  readonly mac: string | null
}

/** @throws AppError INVALID_INPUT or MODEL_UNKNOWN with every problem */
export function checkPerson(context: Pick<JourneyContext, 'catalogue' | 'pbxs'>, input: OnboardInput): CheckedPerson {
  const { catalogue } = context
  const problems: Problem[] = []
  const take = noting(problems)
  const pbx = checkPbx(context, input.pbx, problems)
  const name = take(parseName(input.name))
  const email = take(parseEmail(input.email))
  const extension = take(parseExtension(input.extension))
  if (input.handsets.length === 0)
    problems.push({
      field: 'handsets',
      message: 'no handset was named',
      hint: 'such as linphone-mobile, or yealink-t54w=80:5e:c0:aa:bb:cc',
    })
  if (input.handsets.length > 20)
    problems.push({ field: 'handsets', message: 'one person cannot have more than 20 handsets at once' })
  const handsets = input.handsets.map((handset) => checkHandset(catalogue, handset, problems))
  const macs = handsets.flatMap((handset) => handset?.mac ?? [])
  const twice = macs.find((mac, index) => macs.indexOf(mac) !== index)
  if (twice) problems.push({ field: 'mac', message: `${twice} is named twice` })
  const calls = input.calls === undefined ? null : take(withEffect(parseCallPolicy(input.calls)))
  const gateway = checkGateway(catalogue, input.gateway, handsets, problems)
  if (problems.length > 0 || name === null || email === null || extension === null || pbx === null)
    throw invalid(problems)
  return {
    name,
    email,
    extension,
    pbx,
    calls,
    adopt: input.adopt ?? false,
    handsets: handsets as CheckedHandset[],
    gateway,
  }
}

export function checkPbx(
  context: Pick<JourneyContext, 'pbxs'>,
  name: string | undefined,
  problems: Problem[],
): KnownPbx | null {
  try {
    return pbxNamed(context, name)
  } catch (error) {
    problems.push(...asAppError(error).problems)
    return null
  }
}

export function checkHandset(catalogue: Catalogue, input: HandsetInput, problems: Problem[]): CheckedHandset | null {
  const problem = modelProblem(catalogue, input.model, input.mac ?? null)
  if (problem) problems.push(problem)
  const mac = input.mac ? parseMac(input.mac) : null
  if (mac && !mac.ok) problems.push(mac.problem)
  const model = catalogue.model(input.model)
  if (!model || problem || (mac && !mac.ok)) return null
  return { model, mac: mac?.ok ? mac.value : null }
}

/** What is wrong with asking for this model, in words, or null. */
export function modelProblem(catalogue: Catalogue, id: string, mac: string | null): Problem | null {
  const model = catalogue.model(id)
  if (model?.kind === 'gateway')
    return {
      field: 'model',
      message: `${model.id} is a home gateway and no phone`,
      hint: `a gateway is chosen with --gateway ${model.id.replace('gateway-', '')}`,
    }
  if (id.trim() === '')
    return {
      field: 'model',
      message: 'a model is missing',
      hint: 'a handset is named as MODEL or MODEL=MAC, such as yealink-t54w=805ec0aabbcc; `ringfence models` lists the models',
    }
  if (!model) {
    const refusal = catalogue.refusal(id)
    if (refusal)
      return {
        field: 'model',
        message: `${JSON.stringify(id.slice(0, 60))} is not handed out: ${refusal}`,
        hint: 'linphone-mobile and linphone-desktop take their account from here alone',
      }
    return {
      field: 'model',
      message: `${JSON.stringify(id.slice(0, 60))} is not a model that Ringfence knows`,
      hint: modelHint(catalogue, id),
    }
  }
  if (model.kind === 'desk-phone' && !mac)
    return {
      field: 'mac',
      message: `${model.name} needs its MAC address`,
      hint: 'it is printed on the back of the phone',
    }
  if (model.kind === 'softphone' && mac)
    return { field: 'mac', message: `${model.name} is an app and has no MAC address`, hint: 'leave it out' }
  return null
}

function modelHint(catalogue: Catalogue, id: string): string {
  const vendor = id.trim().toLowerCase()
  if (catalogue.models.some((model) => model.vendor === vendor && model.kind !== 'gateway'))
    return `\`ringfence models ${vendor}\` lists the models of that maker`
  const nearest = catalogue.nearest(id)
  return nearest.length > 0 ? `did you mean ${nearest.join(', ')}?` : '`ringfence models` lists them'
}

/** Desk phones that bring no tunnel hang on a home gateway; the plain kind unless another is named. */
export function checkGateway(
  catalogue: Catalogue,
  kind: string | undefined,
  handsets: readonly (CheckedHandset | null)[],
  problems: Problem[],
): Model | null {
  const needed = handsets.some((handset) => handset && !handset.model.capabilities.ownTunnel)
  const gateway = catalogue.model(
    `gateway-${(kind ?? 'plain')
      .trim()
      .toLowerCase()
      .replace(/^gateway-/, '')}`,
  )
  if (gateway?.kind !== 'gateway') {
    const known = catalogue.models
      .filter((model) => model.kind === 'gateway')
      .map((model) => model.id.replace('gateway-', ''))
    problems.push({
      field: 'gateway',
      message: `${JSON.stringify(kind?.slice(0, 40))} is not a kind of home gateway`,
      hint: `one of ${known.join(', ')}`,
    })
    return null
  }
  if (needed) return gateway
  if (kind !== undefined && handsets.every((handset) => handset !== null))
    problems.push({
      field: 'gateway',
      message: `none of these handsets hangs on a home gateway, so the kind ${gateway.id.replace('gateway-', '')} would be given to nobody`,
      hint: 'leave the gateway out: they bring their own tunnel',
    })
  return null
}

/** What a careful person would want to hear before the phone is shipped; never a refusal. */
export function warningsFor(catalogue: Catalogue, handsets: readonly CheckedHandset[]): string[] {
  return handsets.flatMap(({ model, mac }) => [
    ...(mac && catalogue.looksForeign(model.id, mac)
      ? [
          `${mac} does not look like a MAC address of a ${model.name}; check the label. Wrong? \`ringfence handset remove ${mac}\`, then \`ringfence handset add WHO ${model.id}=MAC\``,
        ]
      : []),
    ...model.warnings,
    ...(model.capabilities.clientCertificate === 'none'
      ? [
          model.kind === 'softphone'
            ? `${model.name}: no certificate, this app cannot hold one; its tunnel key is what can be revoked`
            : `${model.name}: no certificate, this phone is given none; the tunnel's key is what can be revoked`,
        ]
      : []),
    ...(model.capabilities.srtpForced
      ? []
      : [`${model.name}: its file is not known to force encrypted speech; let the PBX refuse calls without`]),
    ...(model.capabilities.blanking
      ? []
      : [`${model.name}: what is stored on the device stays there after offboarding; it can no longer be used`]),
    ...(model.capabilities.testedOnHardware ? [] : [`${model.name}: its file has not been tried on the real device`]),
  ])
}

/** As far as it could be read. */
interface Claimant {
  readonly email: string | null
  readonly extension: string | null
  readonly handsets: readonly { readonly mac: string | null }[]
}

/** Who is in the way, found before keys are spent on it; the store's own rules still decide. */
export async function takenBy(
  { store, pbxs }: Pick<JourneyContext, 'store' | 'pbxs'>,
  pbxId: string,
  person: Claimant,
): Promise<Problem[]> {
  const problems: Problem[] = []
  const taken = await store.taken(pbxId, {
    extensions: new Set(person.extension === null ? [] : [person.extension]),
    emails: new Set(person.email === null ? [] : [person.email]),
    macs: new Set(person.handsets.flatMap(({ mac }) => mac ?? [])),
  })
  if (person.extension !== null && taken.extensions.has(person.extension)) {
    const [held] = await store.find('assignment', { pbxId, extension: person.extension, untilAt: null })
    const holder = held && (await store.get('employee', held.employeeId))
    problems.push({
      field: 'extension',
      message: extensionInUse({ pbxs }, { extension: person.extension, pbxId }),
      hint: `${holder ? `${holder.name} <${holder.email}> holds it: offboard them` : 'offboard its holder'} first, or choose another`,
    })
  }
  if (person.email !== null && taken.emails.has(person.email)) {
    problems.push({
      field: 'email',
      message: `${person.email} already has a phone here`,
      hint: '`ringfence handset add` gives the same person another one',
    })
  }
  for (const { mac } of person.handsets) {
    if (mac && taken.macs.has(mac)) {
      problems.push({
        field: 'mac',
        message: `${mac} belongs to a handset that is in use`,
        hint: 'take it back from its holder first',
      })
    }
  }
  return problems
}
