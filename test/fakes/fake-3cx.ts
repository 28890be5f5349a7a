/**
 * A 3CX v20 as its configuration interface shows it, built from its OpenAPI description 3.0.4 and what integrators report:
 * one token at a time, pages of at most 100 users, null where nothing is set. Not the real one.
 */
import { randomBytes } from 'node:crypto'
import { type Asked, type FakeHttps, startFakeHttps, type Told } from './fake-https.ts'

export interface Fake3cx {
  readonly https: FakeHttps
  readonly client: { readonly clientId: string; readonly clientSecret: string }
  readonly faults: Fake3cxFaults
  addUser(number: string, fields?: Record<string, unknown>): number
  removeUser(number: string): void
  user(number: string): Record<string, unknown> | undefined
  /** Everything, for "nothing else changed". */
  snapshot(): string
  /** Status of a REGISTER. */
  register(number: string, authId: string, secret: string): number
  call(number: string, authId: string, secret: string): number
  readonly calls: Map<number, { Caller: string; Callee: string }>
  /** Another program logs in as the same client. */
  logInElsewhere(): void
  readonly logins: () => number
  /** Runs after each page of a listing was sent. */
  afterPage: () => void
  setProfile(number: string, profile: Record<string, unknown>): void
  /** A `Pbx.ExtensionRule`: a rule for single callers. */
  addException(number: string, rule: Record<string, unknown>): void
  readonly conference: { EnablePin: boolean; readonly PinNumber: string }
  /** What the service keeps of outbound rules; a test may change it. */
  readonly rules: FakeRule[]
  addRule(name: string, fields?: Partial<FakeRule>): FakeRule
}

/** `Pbx.OutboundRule`. */
export interface FakeRule {
  Id: number
  Name: string
  Priority: number
  Prefix: string | null
  NumberLengthRanges: string | null
  DNRanges: { From: string; To: string | null }[]
  GroupIds: number[]
  GroupNames: string[]
  EmergencyRule: boolean
  Routes: Record<string, unknown>[]
}

export interface Fake3cxFaults {
  /** 403 to everything but the login. */
  forbidden: boolean
  /** Says yes to a change and makes none. */
  keepOld: boolean
  /** A change of a user resets this field. */
  dropField: string | null
  /** Writes back, too, are lost. */
  dropAgain: boolean
  /** Tokens never last until their use. */
  stealTokens: boolean
  /** Shows no passwords. */
  hideSecrets: boolean
  /** Announces one more than it sends. */
  shortList: boolean
  /** Regenerate leaves the SIP login as it is. */
  keepSipAuth: boolean
  /** The role may not see outbound rules. */
  noRules: boolean
  /** Outbound rules come without this field. */
  dropRuleField: string | null
  /** To these requests about one user it says that there is no such user, as a proxy in front of a service that starts. */
  missing: RegExp | null
}

export async function startFake3cx(): Promise<Fake3cx> {
  const users = new Map<number, Record<string, unknown>>()
  const profiles = new Map<number, Record<string, unknown>[]>()
  const exceptions = new Map<number, Record<string, unknown>[]>()
  const conference = { EnablePin: false, PinNumber: '4711' }
  const calls = new Map<number, { Caller: string; Callee: string }>()
  const rules: FakeRule[] = []
  const client = { clientId: '900', clientSecret: randomBytes(12).toString('hex') }
  const faults: Fake3cxFaults = {
    forbidden: false,
    keepOld: false,
    dropField: null,
    dropAgain: false,
    stealTokens: false,
    hideSecrets: false,
    shortList: false,
    keepSipAuth: false,
    noRules: false,
    dropRuleField: null,
    missing: null,
  }
  let token = ''
  let logins = 0
  let lastId = 20
  const chance = () => randomBytes(8).toString('base64url')
  const numbered = (number: string) => [...users.values()].find((user) => user.Number === number)

  function answer(asked: Asked): Told {
    if (asked.path === '/connect/token') return logIn(asked)
    if (!asked.path.startsWith('/xapi/v1/')) return problem(404, 'no such page')
    if (asked.headers.authorization !== `Bearer ${token}` || token === '') return { status: 401, body: undefined }
    if (faults.forbidden) return problem(403, 'forbidden')
    const path = asked.path.slice('/xapi/v1'.length)
    const [, id, action] = /^\/Users\((\d+)\)(?:\/(.+))?$/.exec(path) ?? []
    if (id !== undefined) return oneUser(Number(id), action ?? null, asked)
    if (path === '/Users' && asked.method === 'GET') return userPage(asked)
    if (path === '/Users' && asked.method === 'POST') return create(fieldsOf(asked))
    if (path === '/ActiveCalls')
      return page(
        [...calls].map(([Id, call]) => ({ Id, Status: 'Talking', ...call })),
        asked,
      )
    const [, callId] = /^\/ActiveCalls\((\d+)\)\/Pbx\.DropCall$/.exec(path) ?? []
    if (callId !== undefined && asked.method === 'POST') {
      return calls.delete(Number(callId)) ? { status: 200, body: { value: true } } : problem(404, 'no such call')
    }
    if (path === '/ConferenceSettings') return { status: 200, body: { EnablePin: conference.EnablePin } }
    if (path === '/OutboundRules' && asked.method === 'GET') return rulePage(asked)
    if (path === '/SystemStatus') return { status: 200, body: { Version: '20.0.7.1057' } }
    return problem(404, 'no such path')
  }

  function logIn({ body, method }: Asked): Told {
    const form = new URLSearchParams(body)
    const isClient = form.get('client_id') === client.clientId && form.get('client_secret') === client.clientSecret
    if (method !== 'POST' || !isClient || form.get('grant_type') !== 'client_credentials')
      return { status: 400, body: { error: 'invalid_client' } }
    logins += 1
    const given = chance()
    // One at a time: this login ends the one before.
    token = faults.stealTokens ? chance() : given
    return { status: 200, body: { token_type: 'Bearer', expires_in: 3600, access_token: given } }
  }

  function userPage(asked: Asked): Told {
    const filter = asked.query.get('$filter')
    const [, wanted] = /^Number eq '((?:[^']|'')*)'$/.exec(filter ?? '') ?? []
    if (filter !== null && wanted === undefined) return problem(400, 'syntax error in $filter')
    if (Number(asked.query.get('$top')) > 100)
      return problem(400, "The limit of '100' for Top query has been exceeded.")
    const fields = asked.query.get('$select')?.split(',') ?? []
    const all = [...users.values()]
      .filter((user) => wanted === undefined || user.Number === wanted.replaceAll("''", "'"))
      .sort((one, other) => String(one.Number).localeCompare(String(other.Number)))
      .map((user) => Object.fromEntries(fields.map((name) => [name, user[name] ?? null])))
    return page(all, asked)
  }

  function rulePage(asked: Asked): Told {
    if (faults.noRules) return problem(403, 'forbidden')
    if (Number(asked.query.get('$top')) > 100)
      return problem(400, "The limit of '100' for Top query has been exceeded.")
    const fields = asked.query.get('$select')?.split(',') ?? []
    const chosen = rules.map((rule) => Object.entries(rule).filter(([name]) => fields.includes(name)))
    return page(
      chosen.map((entries) => Object.fromEntries(entries.filter(([name]) => name !== faults.dropRuleField))),
      asked,
    )
  }

  function page(all: readonly unknown[], { query }: Asked): Told {
    queueMicrotask(() => fake.afterPage())
    const [skip, top] = [Number(query.get('$skip') ?? 0), Number(query.get('$top') ?? 100)]
    const count = all.length + (faults.shortList ? 1 : 0)
    return { status: 200, body: { '@odata.count': count, value: all.slice(skip, skip + top) } }
  }

  function oneUser(id: number, action: string | null, asked: Asked): Told {
    const user = users.get(id)
    if (!user || faults.missing?.test(`${asked.method} ${action ?? ''}`)) return problem(404, 'no such user')
    if (action === 'ForwardingProfiles') return page(profiles.get(id) ?? [], asked)
    if (action === 'Pbx.Regenerate' && asked.method === 'POST') return regenerate(user, fieldsOf(asked))
    if (action !== null) return problem(404, 'no such action')
    if (asked.method === 'GET') {
      if (asked.query.get('$expand') === 'ForwardingExceptions') return expanded(user, asked)
      const hidden = faults.hideSecrets ? { AuthPassword: null, AccessPassword: null } : {}
      return { status: 200, body: { '@odata.context': 'x', ...user, ...hidden } }
    }
    if (asked.method !== 'PATCH') return problem(405, 'not this way')
    const fields = fieldsOf(asked)
    if (!faults.keepOld) {
      const isRestoring = !('Enabled' in fields)
      Object.assign(user, fields)
      if (faults.dropField && (!isRestoring || faults.dropAgain)) user[faults.dropField] = null
    }
    return { status: 204, body: undefined }
  }

  function expanded(user: Record<string, unknown>, { query }: Asked): Told {
    const names = query.get('$select')?.split(',') ?? Object.keys(user)
    const shown = Object.fromEntries(names.map((name) => [name, user[name] ?? null]))
    return { status: 200, body: { ...shown, ForwardingExceptions: exceptions.get(Number(user.Id)) ?? [] } }
  }

  function regenerate(user: Record<string, unknown>, options: Record<string, unknown>): Told {
    if (options.SendWelcomeEmail) user.mailsSent = Number(user.mailsSent ?? 0) + 1
    if (faults.keepOld) return { status: 204, body: undefined }
    if (options.SipAuth && !faults.keepSipAuth) Object.assign(user, { AuthID: chance(), AuthPassword: chance() })
    if (options.WebclientPassword) user.AccessPassword = chance()
    if (options.DeskphonePassword) user.DeskphonePassword = chance()
    if (options.VoicemailPIN) user.VMPIN = String(randomBytes(4).readUInt32BE())
    return { status: 204, body: undefined }
  }

  function create(fields: Record<string, unknown>): Told {
    if (numbered(String(fields.Number))) return problem(400, 'WARNINGS.XAPI.ALREADY_IN_USE')
    const id = addUser(String(fields.Number), faults.keepOld ? {} : fields)
    return { status: 201, body: users.get(id) }
  }

  function addUser(number: string, fields: Record<string, unknown> = {}): number {
    const id = ++lastId
    const made = {
      Id: id,
      Number: number,
      FirstName: 'Somebody',
      LastName: 'Else',
      EmailAddress: null,
      AuthID: chance(),
      AuthPassword: chance(),
      AccessPassword: chance(),
      DeskphonePassword: chance(),
      VMPIN: '1234567',
      Enabled: true,
      IsRegistered: false,
      VMEnabled: true,
      OutboundCallerID: null,
      Mobile: null,
      SRTPMode: 'SRTPEnabled',
      Tags: ['Teams'],
    }
    users.set(id, { ...made, ...fields })
    return id
  }

  function admits(number: string, authId: string, secret: string): Record<string, unknown> | null {
    const user = numbered(number)
    return user?.Enabled === true && user.AuthID === authId && user.AuthPassword === secret ? user : null
  }

  const https = await startFakeHttps(answer)
  const fake: Fake3cx = {
    https,
    afterPage: () => undefined,
    client,
    faults,
    addUser,
    removeUser: (number) => users.delete(Number(numbered(number)?.Id)),
    user: (number) => numbered(number),
    snapshot: () => JSON.stringify([[...users.values()], [...profiles], rules], null, 1),
    register(number, authId, secret) {
      const user = admits(number, authId, secret)
      if (user) user.IsRegistered = true
      return user ? 200 : 401
    },
    call(number, authId, secret) {
      const user = admits(number, authId, secret)
      if (!user) return 401
      calls.set(++lastId, { Caller: `${number} ${user.FirstName} ${user.LastName}`, Callee: '0301234567 (Trunk)' })
      return 200
    },
    calls,
    logInElsewhere: () => {
      token = chance()
    },
    logins: () => logins,
    rules,
    addRule(name, fields = {}) {
      const rule: FakeRule = {
        Id: ++lastId,
        Name: name,
        Priority: rules.length + 1,
        Prefix: null,
        NumberLengthRanges: null,
        DNRanges: [],
        GroupIds: [],
        GroupNames: [],
        EmergencyRule: false,
        Routes: [{ TrunkId: 5, TrunkName: 'Provider', StripDigits: 0, Prepend: '', Append: '', CallerID: '' }],
        ...fields,
      }
      rules.push(rule)
      return rule
    },
    setProfile: (number, profile) => profiles.set(Number(numbered(number)?.Id), [profile]),
    addException(number, rule) {
      const id = Number(numbered(number)?.Id)
      exceptions.set(id, [...(exceptions.get(id) ?? []), { Id: 1, ...rule }])
    },
    conference,
  }
  return fake
}

function fieldsOf({ body }: Asked): Record<string, unknown> {
  return JSON.parse(body)
}

function problem(status: number, message: string): Told {
  return { status, body: { error: { code: '', message } } }
}
