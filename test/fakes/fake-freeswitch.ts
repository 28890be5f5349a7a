import { createHash, randomUUID } from 'node:crypto'
import { type FakeEventSocket, startFakeEventSocket } from './fake-event-socket.ts'
import { askDirectory, type DirectoryAddress, type DirectoryUser } from './fake-xml-curl.ts'

/**
 * FreeSWITCH as its sources describe it (signalwire/freeswitch: sofia_reg.c, switch_xml.c, mod_xml_curl.c,
 * mod_commands.c): asks its directory at every login, falls back on its own files, and knows nothing else of anybody.
 * Never compared with a real one.
 */
export interface FakeFreeswitch {
  readonly eventSocket: FakeEventSocket
  readonly password: string
  /** Where it asks; null: mod_xml_curl is not loaded. */
  directory: DirectoryAddress | null
  /** Users of its own files: id → password. */
  readonly files: Map<string, string>
  /** Contexts of its dialplan, by name. */
  readonly contexts: Map<string, string>
  readonly faults: {
    /** Says `+OK` to flushes and kills, and does nothing. */
    keepsConnections: boolean
    /** Lists fewer rows than it counts. */
    listsHalf: boolean
    /** The profile is not up for ten seconds. */
    tooYoung: boolean
  }
  register(phone: SofiaPhone): Promise<number>
  call(phone: SofiaPhone): Promise<{ status: number; variables: Readonly<Record<string, string>> }>
  /** Somebody calls this phone; `presence`: as the directory has it, unless another is named. */
  ring(phone: SofiaPhone, presence?: string): void
  events(phone: SofiaPhone): readonly string[]
  look(extension: string): string
  /** Everybody who is registered: `user@host Call-ID`. */
  registered(): readonly string[]
  /** Its users, contexts, registrations and channels, but those of these extensions. */
  allBut(extensions: readonly string[]): Readonly<Record<string, unknown>>
  /** As after a restart: nobody is registered or talking. */
  forget(): void
  /** What a restart of the profile does beside ending its calls. */
  restarted: () => Promise<void>
  /** Runs before a registration or a call is ended. */
  beforeCutting: (command: string) => Promise<void>
}

export interface SofiaPhone {
  readonly extension: string
  readonly username: string
  readonly secret: string
  readonly address: string
  /** The phone's own choice. */
  readonly callId?: string
  readonly host?: string
  /** Where its channels begin, default `sofia/internal`. */
  readonly endpoint?: string
}

interface Row {
  readonly reg_user: string
  readonly realm: string
  readonly token: string
  readonly url: string
  readonly expires: string
  readonly network_ip: string
  readonly network_port: string
  readonly network_proto: string
  readonly hostname: string
  readonly metadata: string
}

export async function startFakeFreeswitch(realm: string): Promise<FakeFreeswitch> {
  const password = 'not ClueCon'
  let registrations: Row[] = []
  let channels: Record<string, string>[] = []
  const notified: { callId: string; event: string }[] = []
  const hash = (text: string) => createHash('md5').update(text).digest('hex')
  const callIdOf = ({ callId, username, address }: SofiaPhone) => callId ?? hash(`${username} ${address}`)

  /** switch_xml_locate_user: the bindings first, then its own files; then sofia_reg_parse_auth. */
  async function logIn(phone: SofiaPhone, method: string): Promise<DirectoryUser | null> {
    const nonce = randomUUID()
    const uri = `sip:${realm}`
    const ha2 = hash(`${method}:${uri}`)
    const response = hash(`${hash(`${phone.username}:${realm}:${phone.secret}`)}:${nonce}:${ha2}`)
    const user = await locate(phone.username, {
      action: 'sip_auth',
      sip_profile: 'internal',
      sip_user_agent: 'fake',
      sip_auth_username: phone.username,
      sip_auth_realm: realm,
      sip_auth_nonce: nonce,
      sip_auth_uri: uri,
      sip_contact_user: phone.extension,
      sip_contact_host: phone.address,
      sip_to_user: method === 'REGISTER' ? phone.extension : '100',
      sip_to_host: realm,
      sip_via_protocol: 'tls',
      sip_from_user: phone.extension,
      sip_from_host: realm,
      sip_call_id: callIdOf(phone),
      sip_request_host: realm,
      sip_auth_response: response,
      sip_auth_method: method,
      client_port: '5061',
      ip: phone.address,
    })
    if (!user || user.params['sip-forbid-register'] === 'true') return null
    const { password: clear, 'a1-hash': stored } = user.params
    // As the sources have it: a user with neither is let in.
    if (!clear && !stored) return user.params['allow-empty-password'] === 'false' ? null : user
    const a1 = stored ?? hash(`${phone.username}:${realm}:${clear}`)
    return hash(`${a1}:${nonce}:${ha2}`) === response ? user : null
  }

  async function locate(user: string, params: Readonly<Record<string, string>>): Promise<DirectoryUser | null> {
    const form = { hostname: 'fake', section: 'directory', tag_name: 'domain', key_name: 'name', key_value: realm }
    const found = fake.directory
      ? await askDirectory(fake.directory, { ...form, key: 'id', user, domain: realm, ...params })
      : null
    if (found?.id === user) return found
    const clear = fake.files.get(user)
    return clear === undefined ? null : { id: user, xml: '', params: { password: clear }, variables: {} }
  }

  const listed = (rows: readonly object[]) =>
    rows.length === 0
      ? '{"row_count": 0}\n'
      : JSON.stringify({ row_count: rows.length, rows: fake.faults.listsHalf ? rows.slice(1) : rows })

  /** sofia_reg_expire_call_id, and what happens without an argument. */
  function flush(target: string | undefined) {
    if (fake.faults.keepsConnections) return
    const at = target?.indexOf('@') ?? -1
    const [user, host] = target === undefined ? [] : at < 0 ? ['', target] : [target.slice(0, at), target.slice(at + 1)]
    const goes = (row: Row) =>
      target === undefined ||
      target.toLowerCase() === 'reboot' ||
      row.token === target ||
      (row.realm === host && (user === '' || row.reg_user === user))
    registrations = registrations.filter((row) => !goes(row))
  }

  async function api(command: string): Promise<string> {
    const words = command.split(' ')
    if (/^uuid_kill|flush_inbound_reg/.test(command)) await fake.beforeCutting(command)
    const flushed = /^sofia profile (\S+) flush_inbound_reg(?: (\S+))?/.exec(command)
    if (flushed) {
      if (flushed[1] !== 'internal') return `Invalid Profile [${flushed[1]}]`
      flush(flushed[2])
      return `+OK flushing all registrations${flushed[2] ? ' matching specified call_id' : ''}\n`
    }
    switch (words[0]) {
      case 'version':
        return 'FreeSWITCH Version 1.10.12-release+git~20240802 (git a88d069)\n'
      case 'show':
        return listed(words[1] === 'channels' ? channels : registrations)
      case 'sofia':
        // cmd_profile: everybody is hung up, parameters are read anew; registrations stay in the database.
        if (words[1] === 'profile' && words[3] === 'restart') {
          if (words[2] !== 'internal') return `Invalid Profile [${words[2]}]`
          if (fake.faults.tooYoung)
            return 'Profile internal must be up for at least 10 seconds to stop/restart.\nPlease wait 9 seconds\n'
          channels = []
          await fake.restarted()
          return 'Reload XML [Success]\nrestarting: internal'
        }
        return words[3] === 'internal' ? '<profile>\n</profile>' : 'Invalid Profile!\n'
      case 'xml_locate': {
        const context = fake.contexts.get(words[4] ?? '')
        return context === undefined ? "can't find anything\n" : `<context name="${words[4]}">${context}</context>`
      }
      case 'find_user_xml': {
        const user = await locate(words[2] ?? '', {})
        return user ? user.xml : "-ERR can't find user\n"
      }
      case 'list_users': {
        const rows = [...fake.files.keys()].map((id) => `${id}|default|${realm}|default|error/user_not_registered|||`)
        return `userid|context|domain|group|contact|callgroup|effective_caller_id_name|effective_caller_id_number\n${rows.map((row) => `${row}\n`).join('')}\n+OK\n`
      }
      case 'uuid_kill': {
        const before = channels.length
        if (!fake.faults.keepsConnections) channels = channels.filter(({ uuid }) => uuid !== words[1])
        return channels.length < before || fake.faults.keepsConnections ? '+OK\n' : '-ERR No such channel!\n'
      }
      default:
        return `-ERR ${words[0]} Command not found!\n`
    }
  }

  const eventSocket = await startFakeEventSocket(password, async (command, headers) => {
    if (command.startsWith('api ')) return api(command.slice(4))
    if (command !== 'sendevent NOTIFY') return '-ERR command not found'
    if (registrations.some(({ token }) => token === headers['call-id']))
      notified.push({ callId: headers['call-id']!, event: headers['event-string'] ?? '' })
    return `+OK ${randomUUID()}`
  })

  const channel = (phone: SofiaPhone, direction: string, presence: string) => ({
    uuid: randomUUID(),
    direction,
    name:
      direction === 'inbound'
        ? `${phone.endpoint ?? 'sofia/internal'}/${phone.extension}@${realm}`
        : `${phone.endpoint ?? 'sofia/internal'}/${phone.extension}@${phone.address}:5061`,
    ip_addr: direction === 'inbound' ? phone.address : '192.0.2.99',
    presence_id: presence,
  })

  const fake: FakeFreeswitch = {
    eventSocket,
    password,
    directory: null,
    files: new Map(),
    contexts: new Map(),
    faults: { keepsConnections: false, listsHalf: false, tooYoung: false },
    restarted: async () => undefined,
    beforeCutting: async () => undefined,
    async register(phone) {
      const user = await logIn(phone, 'REGISTER')
      if (!user) return 403
      const token = callIdOf(phone)
      const host = phone.host ?? realm
      registrations = registrations.filter((row) => row.token !== token)
      const others = registrations.filter((row) => row.reg_user === phone.extension && row.realm === host)
      if (others.length + 1 > Number(user.params['max-registrations-per-extension'] ?? '1000')) return 403
      registrations.push({
        reg_user: phone.extension,
        realm: host,
        token,
        url: `sofia/internal/sip:${phone.extension}@${phone.address}:5061;transport=tls`,
        expires: '1790000000',
        network_ip: phone.address,
        network_port: '5061',
        network_proto: 'tls',
        hostname: 'fake',
        metadata: '',
      })
      return 200
    },
    async call(phone) {
      const user = await logIn(phone, 'INVITE')
      if (!user) return { status: 403, variables: {} }
      channels.push(channel(phone, 'inbound', user.variables.presence_id ?? ''))
      return { status: 200, variables: user.variables }
    },
    ring: (phone, presence = `${phone.extension}@${realm}`) => void channels.push(channel(phone, 'outbound', presence)),
    events: (phone) => notified.filter(({ callId }) => callId === callIdOf(phone)).map(({ event }) => event),
    look: (extension) =>
      JSON.stringify([fake.files.get(extension), registrations.filter(({ reg_user }) => reg_user === extension)]),
    registered: () => registrations.map(({ reg_user, realm: host, token }) => `${reg_user}@${host} ${token}`).sort(),
    allBut: (extensions) => ({
      files: [...fake.files].filter(([id]) => !extensions.includes(id)),
      contexts: [...fake.contexts],
      registrations: registrations.filter(({ reg_user }) => !extensions.includes(reg_user)),
      channels: channels.filter(({ name }) => !extensions.some((extension) => name?.includes(`/${extension}@`))),
    }),
    forget: () => {
      registrations = []
      channels = []
    },
  }
  return fake
}
