import { z } from 'zod'
import { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'
import { tokenKeeper } from '../api-token.ts'
import { type PbxHttpAddress, unreachable } from '../pbx-http.ts'
import { type JsonAnswer, pbxJson } from '../pbx-json.ts'

/**
 * The open interface of the Yeastar P-Series, `/openapi/v1.0`, by its developer guide. It says "no" with HTTP 200 and an
 * `errcode`, wants its token in the query and a User-Agent in every request.
 */
export interface YeastarAccess extends PbxHttpAddress {
  readonly clientId: string
  readonly clientSecret: Secret
  readonly now?: () => number
}

const clientSchema = z.looseObject({
  status: z.number().nullish(),
  status_list: z.array(z.looseObject({ status: z.number().nullish(), ip: z.string().nullish() })).nullish(),
})
/** Of `extension/list`: what is registered, and who it is. */
const listedSchema = z.object({
  id: z.number().int(),
  number: z.string(),
  caller_id_name: z.string().nullish(),
  email_addr: z.string().nullish(),
  presence_status: z.string().nullish(),
  online_status: z.record(z.string(), clientSchema.nullish()).nullish(),
})
export type YeastarListed = z.infer<typeof listedSchema>

const detailSchema = z.looseObject({ id: z.number().int(), reg_name: z.string().nullish() })
export type YeastarDetail = z.infer<typeof detailSchema>

const callSchema = z.object({
  call_id: z.string(),
  members: z.array(
    z.looseObject({ extension: z.looseObject({ number: z.string(), channel_id: z.string() }).optional() }),
  ),
})
export type YeastarCall = z.infer<typeof callSchema>

export type YeastarApi = ReturnType<typeof yeastarApi>

const pageSize = 100
/** TOKEN EXPIRED, also said of one that another login ended. */
const tokenExpired = 10004
/** INTERFACE NOT EXISTED: an older firmware. */
const unknownInterface = 10001
/** DATA NOT FOUND. */
const nothingThere = 60001
/** Too many logins. */
const tooOften = 60002

const statusSchema = z.looseObject({ errcode: z.number().int(), errmsg: z.string().nullish() })

export function yeastarApi(access: YeastarAccess) {
  const send = pbxJson(access)
  const headers = { 'user-agent': 'OpenAPI' }
  const token = tokenKeeper((signal) => logIn(signal), access.now ?? (() => performance.now()))

  async function logIn(signal: AbortSignal) {
    const words = 'the login'
    const json = { username: access.clientId, password: access.clientSecret }
    const answer = await send({ method: 'POST', path: '/openapi/v1.0/get_token', headers, json, words }, signal)
    const { errcode } = shaped(statusSchema, answer, words)
    if (errcode === tooOften) throw unreachable('the PBX wants no further login for a while')
    if (errcode !== 0) {
      throw new AppError('PBX_REFUSED', `the PBX refused the login of the API client (error ${errcode})`, {
        hint: 'compare client id and secret with Integrations > API on the PBX; at most 8 tokens may be in use at a time',
        retryable: true,
      })
    }
    const schema = z.object({ access_token: z.string().min(1), access_token_expire_time: z.number().positive() })
    const given = shaped(schema, answer, words)
    return { value: new Secret(given.access_token), lifetimeMs: given.access_token_expire_time * 1000 }
  }

  /** The answer of one endpoint; null when its data is not found. */
  async function ask<T>(
    endpoint: string,
    { query = {}, json }: { query?: Readonly<Record<string, string>>; json?: unknown },
    schema: z.ZodType<T>,
    words: string,
    signal: AbortSignal,
  ): Promise<T | null> {
    const answer = await token.with(async (secret) => {
      const search = new URLSearchParams({ ...query, access_token: secret.reveal() })
      const path = `/openapi/v1.0/${endpoint}?${search}`
      const method = json === undefined ? 'GET' : 'POST'
      const given = await send({ method, path, headers, json, words, secrets: [secret] }, signal)
      if (given.status === 401) return null
      return shaped(statusSchema, given, words).errcode === tokenExpired ? null : given
    }, signal)
    const { errcode, errmsg } = shaped(statusSchema, answer, words)
    if (errcode === 0) return shaped(schema, answer, words)
    if (errcode === nothingThere) return null
    throw refusal(errcode, errmsg ?? '', words)
  }

  async function must<T>(...question: Parameters<typeof ask<T>>): Promise<T> {
    const answer = await ask(...question)
    if (answer === null) throw refusal(nothingThere, 'DATA NOT FOUND', question[3])
    return answer
  }

  return {
    async version(signal: AbortSignal): Promise<string> {
      const schema = z.looseObject({ data: z.record(z.string(), z.unknown()) })
      const { data } = await must('system/information', {}, schema, 'the system information', signal)
      const text = (name: string) => (typeof data[name] === 'string' ? data[name] : '')
      return `${text('model_name') || text('product_name') || 'P-Series'} ${text('firmware_version')}`.trim()
    },
    async list(signal: AbortSignal): Promise<YeastarListed[]> {
      const items = new Map<number, YeastarListed>()
      let announced: number | null = null
      for (let page = 1; ; page++) {
        const query = { page: `${page}`, page_size: `${pageSize}`, sort_by: 'number', order_by: 'asc' }
        const words = 'the list of extensions'
        const schema = z.looseObject({ total_number: z.number().int(), data: z.array(listedSchema).nullish() })
        const { total_number: total, data } = await must('extension/list', { query }, schema, words, signal)
        announced ??= total
        // One added or removed meanwhile moves the pages: one would be read twice, another not at all.
        if (total !== announced || data?.some(({ id }) => items.has(id)))
          throw unreachable('the list of extensions changed while the PBX was sending it')
        for (const one of data ?? []) items.set(one.id, one)
        if (items.size === total) return [...items.values()]
        if (!data?.length || items.size > total)
          throw unreachable(`the PBX announced ${total} extensions and sent ${items.size}`)
      }
    },
    async detail(id: string, signal: AbortSignal): Promise<YeastarDetail | null> {
      const schema = z.looseObject({ data: detailSchema })
      return (await ask('extension/get', { query: { id } }, schema, 'one extension', signal))?.data ?? null
    },
    /** Base64 on the wire. */
    async registrationPassword(id: string, signal: AbortSignal): Promise<Secret> {
      const schema = z.looseObject({ password: z.string() })
      const query = { id, type: 'reg_password' }
      const words = 'the registration password'
      const { password } = await must('extension/getpassword', { query }, schema, words, signal)
      return new Secret(Buffer.from(password, 'base64').toString('utf8'))
    },
    async create(fields: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<string> {
      const schema = z.looseObject({ id: z.number().int() })
      return String((await must('extension/create', { json: fields }, schema, 'the new extension', signal)).id)
    },
    async update(id: string, fields: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void> {
      await must('extension/update', { json: { id: Number(id), ...fields } }, statusSchema, 'the change', signal)
    },
    async calls(signal: AbortSignal): Promise<YeastarCall[]> {
      const schema = z.looseObject({ data: z.array(callSchema).nullish() })
      return (await ask('call/query', {}, schema, 'the calls', signal))?.data ?? []
    },
    /** That it ended by itself meanwhile is as good. */
    async hangUp(channel: string, signal: AbortSignal): Promise<void> {
      await ask('call/hangup', { json: { channel_id: channel } }, statusSchema, 'the end of a call', signal)
    },
  }
}

function shaped<T>(schema: z.ZodType<T>, { status, body }: JsonAnswer, words: string): T {
  if (status >= 500) throw unreachable(`the PBX could not answer (${words}, status ${status})`)
  const parsed = schema.safeParse(body)
  if (status >= 200 && status < 300 && parsed.success) return parsed.data
  // Which field is wrong, never what it holds.
  const field = parsed.success ? '' : (parsed.error.issues[0]?.path.join('.') ?? '')
  throw new AppError('PBX_REFUSED', `the PBX answered something else than ${words} (${field || `status ${status}`})`, {
    hint: 'Ringfence knows the API v1.0 of the P-Series; see whether it is switched on, and whether an update changed it',
    retryable: true,
  })
}

function refusal(errcode: number, errmsg: string, words: string): AppError {
  const hint =
    errcode === unknownInterface
      ? 'the firmware is too old for this: update the PBX'
      : "see Integrations > API on the PBX: the client must be allowed to read and change extensions and calls, from this server's address"
  return new AppError('PBX_REFUSED', `the PBX refused ${words}: ${errmsg.slice(0, 100)} (error ${errcode})`, {
    hint,
    retryable: true,
  })
}
