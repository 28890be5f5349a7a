import { createHash } from 'node:crypto'
import { amiMessage, type FakeAmi, startFakeAmi } from './fake-ami.ts'

/**
 * An Asterisk that other software configures, seen through its manager interface: endpoints with a clear password, phones
 * that register and call, Asterisk's own database. The words are those of asterisk/asterisk 22.
 */
export interface FakeAsterisk {
  readonly ami: FakeAmi
  readonly secret: string
  /** What was done to it, in this order. */
  readonly deeds: string[]
  /** Key: `Family/Key`. */
  readonly database: Map<string, string>
  /** By number, in the context `default`. */
  readonly mailboxes: Map<string, Readonly<Record<string, string | number>>>
  /** The running dialplan, in its order. */
  readonly dialplan: { Context: string; Extension: string; Application: string; AppData: string }[]
  /** What a reload gives it: takes the place of everything. */
  load(endpoints: ReadonlyMap<string, LoadedEndpoint>): void
  /** Everything that runs, in one text. */
  look(extension: string): string
  /** Everything that it has and runs, but what carries the name of one of these extensions. */
  allBut(extensions: readonly string[]): Readonly<Record<string, unknown>>
  register(phone: AsteriskPhone): number
  call(phone: AsteriskPhone): number
  events(phone: AsteriskPhone): readonly string[]
  stop(): Promise<void>
}

export interface LoadedEndpoint {
  readonly username: string
  readonly password: string
  readonly settings: Readonly<Record<string, string>>
}

export interface AsteriskPhone {
  readonly extension: string
  readonly username: string
  readonly secret: string
  readonly address: string
}

export async function startFakeAsterisk(): Promise<FakeAsterisk> {
  let endpoints: ReadonlyMap<string, LoadedEndpoint> = new Map()
  const contacts = new Map<string, { extension: string; uri: string; address: string }>()
  const channels = new Map<string, { extension: string; uri: string }>()
  const database = new Map<string, string>()
  const mailboxes: FakeAsterisk['mailboxes'] = new Map()
  const dialplan: FakeAsterisk['dialplan'] = []
  const deeds: string[] = []
  const notified: { uri: string; event: string }[] = []
  const secret = 'a long one'
  let serial = 0
  const uriOf = ({ extension, address }: { extension: string; address: string }) =>
    `sip:${extension}@${address}:5061;transport=TLS`
  const admits = ({ extension, username, secret: password }: AsteriskPhone) => {
    const endpoint = endpoints.get(extension)
    return endpoint !== undefined && endpoint.username === username && endpoint.password === password
  }

  type Fields = Record<string, string | number | undefined>
  const answers: Readonly<Record<string, (action: Readonly<Record<string, string>>) => Fields | Fields[] | string>> = {
    ListCommands: () => Object.fromEntries(Object.keys(answers).map((name) => [name, 'x'])),
    CoreSettings: () => ({ AsteriskVersion: '22.10.1' }),
    ModuleCheck: () => ({}),
    GetConfig: () => ({}),
    PJSIPShowEndpoints: () =>
      endpoints.size === 0
        ? 'No endpoints found'
        : [...endpoints].map(([name, { password }]) => ({
            Event: 'EndpointList',
            ObjectName: name,
            Auths: password ? `${name}-auth` : '',
          })),
    PJSIPShowEndpoint: ({ Endpoint = '' }) => {
      const endpoint = endpoints.get(Endpoint)
      if (!endpoint) return `Unable to retrieve endpoint ${Endpoint}`
      const settings = Object.entries(endpoint.settings)
      const aor = settings.flatMap(([key, value]) => (key.startsWith('Aor ') ? [[key.slice(4), value]] : []))
      const own = settings.filter(([key]) => !key.startsWith('Aor '))
      return [
        { Event: 'EndpointDetail', ObjectName: Endpoint, ...Object.fromEntries(own), DeviceState: `state ${serial++}` },
        { Event: 'AorDetail', ObjectName: Endpoint, ...Object.fromEntries(aor), Contacts: `changing ${serial}` },
      ]
    },
    PJSIPShowAuths: () =>
      endpoints.size === 0
        ? 'No Auths found'
        : [...endpoints].map(([name, { username, password }]) => ({
            Event: 'AuthList',
            ObjectName: `${name}-auth`,
            AuthType: 'userpass',
            Username: username,
            Password: password,
            Realm: '',
          })),
    PJSIPShowContacts: () =>
      contacts.size === 0
        ? 'No Contacts found'
        : [...contacts].map(([key, { uri }]) => ({
            Event: 'ContactList',
            ObjectName: key,
            Uri: uri,
            UserAgent: 'fake',
          })),
    Status: () =>
      [...channels].map(([name, { uri }]) => ({
        Event: 'Status',
        Channel: name,
        Variable: `CHANNEL(pjsip,target_uri)=${uri}`,
      })),
    VoicemailUserStatus: ({ Mailbox = '' }) => {
      const box = mailboxes.get(Mailbox)
      if (!box) return 'There is no voicemail user of the given info.'
      return [{ Event: 'VoicemailUserDetail', VMContext: 'default', VoiceMailbox: Mailbox, ...box }]
    },
    DBGet: ({ Family, Key }) => {
      const value = database.get(`${Family}/${Key}`)
      return value === undefined ? 'Database entry not found' : [{ Event: 'DBGetResponse', Family, Key, Val: value }]
    },
    DBGetTree: ({ Family, Key }) =>
      [...database]
        .filter(([key]) => key.startsWith(Key === undefined ? `${Family}/` : `${Family}/${Key}/`))
        .map(([key, value]) => ({ Event: 'DBGetTreeResponse', Key: `/${key}`, Val: value })),
    ShowDialPlan: () => dialplan.map((step) => ({ Event: 'ListDialplan', ...step, Registrar: 'pbx_config' })),
    DBPut: ({ Family, Key, Val = '' }) => {
      database.set(`${Family}/${Key}`, Val)
      return {}
    },
    DBDel: ({ Family, Key = '' }) => {
      const found = Family === 'registrar/contact' ? contacts.delete(Key) : database.delete(`${Family}/${Key}`)
      return found ? {} : 'Database entry not found'
    },
    Hangup: ({ Channel = '' }) => (channels.delete(Channel) ? {} : 'No such channel'),
    PJSIPNotify: ({ Endpoint, URI, Variable = '' }) => {
      const event = Variable.replace(/^Event=/, '')
      if (Endpoint !== undefined && !endpoints.has(Endpoint)) return `Unable to retrieve endpoint ${Endpoint}`
      const told = [...contacts.values()].filter(({ extension, uri }) => extension === Endpoint || uri === URI)
      for (const { uri } of told) notified.push({ uri, event })
      return {}
    },
  }

  const ami = await startFakeAmi({
    secret,
    reply: (action) => {
      const { Action = '', ActionID } = action
      const answer = answers[Action]?.(action)
      if (Action === 'DBDel' || Action === 'Hangup') deeds.push(Action)
      if (answer === undefined || typeof answer === 'string')
        return amiMessage({ Response: 'Error', ActionID, Message: answer ?? 'Invalid/unknown command' })
      if (!Array.isArray(answer)) return amiMessage({ Response: 'Success', ActionID, ...answer })
      const events = answer.map((fields) => amiMessage({ ...fields, ActionID }))
      const last = amiMessage({ Event: `${Action}Complete`, ActionID, EventList: 'Complete', ListItems: events.length })
      return `${amiMessage({ Response: 'Success', ActionID, EventList: 'start' })}${events.join('')}${last}`
    },
  })

  return {
    ami,
    secret,
    deeds,
    database,
    mailboxes,
    dialplan,
    load: (loaded) => {
      deeds.push('reload')
      endpoints = loaded
    },
    look: (extension) =>
      JSON.stringify([endpoints.get(extension), [...contacts.values()].filter((one) => one.extension === extension)]),
    allBut: (extensions) => {
      const isOther = (extension: string) => !extensions.includes(extension)
      return {
        database: [...database].filter(([key]) => key.split('/').every(isOther)).sort(),
        dialplan: dialplan.map((step) => JSON.stringify(step)),
        endpoints: [...endpoints].filter(([name]) => isOther(name)).sort(),
        contacts: [...contacts].filter(([, { extension }]) => isOther(extension)),
        channels: [...channels].filter(([, { extension }]) => isOther(extension)),
      }
    },
    register(phone) {
      if (!admits(phone)) return 401
      const uri = uriOf(phone)
      contacts.set(`${phone.extension};@${createHash('md5').update(uri).digest('hex')}`, { ...phone, uri })
      return 200
    },
    call(phone) {
      if (!admits(phone)) return 401
      const name = `PJSIP/${phone.extension}-${(++serial).toString(16).padStart(8, '0')}`
      channels.set(name, { extension: phone.extension, uri: uriOf(phone) })
      return 200
    },
    events: (phone) => notified.filter(({ uri }) => uri === uriOf(phone)).map(({ event }) => event),
    stop: () => ami.stop(),
  }
}
