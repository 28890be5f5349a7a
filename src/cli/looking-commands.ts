import { extensionAt } from '../domain/sip-account.ts'
import { AppError } from '../errors.ts'
import type { EmployeeView, ModelView } from '../journeys/application.ts'
import type { DoctorReport } from '../journeys/doctor-view.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { handsetLines } from './handset-lines.ts'
import { modelLines } from './model-lines.ts'
import { findPerson, type List, print, printJson, type Session } from './session.ts'
import { paint, safe, type Terminal, type Tone, table, when } from './terminal.ts'
import { currentDoors, foldedLine, personLine, tally, verdictLines } from './verdict-lines.ts'

export async function listPeople(session: Session, lifecycle: string | undefined): Promise<ExitCode> {
  const query = lifecycle === undefined ? '' : `?lifecycle=${encodeURIComponent(lifecycle)}`
  const list = await session.client.send<List<EmployeeView>>({ method: 'GET', path: `/employees${query}` })
  if (session.json) printJson(session, list)
  else if (list.items.length === 0)
    session.terminal.out(
      lifecycle === undefined
        ? 'nobody yet; `ringfence onboard --help` shows how to begin'
        : `nobody is in the state ${lifecycle}; \`ringfence list\` shows everybody`,
    )
  else {
    const rows = list.items.map((person) => [
      safe(extensionAt(person)),
      safe(person.name),
      safe(person.email),
      person.lifecycle,
      String(person.handsets.filter(({ removedAt }) => removedAt === null).length),
      person.access.length === 0 ? '' : tally(currentDoors(person)),
    ])
    print(session, table(session.terminal, ['extension', 'name', 'e-mail', 'state', 'handsets', 'doors'], rows))
  }
  return exitCodes.ok
}

/** @param all also the doors of before that were seen shut */
export async function showPerson(session: Session, who: string, all: boolean): Promise<ExitCode> {
  const { terminal } = session
  const view = await findPerson(session, who)
  if (session.json) printJson(session, view)
  else {
    const quiet = (text: string) => paint(terminal, 'quiet', text)
    const shown = all ? view.access : currentDoors(view)
    print(session, [
      personLine(terminal, view),
      quiet(`id ${view.id}, since ${when(view.createdAt)}`),
      ...(view.offboardRequestedAt === null ? [] : [quiet(`offboarding asked for ${when(view.offboardRequestedAt)}`)]),
      '',
      ...handsetLines(terminal, view),
      '',
      ...verdictLines(terminal, shown),
      ...foldedLine(view.access.length - shown.length),
    ])
  }
  return exitCodes.ok
}

interface SipSecret {
  readonly extension: string
  readonly username: string
  readonly secret: string
}

/** Printed to whoever asked and nowhere else; the server has noted the look. */
export async function showSecret(session: Session, who: string): Promise<ExitCode> {
  const { id } = await findPerson(session, who)
  const list = await session.client.send<List<SipSecret>>({ method: 'POST', path: path`/employees/${id}/sip-secrets` })
  if (session.json) printJson(session, list)
  else {
    const rows = list.items.map(({ extension, username, secret }) => [safe(extension), safe(username), safe(secret)])
    print(session, table(session.terminal, ['extension', 'login name', 'password'], rows))
  }
  return exitCodes.ok
}

/** @param wanted part of an id or name; a whole id means that model alone */
export async function listModels(session: Session, wanted: string): Promise<ExitCode> {
  const list = await session.client.send<List<ModelView>>({ method: 'GET', path: '/models' })
  if (session.json) printJson(session, list)
  else {
    const word = wanted.toLowerCase()
    const exact = list.items.filter(({ id }) => id === word)
    const shown = list.items.filter(({ id, name }) => `${id} ${name}`.toLowerCase().includes(word))
    if (shown.length === 0)
      throw new AppError('NOT_FOUND', `no model is called ${JSON.stringify(wanted.slice(0, 60))}`, {
        hint: '`ringfence models` lists them all',
      })
    print(session, modelLines(session.terminal, exact.length > 0 ? exact : shown))
  }
  return exitCodes.ok
}

const marks: Readonly<Record<DoctorReport['checks'][number]['state'], readonly [string, Tone]>> = {
  ok: ['✓ ok', 'good'],
  note: ['i note', 'quiet'],
  problem: ['✗ problem', 'bad'],
}

/** Ends with `error` when something is a problem, so that a deployment script stops. */
export async function doctor(session: Session): Promise<ExitCode> {
  const report = await session.client.send<DoctorReport>({ method: 'GET', path: '/doctor' })
  if (session.json) printJson(session, report)
  else print(session, doctorLines(session.terminal, report))
  return report.checks.some(({ state }) => state === 'problem') ? exitCodes.error : exitCodes.ok
}

function doctorLines(terminal: Terminal, { checks }: DoctorReport): string[] {
  const rows = checks.flatMap(({ area, state, message, hint }) => [
    [paint(terminal, marks[state][1], marks[state][0]), area, safe(message)],
    ...(hint === null ? [] : [['', '', `→ ${safe(hint)}`]]),
  ])
  return table(terminal, [], rows)
}
