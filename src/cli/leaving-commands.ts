import { byClick } from '../domain/leaver-doors.ts'
import { extensionAt } from '../domain/sip-account.ts'
import { defaultId } from '../domain/site.ts'
import { AppError } from '../errors.ts'
import type { EmployeeView } from '../journeys/application.ts'
import type { LeaverFile } from '../journeys/leaver-view.ts'
import { placeWords } from '../journeys/pbx-view.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { stayingGatewayLines } from './gateway-lines.ts'
import { findPerson, pause, print, printJson, type Session } from './session.ts'
import { paint, safe, table, when } from './terminal.ts'
import { currentDoors, foldedLine, isShut, personLine, tally, verdictLines } from './verdict-lines.ts'
import { settledDoors, watchDoors } from './watching.ts'

interface OffboardOptions {
  readonly reason: string | undefined
  readonly wait: number
}

/** Ends with `open` unless every single door was seen shut: a script must not take "asked for" for "done". */
export async function offboard(session: Session, who: string, { reason, wait }: OffboardOptions): Promise<ExitCode> {
  const { terminal, client } = session
  const before = await findPerson(session, who)
  const { id } = before
  const until = Date.now() + wait * 1_000
  const json = reason === undefined ? {} : { reason }
  const click = client.send<EmployeeView>({
    method: 'POST',
    path: path`/employees/${id}/offboard`,
    json,
    waitSeconds: wait,
  })
  let view = await watchDoors(session, id, click)
  // A server waits only so long for one request. And the last verdict and the mark that all is done are two writes.
  while (inMotion(view) && Date.now() < until) {
    await settledDoors(session, id, (until - Date.now()) / 1_000)
    await pause(session.lookEveryMs)
    view = await findPerson(session, id)
  }
  const done = view.lifecycle === 'offboarded' && view.access.every(isShut)
  if (session.json) printJson(session, view)
  else {
    print(session, [
      personLine(terminal, view),
      '',
      ...verdictLines(terminal, currentDoors(view)),
      '',
      ...stayingGatewayLines(terminal, view, new Map(before.gateways.map((gateway) => [gateway.id, gateway.owner.id]))),
      ...summary(session, view, done),
    ])
  }
  return done ? exitCodes.ok : exitCodes.open
}

/** Something may still change by itself: a person's step may not. */
function inMotion({ lifecycle, access }: EmployeeView): boolean {
  if (lifecycle !== 'offboarding') return false
  return access.every(isShut) || access.some(({ verdict, wanted }) => verdict === 'retrying' || wanted === 'open')
}

function summary({ terminal }: Session, view: EmployeeView, done: boolean): string[] {
  if (done) {
    const count = currentDoors(view).length
    return [
      `${paint(terminal, 'good', '✓ Every door was seen shut')} (${count} of ${count})`,
      `  next  ringfence report ${view.id}`,
    ]
  }
  if (view.lifecycle === 'offboarded') {
    return [
      byWord(terminal, view),
      `  next  ringfence report ${view.id}`,
      `  exit  ${exitCodes.open}, since what somebody ticked was not seen; nothing is left to do`,
    ]
  }
  const open = view.access.filter(
    ({ verdict, acknowledged }) => /^(waiting|unverifiable)$/.test(verdict) && !acknowledged,
  )
  // Where the hint says already how to tick it, a second command would look like a second thing to do.
  const untold = open.filter(({ hint }) => !hint?.includes('ringfence acknowledge'))
  const ticks = [...new Set(untold.map(({ system }) => `  tick  ringfence acknowledge ${view.id} ${safe(system)}`))]
  const retrying = view.access.some(({ verdict }) => verdict === 'retrying')
  const shut = retrying
    ? [
        ...new Set(
          currentDoors(view)
            .filter(isShut)
            .map(({ system }) => safe(system)),
        ),
      ]
    : []
  return [
    `${paint(terminal, 'warn', '! Not every door was seen shut yet')} (${tally(currentDoors(view))})`,
    ...(shut.length > 0 ? [`  meanwhile  seen shut: ${shut.join(', ')}`] : []),
    ...(open.length > 0 ? ticks : [`  next  ringfence show ${view.id}  (the server goes on by itself)`]),
  ]
}

/** Nothing is left to do, but not all of it was seen: who vouched for the rest. */
function byWord(terminal: Session['terminal'], view: EmployeeView): string {
  const doors = currentDoors(view)
  const words = Map.groupBy(
    doors.filter((door) => !isShut(door)),
    ({ acknowledged }) => acknowledged?.by ?? 'nobody',
  )
  const said = [...words].map(([by, its]) => `${its.length} by ${safe(by)}'s word`)
  const seen = `${doors.filter(isShut).length} of ${doors.length} doors seen shut`
  return `${paint(terminal, 'good', '☑ Complete')}: ${[seen, ...said].join(', ')}`
}

export async function acknowledge(
  session: Session,
  who: string,
  system: string,
  { subjectId, problem }: { subjectId: string | undefined; problem: string | undefined },
): Promise<ExitCode> {
  const { id } = await findPerson(session, who)
  const json = { ...(subjectId === undefined ? {} : { subjectId }), ...(problem === undefined ? {} : { problem }) }
  const view = await session.client.send<EmployeeView>({
    method: 'POST',
    path: path`/employees/${id}/access/${system}/acknowledge`,
    json,
  })
  return shown(session, view)
}

export async function removeHandset(session: Session, handsetId: string): Promise<ExitCode> {
  const view = await session.client.send<EmployeeView>({ method: 'DELETE', path: path`/handsets/${handsetId}` })
  const code = shown(session, view)
  if (!session.json) print(session, ['', ...stayingGatewayLines(session.terminal, view)].slice(0, -1))
  return code
}

function shown(session: Session, view: EmployeeView): ExitCode {
  if (session.json) printJson(session, view)
  else print(session, [personLine(session.terminal, view), '', ...verdictLines(session.terminal, view.access)])
  return exitCodes.ok
}

export async function erase(session: Session, who: string, yes: boolean): Promise<ExitCode> {
  const view = await findPerson(session, who)
  if (!yes) {
    throw new AppError('INVALID_INPUT', `this erases the name, e-mail address and history of ${view.name} for good`, {
      hint: 'add --yes if that is meant; what must stay shut stays shut',
    })
  }
  const erased = await session.client.send({ method: 'DELETE', path: path`/employees/${view.id}` })
  if (session.json) printJson(session, erased)
  else session.terminal.out(`${safe(view.name)} was erased; the audit chain and the tombstones stay`)
  return exitCodes.ok
}

/** Files of before say no PBX. */
function leaversExtension({ extension, pbx }: LeaverFile['employee']): string {
  return extensionAt({ extension, pbx: pbx?.name ?? defaultId })
}

export async function report(session: Session, who: string): Promise<ExitCode> {
  const { terminal } = session
  const { id } = await findPerson(session, who)
  const file = await session.client.send<LeaverFile>({ method: 'GET', path: path`/employees/${id}/report` })
  if (session.json) {
    printJson(session, file)
    return exitCodes.ok
  }
  const { employee } = file
  const { during, before } = byClick(file.doors, file.requestedAt)
  print(session, [
    `${paint(terminal, 'strong', `Leaver file: ${safe(employee.name)}`)} <${safe(employee.email)}>  extension ${safe(leaversExtension(employee))}`,
    file.complete
      ? paint(terminal, 'good', '✓ complete and frozen')
      : paint(terminal, 'warn', '! not complete: this is a preview'),
    '',
    ...(employee.pbx ? [`PBX         ${safe(placeWords(employee.pbx))}`] : []),
    `Asked for   ${when(file.requestedAt)} by ${safe(file.requestedBy)}`,
    ...table(terminal, [], [['Reason    ', file.reason === null ? 'none given' : safe(file.reason)]]),
    `Completed   ${file.completedAt === null ? 'not yet' : `${when(file.completedAt)}${file.durationMs === null ? '' : `, after ${duration(file.durationMs)}`}`}`,
    '',
    ...verdictLines(terminal, during),
    ...foldedLine(before.length),
    '',
    ...(file.gateways ?? []).map(({ kind }) => `Gateway     home gateway (${safe(kind)})`),
    ...file.handsets.flatMap(({ model, mac, certificateSerials }) => [
      `Handset     ${safe(model)}${mac === null ? '' : ` ${safe(mac)}`}`,
      ...certificateSerials.map((serial) => `            certificate ${safe(serial)}`),
    ]),
    ...table(
      terminal,
      [],
      file.addenda.map(({ at, summary: text }) => ['Later     ', `${when(at)} ${safe(text)}`]),
    ),
    ...(file.auditHead === null
      ? []
      : [`Audit       position ${file.auditHead.position}`, `            ${safe(file.auditHead.hash)}`]),
  ])
  return exitCodes.ok
}

function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`
  const seconds = milliseconds / 1_000
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  const minutes = seconds / 60
  return minutes < 120 ? `${Math.round(minutes)} minutes` : `${Math.round(minutes / 60)} hours`
}
