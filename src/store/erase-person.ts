import { AppError } from '../errors.ts'
import { type Eraser, eraserOf, parsedJson } from './erase-words.ts'
import type { Database } from './schema.ts'

/**
 * Inside a transaction: nothing that names or describes the person is left but ids. What stays says that somebody had
 * access and that it was shut. The audit events of kind `employee.erased` keep their particulars: they name the admin.
 */
export async function erasePerson(tx: Database, employeeId: string, now: Date): Promise<void> {
  const person = await tx.selectFrom('employee').selectAll().where('id', '=', employeeId).executeTakeFirst()
  if (person === undefined)
    throw new AppError('NOT_FOUND', `there is no employee ${employeeId}`, { hint: 'look at `ringfence list`' })
  if (person.lifecycle !== 'offboarded') {
    throw new AppError('CONFLICT', 'this person still has access', {
      hint: 'offboard them first; erase when everything is shut',
    })
  }
  const eraser = eraserOf({ name: person.name, email: person.email })
  await tx
    .updateTable('employee')
    .set({
      name: 'erased',
      // Reserved for ever to be nobody's (RFC 2606 section 2), and unlike anybody else's.
      email: `${employeeId}@erased.invalid`,
      offboardReason: null,
      leaverFile: withoutLeaver(person.leaverFile),
    })
    .where('id', '=', employeeId)
    .execute()
  await tx
    .updateTable('invite')
    .set({ closedAt: now.toISOString() })
    .where('employeeId', '=', employeeId)
    .where('closedAt', 'is', null)
    .execute()
  await tx
    .updateTable('handset')
    .set({ seenModel: null, seenFirmware: null, seenMac: null, seenAt: null })
    .where('employeeId', '=', employeeId)
    .execute()
  await tx.updateTable('leaving').set({ reason: null }).where('employeeId', '=', employeeId).execute()
  await tx
    .updateTable('mail')
    .set({ recipient: `${employeeId}@erased.invalid`, linkSealed: null, lastProblem: null })
    .where('employeeId', '=', employeeId)
    .execute()
  await tx
    .updateTable('mail')
    .set({ state: 'cancelled' })
    .where('employeeId', '=', employeeId)
    .where('state', '=', 'queued')
    .execute()
  await eraseLedger(tx, employeeId)
  await eraseServedFiles(tx, employeeId)
  await eraseCertificates(tx, employeeId)
  await eraseAdministrators(tx, person.email)
  await erasePhoneSettings(tx, employeeId)
  await eraseAuditDetails(tx, employeeId, eraser)
  await eraseMentions(tx, employeeId, eraser)
}

/**
 * The frozen file says whose it was in one place, and why they left in another; all the rest of it is proof and stays as
 * it was frozen. One that cannot be read goes whole: it proves nothing, and nobody can say what it holds.
 */
function withoutLeaver(leaverFile: string | null): string | null {
  const file = leaverFile === null ? undefined : parsedJson(leaverFile)
  if (typeof file !== 'object' || file === null || !('employee' in file)) return null
  const employee = typeof file.employee === 'object' ? file.employee : {}
  return JSON.stringify({ ...file, employee: { ...employee, name: 'erased', email: 'erased' }, reason: null })
}

async function eraseLedger(tx: Database, employeeId: string): Promise<void> {
  const handsets = tx.selectFrom('handset').select('id').where('employeeId', '=', employeeId)
  await tx
    .updateTable('doorFetch')
    .set({ remoteAddress: 'erased', userAgent: null })
    .where((eb) => eb.or([eb('employeeId', '=', employeeId), eb('handsetId', 'in', handsets)]))
    .execute()
}

/** They carry the person's name and extension, packed, where no search would find them. */
async function eraseServedFiles(tx: Database, employeeId: string): Promise<void> {
  const handsets = tx.selectFrom('handset').select('id').where('employeeId', '=', employeeId)
  await tx.deleteFrom('servedFile').where('handsetId', 'in', handsets).execute()
}

/** The leaf carries the person's name; serial and dates stay, for the revocation list. */
async function eraseCertificates(tx: Database, employeeId: string): Promise<void> {
  const handsets = tx.selectFrom('handset').select('id').where('employeeId', '=', employeeId)
  await tx
    .updateTable('certificate')
    .set({ certificate: 'erased', privateKeySealed: null })
    .where('handsetId', 'in', handsets)
    .execute()
}

/**
 * Who was let in again after a rehire has another row, which stays. The hash of their identity at the provider stays too:
 * it names nobody, and keeps out who is still known there.
 */
async function eraseAdministrators(tx: Database, email: string): Promise<void> {
  const gone = await tx
    .selectFrom('administrator')
    .select('id')
    .where('email', '=', email)
    .where('disabledAt', 'is not', null)
    .execute()
  for (const { id } of gone) {
    const nobody = { name: 'erased', email: `${id}@erased.invalid` }
    await tx.updateTable('administrator').set(nobody).where('id', '=', id).execute()
    const nowhere = { remoteAddress: 'erased', userAgent: null }
    await tx.updateTable('session').set(nowhere).where('administratorId', '=', id).execute()
    await tx.updateTable('passkey').set({ label: 'erased' }).where('administratorId', '=', id).execute()
  }
}

/** What was set for one handset may describe its owner: a label, the place for emergency calls. */
async function erasePhoneSettings(tx: Database, employeeId: string): Promise<void> {
  const handsets = tx.selectFrom('handset').select('id').where('employeeId', '=', employeeId)
  await tx.deleteFrom('phoneSetting').where('layer', '=', 'handset').where('scope', 'in', handsets).execute()
}

/** Particulars are erased whole: a changed one would no longer fit its commitment. */
async function eraseAuditDetails(tx: Database, employeeId: string, eraser: Eraser): Promise<void> {
  const theirs = tx
    .selectFrom('auditEvent')
    .select('id')
    .where('employeeId', '=', employeeId)
    .where('kind', '<>', 'employee.erased')
  await tx.deleteFrom('auditDetail').where('eventId', 'in', theirs).execute()
  const others = tx.selectFrom('auditEvent').select('id').where('employeeId', 'is', null)
  const rest = await tx.selectFrom('auditDetail').select(['eventId', 'detail']).where('eventId', 'in', others).execute()
  for (const row of rest) {
    if (eraser.document(row.detail) !== row.detail)
      await tx.deleteFrom('auditDetail').where('eventId', '=', row.eventId).execute()
  }
}

/** Texts that may quote the person: evidence, messages, imports. A tombstone holds ids, and the name at most once. */
async function eraseMentions(tx: Database, employeeId: string, { document, sentence }: Eraser): Promise<void> {
  for (const row of await tx.selectFrom('verdict').selectAll().where('employeeId', '=', employeeId).execute()) {
    const texts = { evidence: document(row.evidence), problem: sentence(row.problem), hint: sentence(row.hint) }
    await tx.updateTable('verdict').set(texts).where('id', '=', row.id).execute()
  }
  for (const row of await tx.selectFrom('tombstone').selectAll().where('employeeId', '=', employeeId).execute()) {
    const subject = parsedJson(row.subject)
    if (typeof subject !== 'object' || subject === null || !('displayName' in subject)) continue
    const nameless = JSON.stringify({ ...subject, displayName: null })
    await tx.updateTable('tombstone').set({ subject: nameless }).where('id', '=', row.id).execute()
  }
  for (const row of await tx.selectFrom('outbox').select(['id', 'payload', 'lastProblem']).execute()) {
    const changed = { payload: document(row.payload), lastProblem: sentence(row.lastProblem) }
    if (changed.payload === row.payload && changed.lastProblem === row.lastProblem) continue
    await tx.updateTable('outbox').set(changed).where('id', '=', row.id).execute()
  }
  for (const row of await tx.selectFrom('importRun').select(['id', 'state']).execute()) {
    const state = document(row.state)
    if (state !== row.state) await tx.updateTable('importRun').set({ state }).where('id', '=', row.id).execute()
  }
}
