import type { AccessSystem, Evidence, Finding } from '../access/access-system.ts'
import type { TunnelSubject } from '../domain/access.ts'
import { AppError, asAppError } from '../errors.ts'
import type { Vault } from '../vault.ts'
import type { Hub, Peer, PeerSpec, Revision } from './hub-port.ts'

export interface TunnelAccessParts {
  readonly hub: Hub
  readonly hubId: string
  /** Opens preshared keys, sealed in the context `tunnel:<id>:psk`. */
  readonly vault: Pick<Vault, 'open'>
  /** A greater one at each call, from the writer that holds the lease. */
  readonly nextRevision: () => Revision
}

export interface TunnelSnapshot {
  readonly interface: string
  readonly preview: boolean
  readonly peers: ReadonlyMap<string, Peer>
  /** The keys that were looked for; `all` after a complete listing. Of others nothing is known. */
  readonly looked: ReadonlySet<string> | 'all'
}

// Small enough that a removal which comes in between waits for a few hundredths of a second only.
const subjectsPerChange = 500

/** Peers of one hub. */
export function tunnelAccess({
  hub,
  hubId,
  vault,
  nextRevision,
}: TunnelAccessParts): AccessSystem<TunnelSubject, TunnelSnapshot> {
  async function snapshot(keys: readonly string[] | 'all', signal: AbortSignal): Promise<TunnelSnapshot> {
    const [description, peers] = await Promise.all([
      hub.describe(signal),
      keys === 'all' ? hub.listPeers(signal) : hub.readPeers(keys, signal),
    ])
    return {
      interface: description.interface,
      preview: description.mode === 'preview',
      peers: new Map(peers.map((peer) => [peer.publicKey, peer])),
      looked: keys === 'all' ? 'all' : new Set(keys),
    }
  }

  /** What the hub refuses as a whole is put in halves, so that one bad tunnel does not keep the others shut out. */
  async function put(subjects: readonly TunnelSubject[], signal: AbortSignal): Promise<void> {
    const openKeys = new Set(subjects.flatMap(({ publicKeys }) => publicKeys))
    const remove = subjects.flatMap(({ retiredKeys }) => retiredKeys).filter((key) => !openKeys.has(key))
    try {
      const specs = subjects.flatMap((subject) => specsOf(subject, vault))
      if (specs.length + remove.length === 0) return
      await hub.applyPeers({ revision: nextRevision(), put: specs, remove }, signal)
    } catch (error) {
      if (subjects.length === 1 || !isAboutOneSubject(error)) throw error
      const middle = subjects.length >>> 1
      const halves = [subjects.slice(0, middle), subjects.slice(middle)]
      const failures: unknown[] = []
      for (const half of halves) await put(half, signal).catch((failure: unknown) => failures.push(failure))
      if (failures.length > 0) throw failures[0]
    }
  }

  async function shut(
    subjects: readonly TunnelSubject[],
    staying: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const remove = [...new Set(subjects.flatMap(keysOf))].filter((key) => !staying.has(key))
    if (remove.length > 0) await hub.applyPeers({ revision: nextRevision(), put: [], remove }, signal)
  }

  return {
    kind: 'tunnel',
    instance: hubId,
    read: (signal) => snapshot('all', signal),
    // Whether a stranger holds the addresses of a tunnel whose keys nobody knows is seen in a complete listing only.
    readSome: (subjects, signal) =>
      snapshot(subjects.some(isKeyless) ? 'all' : [...new Set(subjects.flatMap(watchedKeys))], signal),
    judge,
    // The hub lets a removal pass the puts of other keys and holds it behind a put of the same key.
    shutAtOnce: (subjects, signal) =>
      shut(
        subjects.filter(({ wanted }) => wanted === 'closed'),
        new Set(),
        signal,
      ),
    async apply(subjects, signal) {
      const open = subjects.filter(({ wanted }) => wanted === 'open')
      const stayingKeys = new Set(open.flatMap(({ publicKeys }) => publicKeys))
      const closed = subjects.filter(({ wanted }) => wanted === 'closed')
      // Doors are shut first, in one request that needs no look at the interface.
      await shut(closed, stayingKeys, signal)
      const failures: unknown[] = []
      for (let at = 0; at < open.length; at += subjectsPerChange) {
        const some = open.slice(at, at + subjectsPerChange)
        await put(some, signal).catch((error: unknown) => {
          if (!isAboutOneSubject(error)) throw error
          failures.push(error)
        })
      }
      if (failures.length > 0) throw failures[0]
    },
    strangers(subjects, { peers, interface: name }) {
      const known = new Set(subjects.flatMap(keysOf))
      return [...peers.values()]
        .filter(({ publicKey }) => !known.has(publicKey))
        .map(
          ({ publicKey, allowedIps }) => `peer ${publicKey} on ${name} with ${listed(allowedIps)} was not issued here`,
        )
    },
  }
}

function judge(subject: TunnelSubject, snapshot: TunnelSnapshot): Finding {
  const { looked } = snapshot
  if (looked !== 'all' && (isKeyless(subject) || watchedKeys(subject).some((key) => !looked.has(key)))) {
    const evidence = { summary: 'this tunnel was not looked at', facts: { interface: snapshot.interface } }
    return { state: 'differs', evidence, problem: 'this tunnel was not looked at' }
  }
  const finding = subject.wanted === 'open' ? judgeOpen(subject, snapshot) : judgeClosed(subject, snapshot)
  return snapshot.preview ? asPreview(finding) : finding
}

function judgeClosed(subject: TunnelSubject, { peers, interface: name }: TunnelSnapshot): Finding {
  if (subject.gatewayStays) {
    const inUse = subject.gatewayStays.keys.some((key) => peers.has(key))
    const key = inUse ? 'its router still has the key of before' : 'its router has another key since'
    return {
      state: 'unverifiable',
      evidence: {
        summary: `the tunnel belongs to a home gateway that stays for other phones; ${key}`,
        facts: { interface: name, addresses: subject.prefixes.join(' '), keyOfBeforeInUse: inUse },
      },
      problem: 'shared gateway, return the phone',
      hint: inUse
        ? 'get the phone back, and give the router a new key (docs/gateways.md): take the old one off it, then `ringfence invite` for whoever stays and its script or file once more'
        : "the hub's firewall shuts the phone's own address; whoever still has the phone could give it another one in that home",
    }
  }
  const squatter = squatterOf(subject, peers)
  if (squatter !== undefined) {
    const problem = `peer ${squatter.publicKey}, which was not issued for it, holds ${listed(squatter.allowedIps)} on ${name}`
    return {
      state: 'unverifiable',
      evidence: { summary: problem, facts: { interface: name, peer: squatter.publicKey } },
      problem,
      hint: `if nobody needs it: wg set ${name} peer ${squatter.publicKey} remove`,
    }
  }
  const keys = keysOf(subject)
  const present = keys.filter((key) => peers.has(key))
  const facts = { interface: name, keys: keys.length, present: present.length }
  if (present.length > 0) {
    const summary = `peer still present on ${name}`
    return { state: 'differs', evidence: { summary, facts }, problem: `${summary}: ${present.join(', ')}` }
  }
  const summary = keys.length === 0 ? 'no key was ever made for this tunnel' : `peer absent from ${name} on re-read`
  return { state: 'as-desired', evidence: { summary, facts } }
}

function judgeOpen(subject: TunnelSubject, { peers, interface: name }: TunnelSnapshot): Finding {
  if (subject.publicKeys.length === 0 && subject.retiredKeys.every((key) => !peers.has(key)))
    return keyMissing(subject, name)
  const problems = subject.publicKeys.flatMap((key) => problemOf(key, wantedPrefixes(subject, key), peers.get(key)))
  problems.push(
    ...subject.retiredKeys.filter((key) => peers.has(key)).map((key) => `retired key ${key} is still there`),
  )
  const facts: Evidence['facts'] = {
    interface: name,
    keys: subject.publicKeys.length,
    activeKey: subject.activeKey,
    prefixes: [...subject.prefixes].sort().join(' '),
  }
  if (problems.length > 0) {
    return {
      state: 'differs',
      evidence: { summary: `peer on ${name} is not as it should be`, facts },
      problem: problems.join('; '),
    }
  }
  const summary =
    subject.activeKey === null
      ? `peer present on ${name}, waits for its first handshake`
      : `peer present on ${name} with ${listed([...subject.prefixes].sort())}`
  return { state: 'as-desired', evidence: { summary, facts } }
}

/** Nothing passes and nothing is there to be tried again: a person runs the script, and the key brings a new generation. */
function keyMissing({ prefixes, admitted }: TunnelSubject, name: string): Finding {
  const evidence = { summary: 'waits for its key', facts: { interface: name, keys: 0 } }
  // Only behind a gateway is there a network that is not admitted as a whole.
  const isGateway = prefixes.some((prefix) => !admitted.includes(prefix))
  return isGateway
    ? {
        state: 'waiting',
        evidence,
        problem: 'no key of its router is known yet',
        hint: 'run its script, or enter the key: `ringfence gateway key WHO KEY`; when the link has ended, `ringfence invite WHO` makes another',
      }
    : {
        state: 'waiting',
        evidence,
        problem: 'it has no key: the last one was not used in time',
        hint: '`ringfence invite WHO` makes a new link and a new key',
      }
}

function problemOf(key: string, wanted: readonly string[], peer: Peer | undefined): string[] {
  if (!peer) return [`peer ${key} is missing`]
  return wanted.join() === peer.allowedIps.join()
    ? []
    : [`peer ${key} has ${listed(peer.allowedIps)}, not ${listed(wanted)}`]
}

/** A preview took the change and shows it, but no packet proves anything there. */
function asPreview(finding: Finding): Finding {
  if (finding.state !== 'as-desired') return finding
  const problem = 'preview: no packet moves on this host'
  return {
    state: 'unverifiable',
    evidence: { ...finding.evidence, summary: `${problem} (remembered: ${finding.evidence.summary})` },
    problem,
    hint: 'run the hub on a host with WireGuard; `ringfence doctor` names what is missing here',
  }
}

function specsOf(subject: TunnelSubject, vault: Pick<Vault, 'open'>): PeerSpec[] {
  if (subject.publicKeys.length === 0) return []
  const presharedKey =
    subject.presharedKeySealed === null ? null : vault.open(subject.presharedKeySealed, `tunnel:${subject.id}:psk`)
  return subject.publicKeys.map((publicKey) => ({
    publicKey,
    presharedKey,
    allowedIps: wantedPrefixes(subject, publicKey),
  }))
}

function wantedPrefixes(subject: TunnelSubject, key: string): string[] {
  return key === subject.activeKey ? [...subject.prefixes].sort() : []
}

/** A router may have told its key after the copy of the database that came back was made. */
function isKeyless(subject: TunnelSubject): boolean {
  return (
    subject.wanted === 'closed' && !subject.gatewayStays && keysOf(subject).length === 0 && subject.prefixes.length > 0
  )
}

/** A peer of nobody that holds an address of a closed tunnel; addresses that belong to others by now are not in it. */
function squatterOf(subject: TunnelSubject, peers: ReadonlyMap<string, Peer>): Peer | undefined {
  if (!isKeyless(subject)) return undefined
  const own = new Set(subject.prefixes)
  return [...peers.values()].find(({ allowedIps }) => allowedIps.some((prefix) => own.has(prefix)))
}

/** Also those that only tell something: nobody removes them. */
function watchedKeys(subject: TunnelSubject): string[] {
  return [...keysOf(subject), ...(subject.gatewayStays?.keys ?? [])]
}

function keysOf({ publicKeys, retiredKeys }: TunnelSubject): string[] {
  return [...publicKeys, ...retiredKeys]
}

function listed(prefixes: readonly string[]): string {
  return prefixes.length === 0 ? 'no allowed IPs' : prefixes.join(', ')
}

/** A refusal or a sealed key that does not open speaks of one tunnel; an unreachable hub of all. */
function isAboutOneSubject(error: unknown): boolean {
  const { code, message } = asAppError(error)
  if (!(error instanceof AppError)) return false
  return code === 'VAULT_LOCKED' || (code === 'HUB_REFUSED' && !message.startsWith('revision '))
}
