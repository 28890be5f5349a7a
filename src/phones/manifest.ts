import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import { formats } from './escape.ts'

/**
 * What a vendor's folder says of itself. `sure`: `verified` = read in a document or source of the vendor, or in several
 * independent templates with its values; `seen-in-templates` = in use in somebody's templates; `unknown` = our reading, to
 * be tried on a phone.
 */
const fact = { sure: z.enum(['verified', 'seen-in-templates', 'unknown']), source: z.string().min(10) }

const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/)

/** Models of a vendor that get other files than its other models. */
const familyName = z.string().regex(/^[a-z0-9-]+$/)

/** Files that are no template. */
const plainContents = ['ca-certificate', 'client-certificate-and-key', 'client-certificate', 'client-key'] as const

const capabilities = z.strictObject({
  clientCertificate: z.enum(['provisioned', 'by-hand', 'none']),
  acceptsPrivateCa: z.boolean(),
  ownTunnel: z.boolean(),
  srtpForced: z.boolean(),
  blanking: z.boolean(),
  testedOnHardware: z.boolean(),
})

const common = {
  /** What the phone asks for: `{mac}.cfg` in lower case, `{MAC}` in upper case, else a variable of the model: `y{hardwareId}.cfg`. */
  name: z.string().regex(/^[A-Za-z0-9._{}-]{1,80}$/),
  contentType: z.string().regex(/^[a-z]+\/[a-z0-9.+-]+(; charset=utf-8)?$/),
  purpose: z.string(),
  /** Only for models of these families; without it for all of the vendor's. */
  families: z.array(familyName).min(1).optional(),
}

const file = z.union([
  z.strictObject({
    ...common,
    format: z.enum(formats),
    template: fileName,
    /** The template of the document that takes everything away; null: answer as for an unknown file. */
    blanking: fileName.nullable(),
  }),
  z.strictObject({ ...common, content: z.enum(plainContents) }),
])

/** How an app gets its settings, in words for the employee; the join page draws what goes with them. */
const signInShape = z.strictObject({
  /** What people call the app. */
  app: z.string().min(1),
  /** `scan`: the address of the first file as a QR code and as text; `type`: as text only; `save`: every file is saved by hand. */
  how: z.enum(['scan', 'type', 'save']),
  /** Opened by a tap on the device with the app: `{url}` is the address, `{urlWithoutScheme}` the same from the host on. */
  deepLink: z
    .string()
    .regex(/^(?!javascript:|data:|https?:)[a-z][a-z0-9+.-]*:[^{}]*\{(url|urlWithoutScheme)\}$/)
    .nullable(),
  /** Sentences, one a step. */
  words: z.array(z.string().min(10)).min(1),
  /** The same sentences in other languages, as many of them. */
  translations: z.record(z.string().regex(/^[a-z]{2}$/), z.array(z.string().min(10))).default({}),
  /** Where the app is to be had. */
  stores: z
    .partialRecord(
      z.enum(['ios', 'android', 'macos', 'windows', 'linux']),
      z.strictObject({ url: z.url({ protocol: /^https$/ }), ...fact }),
    )
    .default({}),
})

const signIn = signInShape.refine(
  ({ words, translations }) => Object.values(translations).every(({ length }) => length === words.length),
  { path: ['translations'], message: 'a translation has as many sentences as there are words' },
)

const vendorSchema = z.strictObject({
  name: z.string().min(1),
  firmwareFloor: z.strictObject({ version: z.string().nullable(), ...fact }),
  /** A sentence for whoever types the address into the phone, where the address alone is not what it wants. */
  typing: z.string().min(10).optional(),
  resync: z.strictObject({ event: z.string().nullable(), ...fact }),
  polling: z.strictObject({ minimumMinutes: z.number().int().positive().nullable(), ...fact }),
  macPrefixes: z.strictObject({ prefixes: z.array(z.string().regex(/^[0-9a-f]{6}$/)), ...fact }),
  models: z
    .array(
      z
        .strictObject({
          id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)+$/),
          name: z.string().min(1),
          kind: z.enum(['desk-phone', 'softphone']),
          family: familyName.optional(),
          /** Filled into file names. */
          variables: z.record(z.string(), z.string().regex(/^[A-Za-z0-9_-]+$/)),
          capabilities,
          notes: z.array(z.string()),
          /** Why it is an experiment: every listing says so. */
          experimental: z.string().min(20).optional(),
          /** Sentences that whoever hands it out must hear each time. */
          warnings: z.array(z.string()).default([]),
          signIn: signIn.optional(),
        })
        .refine((model) => (model.kind === 'softphone') === (model.signIn !== undefined), {
          path: ['signIn'],
          message: 'a softphone needs it, a desk phone has none',
        }),
    )
    .min(1),
  files: z.array(file).min(1),
  parameters: z.array(z.strictObject({ name: z.string().min(1), ...fact })),
})

/** Whether models of this family get the file. */
export function belongsTo(file: ManifestFile, family: string | undefined): boolean {
  return file.families === undefined || (family !== undefined && file.families.includes(family))
}

const gatewaySchema = z.strictObject({
  name: z.string().min(1),
  /** Where its private key is made: `device` tells us only the public one. */
  key: z.enum(['device', 'server']),
  /** What sets it up by itself; without one the installer imports the `.conf` and fills in the rest. */
  script: z
    .strictObject({
      template: fileName,
      /** Of the file that is downloaded: `sh`, `rsc`. */
      extension: z.string().regex(/^[a-z]{1,8}$/),
    })
    .optional(),
  capabilities,
  instructions: fileName,
  notes: z.array(z.string()),
  /** Options that the script sets, and where they were read. */
  parameters: z.array(z.strictObject({ name: z.string().min(1), ...fact })).default([]),
})

export type VendorManifest = z.infer<typeof vendorSchema>
export type PlainContent = (typeof plainContents)[number]
export type ManifestFile = VendorManifest['files'][number]
export type GatewayManifest = z.infer<typeof gatewaySchema>

export interface Folder<T> {
  /** The folder's name, which is the vendor's or the gateway kind's. */
  readonly id: string
  readonly path: string
  readonly manifest: T
}

/** @throws AppError TEMPLATE_INVALID naming the file and every problem in it */
export function readVendors(templatesFolder: string): Promise<readonly Folder<VendorManifest>[]> {
  return readFolders(join(templatesFolder, 'phones'), 'vendor.json', vendorSchema)
}

/** @throws AppError TEMPLATE_INVALID naming the file and every problem in it */
export function readGateways(templatesFolder: string): Promise<readonly Folder<GatewayManifest>[]> {
  return readFolders(join(templatesFolder, 'gateways'), 'gateway.json', gatewaySchema)
}

async function readFolders<T>(parent: string, name: string, schema: z.ZodType<T>): Promise<readonly Folder<T>[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch((cause: unknown) => {
    throw invalid(parent, 'the folder cannot be read', cause)
  })
  const ids = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    ids.sort().map(async (id) => {
      const path = join(parent, id)
      return { id, path, manifest: await readManifest(join(path, name), schema) }
    }),
  )
}

async function readManifest<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readText(path)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw invalid(path, `it is not JSON: ${cause instanceof Error ? cause.message : 'unreadable'}`, cause)
  }
  const checked = schema.safeParse(json)
  if (checked.success) return checked.data
  throw new AppError('TEMPLATE_INVALID', `${path} has ${checked.error.issues.length} problems`, {
    hint: 'correct the entries named, or put the file back as it was delivered',
    problems: checked.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
  })
}

/** @throws AppError TEMPLATE_INVALID */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw invalid(path, 'it cannot be read', cause)
  }
}

export function invalid(path: string, what: string, cause?: unknown): AppError {
  return new AppError('TEMPLATE_INVALID', `${path}: ${what}`, {
    hint: 'correct the file, or put it back as it was delivered',
    cause,
  })
}
