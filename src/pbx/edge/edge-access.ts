import type { AccessSystem, Evidence, Finding } from '../../access/access-system.ts'
import type { CertificateSubject } from '../../domain/access.ts'
import type { EdgeKeeper, EdgeSnapshot } from './edge-keeper.ts'
import { decimalSerial } from './edge-tables.ts'

/**
 * Client certificates at the SIP edge. Open: the edge lets this serial speak for its extension from its tunnel's addresses,
 * and for nothing else. Closed: the edge denies it, holds no binding for it, and has no connection of it.
 */
export function edgeAccess(keeper: EdgeKeeper): AccessSystem<CertificateSubject, EdgeSnapshot> {
  // The first list in which this process saw a serial: evidence of a phone that left long ago must not change daily.
  const listed = new Map<string, number>()
  return {
    kind: 'edge',
    instance: 'sip-edge',
    async read(signal) {
      const snapshot = await keeper.read(signal)
      const { inForce } = snapshot
      if (inForce) for (const serial of inForce.serials) if (!listed.has(serial)) listed.set(serial, inForce.number)
      return snapshot
    },
    judge: (subject, snapshot) =>
      subject.wanted === 'closed' ? judgeClosed(subject, snapshot, listed) : judgeOpen(subject, snapshot),
    async apply(subjects, signal) {
      const closing = denials(subjects)
      // First of all the door; should that fail, the files are written all the same, and the rest says why.
      if (closing.size > 0) await keeper.shut(closing, signal).catch(() => undefined)
      await keeper.publish(signal)
    },
    shutAtOnce: (subjects, signal) => keeper.shut(denials(subjects), signal),
    strangers: (subjects, { rows }) => strangersIn(subjects, rows.bind),
  }
}

/** As the `bind` table has it. */
export function bindingText({ extension, addresses }: { extension: string; addresses: readonly string[] }): string {
  return `${extension}|${addresses.join(',')}`
}

function denials(subjects: readonly CertificateSubject[]): ReadonlyMap<string, string> {
  const closed = subjects.filter(({ wanted }) => wanted === 'closed')
  return new Map(closed.map(({ serial, notAfter }) => [decimalSerial(serial), denialText(notAfter)]))
}

/** As the `deny` table has it: the day on which the certificate runs out. */
export function denialText(notAfter: string): string {
  return notAfter.slice(0, 10)
}

function judgeClosed(
  subject: CertificateSubject,
  { rows, connected, readAt, inForce }: EdgeSnapshot,
  listed: ReadonlyMap<string, number>,
): Finding {
  const serial = decimalSerial(subject.serial)
  const [denied, bound, online] = [rows.deny.has(serial), rows.bind.has(serial), connected.has(serial)]
  const facts = { serial: subject.serial, denied, bound, connected: online }
  const ranOut = Date.parse(subject.notAfter) <= readAt.getTime()
  if (!bound && !online && (denied || ranOut)) {
    if (!denied) return seen(`${short(subject)} ran out at ${subject.notAfter}, and nothing is bound to it`, facts)
    const list = inForce?.serials.has(serial) ? listed.get(serial) : undefined
    const where = list === undefined ? '' : ` and in revocation list ${list} that the edge loaded`
    return seen(`refused at the edge: ${short(subject)} in the deny table${where}, no connection of it`, {
      ...facts,
      list: list ?? null,
    })
  }
  const faults = [
    !denied && 'is not in the deny table',
    bound && 'is still bound to an extension',
    online && 'still has a connection',
  ].filter((fault) => fault !== false)
  const problem = `at the edge, ${short(subject)} ${faults.join(' and ')}`
  return { state: 'differs', evidence: { summary: problem, facts }, problem, hint: again }
}

function judgeOpen(subject: CertificateSubject, { rows, lastHanded, readAt }: EdgeSnapshot): Finding {
  const serial = decimalSerial(subject.serial)
  const wanted = subject.holder ? bindingText(subject.holder) : null
  const bound = rows.bind.get(serial) ?? null
  const denied = rows.deny.has(serial)
  const facts = { serial: subject.serial, denied, bound }
  const differs = (problem: string, hint: string) =>
    ({ state: 'differs', evidence: { summary: problem, facts }, problem, hint }) satisfies Finding
  if (denied)
    return differs(
      `the edge denies ${short(subject)} although its handset is in service`,
      'what was denied once stays so: enrol the handset again for a new certificate',
    )
  if (wanted === null || bound !== wanted)
    return differs(`at the edge, ${short(subject)} is not bound to its extension and addresses`, again)
  // What is wrong with the list is wrong for every phone.
  const ofAll = (problem: string, hint: string): Finding => ({ ...differs(problem, hint), ofAll: true })
  if (lastHanded === null) return ofAll('the edge has no revocation list that it could start with', again)
  const [from, until, now] = [lastHanded.thisUpdate, lastHanded.nextUpdate, readAt].map((time) => time.getTime()) as [
    number,
    number,
    number,
  ]
  if (until <= now)
    return ofAll(`revocation list ${lastHanded.number} has run out: the edge refuses every phone that connects`, renew)
  if (now - from > (until - from) / 2) {
    const end = lastHanded.nextUpdate.toISOString()
    return ofAll(`revocation list ${lastHanded.number} at the edge is old and locks out every phone at ${end}`, renew)
  }
  return seen(
    `the edge lets ${short(subject)} speak for ${subject.holder!.extension} from ${subject.holder!.addresses.join(', ') || 'nowhere'}`,
    facts,
  )
}

const again = 'Ringfence does it again by itself; if this stays, `ringfence doctor` says what is wrong with the edge'
const renew = 'Ringfence puts out a new list each day; the log of the server says what keeps it from that'

/** Nobody but Ringfence writes this table: such a row goes with the next change. */
function strangersIn(subjects: readonly CertificateSubject[], bind: ReadonlyMap<string, string>): readonly string[] {
  const ours = new Set(subjects.map(({ serial }) => decimalSerial(serial)))
  return [...bind]
    .filter(([serial]) => !ours.has(serial))
    .map(
      ([serial, value]) => `serial ${serial} is bound to ${value} at the edge and belongs to no certificate known here`,
    )
}

function seen(summary: string, facts: Evidence['facts']): Finding {
  return { state: 'as-desired', evidence: { summary, facts } }
}

function short({ serial }: CertificateSubject): string {
  return `serial ${serial.slice(0, 8)}…`
}
