import type { AccessSystem, Finding } from '../access/access-system.ts'
import type { TunnelSubject } from '../domain/access.ts'
import { contains, type Prefix, parsePrefix } from '../domain/address.ts'
import type { Hub, Revision } from './hub-port.ts'
import { overlapsOf, prefixIndex } from './prefix.ts'

export interface FirewallAccessParts {
  readonly hub: Hub
  readonly hubId: string
  readonly nextRevision: () => Revision
  /**
   * Which open tunnel holds a prefix now: prefix to tunnel id, for the whole hub. A prefix goes to somebody else once its
   * quarantine is over, and the tombstone of its last owner must not shut the new one out.
   */
  readonly holders: () => Promise<ReadonlyMap<string, string>>
}

export interface FirewallSnapshot {
  readonly interface: string
  readonly preview: boolean
  readonly rulesIntact: boolean
  readonly admitted: readonly string[]
  /** Some admitted prefix that overlaps this one. */
  readonly admittedOver: (prefix: Prefix) => Prefix | undefined
  /** All admitted prefixes that overlap this one. */
  readonly admittedIn: (prefix: Prefix) => readonly Prefix[]
  readonly holders: ReadonlyMap<string, string>
}

const preview = 'preview: no packet moves on this host'

/** Who may pass the hub's firewall: exactly what open tunnels have admitted; behind a gateway, reserved addresses only. */
export function firewallAccess({
  hub,
  hubId,
  nextRevision,
  holders,
}: FirewallAccessParts): AccessSystem<TunnelSubject, FirewallSnapshot> {
  return {
    kind: 'firewall',
    instance: hubId,
    async read(signal) {
      // Holders before the table: a prefix that is handed out in between is seen as shut too early, never as open too long.
      const held = await holders()
      const [{ interface: name, mode }, state] = await Promise.all([hub.describe(signal), hub.readFirewall(signal)])
      const admitted = state.admitted.flatMap((text) => parsePrefix(text) ?? [])
      const admittedOver = prefixIndex(admitted.map((prefix) => [prefix, prefix] as const))
      const admittedIn = overlapsOf(admitted)
      return { interface: name, preview: mode === 'preview', ...state, admittedOver, admittedIn, holders: held }
    },
    judge(subject, snapshot) {
      const finding = subject.wanted === 'open' ? judgeOpen(subject, snapshot) : judgeClosed(subject, snapshot)
      if (!snapshot.preview || finding.state !== 'as-desired') return finding
      return {
        state: 'unverifiable',
        evidence: { ...finding.evidence, summary: `${preview} (remembered: ${finding.evidence.summary})` },
        problem: preview,
        hint: 'run the hub on a host with WireGuard and nftables; `ringfence doctor` names what is missing here',
      }
    },
    async apply(subjects, signal) {
      const held = await holders()
      const open = subjects.filter(({ wanted }) => wanted === 'open')
      const admit = open.flatMap(({ admitted }) => admitted)
      // A gateway's subnet is shut but for its phones, in the same request that admits these.
      const around = open.flatMap(closedParts)
      const staying = new Set(admit)
      const expel = subjects
        .filter(({ wanted }) => wanted === 'closed')
        .flatMap((subject) => ownPrefixes(subject, held))
        .filter((prefix) => !staying.has(prefix))
      if (expel.length > 0) await hub.applyFirewall({ revision: nextRevision(), admit: [], expel }, signal)
      // Also with nothing to admit, when nothing was expelled either: the rules may need mending.
      if (admit.length > 0 || expel.length === 0) {
        await hub.applyFirewall({ revision: nextRevision(), admit, expel: around }, signal)
      }
    },
    strangers(subjects, { admitted, interface: name }) {
      const known = new Set(subjects.flatMap(({ prefixes, admitted: phones }) => [...prefixes, ...phones]))
      return admitted
        .filter((prefix) => !known.has(prefix))
        .map((prefix) => `${prefix} is admitted by the firewall of ${name} but belongs to no tunnel`)
    },
  }
}

function judgeOpen(subject: TunnelSubject, snapshot: FirewallSnapshot): Finding {
  const missing = subject.admitted.filter((text) => {
    const prefix = parsePrefix(text)
    const over = prefix && snapshot.admittedOver(prefix)
    return !prefix || !over || !contains(over, prefix)
  })
  const facts = { interface: snapshot.interface, prefixes: shown(subject.admitted), rulesIntact: snapshot.rulesIntact }
  if (missing.length > 0) {
    const summary = `the firewall of ${snapshot.interface} does not admit ${shown(missing)}`
    return { state: 'differs', evidence: { summary, facts }, problem: summary }
  }
  const own = subject.admitted.flatMap((text) => parsePrefix(text) ?? [])
  const others = closedParts(subject)
    .flatMap((text) => snapshot.admittedIn(parsePrefix(text)!))
    .filter((prefix) => !own.some((one) => contains(one, prefix)))
  if (others.length > 0) {
    const summary = `the firewall of ${snapshot.interface} admits ${shown(others.map(({ text }) => text))}, which no phone has`
    return { state: 'differs', evidence: { summary, facts }, problem: summary }
  }
  if (!snapshot.rulesIntact) return rulesChanged(snapshot, facts)
  return {
    state: 'as-desired',
    evidence: { summary: `the firewall of ${snapshot.interface} admits ${shown(subject.admitted)}`, facts },
  }
}

function judgeClosed(subject: TunnelSubject, snapshot: FirewallSnapshot): Finding {
  const own = ownPrefixes(subject, snapshot.holders)
  const open = own.filter((text) => {
    const prefix = parsePrefix(text)
    return prefix && snapshot.admittedOver(prefix)
  })
  const facts = { interface: snapshot.interface, prefixes: shown(own), rulesIntact: snapshot.rulesIntact }
  if (open.length > 0) {
    const summary = `the firewall of ${snapshot.interface} still admits ${shown(open)}`
    return { state: 'differs', evidence: { summary, facts }, problem: summary }
  }
  if (!snapshot.rulesIntact) return rulesChanged(snapshot, facts)
  const others = subject.prefixes.length - own.length
  const summary =
    own.length === 0
      ? others > 0
        ? 'its addresses now belong to another tunnel'
        : subject.retiredKeys.length > 0
          ? "nothing to shut here: the firewall goes by addresses, and those of this former key are the new key's"
          : 'it has no address'
      : `the firewall of ${snapshot.interface} does not admit ${shown(own)} on re-read`
  return { state: 'as-desired', evidence: { summary, facts } }
}

function rulesChanged({ interface: name }: FirewallSnapshot, facts: Finding['evidence']['facts']): Finding {
  return {
    state: 'differs',
    evidence: { summary: `the firewall rules of ${name} are not the hub's`, facts },
    problem: `somebody changed or removed the firewall table of ${name}`,
    hint: 'the hub puts its rules back; find out who changes them (`nft monitor`)',
  }
}

/** Of an open tunnel's prefixes those that are not admitted as a whole: a gateway's subnet, of which only phones are. */
function closedParts({ prefixes, admitted }: TunnelSubject): string[] {
  return prefixes.filter((prefix) => !admitted.includes(prefix))
}

/** Of a closed tunnel's prefixes those that nobody else got since. */
function ownPrefixes(subject: TunnelSubject, holders: ReadonlyMap<string, string>): string[] {
  return subject.prefixes.filter((prefix) => {
    const holder = holders.get(prefix)
    return holder === undefined || holder === subject.id
  })
}

function shown(prefixes: readonly string[]): string {
  return [...prefixes].sort().join(', ')
}
