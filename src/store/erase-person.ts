import { AppError } from '../errors.ts'
import { eraseWords } from './erase-words.ts'
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
  const clean = eraseWords({ name: person.name, email: person.email })
  await tx
    .updateTable('employee')
    .set({
      name: 'erased',
      // Reserved for ever to be nobody's (RFC 2606 section 2), and unlike anybody else's.
      email: `${employeeId}@erased.invalid`,
      offboardReason: null,
      leaverFile: clean(person.leaverFile),
    })
    .where('id', '=', employeeId)
    .execute()
  await tx
    .updateTable('invite')
    .set({ closedAt: now.toISOString() })
    .where('employeeId', '=', employeeId)
    .where('closedAt', 'is', null)
    .execute()
  await eraseLedger(tx, employeeId)
  await eraseCertificates(tx, employeeId)
  await eraseAuditDetails(tx, employeeId, clean)
  await eraseMentions(tx, employeeId, clean)
}

type Clean = ReturnType<typeof eraseWords>

async function eraseLedger(tx: Database, employeeId: string): Promise<void> {
  const handsets = tx.selectFrom('handset').select('id').where('employeeId', '=', employeeId)
  await tx
    .updateTable('doorFetch')
    .set({ remoteAddress: 'erased', userAgent: null })
    .where((eb) => eb.or([eb('employeeId', '=', employeeId), eb('handsetId', 'in', handsets)]))
    .execute()
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

/** Particulars are erased whole: a changed one would no longer fit its commitment. */
async function eraseAuditDetails(tx: Database, employeeId: string, clean: Clean): Promise<void> {
  const theirs = tx
    .selectFrom('auditEvent')
    .select('id')
    .where('employeeId', '=', employeeId)
    .where('kind', '<>', 'employee.erased')
  await tx.deleteFrom('auditDetail').where('eventId', 'in', theirs).execute()
  const others = tx.selectFrom('auditEvent').select('id').where('employeeId', 'is', null)
  const rest = await tx.selectFrom('auditDetail').select(['eventId', 'detail']).where('eventId', 'in', others).execute()
  for (const row of rest) {
    if (clean(row.detail) !== row.detail)
      await tx.deleteFrom('auditDetail').where('eventId', '=', row.eventId).execute()
  }
}

/** Texts that may quote the person: evidence, tombstones, messages, imports. */
async function eraseMentions(tx: Database, employeeId: string, clean: Clean): Promise<void> {
  for (const row of await tx.selectFrom('verdict').selectAll().where('employeeId', '=', employeeId).execute()) {
    const texts = { evidence: clean(row.evidence), problem: clean(row.problem), hint: clean(row.hint) }
    await tx.updateTable('verdict').set(texts).where('id', '=', row.id).execute()
  }
  for (const row of await tx.selectFrom('tombstone').selectAll().where('employeeId', '=', employeeId).execute()) {
    await tx
      .updateTable('tombstone')
      .set({ subject: clean(row.subject) ?? row.subject })
      .where('id', '=', row.id)
      .execute()
  }
  for (const row of await tx.selectFrom('outbox').select(['id', 'payload', 'lastProblem']).execute()) {
    const changed = { payload: clean(row.payload) ?? row.payload, lastProblem: clean(row.lastProblem) }
    if (changed.payload === row.payload && changed.lastProblem === row.lastProblem) continue
    await tx.updateTable('outbox').set(changed).where('id', '=', row.id).execute()
  }
  for (const row of await tx.selectFrom('importRun').select(['id', 'state']).execute()) {
    const state = clean(row.state) ?? row.state
    if (state !== row.state) await tx.updateTable('importRun').set({ state }).where('id', '=', row.id).execute()
  }
}
