import { z } from 'zod'
import { Secret } from '../../domain/secret.ts'
import { callerName } from '../caller-name.ts'
import type { PbxAccount } from '../pbx-driver.ts'
import type { FreepbxApi } from './freepbx-api.ts'

/**
 * Extensions as FreePBX's API shows and changes them (FreePBX/core, Api/Gql/Extensions.php and Users.php). Its
 * `updateExtension` deletes the extension and makes a new one from what it is given, so it is always given everything
 * that the API can carry, and what is missing afterwards is put back as far as there is a way.
 */

/** Settings of the extension's user: the name by which the API shows each, and the one by which it takes it. */
const userFields = {
  name: 'name',
  password: 'password',
  voicemail: 'voicemail',
  ringtimer: 'ringtimer',
  noanswer: 'noanswer',
  recording: 'recording',
  outboundCid: 'outboundcid',
  sipname: 'sipname',
  noanswerCid: 'noanswer_cid',
  busyCid: 'busy_cid',
  chanunavailCid: 'chanunavail_cid',
  noanswerDestination: 'noanswer_dest',
  busyDestination: 'busy_dest',
  chanunavailDestination: 'chanunavail_dest',
  mohclass: 'mohclass',
  callwaiting: 'callwaiting',
  recording_in_external: 'recording_in_external',
  recording_out_external: 'recording_out_external',
  recording_in_internal: 'recording_in_internal',
  recording_out_internal: 'recording_out_internal',
  recording_ondemand: 'recording_ondemand',
  recording_priority: 'recording_priority',
} as const

const deviceFields = ['dial', 'devicetype', 'description', 'emergencyCid'] as const

const setting = z.union([z.string(), z.number()]).nullish()

const extensionShape = z.object({
  extensionId: z.string(),
  tech: z.string(),
  user: z.record(z.string(), setting).nullable(),
  coreDevice: z.record(z.string(), setting),
})

export type FreepbxExtension = z.infer<typeof extensionShape>

const listShape = z.object({
  status: z.literal(true),
  totalCount: z.number().int(),
  extension: z.array(
    z.object({
      extensionId: z.string(),
      tech: z.string().nullish(),
      user: z.object({ name: z.string().nullish(), voicemail: z.string().nullish() }).nullish(),
      coreDevice: z.object({ devicetype: z.string().nullish() }).nullish(),
    }),
  ),
})

export type ListedExtension = z.infer<typeof listShape>['extension'][number]

const done = z.object({ status: z.literal(true) })

/** All of them; fewer than FreePBX itself counts is a partial answer, and an error. */
export async function listExtensions(
  api: FreepbxApi,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ListedExtension>> {
  const query =
    'query { fetchAllExtensions { status message totalCount extension { extensionId tech user { name voicemail } coreDevice { devicetype } } } }'
  const whole = listShape.refine(({ totalCount, extension }) => totalCount === extension.length)
  const { extension } = await api.ask({ field: 'fetchAllExtensions', query }, whole, signal)
  return new Map(extension.map((one) => [one.extensionId, one]))
}

export function fetchExtension(api: FreepbxApi, id: string, signal: AbortSignal): Promise<FreepbxExtension> {
  const query = `query ($id: ID!) { fetchExtension(extensionId: $id) { status message extensionId tech user { ${[...Object.keys(userFields), 'extPassword'].join(' ')} } coreDevice { ${deviceFields.join(' ')} } } }`
  const whole = extensionShape.refine(({ extensionId, user }) => extensionId === id && user !== null)
  return api.ask({ field: 'fetchExtension', query, variables: { id } }, whole, signal)
}

/** FreePBX chooses the secret itself; there is no field for one. */
export async function addExtension(api: FreepbxApi, account: PbxAccount, signal: AbortSignal): Promise<void> {
  const { extension, maxContacts } = account
  const input = {
    extensionId: extension,
    tech: 'pjsip',
    name: nameOf(account),
    email: '',
    // Without this FreePBX makes a login to its own pages and mails the password to the person.
    umEnable: false,
    vmEnable: false,
    maxContacts: String(maxContacts),
  }
  await api.ask({ field: 'addExtension', query: mutation('addExtension'), variables: { input } }, done, signal)
}

export async function deleteExtension(api: FreepbxApi, extensionId: string, signal: AbortSignal): Promise<void> {
  const variables = { input: { extensionId } }
  await api.ask({ field: 'deleteExtension', query: mutation('deleteExtension'), variables }, done, signal)
}

/** The whole extension as it is, with another secret. */
export async function updateExtension(
  api: FreepbxApi,
  before: FreepbxExtension,
  { secret, maxContacts }: { secret: Secret; maxContacts: number },
  signal: AbortSignal,
): Promise<void> {
  const { extensionId, tech, user, coreDevice } = before
  const input = {
    extensionId,
    tech,
    name: text(user?.name) || extensionId,
    outboundCid: String(user?.outboundCid ?? ''),
    emergencyCid: String(coreDevice.emergencyCid ?? ''),
    // `novm` is FreePBX's word for none; with a box it reads the PIN itself and makes the box anew.
    vmEnable: hasVoicemail(before),
    umEnable: false,
    maxContacts: String(maxContacts),
    extPassword: secret,
  }
  await api.ask({ field: 'updateExtension', query: mutation('updateExtension'), variables: { input } }, done, signal)
}

/** What the extension had and has no more, in FreePBX's own words; values only for the restoring, never to be shown. */
export function lostSettings(before: FreepbxExtension, after: FreepbxExtension): string[] {
  const wasUser = before.user ?? {}
  const isUser = after.user ?? {}
  const ofUser = Object.keys(userFields).filter((key) => text(wasUser[key]) !== text(isUser[key]))
  const ofDevice = deviceFields.filter((key) => text(before.coreDevice[key]) !== text(after.coreDevice[key]))
  return [...ofUser, ...ofDevice]
}

/** Puts the user's settings back; those of the device have no way back in this API. */
export async function restoreUser(api: FreepbxApi, before: FreepbxExtension, signal: AbortSignal): Promise<void> {
  const values = Object.entries(userFields).flatMap(([shown, taken]) => {
    const value = before.user?.[shown]
    if (value === null || value === undefined) return []
    const isNumber = shown === 'ringtimer' || shown === 'recording_priority'
    const given = isNumber ? Number(value) : shown === 'password' ? new Secret(String(value)) : String(value)
    return [[taken, given] as const]
  })
  // Required by the API, if only as nothing.
  const required = ['noanswer_cid', 'busy_cid', 'chanunavail_cid', 'noanswer_dest', 'busy_dest', 'chanunavail_dest']
  const nothing = Object.fromEntries(required.map((name) => [name, '']))
  const input = { ...nothing, ...Object.fromEntries(values), extension: before.extensionId }
  const query = 'mutation ($input: updateCoreUserInput!) { updateCoreUser(input: $input) { coreuser { extension } } }'
  await api.ask({ field: 'updateCoreUser', query, variables: { input } }, z.object({}), signal)
}

export function nameOf({ displayName, extension }: PbxAccount): string {
  return callerName(displayName) || extension
}

export function hasVoicemail({ user }: Pick<FreepbxExtension | ListedExtension, 'user'>): boolean {
  const voicemail = text(user?.voicemail)
  return voicemail !== '' && voicemail !== 'novm'
}

function mutation(name: string): string {
  return `mutation ($input: ${name}Input!) { ${name}(input: $input) { status message } }`
}

function text(value: string | number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}
