/**
 * An application in memory for the tests of the doors (http, cli): real refusals, real shapes, no journeys behind it.
 * `now` and the verdicts are values that a test sets.
 */
import { createHash, randomBytes } from 'node:crypto'
import { wordsMark } from '../../src/domain/condition.ts'
import { enrolmentToken } from '../../src/domain/invite.ts'
import type { Problem } from '../../src/domain/parse.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { Actor, Role } from '../../src/domain/token.ts'
import { AppError } from '../../src/errors.ts'
import type {
  AccessLine,
  Application,
  EmployeeView,
  HandsetInput,
  LiveEvent,
  ModelView,
  Onboarded,
  TokenView,
} from '../../src/journeys/application.ts'
import type { DoorRequest } from '../../src/journeys/door-view.ts'
import type { JoinView, PhoneStatus, TunnelState } from '../../src/journeys/join-view.ts'
import type { ResyncView } from '../../src/journeys/phone-view.ts'
import type { ImportView } from '../../src/journeys/roster-view.ts'
import { fakeCalls } from './fake-calls.ts'
import { fakeHandOver } from './fake-hand-over.ts'
import { type FakeRecords, fakeHandsets } from './fake-handsets.ts'
import { fakeImports } from './fake-imports.ts'
import { doorFile, fakeJoins } from './fake-joins.ts'
import { fakeMails } from './fake-mails.ts'
import { fakePbxs } from './fake-pbxs.ts'
import { fakePeople } from './fake-people.ts'
import { fakePhoneSettings } from './fake-phone-settings.ts'
import { fakeRosters } from './fake-rosters.ts'
import { fakeAdministrators, fakeSignIn } from './fake-sign-in.ts'
import { fakeTemplates } from './fake-templates.ts'

type Verdict = AccessLine['verdict']

export interface FakeApplication extends Application {
  /** A live API token of this role. */
  tokenFor(role: Role): string
  /** What closing a door of this system comes to; default converged. */
  closing: Record<string, Verdict>
  /** What telling a phone to fetch its files comes to. */
  resyncing: Omit<ResyncView, 'handsetId'>
  demo: string[]
  /** Lines of ledger and audit log that a test puts there. */
  readonly shown: FakeRecords
  /** Everything that was done, with who did it. */
  readonly deeds: { readonly deed: string; readonly actor: Actor }[]
  readonly doorRequests: DoorRequest[]
  /** What routers posted, and the one token that may. */
  readonly gatewayKeys: string[]
  /** Extensions that were taken over. */
  readonly adopted: string[]
  readonly gatewayToken: string
  /** The cookie of a browser in which somebody of this role has signed in. */
  readonly sessionFor: (role: Role) => string
  /** Looks at invites that the door entered into the ledger. */
  readonly visits: { readonly fileName: string; readonly served: boolean }[]
  /** What the next join page shows beside what the employee has. */
  joinExtras: Partial<JoinView>
  /** What was seen of every tunnel and phone. */
  joinSeen: Pick<PhoneStatus, 'account' | 'help'> & { readonly tunnel: TunnelState }
  /** What browsers told, by tunnel. */
  readonly browserKeys: Map<string, string>
  publish(event: LiveEvent): void
  readonly subscribers: () => number
  /** When set, every deed throws it. */
  failure: Error | null
  inviteTokenOf(employeeId: string): string
}

const at = '2026-11-22T14:00:00.000Z'

const models: readonly ModelView[] = [
  model('linphone-mobile', 'linphone', 'softphone', 'Linphone on iOS or Android', [
    'no certificate: this app cannot hold one',
  ]),
  model('linphone-desktop', 'linphone', 'softphone', 'Linphone on a computer', []),
  model('yealink-t54w', 'yealink', 'desk-phone', 'Yealink T54W', ['needs a home gateway']),
  model('gateway-plain', 'gateway', 'gateway', 'Any router with WireGuard', []),
]

function model(id: string, vendor: string, kind: ModelView['kind'], name: string, notes: readonly string[]): ModelView {
  const capabilities = {
    clientCertificate: id === 'linphone-mobile' ? 'none' : 'provisioned',
    acceptsPrivateCa: true,
    ownTunnel: kind !== 'desk-phone',
    srtpForced: true,
    resyncEvent: kind === 'desk-phone' ? 'check-sync' : null,
    blanking: true,
    testedOnHardware: false,
  } as const
  return { id, vendor, kind, name, capabilities, notes, warnings: [] }
}

export function fakeApplication(): FakeApplication {
  const people = new Map<string, EmployeeView>()
  const invites = new Map<string, string>()
  const imports = new Map<string, ImportView>()
  const tokens = new Map<string, { view: TokenView; hash: string }>()
  const listeners = new Set<(event: LiveEvent) => void>()
  const steady = new Map<string, string>()
  let counter = 0

  const id = (): string => `01939d2c-0000-7000-8000-${String(++counter).padStart(12, '0')}`
  const person = (employeeId: string): EmployeeView => {
    const found = people.get(employeeId)
    if (!found)
      throw new AppError('NOT_FOUND', 'there is no such employee', { hint: '`ringfence list` shows everybody' })
    return found
  }
  const did = (deed: string, actor: Actor): void => {
    if (fake.failure) throw fake.failure
    fake.deeds.push({ deed, actor })
  }
  const save = (view: EmployeeView): EmployeeView => {
    people.set(view.id, view)
    fake.publish({ kind: 'employee', employeeId: view.id, data: { lifecycle: view.lifecycle } })
    return view
  }
  const line = (
    system: string,
    subject: AccessLine['subject'],
    wanted: 'open' | 'closed',
    verdict: Verdict,
  ): AccessLine => ({
    system,
    instance: 'default',
    subject,
    wanted,
    verdict,
    evidence: verdict === 'retrying' ? null : { summary: `${subject.kind} seen ${wanted}`, facts: { revision: 7 } },
    problem: verdict === 'converged' ? null : `${system} does not answer`,
    hint: verdict === 'converged' ? null : 'look whether it is running',
    nextTryAt: verdict === 'retrying' ? at : null,
    at,
    acknowledged: null,
  })
  const equip = (view: EmployeeView, inputs: readonly HandsetInput[]): EmployeeView => {
    const problems: Problem[] = []
    inputs.forEach((input, index) => {
      if (!models.some(({ id: known }) => known === input.model)) {
        problems.push({
          field: `handsets.${index}.model`,
          message: `${JSON.stringify(input.model)} is not a known model`,
          hint: 'did you mean yealink-t54w?',
        })
      }
    })
    if (problems.length > 0)
      throw new AppError('INVALID_INPUT', 'this cannot be handed out', {
        hint: '`ringfence models` lists them',
        problems,
      })
    const handsets = inputs.map((input) => ({
      id: id(),
      model: input.model,
      mac: input.mac ?? null,
      tunnelId: id(),
      certificate: null,
      certificateNote: 'no certificate: this app cannot hold one',
      files: [input.mac ? `${input.mac}.cfg` : 'linphone.xml'],
      enrolledAt: null,
      phoneAddress: null,
      removedAt: null,
      status: 'not enrolled yet',
      seen: null,
      warnings: [],
      blankedAt: null,
    }))
    const tunnels = handsets.map((handset, index) => ({
      id: handset.tunnelId,
      carrier: { kind: 'handset' as const, id: handset.id },
      addresses: [`10.77.0.${index + 12}/32`],
      publicKey: `${'A'.repeat(43)}=`,
      keyOrigin: 'server',
      lastHandshakeAt: null,
    }))
    const access = handsets.flatMap((handset) => [
      line('tunnel', { kind: 'tunnel', id: handset.tunnelId }, 'open', 'converged'),
      line('phone-door', { kind: 'phone-door', id: handset.id }, 'open', 'converged'),
      line('sip-account', { kind: 'sip-credential', id: handset.id }, 'open', 'converged'),
    ])
    return {
      ...view,
      handsets: [...view.handsets, ...handsets],
      tunnels: [...view.tunnels, ...tunnels],
      access: [...view.access, ...access],
    }
  }
  const onboarded = (view: EmployeeView): Onboarded => {
    const token = invites.get(view.id) ?? randomBytes(32).toString('base64url')
    invites.set(view.id, token)
    const provisioningUrls: Record<string, string> = {}
    for (const handset of view.handsets) {
      const enrol = enrolmentToken(token, handset.id)
      steady.set(enrol, handset.id)
      provisioningUrls[handset.id] = `https://phones.example.com:8443/p/${enrol}/`
    }
    const invite = { url: `https://phones.example.com:8443/join/${token}`, expiresAt: '2026-11-29T14:00:00.000Z' }
    return { employee: view, invite, provisioningUrls, warnings: fake.demo.map((reason) => `demo mode: ${reason}`) }
  }
  const employeeOfInvite = (token: string): EmployeeView | undefined => {
    for (const [employeeId, known] of invites) if (known === token) return people.get(employeeId)
    return undefined
  }

  const mails = fakeMails({
    invite: (who, actor) => fake.invite(who, actor),
    did: (deed, actor) => did(deed, actor),
    now: at,
  })
  const calls = fakeCalls({
    find: (who) =>
      [...people.values()].find((view) => [view.id, view.email, view.extension].includes(who)) ?? person(who),
    save: (view) => save(view),
    did: (deed, actor) => did(deed, actor),
  })
  const sessions = new Map<string, Actor>()
  const shown: FakeRecords = { ledger: [], audit: [] }
  const fake: FakeApplication = {
    closing: {},
    resyncing: { outcome: 'told', words: 'the PBX sent it check-sync; its next fetch shows whether it obeyed' },
    demo: [],
    deeds: [],
    visits: [],
    doorRequests: [],
    gatewayKeys: [],
    adopted: [],
    gatewayToken: randomBytes(32).toString('base64url'),
    joinExtras: {},
    joinSeen: { tunnel: 'silent', account: 'not-registered', help: null },
    browserKeys: new Map(),
    failure: null,
    publish: (event) => {
      for (const listener of listeners) listener(event)
    },
    subscribers: () => listeners.size,
    inviteTokenOf: (employeeId) => invites.get(employeeId)!,
    tokenFor(role) {
      const token = randomBytes(32).toString('base64url')
      const view = { id: id(), label: role, role, createdAt: at, createdBy: 'test', lastUsedAt: null, revokedAt: null }
      tokens.set(view.id, { view, hash: createHash('sha256').update(token).digest('hex') })
      return token
    },

    sessionFor(role) {
      const cookie = randomBytes(32).toString('base64url')
      sessions.set(cookie, { name: `${role}@example.com`, role, via: 'session' })
      return cookie
    },
    authenticateSession: async (cookie) => sessions.get(cookie) ?? null,
    ...fakeSignIn(),
    pbxs: fakePbxs(),
    administrators: fakeAdministrators((deed, actor) => did(deed, actor)),
    ...fakeTemplates(() => people.values(), did),

    ...fakeHandsets(
      {
        all: () => [...people.values()],
        models,
        did: (deed, actor) => did(deed, actor),
        now: at,
        addHandset: (...args) => fake.addHandset(...args),
        blankHandset: (...args) => fake.blankHandset(...args),
      },
      shown,
    ),
    shown,
    people: fakePeople({
      all: () => [...people.values()],
      find: (who) =>
        [...people.values()].find((view) => [view.id, view.email, view.extension].includes(who)) ?? person(who),
      did: (deed, actor) => did(deed, actor),
      now: at,
    }),

    calls,
    mails,
    handOver: fakeHandOver(
      (who) => people.get(who),
      (view) => onboarded(view),
    ),
    rosters: fakeRosters(imports, () => fake, did, at),

    overview: () => ({ demo: fake.demo, pbxsByHand: [] }),
    models: () => models,
    async onboard(input, actor) {
      did('onboard', actor)
      if (input.adopt) fake.adopted.push(input.extension)
      if (!/^[0-9]{2,15}$/.test(input.extension)) {
        throw new AppError('INVALID_INPUT', 'this employee cannot be onboarded', {
          hint: 'correct it and try again',
          problems: [
            {
              field: 'extension',
              message: `${JSON.stringify(input.extension)} is not an extension`,
              hint: 'use 2 to 15 digits, such as 1001',
            },
          ],
        })
      }
      for (const other of people.values()) {
        if (other.extension === input.extension && other.lifecycle === 'active') {
          throw new AppError('CONFLICT', `extension ${input.extension} belongs to somebody`, {
            hint: 'offboard the holder first',
            problems: [{ field: 'extension', message: 'taken' }],
          })
        }
      }
      const { name, email, extension } = input
      const view = equip(
        {
          id: id(),
          name,
          email,
          extension,
          pbx: input.pbx ?? 'default',
          calls: calls.choose(input.calls),
          lifecycle: 'active',
          createdAt: at,
          offboardRequestedAt: null,
          offboardedAt: null,
          handsets: [],
          tunnels: [],
          gateways: [],
          access: [],
        },
        input.handsets,
      )
      if (input.mail !== undefined) mails.queue(view.id, view.email)
      return onboarded(save(view))
    },
    async addHandset(employeeId, handset, actor) {
      did('addHandset', actor)
      return onboarded(save(equip(person(employeeId), [handset])))
    },
    async removeHandset(handsetId, actor) {
      did('removeHandset', actor)
      const owner = [...people.values()].find((view) => view.handsets.some((handset) => handset.id === handsetId))
      if (!owner) throw new AppError('NOT_FOUND', 'there is no such handset', { hint: '`ringfence show` lists them' })
      return save({
        ...owner,
        handsets: owner.handsets.map((handset) =>
          handset.id === handsetId
            ? { ...handset, removedAt: at, status: 'access revoked; tombstone not fetched yet' }
            : handset,
        ),
      })
    },
    async resyncHandset(handsetId, actor) {
      did('resyncHandset', actor)
      return { handsetId, ...fake.resyncing }
    },
    async blankHandset(handsetId, actor) {
      const employee = await fake.removeHandset(handsetId, actor)
      return { employee, words: 'it is blanked at its next fetch' }
    },
    async showPhonePasswords(_handsetId, actor) {
      did('showPhonePasswords', actor)
      return { admin: new Secret('an-admin-password-of-the-tests'), user: null, generation: 1 }
    },
    async invite(employeeId, actor) {
      did('invite', actor)
      const view = person(employeeId)
      if (view.lifecycle !== 'active')
        throw new AppError('CONFLICT', `${view.name} is leaving`, { hint: 'a rehire is a new enrolment' })
      invites.delete(employeeId)
      return onboarded(view)
    },
    async setGatewayKey(employeeId, publicKey, actor) {
      did(`setGatewayKey:${publicKey}`, actor)
      return person(employeeId)
    },
    async takeGatewayKey(token, publicKey) {
      fake.gatewayKeys.push(publicKey)
      return token === fake.gatewayToken
    },
    async offboard(employeeId, reason, actor) {
      did(`offboard:${reason ?? ''}`, actor)
      const view = person(employeeId)
      if (view.lifecycle !== 'active') return view
      const access = view.access.map((open) =>
        line(open.system, open.subject, 'closed', fake.closing[open.system] ?? 'converged'),
      )
      const done = access.every(({ verdict }) => verdict === 'converged')
      return save({
        ...view,
        lifecycle: done ? 'offboarded' : 'offboarding',
        offboardRequestedAt: at,
        offboardedAt: done ? at : null,
        access,
      })
    },
    async settled(employeeId, waitMs, signal) {
      const until = Date.now() + waitMs
      while (
        person(employeeId).access.some(({ verdict }) => verdict === 'retrying') &&
        Date.now() < until &&
        !signal?.aborted
      ) {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return person(employeeId)
    },
    async acknowledge(employeeId, system, subjectId, actor, shown = null) {
      did('acknowledge', actor)
      const view = person(employeeId)
      if (!view.access.some((open) => open.system === system))
        throw new AppError('NOT_FOUND', `no line of ${system}`, { hint: '`ringfence show` lists them' })
      const stale = view.access.find((one) => one.system === system && wordsMark(one.problem) !== shown)
      if (shown !== null && stale) throw new AppError('CONFLICT', `now it is: ${stale.problem}`)
      const access = view.access.map((open) =>
        open.system === system && open.verdict !== 'retrying' && (subjectId === null || open.subject.id === subjectId)
          ? { ...open, acknowledged: { by: actor.name, at } }
          : open,
      )
      const done =
        view.lifecycle === 'offboarding' &&
        access.every(({ verdict, acknowledged }) => verdict === 'converged' || acknowledged !== null)
      return save(done ? { ...view, access, lifecycle: 'offboarded', offboardedAt: at } : { ...view, access })
    },
    async erase(employeeId, actor) {
      did('erase', actor)
      const view = person(employeeId)
      if (view.lifecycle !== 'offboarded')
        throw new AppError('CONFLICT', `${view.name} still holds access`, { hint: 'offboard first' })
      people.delete(employeeId)
    },
    employees: async ({ lifecycle }) =>
      [...people.values()].filter((view) => lifecycle === undefined || view.lifecycle === lifecycle),
    async employee(who) {
      if (fake.failure) throw fake.failure
      const found = [...people.values()].find((view) => [view.id, view.email, view.extension].includes(who))
      return found ?? person(who)
    },
    async report(employeeId) {
      const view = person(employeeId)
      if (view.lifecycle === 'active')
        throw new AppError('NOT_FOUND', `${view.name} did not leave`, { hint: '`ringfence offboard` comes first' })
      const { name, email, extension, pbx } = view
      return {
        version: 1,
        complete: view.lifecycle === 'offboarded',
        employee: { id: view.id, name, email, extension, pbx: { name: pbx, site: 'Headquarters', address: null } },
        requestedAt: at,
        requestedBy: fake.deeds.findLast(({ deed }) => deed.startsWith('offboard'))?.actor.name ?? 'test',
        reason: null,
        completedAt: view.offboardedAt,
        durationMs: view.offboardedAt ? 420 : null,
        doors: view.access,
        handsets: view.handsets.map(({ model: handsetModel, mac }) => ({
          model: handsetModel,
          mac,
          certificateSerials: [],
        })),
        addenda: [],
        auditHead: { position: 12, hash: 'ab'.repeat(32) },
      }
    },

    ...fakeImports(imports, id, (deed, actor) => did(deed, actor)),
    ...fakePhoneSettings(
      () => [...people.values()],
      at,
      (deed, actor) => did(deed, actor),
    ),

    async enterVisit({ fileName, served }) {
      fake.visits.push({ fileName, served })
    },
    async showSecrets(who, actor) {
      did('showSecrets', actor)
      const { extension } = await fake.employee(who)
      return [{ extension, username: extension, generation: 1, secret: new Secret('a-sip-secret-of-the-tests') }]
    },
    async createToken(label, role, actor) {
      did('createToken', actor)
      const token = fake.tokenFor(role)
      const entry = [...tokens.values()].at(-1)!
      entry.view = { ...entry.view, label, createdBy: actor.name }
      return { view: entry.view, token: new Secret(token) }
    },
    tokens: async () => [...tokens.values()].map(({ view }) => view),
    async revokeToken(tokenId, actor) {
      did('revokeToken', actor)
      const entry = tokens.get(tokenId)
      if (!entry)
        throw new AppError('NOT_FOUND', 'there is no such token', { hint: '`ringfence token list` shows them' })
      entry.view = { ...entry.view, revokedAt: at }
      return entry.view
    },
    async authenticate(token) {
      const hash = createHash('sha256').update(token).digest('hex')
      const entry = [...tokens.values()].find((known) => known.hash === hash && known.view.revokedAt === null)
      return entry ? { name: entry.view.label, role: entry.view.role, via: 'token' } : null
    },

    doctor: async () => ({
      checks: [
        { area: 'host', state: 'ok', message: 'node is new enough', hint: null },
        { area: 'hub', state: 'problem', message: 'wireguard-go is not installed', hint: 'apt install wireguard-go' },
      ],
    }),
    subscribe(listener) {
      listeners.add(listener)
      return { stop: () => void listeners.delete(listener) }
    },
    metrics: async () => '# TYPE ringfence_employees gauge\nringfence_employees 1\n',

    ...fakeJoins({ employeeOf: employeeOfInvite, models, told: () => fake }),
    async managedProfile(tunnelId, platform, actor) {
      did(`managedProfile:${platform}`, actor)
      const known = [...people.values()].some(({ tunnels }) => tunnels.some(({ id: other }) => other === tunnelId))
      if (!known) throw new AppError('NOT_FOUND', 'there is no such tunnel', { hint: '`ringfence show` lists them' })
      return { fileName: `office-${platform}.mobileconfig`, text: new Secret('<plist version="1.0"></plist>\n') }
    },
    async serveFile(request) {
      fake.doorRequests.push(request)
      if (fake.failure) throw fake.failure
      const handsetId = steady.get(request.token)
      const owner = [...people.values()].find((view) => view.handsets.some((handset) => handset.id === handsetId))
      const handset = owner?.handsets.find((candidate) => candidate.id === handsetId)
      if (owner?.lifecycle !== 'active' || !handset?.files.includes(request.fileName)) return null
      return doorFile('text/xml; charset=utf-8', `<config>${handset.id}</config>\n`, request.ifNoneMatch)
    },
    revocationList: async () => Buffer.from([0x30, 0x03, 0x02, 0x01, 0x01]),
  }
  return fake
}
