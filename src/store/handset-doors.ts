import { type ExpressionBuilder, sql } from 'kysely'
import { type Database, isPostgres, type Schema } from './schema.ts'

/** Which handsets have a door that needs a look: through everything of theirs that can hold a verdict. */
export function handsetsWithOpenVerdict(db: Database) {
  const open = () => db.selectFrom('verdict').where(needsALook)
  const of = (kind: Schema['verdict']['subjectKind']) => open().where('verdict.subjectKind', '=', kind)
  const itself = of('phone-door').select('verdict.subjectId as id')
  const certificate = of('certificate')
    .innerJoin('certificate', 'certificate.id', 'verdict.subjectId')
    .select('certificate.handsetId as id')
  const ownAccount = of('sip-credential')
    .innerJoin('sipCredential', 'sipCredential.id', 'verdict.subjectId')
    .innerJoin('handset', 'handset.id', 'sipCredential.handsetId')
    .select('handset.id')
  const sharedAccount = of('sip-credential')
    .innerJoin('sipCredential', 'sipCredential.id', 'verdict.subjectId')
    .innerJoin('handset', 'handset.assignmentId', 'sipCredential.assignmentId')
    .where('sipCredential.handsetId', 'is', null)
    .select('handset.id')
  const ownTunnel = of('tunnel')
    .innerJoin('tunnel', 'tunnel.id', 'verdict.subjectId')
    .innerJoin('handset', 'handset.id', 'tunnel.carrierId')
    .select('handset.id')
  const gatewayTunnel = of('tunnel')
    .innerJoin('tunnel', 'tunnel.id', 'verdict.subjectId')
    .innerJoin('handset', 'handset.gatewayId', 'tunnel.carrierId')
    .select('handset.id')
  // `<tunnel>#<handset>` is what a phone that left had of a gateway's tunnel.
  const part = isPostgres(db)
    ? sql<string>`split_part("verdict"."subjectId", '#', 2)`
    : sql<string>`substr("verdict"."subjectId", instr("verdict"."subjectId", '#') + 1)`
  const itsPart = of('tunnel').where('verdict.subjectId', 'like', '%#%').select(part.as('id'))
  return itself
    .unionAll(certificate)
    .unionAll(ownAccount)
    .unionAll(sharedAccount)
    .unionAll(ownTunnel)
    .unionAll(gatewayTunnel)
    .unionAll(itsPart)
}

/** Stuck or on its way, or waiting for somebody who has not ticked it. */
export function needsALook(eb: ExpressionBuilder<Schema, 'verdict'>) {
  return eb.or([
    eb('verdict.state', '=', 'retrying'),
    eb('verdict.state', 'in', ['waiting', 'unverifiable']).and('verdict.acknowledgedAt', 'is', null),
  ])
}
