import { z } from 'zod'
import { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'
import { tokenKeeper } from '../api-token.ts'
import { type PbxHttpAddress, unreachable } from '../pbx-http.ts'
import { type JsonAnswer, type JsonQuestion, pbxJson } from '../pbx-json.ts'

/**
 * The configuration interface of 3CX v20 (XAPI), an OData service at `/xapi/v1`. Paths, fields and actions are those of
 * its OpenAPI description 3.0.4; the login is OAuth 2 client credentials at `/connect/token`.
 */
export interface ThreeCxAccess extends PbxHttpAddress {
  /** The client's name in 3CX, which is a number of its numbering plan too. */
  readonly clientId: string
  readonly clientSecret: Secret
  readonly now?: () => number
}

/** `Pbx.User`, the fields that Ringfence knows by name; all others are carried along. */
const userSchema = z.looseObject({
  Id: z.number().int(),
  Number: z.string().nullish(),
  FirstName: z.string().nullish(),
  LastName: z.string().nullish(),
  EmailAddress: z.string().nullish(),
  Mobile: z.string().nullish(),
  AuthID: z.string().nullish(),
  AuthPassword: z.string().nullish(),
  Enabled: z.boolean().nullish(),
  IsRegistered: z.boolean().nullish(),
})
export type ThreeCxUser = z.infer<typeof userSchema>

const callSchema = z.object({ Id: z.number().int(), Caller: z.string().nullish(), Callee: z.string().nullish() })
export type ThreeCxCall = z.infer<typeof callSchema>

/** `Pbx.OutboundRoute`: which trunk, and what it gets to dial. */
const routeSchema = z.object({
  StripDigits: z.number().int().nullish(),
  Prepend: z.string().nullish(),
  Append: z.string().nullish(),
})

/** `Pbx.OutboundRule`, what says who may dial what. Without the lists nothing could be said, so they must be there. */
const ruleSchema = z.object({
  Id: z.number().int(),
  Name: z.string().nullish(),
  Prefix: z.string().nullish(),
  NumberLengthRanges: z.string().nullish(),
  DNRanges: z.array(z.object({ From: z.string().nullish(), To: z.string().nullish() })),
  GroupIds: z.array(z.number().int()),
  GroupNames: z.array(z.string().nullable()),
  EmergencyRule: z.boolean().nullish(),
  Routes: z.array(routeSchema),
})
export type ThreeCxRule = z.infer<typeof ruleSchema>

const destinationSchema = z.object({ To: z.string().nullish(), External: z.string().nullish() }).nullish()
const profileSchema = z.object({
  Name: z.string().nullish(),
  RingMyMobile: z.boolean().nullish(),
  AvailableRoute: z.record(z.string(), z.unknown()).nullish(),
  AwayRoute: z.record(z.string(), z.unknown()).nullish(),
})
export type ThreeCxProfile = z.infer<typeof profileSchema>

/** `Pbx.User` with `ForwardingExceptions`, an array of `Pbx.ExtensionRule`. */
const exceptionsSchema = z.object({
  VMEnabled: z.boolean().nullish(),
  VMDisablePinAuth: z.boolean().nullish(),
  ForwardingExceptions: z.array(z.object({ CallerId: z.string().nullish(), Destination: destinationSchema })),
})
export type ThreeCxExceptions = z.infer<typeof exceptionsSchema>
export const asDestination = (value: unknown) => destinationSchema.safeParse(value).data ?? null

export type ThreeCxApi = ReturnType<typeof threeCxApi>

/** 3CX refuses a longer page of users. */
const pageSize = 100

export function threeCxApi(access: ThreeCxAccess) {
  const json = pbxJson(access)
  const token = tokenKeeper((signal) => logIn(signal), access.now ?? (() => performance.now()))

  async function logIn(signal: AbortSignal) {
    const form = {
      client_id: access.clientId,
      client_secret: access.clientSecret,
      grant_type: 'client_credentials',
    }
    const answer = await json({ method: 'POST', path: '/connect/token', form, words: 'the login' }, signal)
    if (answer.status >= 400 && answer.status < 500) {
      throw new AppError('PBX_REFUSED', `3CX refused the login of API client ${JSON.stringify(access.clientId)}`, {
        hint: 'compare client id and key with Integrations > API in the 3CX admin console; the key is shown only once',
        retryable: true,
      })
    }
    const body = shaped(
      z.object({ access_token: z.string().min(1), expires_in: z.number().positive() }),
      answer,
      'the login',
    )
    return { value: new Secret(body.access_token), lifetimeMs: body.expires_in * 1000 }
  }

  /** Null: it is not there. */
  async function ask(question: JsonQuestion, signal: AbortSignal): Promise<JsonAnswer | null> {
    const answer = await token.with(async (secret) => {
      const headers = { authorization: `Bearer ${secret.reveal()}` }
      const given = await json({ ...question, path: `/xapi/v1${question.path}`, headers, secrets: [secret] }, signal)
      return given.status === 401 ? null : given
    }, signal)
    if (answer.status >= 200 && answer.status < 300) return answer
    if (answer.status === 404) return null
    throw refusal(answer, question.words)
  }

  async function must(question: JsonQuestion, signal: AbortSignal): Promise<JsonAnswer> {
    const answer = await ask(question, signal)
    if (answer === null) throw refusal({ status: 404, body: null }, question.words)
    return answer
  }

  /**
   * All pages, and as many as the service says there are. One that is added or removed meanwhile moves the pages: somebody
   * would be read twice and somebody else not at all, so such a listing is none.
   */
  async function collection<T extends object>(
    path: string,
    item: z.ZodType<T>,
    words: string,
    signal: AbortSignal,
  ): Promise<T[]> {
    const items: T[] = []
    const ids = new Set<unknown>()
    let announced: number | null = null
    for (;;) {
      const query = `$top=${pageSize}&$skip=${items.length}&$count=true`
      const page = shaped(
        z.object({ '@odata.count': z.number().int(), value: z.array(item) }),
        await must({ method: 'GET', path: `${path}${path.includes('?') ? '&' : '?'}${query}`, words }, signal),
        words,
      )
      const total = page['@odata.count']
      announced ??= total
      for (const one of page.value) {
        const id = 'Id' in one ? one.Id : one
        if (ids.has(id) || total !== announced) throw unreachable(`${words} changed while 3CX was sending it`)
        ids.add(id)
        items.push(one)
      }
      if (items.length === total) return items
      if (page.value.length === 0 || items.length > total)
        throw unreachable(`3CX announced ${total} entries of ${words} and sent ${items.length}`)
    }
  }

  const users = (filter: string | null, signal: AbortSignal) =>
    collection(
      `/Users?$orderby=Number&$select=${listFields}${filter === null ? '' : `&$filter=${encodeURIComponent(filter)}`}`,
      userSchema,
      'the list of users',
      signal,
    )

  return {
    async version(signal: AbortSignal): Promise<string> {
      const words = 'the system status'
      const path = '/SystemStatus?$select=Version'
      return shaped(z.object({ Version: z.string() }), await must({ method: 'GET', path, words }, signal), words)
        .Version
    },
    users: (signal: AbortSignal) => users(null, signal),
    usersByNumber: (number: string, signal: AbortSignal) => users(`Number eq ${quotedText(number)}`, signal),
    async user(id: string, signal: AbortSignal): Promise<ThreeCxUser | null> {
      const words = 'one user'
      const answer = await ask({ method: 'GET', path: `/Users(${id})`, words }, signal)
      return answer === null ? null : shaped(userSchema, answer, words)
    },
    async createUser(fields: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<ThreeCxUser> {
      const words = 'the new user'
      return shaped(userSchema, await must({ method: 'POST', path: '/Users', json: fields, words }, signal), words)
    },
    async changeUser(id: string, fields: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void> {
      await must({ method: 'PATCH', path: `/Users(${id})`, json: fields, words: 'the change of a user' }, signal)
    },
    async regenerate(id: string, options: Readonly<Record<string, boolean>>, signal: AbortSignal): Promise<void> {
      const words = 'the renewal of a user’s passwords'
      await must({ method: 'POST', path: `/Users(${id})/Pbx.Regenerate`, json: options, words }, signal)
    },
    profiles: (id: string, signal: AbortSignal) =>
      collection(`/Users(${id})/ForwardingProfiles`, profileSchema, 'the forwarding profiles', signal),
    async exceptions(id: string, signal: AbortSignal): Promise<ThreeCxExceptions> {
      const words = 'the exceptions of call forwarding'
      const path = `/Users(${id})?$select=Id,VMEnabled,VMDisablePinAuth&$expand=ForwardingExceptions`
      return shaped(exceptionsSchema, await must({ method: 'GET', path, words }, signal), words)
    },
    /** Whether conferences ask for a PIN; the PIN itself is not asked for. */
    async conferencePin(signal: AbortSignal): Promise<boolean> {
      const words = 'the conference settings'
      const path = '/ConferenceSettings?$select=EnablePin'
      const schema = z.object({ EnablePin: z.boolean() })
      return shaped(schema, await must({ method: 'GET', path, words }, signal), words).EnablePin
    },
    rules: (signal: AbortSignal) =>
      collection(`/OutboundRules?$orderby=Id&$select=${ruleFields}`, ruleSchema, 'the outbound rules', signal),
    calls: (signal: AbortSignal) => collection('/ActiveCalls', callSchema, 'the calls', signal),
    /** That it ended by itself meanwhile is as good. */
    async dropCall(id: string, signal: AbortSignal): Promise<void> {
      await ask({ method: 'POST', path: `/ActiveCalls(${id})/Pbx.DropCall`, words: 'the end of a call' }, signal)
    },
  }
}

const ruleFields = Object.keys(ruleSchema.shape).join(',')
const listFields = 'Id,Number,FirstName,LastName,EmailAddress,Mobile,Enabled,IsRegistered'

/** A string literal of OData: a quote in it is doubled (OData 4.01 URL Conventions, 5.1.1.6.1). */
export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function shaped<T>(schema: z.ZodType<T>, { body, status }: JsonAnswer, words: string): T {
  const parsed = schema.safeParse(body)
  if (status >= 200 && status < 300 && parsed.success) return parsed.data
  // Which field is wrong, never what it holds.
  const where = parsed.success ? `status ${status}` : (parsed.error.issues[0]?.path.join('.') ?? '')
  throw new AppError('PBX_REFUSED', `3CX answered something else than ${words} (${where || `status ${status}`})`, {
    hint: 'Ringfence knows the configuration API of 3CX v20; see whether an update changed it',
    retryable: true,
  })
}

const errorSchema = z.object({ error: z.object({ code: z.string().nullish(), message: z.string().nullish() }) })

function refusal(answer: JsonAnswer, words: string): AppError {
  const told = errorSchema.safeParse(answer.body).data?.error.message?.slice(0, 200) ?? ''
  if (answer.status >= 500) return unreachable(`3CX could not answer (${words}, status ${answer.status})`)
  if (answer.status === 403) {
    return new AppError('PBX_REFUSED', `3CX does not let this API client have ${words}`, {
      hint: 'Integrations > API in the admin console: access to the configuration API, the department, and a role that may manage its users',
      retryable: true,
    })
  }
  return new AppError('PBX_REFUSED', `3CX refused ${words} (status ${answer.status})${told ? `: ${told}` : ''}`, {
    hint: 'if it lacks something for a new user, make the extension in the admin console and take it over',
    retryable: true,
  })
}
