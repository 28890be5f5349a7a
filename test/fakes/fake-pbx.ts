import { type CallPolicy, policyText } from '../../src/domain/call-policy.ts'
import { type LeftoverReach, nothingSeen, type Outliving } from '../../src/domain/outliving.ts'
import { digestHa1 } from '../../src/domain/sip-account.ts'
import { AppError } from '../../src/errors.ts'
import { callerName } from '../../src/pbx/caller-name.ts'
import type {
  Call,
  ExistingExtension,
  Leftover,
  NotifyTarget,
  PbxAbilities,
  PbxAccount,
  PbxDriver,
  PbxState,
  Registration,
  SharedPin,
} from '../../src/pbx/pbx-driver.ts'
import { addressMatcher } from '../../src/pbx/source-address.ts'

/**
 * A PBX in memory, with the faults that a real one cannot be made to show. Without a fault it keeps the same contract as
 * the real ones (test/contracts/pbx.contract.ts).
 */
export interface FakePbx {
  readonly driver: PbxDriver
  /** May be changed at any time. */
  readonly faults: FakePbxFaults
  /** How often each method was called. */
  readonly counts: { read: number; apply: number; disconnect: number; notify: number }
  /** Every NOTIFY that a phone got, oldest first. */
  readonly notified: readonly { readonly extension: string; readonly address: string | null; readonly event: string }[]
  /** Status that a REGISTER gets; 200 adds a registration. */
  register(phone: FakePhone): number
  call(phone: FakePhone): number
  /** An extension that somebody else set up. */
  addForeign(extension: string, secret?: string): void
  /** A call forward that somebody set. */
  addLeftover(extension: string): void
  /** A conference room with a PIN, which many know. */
  addRoom(room: string): void
  /** What somebody else lets an extension dial. */
  choose(extension: string, policy: CallPolicy): void
  /** The caller's name of an extension. */
  shownName(extension: string): string | undefined
  /** A copy of everything, for "nothing else changed". */
  snapshot(): string
}

export interface FakePbxFaults {
  /** Not there: PBX_UNREACHABLE. */
  down: boolean
  /** Answers no to every change: PBX_REFUSED. */
  refuse: boolean
  /** Never answers; only the caller's signal ends the wait. */
  hang: boolean
  /** Says yes to a change and keeps the old accounts. */
  keepOld: boolean
  /** Says that calls and registrations were ended, and ends none. */
  keepConnections: boolean
  /** Says that call forwards were cleared, and clears none. */
  keepForwards: boolean
  /** Cannot tell one phone of several on an extension. */
  tellsOnlyAll: boolean
  /** Reads as if it were empty. */
  answerEmpty: boolean
  /** Shows another digest than the one it has. */
  wrongDigest: boolean
}

export interface FakePhone {
  readonly extension: string
  readonly username: string
  readonly secret: string
  readonly address: string
}

interface Stored {
  readonly account: PbxAccount
  readonly digests: ReadonlyMap<string, string>
}

export function fakePbx({
  leftovers = 'cleared',
  ...overrides
}: Partial<PbxAbilities> & { readonly leftovers?: LeftoverReach } = {}): FakePbx {
  const realm = 'ringfence'
  const stored = new Map<string, Stored>()
  const foreign = new Set<string>()
  const foreignSecrets = new Map<string, string>()
  const forwarded = new Set<string>()
  const rooms = new Set<string>()
  const registrations: (Registration & { extension: string })[] = []
  const calls: (Call & { extension: string })[] = []
  const counts = { read: 0, apply: 0, disconnect: 0, notify: 0 }
  const notified: { extension: string; address: string | null; event: string }[] = []
  let serial = 0
  const faults: FakePbxFaults = {
    down: false,
    refuse: false,
    hang: false,
    keepOld: false,
    keepConnections: false,
    keepForwards: false,
    tellsOnlyAll: false,
    answerEmpty: false,
    wrongDigest: false,
  }

  async function answer(signal: AbortSignal): Promise<void> {
    if (faults.down)
      throw new AppError('PBX_UNREACHABLE', 'the PBX is not reachable', { hint: 'start it', retryable: true })
    if (!faults.hang) return
    await new Promise<void>((_, reject) => {
      const give = () => reject(new AppError('PBX_UNREACHABLE', 'the PBX did not answer in time', { retryable: true }))
      if (signal.aborted) give()
      else signal.addEventListener('abort', give, { once: true })
    })
  }

  function requireWilling() {
    if (faults.refuse) throw new AppError('PBX_REFUSED', 'the PBX refused', { hint: 'see its log', retryable: true })
  }

  const abilities: PbxAbilities = {
    realm,
    credentialsPerExtension: 'many',
    readBack: true,
    endsRegistrations: true,
    endsCalls: true,
    resync: true,
    certificates: 'not-checked',
    revocationLists: 'not-checked',
    storesSecretAs: 'digest',
    callClasses: 'enforced',
    adoption: true,
    ...overrides,
  }

  const driver: PbxDriver = {
    kind: 'fake',
    abilities,
    outliving: leftovers === 'unseen' ? nothingSeen : onlyForwards(leftovers),
    async describe(signal) {
      await answer(signal)
      return { product: 'Fake PBX 1.0', problems: [] }
    },
    async readAccounts(signal) {
      counts.read++
      await answer(signal)
      return faults.answerEmpty ? { product: 'Fake PBX 1.0', accounts: [], foreign: [] } : state()
    },
    async applyAccounts(accounts, signal) {
      counts.apply++
      for (const account of accounts) requirePlain(account)
      await answer(signal)
      requireWilling()
      if (faults.keepOld) return
      for (const { extension, adopted } of accounts) if (adopted) foreign.delete(extension)
      const taken = accounts.filter(({ extension, credentials }) => foreign.has(extension) && credentials.length > 0)
      for (const account of accounts) if (!foreign.has(account.extension)) put(account)
      if (taken.length > 0) {
        throw new AppError('PBX_REFUSED', `extension ${taken[0]!.extension} is somebody else's`, {
          hint: 'choose another',
        })
      }
    },
    async disconnect(targets, signal) {
      counts.disconnect++
      await answer(signal)
      requireWilling()
      if (faults.keepConnections) return
      const meant = (trace: Trace) => targets.some((target) => isMeant(target, trace))
      keep(registrations, (one) => !meant(one))
      keep(calls, (one) => !meant(one))
    },
    ...(abilities.resync ? { notify } : {}),
    ...(leftovers === 'unseen' ? {} : { readLeftovers, readSharedPins }),
    ...(leftovers === 'cleared' ? { clearLeftovers } : {}),
    ...(abilities.adoption ? { listExisting } : {}),
  }

  async function readLeftovers(extensions: readonly string[], signal: AbortSignal): Promise<Leftover[]> {
    await answer(signal)
    return extensions
      .filter((extension) => forwarded.has(extension))
      .map((extension) => ({ extension, kind: 'call-forward', words: 'calls are forwarded', clearable: true }))
  }

  async function readSharedPins(signal: AbortSignal): Promise<SharedPin[]> {
    await answer(signal)
    return [...rooms].map((room) => ({ kind: 'conference-pin', words: `the PIN of conference room ${room}` }))
  }

  async function clearLeftovers(extensions: readonly string[], signal: AbortSignal) {
    await answer(signal)
    requireWilling()
    if (!faults.keepForwards) for (const extension of extensions) forwarded.delete(extension)
  }

  async function listExisting(signal: AbortSignal): Promise<ExistingExtension[]> {
    await answer(signal)
    return [...foreign]
      .sort()
      .map((extension) => ({ extension, displayName: 'by hand', email: null, facts: {}, obstacle: null }))
  }

  async function notify(targets: readonly NotifyTarget[], signal: AbortSignal) {
    counts.notify++
    if (targets.some(({ event }) => !/^[A-Za-z0-9;=-]+$/.test(event))) throw new AppError('INVALID_INPUT', 'no event')
    await answer(signal)
    requireWilling()
    return targets.map((target) => {
      const meant = registrations.filter((one) => isMeant(target, one))
      const contacts = meant.map(({ contact }) => contact)
      const others = registrations.filter(({ extension }) => extension === target.extension).length - meant.length
      if (faults.tellsOnlyAll && others > 0)
        return { told: [], passedOver: contacts, why: 'this PBX tells all phones or none' }
      for (const { extension, address } of meant) notified.push({ extension, address, event: target.event })
      return { told: contacts, passedOver: [] }
    })
  }

  function put(account: PbxAccount) {
    if (account.credentials.length === 0) {
      stored.delete(account.extension)
      return
    }
    const digests = account.credentials.map(
      ({ id, username, secret }) => [id, digestHa1(username, realm, secret)] as const,
    )
    stored.set(account.extension, { account, digests: new Map(digests) })
  }

  function state(): PbxState {
    const extensions = new Set([...stored.keys(), ...[...registrations, ...calls].map(({ extension }) => extension)])
    const accounts = [...extensions].sort().map((extension) => {
      const entry = stored.get(extension)
      return {
        extension,
        credentials: (entry?.account.credentials ?? []).map(({ id, generation }) => ({
          id,
          generation,
          digest: faults.wrongDigest ? 'f'.repeat(32) : (entry?.digests.get(id) ?? null),
        })),
        registrations: registrations
          .filter((one) => one.extension === extension)
          .map(({ extension: _, ...rest }) => rest),
        calls: calls.filter((one) => one.extension === extension).map(({ extension: _, ...rest }) => rest),
        policy: abilities.callClasses === 'enforced' && entry ? policyText(entry.account.policy) : null,
      }
    })
    return { product: 'Fake PBX 1.0', accounts, foreign: [...foreign].sort() }
  }

  function admits({ extension, username, secret }: FakePhone): boolean {
    if (foreignSecrets.get(extension) === secret) return true
    const credentials = stored.get(extension)?.account.credentials ?? []
    return credentials.some((credential) => credential.username === username && credential.secret.reveal() === secret)
  }

  return {
    driver,
    faults,
    counts,
    notified,
    register(phone) {
      if (!admits(phone)) return 401
      const contact = `sip:${phone.extension}@${phone.address}:5061`
      const max = stored.get(phone.extension)?.account.maxContacts ?? 1
      keep(registrations, (one) => one.extension !== phone.extension || one.contact !== contact)
      registrations.push({
        id: `r${++serial}`,
        extension: phone.extension,
        contact,
        address: phone.address,
        userAgent: 'fake',
      })
      const mine = registrations.filter((one) => one.extension === phone.extension)
      const tooMany = new Set(mine.slice(0, Math.max(0, mine.length - max)))
      keep(registrations, (one) => !tooMany.has(one))
      return 200
    },
    call(phone) {
      if (!admits(phone)) return 401
      calls.push({ id: `c${++serial}`, extension: phone.extension, address: phone.address })
      return 200
    },
    addForeign(extension, secret) {
      foreign.add(extension)
      if (secret !== undefined) foreignSecrets.set(extension, secret)
    },
    addLeftover: (extension) => forwarded.add(extension),
    addRoom: (room) => rooms.add(room),
    choose(extension, policy) {
      const entry = stored.get(extension)!
      stored.set(extension, { ...entry, account: { ...entry.account, policy } })
    },
    shownName: (extension) => {
      const entry = stored.get(extension)
      return entry && callerName(entry.account.displayName)
    },
    snapshot: () => JSON.stringify(state()),
  }
}

/** Of all that may outlive a password it knows call forwards alone, and PINs of conference rooms. */
function onlyForwards(reach: 'cleared' | 'read'): Outliving {
  const none = Object.fromEntries(Object.keys(nothingSeen).map((kind) => [kind, 'none'])) as unknown as Outliving
  return { ...none, 'call-forward': reach, 'conference-pin': 'read' }
}

interface Trace {
  readonly extension: string
  readonly address: string | null
}

function isMeant({ extension, addresses }: Pick<NotifyTarget, 'extension' | 'addresses'>, trace: Trace): boolean {
  if (extension !== trace.extension) return false
  return addresses === null || (trace.address !== null && addressMatcher(addresses)(trace.address))
}

function requirePlain(account: PbxAccount) {
  const isPlain =
    /^[0-9]{2,15}$/.test(account.extension) &&
    account.credentials.every(({ username }) => /^[A-Za-z0-9._-]{1,64}$/.test(username))
  if (!isPlain) throw new AppError('INVALID_INPUT', 'this cannot be used on the PBX')
}

function keep<T>(list: T[], stays: (one: T) => boolean) {
  list.splice(0, list.length, ...list.filter(stays))
}
