/** What the phone door learns of a handset from its fetches: what it is, and that it took the document that blanks it. */
import type { Handset } from '../domain/handset.ts'
import type { Contradiction, Seen } from '../phones/phone-port.ts'
import type { AuditEntry, StoreWriter } from '../store/store.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import { factsOf } from './event-facts.ts'
import { writtenTogether } from './written-together.ts'

type InventoryContext = Pick<JourneyContext, 'store' | 'system' | 'catalogue' | 'publish' | 'log'>

export interface HandsetInventory {
  /** A handset in use got a file, or heard that it has it already. */
  served(handset: Handset, userAgent: string | null): void
  /** A handset that was taken back asks for the document that blanks it: noted before it gets it, the first time. */
  blanked(handset: Handset): Promise<void>
  /** Writes what is still in memory. */
  flush(): Promise<void>
}

interface Sight {
  readonly seen: Seen
  readonly at: string
}

/** 500 phones that start at once with the firmware of yesterday cost one write each in so many hours. */
const freshMs = 6 * 3_600_000
const batch = 100
/** So many doubts about one handset are told; whoever invents more has said enough. */
const mostFindings = 20

export function openHandsetInventory(context: InventoryContext): HandsetInventory {
  const waiting = new Map<string, Sight>()
  const writing = writtenTogether(flush, (error) =>
    context.log.error({ err: error }, 'what phones say of themselves could not be written'),
  )

  function served(handset: Handset, userAgent: string | null): void {
    const seen = userAgent === null ? null : context.catalogue.seen(handset.model, userAgent)
    if (seen === null) return
    const now = context.system.now()
    const isFresh = handset.seenAt !== null && now.getTime() - Date.parse(handset.seenAt) < freshMs
    if (isFresh && isSame(seen, handset) && !waiting.has(handset.id)) return
    waiting.set(handset.id, { seen, at: now.toISOString() })
    writing.soon()
  }

  async function flush(): Promise<void> {
    writing.begin()
    const going = [...waiting]
    waiting.clear()
    for (let from = 0; from < going.length; from += batch) {
      try {
        const moved = await context.store.transaction((tx) => writeAll(tx, going.slice(from, from + batch)))
        for (const { employeeId, id } of moved)
          context.publish({ kind: 'employee', employeeId, data: { handset: id, warning: true } })
      } catch (error) {
        // What came meanwhile is newer.
        for (const [id, sight] of going.slice(from)) if (!waiting.has(id)) waiting.set(id, sight)
        throw error
      }
    }
  }

  async function writeAll(tx: StoreWriter, sights: readonly (readonly [string, Sight])[]): Promise<Handset[]> {
    const doubted: Handset[] = []
    for (const [id, { seen, at }] of sights) {
      const handset = await tx.get('handset', id)
      if (!handset || handset.removedAt !== null) continue
      await tx.update('handset', id, {
        seenModel: seen.model,
        seenFirmware: seen.firmware,
        seenMac: seen.mac,
        seenAt: at,
      })
      const fresh = await newFindings(tx, handset, seen)
      for (const { kind, message } of fresh) {
        const who = { employeeId: handset.employeeId, subjectId: id, actor: itself }
        await tx.record(auditEvent(context, 'handset.mismatch', who, { what: kind, finding: message }))
      }
      if (fresh.length > 0) doubted.push(handset)
    }
    return doubted
  }

  /** Told once each, for as long as the log keeps them: two phones that share a link take turns. */
  async function newFindings(tx: StoreWriter, handset: Handset, seen: Seen): Promise<readonly Contradiction[]> {
    const found = context.catalogue.contradictions(handset.model, handset.mac, seen)
    const before = new Set(doubtsAbout(context, handset).map(({ message }) => message))
    const candidates = found.filter(({ message }) => !before.has(message))
    if (candidates.length === 0) return []
    const trail = await tx.auditTrail({ employeeId: handset.employeeId, limit: 1_000 })
    const told = new Set(
      trail
        .filter(({ kind, subjectId }) => kind === 'handset.mismatch' && subjectId === handset.id)
        .map((event) => findingIn(event)),
    )
    return candidates.filter(({ message }) => !told.has(message)).slice(0, Math.max(0, mostFindings - told.size))
  }

  async function blanked(handset: Handset): Promise<void> {
    if (handset.blankedAt !== null) return
    const { id, employeeId } = handset
    const at = context.system.now().toISOString()
    try {
      const isFirst = await context.store.transaction(async (tx) => {
        if (!(await tx.updateIf('handset', id, { blankedAt: null }, { blankedAt: at }))) return false
        const summary = `${handset.model} fetched the document that takes its account away`
        await tx.record(
          auditEvent(context, 'handset.blanked', { employeeId, subjectId: id, actor: itself }, { summary }),
        )
        return true
      })
      if (isFirst) context.publish({ kind: 'employee', employeeId, data: { handset: id, blankedAt: at } })
    } catch (error) {
      // Better blanked and not noted than noted and not blanked.
      context.log.error({ err: error }, 'that a phone fetched its blanking document could not be written')
    }
  }

  return { served, blanked, flush }
}

/** What a handset last said of itself; null when it never said anything. */
export function seenOf({ seenModel, seenFirmware, seenMac, seenAt }: Handset): (Seen & { readonly at: string }) | null {
  return seenAt === null ? null : { model: seenModel, firmware: seenFirmware, mac: seenMac, at: seenAt }
}

/** Where that does not fit what was handed out. */
export function doubtsAbout(
  { catalogue }: Pick<JourneyContext, 'catalogue'>,
  handset: Handset,
): readonly Contradiction[] {
  const seen = seenOf(handset)
  return seen === null ? [] : catalogue.contradictions(handset.model, handset.mac, seen)
}

function isSame(seen: Seen, { seenModel, seenFirmware, seenMac }: Handset): boolean {
  return seen.model === seenModel && seen.firmware === seenFirmware && seen.mac === seenMac
}

function findingIn({ detail }: AuditEntry): string | null {
  const { finding } = factsOf(detail)
  return typeof finding === 'string' ? finding : null
}
