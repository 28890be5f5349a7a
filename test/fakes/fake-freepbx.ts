import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type Door, openDoor } from './door.ts'
import { fakeApplyConfig } from './fake-apply-config.ts'
import { type FakeAsterisk, type LoadedEndpoint, startFakeAsterisk } from './fake-asterisk-ami.ts'
import {
  endpointDefaults,
  type FakeExtension,
  forgetUser,
  newMailbox,
  shownExtension,
  storeUser,
  takenAs,
  userDefaults,
} from './fake-freepbx-extension.ts'
import { type FreepbxFaults, noFaults, saidNo } from './fake-freepbx-faults.ts'

/**
 * FreePBX as its sources describe it (FreePBX/core Api/Gql/Extensions.php and Users.php, FreePBX/api Gql/Api.php and
 * Oauth, FreePBX/framework Api/Gql/Modules.php), with an Asterisk beneath that knows only what "Apply Config" gave it.
 * Never compared with a real one.
 */
export interface FakeFreepbx {
  readonly origin: string
  readonly asterisk: FakeAsterisk
  readonly clientId: string
  readonly clientSecret: string
  readonly faults: FreepbxFaults
  /** How often each field was asked for. */
  readonly asked: Map<string, number>
  /** How many "Apply Config" ran at the same time at most. */
  readonly mostReloads: () => number
  /** Everything that came in, headers and bodies. */
  readonly received: () => string
  /** What waits for "Apply Config" and what the database holds. */
  readonly database: Map<string, FakeExtension>
  /** Made on FreePBX's own pages and applied. */
  addByHand(extension: string, changes?: Partial<FakeExtension>): void
  apply(): void
  /** The field fails with these words from now on. */
  failWith(field: string, words: string): void
  /** Runs just before an extension is added. */
  beforeAdding: () => void
  /** Runs just after an extension was made anew, for what else may be lost by that. */
  afterUpdating: () => void
  readonly door: Door
  stop(): Promise<void>
}

export interface FakeFreepbxOptions {
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Told of each "Apply Config", for an Asterisk that is real. */
  readonly applied?: (endpoints: ReadonlyMap<string, LoadedEndpoint>) => void
}

export async function startFakeFreepbx({ tls, applied }: FakeFreepbxOptions = {}): Promise<FakeFreepbx> {
  const database = new Map<string, FakeExtension>()
  const asterisk = await startFakeAsterisk()
  const clientSecret = randomBytes(16).toString('hex')
  const clientId = randomUUID()
  const faults = noFaults()
  const asked = new Map<string, number>()
  const tokens = new Set<string>()
  const failures = new Map<string, string>()
  let received = ''

  function fresh(name: string, changes: Partial<FakeExtension> = {}): FakeExtension {
    return {
      tech: 'pjsip',
      secret: randomBytes(16).toString('hex'),
      devicetype: 'fixed',
      emergencyCid: '',
      user: { ...userDefaults, name },
      endpoint: { ...endpointDefaults },
      maxContacts: '1',
      userManager: false,
      mailbox: null,
      ...changes,
    }
  }

  function apply() {
    const endpoints = new Map<string, LoadedEndpoint>()
    asterisk.mailboxes.clear()
    for (const [extension, { secret, endpoint, maxContacts, tech, mailbox }] of database) {
      if (mailbox) asterisk.mailboxes.set(extension, mailbox)
      if (tech !== 'pjsip') continue
      const settings = { ...endpoint, 'Aor MaxContacts': maxContacts }
      endpoints.set(extension, { username: extension, password: secret, settings })
    }
    asterisk.load(endpoints)
    applied?.(endpoints)
  }

  type Input = Record<string, string | number | boolean | undefined>
  const failed = (message: string) => ({ status: false, message })
  const succeeded = (message: string) => ({ status: true, message })

  function create(id: string, input: Input, kept: Partial<FakeExtension> = {}) {
    const name = String(input.name ?? '')
    const made = fresh(name, kept)
    made.emergencyCid = String(input.emergencyCid ?? '')
    made.maxContacts = String(input.maxContacts ?? '1')
    made.user.outboundCid = String(input.outboundCid ?? '')
    if (input.extPassword) made.secret = String(input.extPassword)
    made.userManager = input.umEnable !== false
    database.set(id, made)
    storeUser(asterisk.database, id, made)
  }

  const applyConfig = fakeApplyConfig({ faults, apply })
  const fields: Readonly<Record<string, (variables: Record<string, unknown>) => unknown>> = {
    fetchAllExtensions: () => {
      const all = [...database].map(([id, one]) => shownExtension(id, one))
      return {
        ...succeeded("Extension's found successfully"),
        totalCount: all.length,
        extension: faults.listsHalf ? all.slice(1) : all,
      }
    },
    fetchExtension: ({ id }) => {
      const one = database.get(String(id))
      return one
        ? { ...succeeded('Extension found successfully'), ...shownExtension(String(id), one) }
        : failed('Extension does not exists')
    },
    addExtension: ({ input }) => {
      const given = input as Input
      const id = String(given.extensionId)
      if (database.has(id)) return failed('This device id is already in use')
      if (!faults.keepsOld) create(id, given)
      return succeeded('Extension has been created Successfully')
    },
    // Deletes and makes anew: whatever the input does not carry is a default afterwards.
    updateExtension: ({ input }) => {
      const given = input as Input
      const id = String(given.extensionId)
      const old = database.get(id)
      if (!old) return failed('Extension does not exists.')
      if (faults.keepsOld) return succeeded('Extension has been updated')
      database.delete(id)
      forgetUser(asterisk.database, id)
      create(id, {
        ...given,
        name: given.name || String(old.user.name ?? ''),
        maxContacts: given.maxContacts || old.maxContacts,
      })
      const made = database.get(id)!
      if (given.vmEnable !== false && old.user.voicemail !== 'novm') made.user.voicemail = 'default'
      if (old.mailbox) made.mailbox = { ...old.mailbox, ...newMailbox }
      fake.afterUpdating()
      return succeeded('Extension has been updated')
    },
    deleteExtension: ({ input }) => {
      const id = String((input as Input).extensionId)
      if (!database.has(id)) return failed('Extension does not exists.')
      if (faults.keepsOld) return succeeded('Extension has been deleted')
      database.delete(id)
      forgetUser(asterisk.database, id)
      return succeeded('Extension has been deleted')
    },
    updateCoreUser: ({ input }) => {
      const given = input as Input
      const one = database.get(String(given.extension))
      if (!one) return { coreuser: null }
      const user: Record<string, string | number | null> = { ...userDefaults, name: null }
      for (const [key, value] of Object.entries(given)) {
        if (key !== 'extension') user[takenAs[key] ?? key] = value as string | number
      }
      if (!faults.keepsUser) {
        one.user = user
        storeUser(asterisk.database, String(given.extension), one)
      }
      return { coreuser: { extension: given.extension } }
    },
    ...applyConfig.fields,
  }

  async function answer(request: IncomingMessage, response: ServerResponse) {
    let body = ''
    for await (const chunk of request) body += chunk
    received += `${request.method} ${request.url} ${JSON.stringify(request.headers)} ${body}\n`
    const reply = (status: number, value: unknown) => {
      const text = JSON.stringify(value)
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
      if (!faults.breaksOff) return response.end(text)
      response.write(text.slice(0, text.length / 2))
      response.socket?.destroySoon()
    }
    if (faults.hangs) return
    if (faults.answers) {
      response.writeHead(faults.answers.status, { 'content-type': 'text/html' })
      return response.end(faults.answers.body)
    }
    if (request.url === '/admin/api/api/token') {
      const form = new URLSearchParams(body)
      const isRight = form.get('client_id') === clientId && form.get('client_secret') === clientSecret
      if (faults.refusesLogin || !isRight || form.get('grant_type') !== 'client_credentials')
        return reply(401, { error: 'invalid_client', message: 'Client authentication failed' })
      const token = randomBytes(16).toString('hex')
      tokens.add(token)
      return reply(200, { token_type: 'Bearer', expires_in: 3600, access_token: token })
    }
    const token = /^Bearer (\w+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    if (faults.tokenDiesAfter-- <= 0) {
      tokens.delete(token)
      faults.tokenDiesAfter = Number.POSITIVE_INFINITY
    }
    if (request.url !== '/admin/api/api/gql' || !tokens.has(token))
      return reply(401, {
        error: 'access_denied',
        message: 'The resource owner or authorization server denied the request.',
      })
    const { query, variables } = JSON.parse(body)
    const field = /\{\s*(\w+)/.exec(String(query))?.[1] ?? ''
    asked.set(field, (asked.get(field) ?? 0) + 1)
    const resolve = fields[field]
    if (!resolve)
      return reply(400, { errors: [{ message: `Cannot query field "${field}" on type "Query".`, status: false }] })
    if (faults.losesQuestions.has(field)) return
    if (field === 'addExtension') fake.beforeAdding()
    const words = failures.get(field)
    if (words) return reply(400, { errors: [{ message: words, status: false }] })
    const no = faults.saysNo?.field === field ? faults.saysNo : null
    if (no?.as === 'error') return reply(no.http, { errors: [{ message: saidNo, status: false }] })
    if (no) return reply(no.http, { data: { [field]: { status: false, message: saidNo, transaction_id: null } } })
    applyConfig.note(field)
    if (!field.startsWith('fetch')) asterisk.deeds.push(field)
    const value = resolve(variables) as { status?: boolean; message?: string }
    if (faults.answersLate.has(field)) return
    // Gql/Api.php turns a `status` of false into an error and 400.
    if (value.status === false) return reply(400, { errors: [{ message: value.message, status: false }] })
    reply(200, { data: { [field]: value } })
  }

  const handle = (request: IncomingMessage, response: ServerResponse) =>
    void answer(request, response).catch(() => response.destroy())
  const server = tls ? createTlsServer(tls, handle) : createServer(handle)
  server.on('tlsClientError', () => undefined)
  const door = await openDoor(server)
  const fake: FakeFreepbx = {
    origin: `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${door.port}`,
    asterisk,
    clientId,
    clientSecret,
    faults,
    asked,
    mostReloads: applyConfig.mostAtOnce,
    received: () => received,
    database,
    addByHand(extension, changes) {
      const made = fresh('by hand', changes)
      database.set(extension, made)
      storeUser(asterisk.database, extension, made)
      apply()
    },
    apply,
    failWith: (field, words) => failures.set(field, words),
    beforeAdding: () => undefined,
    afterUpdating: () => undefined,
    door,
    async stop() {
      await door.shut()
      await asterisk.stop()
    },
  }
  return fake
}
