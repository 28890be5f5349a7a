import { z } from 'zod'
import { AppError } from '../errors.ts'
import { formats } from './escape.ts'
import { patternProblem } from './plain-pattern.ts'
import { invalid, readTemplateTree, type TemplateFile, type TemplateKind, type TemplateTree } from './template-tree.ts'
import { userAgentGroups } from './user-agent.ts'

/**
 * What a vendor's folder says of itself. `sure`: `verified` = read in a document or source of the vendor, or in several
 * independent templates with its values; `seen-in-templates` = in use in somebody's templates; `unknown` = our reading, to
 * be tried on a phone.
 */
const fact = { sure: z.enum(['verified', 'seen-in-templates', 'unknown']), source: z.string().min(10) }

const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/)

/** Models of a vendor that get other files than its other models. */
const familyName = z.string().regex(/^[a-z0-9-]+$/)

const languageTag = z.string().regex(/^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$/)

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

/** How its phones call themselves when they fetch a file. */
const userAgent = z.strictObject({
  /** A regular expression with groups of these names; plain-pattern.ts says what may stand in it. */
  pattern: z.string().superRefine((source, check) => {
    const problem = patternProblem(source, userAgentGroups)
    if (problem !== null) check.addIssue({ code: 'custom', message: problem })
  }),
  /** How many numbers at the start of the firmware's version name the hardware: `96` in `96.86.0.30`. */
  hardwareParts: z.number().int().min(0).max(3).default(0),
  ...fact,
})

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
  userAgent: userAgent.optional(),
  /** The maker's word for a language, by tag: `{"de": "German"}`. A language that is not here is left out of its files. */
  languages: z.strictObject({ words: z.record(languageTag, z.string().min(1)), ...fact }).optional(),
  /** The maker's word for a zone, by name, where it takes no offset and no rule. */
  timezones: z.strictObject({ words: z.record(z.string(), z.string().min(1)), ...fact }).optional(),
  /** What its file should say and does not, and why: sentences for docs/phones.md. */
  lacks: z.array(z.string().min(10)).default([]),
  macPrefixes: z.strictObject({ prefixes: z.array(z.string().regex(/^[0-9a-f]{6}$/)), ...fact }),
  models: z
    .array(
      z
        .strictObject({
          id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)+$/),
          name: z.string().min(1),
          kind: z.enum(['desk-phone', 'softphone']),
          family: familyName.optional(),
          /** The model's name in its User-Agent; absent where nobody wrote it down. */
          userAgentModel: z.string().min(1).optional(),
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
  /** @throws AppError TEMPLATE_INVALID when there is no such file */
  readonly file: (name: string) => TemplateFile
}

/** @throws AppError TEMPLATE_INVALID naming the file and every problem in it */
export async function readVendors(templatesFolder: string): Promise<readonly Folder<VendorManifest>[]> {
  const tree = await readTemplateTree({ delivered: templatesFolder, own: null })
  return tree.folders('phones').map((id) => vendorFolder(tree, id))
}

/** @throws AppError TEMPLATE_INVALID naming the file and every problem in it */
export async function readGateways(templatesFolder: string): Promise<readonly Folder<GatewayManifest>[]> {
  const tree = await readTemplateTree({ delivered: templatesFolder, own: null })
  return tree.folders('gateways').map((id) => gatewayFolder(tree, id))
}

export function vendorFolder(tree: TemplateTree, id: string): Folder<VendorManifest> {
  return folderOf(tree, 'phones', id, 'vendor.json', vendorSchema)
}

export function gatewayFolder(tree: TemplateTree, id: string): Folder<GatewayManifest> {
  return folderOf(tree, 'gateways', id, 'gateway.json', gatewaySchema)
}

function folderOf<T>(
  tree: TemplateTree,
  kind: TemplateKind,
  id: string,
  name: string,
  schema: z.ZodType<T>,
): Folder<T> {
  return {
    id,
    path: tree.pathOf(kind, id),
    manifest: parsedManifest(tree.take(kind, id, name), schema),
    file: (wanted) => tree.take(kind, id, wanted),
  }
}

function parsedManifest<T>({ path, text }: TemplateFile, schema: z.ZodType<T>): T {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : 'unreadable'
    const line = /\(line (\d+) column \d+\)/.exec(message)?.[1]
    throw invalid(path, `it is not JSON: ${message}`, cause, line === undefined ? undefined : Number(line))
  }
  const checked = schema.safeParse(json)
  if (checked.success) return checked.data
  throw new AppError('TEMPLATE_INVALID', `${path} has ${checked.error.issues.length} problems`, {
    hint: 'correct the entries named, or put the file back as it was delivered; one of your own can also be removed',
    problems: checked.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
  })
}
