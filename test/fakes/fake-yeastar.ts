/**
 * A Yeastar P-Series as its open interface shows it, built from its developer guide and what integrators report: "no"
 * comes with HTTP 200, a second login ends the first token, passwords are Base64. Not the real one.
 */
import { randomBytes } from 'node:crypto'
import { type Asked, type FakeHttps, startFakeHttps, type Told } from './fake-https.ts'

export interface FakeYeastar {
  readonly https: FakeHttps
  readonly client: { readonly clientId: string; readonly clientSecret: string }
  readonly faults: FakeYeastarFaults
  addExtension(number: string, fields?: Record<string, unknown>): number
  removeExtension(number: string): void
  extension(number: string): Record<string, unknown> | undefined
  snapshot(): string
  /** Status of a REGISTER. */
  register(number: string, name: string, secret: string, address: string): number
  call(number: string, name: string, secret: string): number
  readonly calls: { call_id: string; members: Record<string, unknown>[] }[]
  logInElsewhere(): void
  readonly logins: () => number
  /** Runs after each page of a listing was sent. */
  afterPage: () => void
  /** An app of the person, logged in by the user password. */
  openLinkus(number: string): void
}

export interface FakeYeastarFaults {
  /** Refuses everything but the login with this code. */
  errcode: number
  keepOld: boolean
  dropField: string | null
  dropAgain: boolean
  stealTokens: boolean
  shortList: boolean
  /** Wants no more logins. */
  loginTooOften: boolean
}

interface Online {
  readonly address: string
}

export async function startFakeYeastar(): Promise<FakeYeastar> {
  const extensions = new Map<number, Record<string, unknown>>()
  const online = new Map<string, Online[]>()
  const linkus = new Set<string>()
  const calls: FakeYeastar['calls'] = []
  const client = { clientId: chance(), clientSecret: chance() }
  const faults: FakeYeastarFaults = {
    errcode: 0,
    keepOld: false,
    dropField: null,
    dropAgain: false,
    stealTokens: false,
    shortList: false,
    loginTooOften: false,
  }
  let token = ''
  let logins = 0
  let lastId = 70
  const numbered = (number: string) => [...extensions.values()].find((one) => one.number === number)

  function answer(asked: Asked): Told {
    const endpoint = asked.path.replace(/^\/openapi\/v1\.0\//, '')
    // Node sends none by itself.
    if (!asked.headers['user-agent']) return no(40002, 'PARAMETER ERROR')
    if (endpoint === 'get_token') return logIn(asked)
    if (asked.query.get('access_token') !== token || token === '') return no(10004, 'TOKEN EXPIRED')
    if (faults.errcode !== 0) return no(faults.errcode, 'FAILURE')
    const { method, query, body } = asked
    if (method === 'GET' && endpoint === 'system/information')
      return yes({ data: { model_name: 'P550', firmware_version: '37.23.0.83' } })
    if (method === 'GET' && endpoint === 'extension/list') return listPage(query)
    if (method === 'GET' && endpoint === 'extension/get') return detail(Number(query.get('id')))
    if (method === 'GET' && endpoint === 'extension/getpassword') return password(query)
    if (method === 'GET' && endpoint === 'call/query')
      return calls.length > 0 ? yes({ data: calls }) : no(60001, 'DATA NOT FOUND')
    if (method !== 'POST') return no(10001, 'INTERFACE NOT EXISTED')
    const fields = JSON.parse(body)
    if (endpoint === 'extension/create') return create(fields)
    if (endpoint === 'extension/update') return update(fields)
    if (endpoint === 'call/hangup') return hangUp(fields.channel_id)
    return no(10001, 'INTERFACE NOT EXISTED')
  }

  function logIn({ body, method }: Asked): Told {
    if (faults.loginTooOften) return no(60002, 'REQUEST TOO OFTEN')
    const { username, password: given } = JSON.parse(body)
    if (method !== 'POST' || username !== client.clientId || given !== client.clientSecret) return no(10002, 'FAILURE')
    logins += 1
    const fresh = chance()
    token = faults.stealTokens ? chance() : fresh
    return yes({
      access_token: fresh,
      access_token_expire_time: 1800,
      refresh_token: chance(),
      refresh_token_expire_time: 86_400,
    })
  }

  function listPage(query: URLSearchParams): Told {
    const [page, size] = [Number(query.get('page')), Number(query.get('page_size'))]
    const all = [...extensions.values()].sort((one, other) => String(one.number).localeCompare(String(other.number)))
    const data = all
      .slice((page - 1) * size, page * size)
      .map(({ id, number, first_name, email_addr, presence_status }) => ({
        id,
        number,
        caller_id_name: first_name,
        email_addr,
        presence_status,
        online_status: {
          sip_phone: {
            ext_dev_type: 'sip',
            status_list: (online.get(String(number)) ?? []).map(({ address }) => ({ status: 1, ip: address })),
          },
          linkus_mobile: { status: linkus.has(String(number)) ? 1 : 0, ext_dev_type: 'linkusmobile' },
          linkus_web: { status: 0, ext_dev_type: 'linkusweb' },
        },
      }))
    queueMicrotask(() => fake.afterPage())
    return yes({ total_number: all.length + (faults.shortList ? 1 : 0), data })
  }

  function detail(id: number): Told {
    const { reg_password: _, user_password: __, ...shown } = extensions.get(id) ?? {}
    return shown.id === undefined ? no(60001, 'DATA NOT FOUND') : yes({ data: shown })
  }

  function password(query: URLSearchParams): Told {
    const one = extensions.get(Number(query.get('id')))
    if (!one || query.get('type') !== 'reg_password') return no(60001, 'DATA NOT FOUND')
    return yes({ password: Buffer.from(String(one.reg_password)).toString('base64') })
  }

  function create(fields: Record<string, unknown>): Told {
    const { number, user_password, reg_password, concurrent_registrations } = fields
    const isComplete =
      fields.type === 'SIP' &&
      /^[0-9]{1,7}$/.test(String(number)) &&
      typeof fields.reg_name === 'string' &&
      String(reg_password).length >= 8 &&
      String(reg_password).length <= 63 &&
      [1, 2, 3].includes(Number(concurrent_registrations)) &&
      fields.presence_status !== undefined
    if (!isComplete || !isUserPassword(String(user_password))) return no(40002, 'PARAMETER ERROR')
    if (numbered(String(number))) return no(40003, 'ALREADY EXISTED')
    return yes({ id: addExtension(String(number), faults.keepOld ? {} : fields) })
  }

  function update({ id, ...fields }: Record<string, unknown>): Told {
    const one = extensions.get(Number(id))
    if (!one) return no(60001, 'DATA NOT FOUND')
    if (fields.user_password !== undefined && !isUserPassword(String(fields.user_password)))
      return no(40002, 'PARAMETER ERROR')
    if (faults.keepOld) return yes({})
    Object.assign(one, fields)
    const isRestoring = fields.reg_password === undefined
    if (faults.dropField && (!isRestoring || faults.dropAgain)) one[faults.dropField] = ''
    return yes({})
  }

  function hangUp(channel: unknown): Told {
    const at = calls.findIndex(({ members }) =>
      members.some((member) => (member.extension as { channel_id?: string } | undefined)?.channel_id === channel),
    )
    if (at < 0) return no(60001, 'DATA NOT FOUND')
    const [call] = calls.splice(at, 1)
    return yes({ call_id: call?.call_id })
  }

  function addExtension(number: string, fields: Record<string, unknown> = {}): number {
    const id = ++lastId
    extensions.set(id, {
      id,
      type: 'SIP',
      number,
      first_name: 'Somebody',
      last_name: '',
      email_addr: '',
      mobile_number: '',
      caller_id: number,
      reg_name: number,
      reg_password: chance(),
      user_password: chance(),
      concurrent_registrations: 1,
      presence_status: 'available',
      presence_list: ['available', 'away'].map((status) => presence(status)),
      ...fields,
    })
    return id
  }

  function admits(number: string, name: string, secret: string): boolean {
    const one = numbered(number)
    return one !== undefined && one.reg_name === name && one.reg_password === secret
  }

  const https = await startFakeHttps(answer)
  const fake: FakeYeastar = {
    https,
    client,
    faults,
    afterPage: () => undefined,
    addExtension,
    removeExtension: (number) => extensions.delete(Number(numbered(number)?.id)),
    extension: numbered,
    snapshot: () => JSON.stringify([...extensions.values()], null, 1),
    register(number, name, secret, address) {
      if (!admits(number, name, secret)) return 401
      const others = (online.get(number) ?? []).filter((one) => one.address !== address)
      online.set(number, [...others, { address }].slice(-Number(numbered(number)!.concurrent_registrations)))
      return 200
    },
    call(number, name, secret) {
      if (!admits(number, name, secret)) return 401
      const serial = (++lastId).toString(16).padStart(8, '0')
      const extension = { number, channel_id: `PJSIP/${number}-${serial}`, member_status: 'ANSWERED', call_path: '' }
      const outbound = { from: number, to: '0301234567', trunk_name: 'trunk', channel_id: `PJSIP/trunk-${serial}` }
      calls.push({ call_id: `1650012665.${lastId}`, members: [{ extension }, { outbound }] })
      return 200
    },
    calls,
    logInElsewhere: () => {
      token = chance()
    },
    logins: () => logins,
    openLinkus: (number) => linkus.add(number),
  }
  return fake
}

/** One entry of `presence_list`, as Yeastar's own tests send it: unanswered calls go to its own voicemail. */
export function presence(status: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  const forwards = ['in', 'ex'].flatMap((from) =>
    ['always', 'no_answer', 'busy'].flatMap((when) => [
      [`enb_${from}_${when}_forward`, when === 'always' ? 0 : 1],
      [`${from}_${when}_forward_dest`, 'ext_vm'],
      [`${from}_${when}_forward_prefix`, ''],
      [`${from}_${when}_forward_num`, ''],
      [`${from}_${when}_forward_value`, ''],
    ]),
  )
  return { status, information: '', ...Object.fromEntries(forwards), enb_ring_mobile: 0, ring_timeout: 30, ...fields }
}

/** As the cloud edition, which is the strictest. */
function isUserPassword(text: string): boolean {
  const isMixed = [/[a-z]/, /[A-Z]/, /[0-9]/].every((kind) => kind.test(text))
  return isMixed && text.length >= 10 && text.length <= 63 && !/[0-9]{4}/.test(text)
}

function chance(): string {
  return randomBytes(12).toString('hex')
}

function yes(body: Record<string, unknown>): Told {
  return { status: 200, body: { errcode: 0, errmsg: 'SUCCESS', ...body } }
}

function no(errcode: number, errmsg: string): Told {
  return { status: 200, body: { errcode, errmsg } }
}
