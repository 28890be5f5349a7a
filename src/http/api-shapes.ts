/** The bodies of the API, said once: requests are checked against them, OpenAPI and the route types are made from them. */
import { z } from 'zod'
import { languages } from '../domain/language.ts'
import { roles } from '../domain/token.ts'
import { calls, callsInput, dialPlan } from './calls-shapes.ts'
import {
  effectiveSetting,
  filePreview,
  handsetFile,
  phoneSetting,
  phoneSettingChange,
  templateReload,
} from './file-shapes.ts'
import { gateway } from './gateway-shape.ts'
import { importRun } from './import-shapes.ts'

export const time = z.string().describe('ISO 8601, UTC')
const facts = z.record(z.string(), z.unknown())

/** `default`: the language of RINGFENCE_MAIL_LANGUAGE. */
export const mailChoice = z.enum(['default', ...languages])

// Requests. Only shape and size are checked here; what an e-mail address or a MAC is, the domain decides.
const handsetInput = z.strictObject({
  model: z.string().max(100),
  mac: z.string().max(40).nullish(),
  gateway: z.string().max(40).optional(),
  gatewayOf: z.string().max(254).optional().describe('somebody of the same home, or the network of its phones'),
})

export const onboardRequest = z.strictObject({
  name: z.string().max(500),
  email: z.string().max(500),
  extension: z.string().max(40),
  pbx: z.string().max(40).optional().describe('name of the PBX that has the extension; absent: the first'),
  adopt: z.boolean().optional().describe('true: takes over an extension that is on the PBX already'),
  handsets: z.array(handsetInput.omit({ gateway: true, gatewayOf: true })).max(20),
  gateway: z.string().max(40).optional(),
  gatewayOf: z.string().max(254).optional().describe('somebody of the same home, or the network of its phones'),
  calls: callsInput.optional().describe('what the extension may dial'),
  mail: mailChoice.optional().describe('sends the link by mail, in this language'),
})
export const handsetRequest = handsetInput
export const mobileconfigQuery = z.strictObject({ platform: z.enum(['ios', 'macos']) })

export const inviteRequest = z.strictObject({ mail: mailChoice.optional() }).optional()
export const gatewayKeyRequest = z.strictObject({ publicKey: z.string().max(100) })
export const offboardRequest = z.strictObject({ reason: z.string().max(1_000).nullish() }).optional()
export const acknowledgeRequest = z
  .strictObject({
    subjectId: z.string().max(100).nullish().describe('absent: every line of the system'),
    problem: z.string().max(20_000).optional().describe('what the line said; 409 when it says something else by now'),
  })
  .optional()
export const tokenRequest = z.strictObject({ label: z.string().min(1).max(100), role: z.enum(roles) })
export const phoneSettingRequest = z.strictObject({ value: z.string().max(20_000) })
export const emptyRequest = z.strictObject({}).optional()
export const employeesQuery = z.strictObject({ lifecycle: z.enum(['active', 'offboarding', 'offboarded']).optional() })

// Answers.
export const accessLine = z.object({
  system: z.string(),
  instance: z.string(),
  subject: z.object({
    kind: z.string(),
    id: z.string(),
    name: z.string().nullish().describe('whose door, in words'),
    mark: z.string().nullish().describe('what it is known by: address, start of a key, serial, account'),
  }),
  wanted: z.enum(['open', 'closed']),
  verdict: z.enum(['converged', 'retrying', 'waiting', 'unverifiable']),
  evidence: z.object({ summary: z.string(), facts }).nullable(),
  problem: z.string().nullable(),
  hint: z.string().nullable(),
  nextTryAt: time.nullable(),
  at: time,
  shutAt: time.nullish().describe('since when it has to be shut; null while it is open'),
  acknowledged: z.object({ by: z.string(), at: time }).nullable(),
})

const handset = z.object({
  id: z.string(),
  model: z.string(),
  mac: z.string().nullable(),
  tunnelId: z.string().nullable(),
  phoneAddress: z.string().nullable().describe('reserved behind a home gateway'),
  certificate: z.object({ serial: z.string().describe('hex'), notAfter: time }).nullable(),
  certificateNote: z.string().nullable(),
  files: z.array(z.string()),
  enrolledAt: time.nullable(),
  removedAt: time.nullable(),
  status: z.string().describe('in words; for people'),
  seen: z
    .object({ model: z.string().nullable(), firmware: z.string().nullable(), mac: z.string().nullable(), at: time })
    .nullable()
    .describe('what it last said of itself; a hint, never an authority'),
  warnings: z.array(z.string()),
  blankedAt: time.nullable().describe('first fetch of the document that takes the account away'),
})

const tunnel = z.object({
  id: z.string(),
  carrier: z.object({ kind: z.enum(['handset', 'gateway']), id: z.string() }),
  addresses: z.array(z.string()),
  publicKey: z.string().nullable(),
  keyOrigin: z.string(),
  lastHandshakeAt: time.nullable(),
})

export const employee = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  extension: z.string(),
  pbx: z.string().describe('name of the PBX that has the extension'),
  calls: calls.nullable().describe("what may be dialled; null: the PBX's own rules alone"),
  lifecycle: z.enum(['active', 'offboarding', 'offboarded']),
  createdAt: time,
  offboardRequestedAt: time.nullable(),
  offboardedAt: time.nullable(),
  handsets: z.array(handset),
  tunnels: z.array(tunnel),
  gateways: z.array(gateway).describe('also those of others that carry their phones, or stayed when they left'),
  access: z.array(accessLine),
})

/** The employee, and this once the bearer secrets. */
export const created = employee.extend({
  handsets: z.array(handset.extend({ provisioningUrl: z.string().optional().describe('a secret; ends in /') })),
  invite: z.object({ url: z.string().describe('a secret'), expiresAt: time }),
  warnings: z.array(z.string()),
})

export const resynced = z.object({
  handsetId: z.string(),
  outcome: z.enum(['told', 'not-registered', 'no-event', 'pbx-cannot']),
  words: z.string(),
})

export const blanked = z.object({
  employee,
  words: z.string().describe('how the phone comes to its blanking document'),
})

export const phonePasswords = z.object({
  admin: z.string().nullable().describe('a secret; null where the file of the phone sets none'),
  user: z.string().nullable().describe('a secret'),
  generation: z.int(),
})

export const pbxPlace = z.object({ name: z.string(), site: z.string(), address: z.string().nullable() })

export const leaverFile = z.object({
  version: z.literal(1),
  complete: z.boolean(),
  employee: z.object({
    id: z.string(),
    name: z.string(),
    email: z.string(),
    extension: z.string(),
    pbx: pbxPlace.nullish().describe('where they held the extension; files of before do not say it'),
  }),
  requestedAt: time,
  requestedBy: z.string(),
  reason: z.string().nullable(),
  completedAt: time.nullable(),
  durationMs: z.number().nullable(),
  doors: z.array(accessLine),
  handsets: z.array(
    z.object({
      model: z.string(),
      mac: z.string().nullable(),
      certificateSerials: z.array(z.string()),
      takenBackAt: time.nullish().describe('before the click'),
    }),
  ),
  gateways: z
    .array(z.object({ kind: z.string() }))
    .optional()
    .describe('home gateways that were theirs to the end'),
  addenda: z.array(z.object({ at: time, kind: z.string(), summary: z.string() })),
  auditHead: z.object({ position: z.number(), hash: z.string() }).nullable(),
})

export const sipSecret = z.object({
  extension: z.string(),
  username: z.string().describe('the login name, or authentication id'),
  generation: z.int(),
  secret: z.string().describe('the SIP password'),
})

export const token = z.object({
  id: z.string(),
  label: z.string(),
  role: z.enum(roles),
  createdAt: time,
  createdBy: z.string(),
  lastUsedAt: time.nullable(),
  revokedAt: time.nullable(),
})
export const createdToken = token.extend({ token: z.string().describe('a secret; shown this once') })

export const model = z.object({
  id: z.string(),
  vendor: z.string(),
  kind: z.enum(['desk-phone', 'softphone', 'gateway']),
  name: z.string(),
  capabilities: z.object({
    clientCertificate: z.enum(['provisioned', 'by-hand', 'none']),
    acceptsPrivateCa: z.boolean(),
    ownTunnel: z.boolean().describe('false: it needs a home gateway'),
    srtpForced: z.boolean(),
    resyncEvent: z.string().nullable().describe('the NOTIFY event that makes it fetch again'),
    blanking: z.boolean().describe('a document that takes everything away when fetched'),
    testedOnHardware: z.boolean(),
  }),
  notes: z.array(z.string()),
  warnings: z.array(z.string()).describe('said each time it is handed out'),
})

export const doctorReport = z.object({
  checks: z.array(
    z.object({
      area: z.enum(['host', 'hub', 'phone door', 'pbx', 'edge', 'pki', 'store', 'settings', 'templates']),
      state: z.enum(['ok', 'note', 'problem']),
      message: z.string(),
      hint: z.string().nullable(),
    }),
  ),
})

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.string().describe('stable; for scripts'),
  hint: z.string().optional().describe('what to do next'),
  problems: z.array(
    z.object({
      field: z.string().optional(),
      row: z.number().optional(),
      message: z.string(),
      hint: z.string().optional(),
    }),
  ),
})

export const health = z.object({ status: z.literal('ok') })
export const erased = z.object({ id: z.string(), erased: z.literal(true) })

/** Lists are complete: there is no paging in version 1. */
export function listOf<Item extends z.ZodType>(item: Item): z.ZodObject<{ items: z.ZodArray<Item> }> {
  return z.object({ items: z.array(item) })
}

/** The shapes that OpenAPI shows under a name. */
export const namedShapes: Readonly<Record<string, z.ZodType>> = {
  AccessLine: accessLine,
  Employee: employee,
  CreatedEmployee: created,
  LeaverFile: leaverFile,
  ImportRun: importRun,
  Token: token,
  CreatedToken: createdToken,
  Model: model,
  PhoneSetting: phoneSetting,
  EffectiveSetting: effectiveSetting,
  DoctorReport: doctorReport,
  HandsetFile: handsetFile,
  FilePreview: filePreview,
  TemplateReload: templateReload,
  PhoneSettingChange: phoneSettingChange,
  DialPlan: dialPlan,
  Problem: problem,
}
