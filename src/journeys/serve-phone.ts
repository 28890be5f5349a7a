import { createHash } from 'node:crypto'
import { decideDoor, decideEnrolment } from '../domain/door.ts'
import type { Handset } from '../domain/handset.ts'
import { looksLikeToken, tokenHash } from '../domain/invite.ts'
import { withdrawalOf } from '../domain/withdrawal.ts'
import type { RenderedFile } from '../phones/phone-port.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import type { DoorFile, DoorRequest, InviteVisit } from './door-view.ts'
import { openFetchLedger } from './fetch-ledger.ts'
import { derivedPassword, fileValues, phoneOf } from './file-values.ts'
import { openHandsetInventory } from './handset-inventory.ts'
import { openServedFiles, spelledName } from './served-files.ts'
import { appendToJournal, withdraw } from './withdraw.ts'

/** The door's memory: rendered files (a phone asks for the same one for years) and ledger lines on their way. */
export interface PhoneDoor {
  serve(request: DoorRequest): Promise<DoorFile | null>
  /** Enters a look at an invite's page, or a file fetched from it, into the ledger. */
  enterVisit(visit: InviteVisit): Promise<void>
  /** Writes what is still in memory: lines of the ledger, what phones said of themselves, and what was served. */
  flush(): Promise<void>
}

interface Rendered extends RenderedFile {
  readonly etag: string
  readonly hash: string
}

const cacheSize = 4_000

export function openPhoneDoor(context: JourneyContext): PhoneDoor {
  const cache = new Map<string, Rendered>()
  let cachedEdition = context.catalogue.edition
  const ledger = openFetchLedger(context)
  const inventory = openHandsetInventory(context)
  const served = openServedFiles(context)
  /** Those of the cache that the row of what was last served is about. */
  const kept = new WeakSet<Rendered>()

  function enter(
    request: Pick<DoorRequest, 'fileName' | 'remoteAddress' | 'userAgent'>,
    handset: { readonly id: string | null; readonly employeeId: string } | undefined,
    outcome: string,
    reason: string,
    contentHash: string | null,
  ): void {
    ledger.enter({
      handsetId: handset?.id ?? null,
      employeeId: handset?.employeeId ?? null,
      remoteAddress: request.remoteAddress,
      userAgent: request.userAgent?.slice(0, 200) ?? null,
      // Of a stranger's request even the file name may be a secret typed into the wrong place.
      fileName: handset ? request.fileName.slice(0, 100) : null,
      outcome,
      reason,
      contentHash,
    })
  }

  async function enterVisit({ token, fileName, remoteAddress, userAgent, served }: InviteVisit): Promise<void> {
    const hash = tokenHash(token)
    const [invite] = await context.store.find('invite', { tokenHash: hash })
    const [gateway] = invite ? [] : await context.store.find('gateway', { keyTokenHash: hash })
    const request = { token, fileName, remoteAddress, userAgent }
    const reason = invite
      ? served
        ? 'invite'
        : 'invite is closed, has expired or has no such file'
      : gateway
        ? served
          ? "home gateway's key"
          : 'no key that this home gateway may have now'
        : 'no such link'
    const holder = invite ?? gateway
    const seen = holder && { id: null, employeeId: holder.employeeId }
    enter(request, seen, served ? 'served' : 'refused', reason, null)
  }

  async function serve(request: DoorRequest): Promise<DoorFile | null> {
    const hash = tokenHash(request.token)
    // Hashed and looked up even when malformed, so that every refusal takes the same path.
    const handset = await context.store.handsetByTokenHash(hash)
    const refuse = (reason: string) => {
      enter(request, handset, 'refused', reason, null)
      return null
    }
    if (!handset) return throughGateway(request, hash)
    const decision = decideDoor(handset, hash, context.system.now())
    if (decision.answer === 'refuse') return refuse(decision.reason)

    const rendered =
      decision.answer === 'blanking' ? blank(handset, request.fileName) : await file(handset, request.fileName)
    if (!rendered) return refuse('this handset has no such file')
    if (decision.answer === 'file' && decision.enrols && !(await enrol(handset, hash)))
      return refuse('taken back a moment ago')

    if (decision.answer === 'file') {
      if (request.method === 'GET') await keep(handset, request.fileName, rendered)
      return answer(request, handset, rendered, `${decision.token} link`)
    }
    if (request.method === 'GET') await inventory.blanked(handset)
    return answer(request, handset, rendered, 'access was withdrawn', 'blanked')
  }

  function answer(
    request: DoorRequest,
    asking: Handset | { readonly id: null; readonly employeeId: string },
    { contentType, body, etag, hash }: Rendered,
    reason: string,
    outcome?: 'blanked',
  ): DoorFile {
    const notModified = request.ifNoneMatch?.split(',').some((tag) => tag.trim() === etag) ?? false
    enter(request, asking, outcome ?? (notModified ? 'not-modified' : 'served'), reason, hash)
    if (asking.id !== null && outcome === undefined) inventory.served(asking, request.userAgent)
    return { contentType, body, etag, notModified }
  }

  /**
   * The link in a home gateway's DHCP option: each phone behind it finds its first file there, by the MAC in the name that
   * it asks for, within its own window; from then on it uses its own link.
   */
  async function throughGateway(request: DoorRequest, hash: string): Promise<DoorFile | null> {
    const { fileName, token } = request
    const [gateway] = await context.store.find('gateway', { doorTokenHash: hash, removedAt: null })
    const refuse = (reason: string, handset?: Handset) => {
      enter(request, handset ?? (gateway && { id: null, employeeId: gateway.employeeId }), 'refused', reason, null)
      return null
    }
    if (!gateway) return refuse(looksLikeToken(token) ? 'no such link' : 'not a link of ours')
    const carried = await context.store.find('handset', { gatewayId: gateway.id, removedAt: null })
    const asking = carried.filter(({ model, mac }) => context.catalogue.filePurpose(model, fileName, mac) !== null)
    const now = context.system.now()
    const named = asking.find(({ mac }) => mac !== null && fileName.toLowerCase().includes(mac))
    if (named) {
      const decision = decideEnrolment(named, now)
      if (decision.answer === 'refuse') return refuse(decision.reason, named)
      const rendered = await file(named, fileName)
      if (!rendered) return refuse('this handset has no such file', named)
      if (request.method === 'GET') await keep(named, fileName, rendered)
      return answer(request, named, rendered, 'gateway link')
    }
    const waiting = asking.filter((handset) => decideEnrolment(handset, now).answer === 'file')
    const rendered = await commonFile(waiting, fileName, `${context.config.phoneDoor.url}/p/${token}/`)
    if (!rendered) return refuse('not one file for all phones behind this gateway')
    // Which of several phones asks, nobody can tell.
    const only = waiting.length === 1 ? waiting[0]! : { id: null, employeeId: gateway.employeeId }
    return answer(request, only, rendered, 'gateway link')
  }

  /** A file without a MAC in its name: only where all phones that wait get the same, and none learns another's own link. */
  async function commonFile(
    handsets: readonly Handset[],
    fileName: string,
    provisioningUrl: string,
  ): Promise<Rendered | null> {
    const documents = await Promise.all(
      handsets.map(async (handset) => {
        const employee = await context.store.get('employee', handset.employeeId)
        const values = employee && (await fileValues(context, handset, employee.name))
        return values ? context.catalogue.render(handset.model, fileName, { ...values, provisioningUrl }) : null
      }),
    )
    const [first] = documents
    return first && documents.every((document) => document?.body === first.body) ? withHash(first) : null
  }

  /** A phone gets its file whether or not we can remember it. */
  async function keep(handset: Handset, fileName: string, rendered: Rendered): Promise<void> {
    if (kept.has(rendered)) return
    kept.add(rendered)
    try {
      await served.keep(handset, fileName, rendered.hash)
    } catch (error) {
      kept.delete(rendered)
      context.log.error({ err: error, handset: handset.id }, 'what a phone was served could not be noted')
    }
  }

  /** First use of the steady token: from here on the photographed QR is worthless. */
  async function enrol(handset: Handset, hash: string): Promise<boolean> {
    const at = context.system.now().toISOString()
    const withdrawn = await context.store.transaction(async (tx) => {
      const current = await tx.get('handset', handset.id)
      if (!current || current.removedAt !== null || current.steadyTokenHash !== hash) return null
      if (current.enrolledAt !== null) return []
      await tx.update('handset', handset.id, { enrolledAt: at, formerTokenHash: null })
      await tx.record(
        auditEvent(context, 'handset.enrolled', {
          employeeId: handset.employeeId,
          subjectId: handset.id,
          actor: itself,
        }),
      )
      const { id, employeeId, doorGeneration: generation } = current
      const used = withdrawalOf('enrolment-link', id, { employeeId, at, generation })
      const former = withdrawalOf('door-links', id, { employeeId, at, generation })
      return withdraw(tx, current.formerTokenHash === null ? [used] : [used, former])
    })
    if (withdrawn !== null) await appendToJournal(context, withdrawn)
    return withdrawn !== null
  }

  function blank(handset: Handset, fileName: string): Rendered | null {
    const filler = derivedPassword(context, handset, 'blank')
    const document = context.catalogue.renderBlanking(handset.model, fileName, { mac: handset.mac, filler })
    return document && withHash(document)
  }

  async function file(handset: Handset, fileName: string): Promise<Rendered | null> {
    const employee = await context.store.get('employee', handset.employeeId)
    if (!employee) return null
    const { edition } = context.catalogue
    if (edition !== cachedEdition) {
      cache.clear()
      cachedEdition = edition
    }
    // The employee's generation grows with every change of what this person holds; so does the handset's own.
    const settings = context.phoneSettings.stamp(phoneOf(context.catalogue, handset))
    const name = spelledName(context, handset, fileName) ?? fileName
    const key = `${handset.id}/${handset.doorGeneration}/${employee.generation}/${settings}/${name}`
    const known = cache.get(key)
    if (known) {
      cache.delete(key)
      cache.set(key, known)
      return known
    }
    const values = await fileValues(context, handset, employee.name)
    // Values for the old templates do not go with new ones.
    if (context.catalogue.edition !== edition) return file(handset, fileName)
    const document = values && context.catalogue.render(handset.model, fileName, values)
    if (!document) return null
    const rendered = withHash(document)
    cache.set(key, rendered)
    if (cache.size > cacheSize) cache.delete(cache.keys().next().value!)
    return rendered
  }

  async function flush(): Promise<void> {
    try {
      await inventory.flush()
    } finally {
      await Promise.all([ledger.flush(), served.flush()])
    }
  }

  return { serve, enterVisit, flush }
}

function withHash(document: RenderedFile): Rendered {
  const hash = createHash('sha256').update(document.body).digest('hex')
  return { ...document, hash, etag: `"${hash.slice(0, 32)}"` }
}
