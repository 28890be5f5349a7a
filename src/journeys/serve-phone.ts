import { createHash } from 'node:crypto'
import { decideDoor } from '../domain/door.ts'
import type { Handset } from '../domain/handset.ts'
import { looksLikeToken, tokenHash } from '../domain/invite.ts'
import { withdrawalOf } from '../domain/withdrawal.ts'
import type { RenderedFile } from '../phones/phone-port.ts'
import type { DoorFile, DoorRequest, InviteVisit } from './application.ts'
import { auditEvent, itself, type JourneyContext } from './context.ts'
import { openFetchLedger } from './fetch-ledger.ts'
import { derivedPassword, fileValues, phoneOf } from './file-values.ts'
import { appendToJournal, withdraw } from './withdraw.ts'

/** The door's memory: rendered files (a phone asks for the same one for years) and ledger lines on their way. */
export interface PhoneDoor {
  serve(request: DoorRequest): Promise<DoorFile | null>
  /** Enters a look at an invite's page, or a file fetched from it, into the ledger. */
  enterVisit(visit: InviteVisit): Promise<void>
  /** Writes the ledger lines that are still in memory. */
  flush(): Promise<void>
}

interface Rendered extends RenderedFile {
  readonly etag: string
  readonly hash: string
}

const cacheSize = 4_000

export function openPhoneDoor(context: JourneyContext): PhoneDoor {
  const cache = new Map<string, Rendered>()
  const ledger = openFetchLedger(context)

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
    const invite = (await context.store.find('invite', { tokenHash: tokenHash(token) }))[0]
    const request = { token, fileName, remoteAddress, userAgent }
    const reason =
      invite === undefined ? 'no such invite' : served ? 'invite' : 'invite is closed, has expired or has no such file'
    const seen = invite && { id: null, employeeId: invite.employeeId }
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
    if (!handset) return refuse(looksLikeToken(request.token) ? 'no such link' : 'not a link of ours')
    const decision = decideDoor(handset, hash, context.system.now())
    if (decision.answer === 'refuse') return refuse(decision.reason)

    const rendered =
      decision.answer === 'blanking' ? blank(handset, request.fileName) : await file(handset, request.fileName)
    if (!rendered) return refuse('this handset has no such file')
    if (decision.answer === 'file' && decision.enrols && !(await enrol(handset, hash)))
      return refuse('taken back a moment ago')

    const notModified = request.ifNoneMatch?.split(',').some((tag) => tag.trim() === rendered.etag) ?? false
    const outcome = decision.answer === 'blanking' ? 'blanked' : notModified ? 'not-modified' : 'served'
    enter(
      request,
      handset,
      outcome,
      decision.answer === 'blanking' ? 'access was withdrawn' : `${decision.token} link`,
      rendered.hash,
    )
    return { contentType: rendered.contentType, body: rendered.body, etag: rendered.etag, notModified }
  }

  /** First use of the steady token: from here on the photographed QR is worthless. */
  async function enrol(handset: Handset, hash: string): Promise<boolean> {
    const at = context.system.now().toISOString()
    const withdrawn = await context.store.transaction(async (tx) => {
      const current = await tx.get('handset', handset.id)
      if (!current || current.removedAt !== null || current.steadyTokenHash !== hash) return null
      if (current.enrolledAt !== null) return []
      await tx.update('handset', handset.id, { enrolledAt: at })
      await tx.record(
        auditEvent(context, 'handset.enrolled', {
          employeeId: handset.employeeId,
          subjectId: handset.id,
          actor: itself,
        }),
      )
      const { id, employeeId, doorGeneration: generation } = current
      return withdraw(tx, [withdrawalOf('enrolment-link', id, { employeeId, at, generation })])
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
    // The employee's generation grows with every change of what this person holds; so does the handset's own.
    const settings = context.phoneSettings.stamp(phoneOf(context.catalogue, handset))
    const key = `${handset.id}/${handset.doorGeneration}/${employee.generation}/${settings}/${fileName}`
    const known = cache.get(key)
    if (known) {
      cache.delete(key)
      cache.set(key, known)
      return known
    }
    const values = await fileValues(context, handset, employee.name)
    const document = values && context.catalogue.render(handset.model, fileName, values)
    if (!document) return null
    const rendered = withHash(document)
    cache.set(key, rendered)
    if (cache.size > cacheSize) cache.delete(cache.keys().next().value!)
    return rendered
  }

  return { serve, enterVisit, flush: ledger.flush }
}

function withHash(document: RenderedFile): Rendered {
  const hash = createHash('sha256').update(document.body).digest('hex')
  return { ...document, hash, etag: `"${hash.slice(0, 32)}"` }
}
