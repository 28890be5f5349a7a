import { readFile } from 'node:fs/promises'
import type { CallPolicyInput } from '../domain/call-policy.ts'
import { AppError } from '../errors.ts'
import type { EmployeeView, HandsetInput } from '../journeys/application.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { takenGatewayLines } from './gateway-lines.ts'
import { type Created, findPerson, type ImportRun, pause, print, printJson, type Session } from './session.ts'
import { cells, paint, safe, table, when } from './terminal.ts'
import { personLine, verdictLines } from './verdict-lines.ts'
import { settledDoors } from './watching.ts'

/** `MODEL` or `MODEL=MAC`. */
export function parseHandset(text: string): HandsetInput {
  const at = text.indexOf('=')
  return at === -1 ? { model: text } : { model: text.slice(0, at), mac: text.slice(at + 1) }
}

interface OnboardOptions {
  readonly name: string
  readonly email: string
  readonly extension: string
  readonly pbx?: string
  /** The extension is on the PBX already. */
  readonly adopt?: boolean
  readonly handset: readonly HandsetInput[]
  readonly gateway?: string
  readonly gatewayOf?: string
  readonly calls?: CallPolicyInput
  readonly mail?: string
  readonly wait: number
}

export async function onboard(session: Session, { handset, wait, ...person }: OnboardOptions): Promise<ExitCode> {
  const json = { ...person, handsets: handset }
  const created = await session.client.send<Created>({ method: 'POST', path: '/employees', json })
  return handedOut(session, created, wait, {
    fresh: created.handsets,
    before: person.gatewayOf === undefined ? new Set() : null,
    isDefault: person.gateway === undefined,
  })
}

export async function addHandset(session: Session, who: string, handset: HandsetInput): Promise<ExitCode> {
  const before = await findPerson(session, who)
  const created = await session.client.send<Created>({
    method: 'POST',
    path: path`/employees/${before.id}/handsets`,
    json: handset,
  })
  return handedOut(session, created, 0, {
    fresh: created.handsets.filter(({ id }) => before.handsets.every((known) => known.id !== id)),
    before: handset.gatewayOf === undefined ? new Set(before.gateways.map(({ id }) => id)) : null,
    isDefault: handset.gateway === undefined,
  })
}

export async function setGatewayKey(session: Session, who: string, publicKey: string): Promise<ExitCode> {
  const { id } = await findPerson(session, who)
  const view = await session.client.send<EmployeeView>({
    method: 'POST',
    path: path`/employees/${id}/gateway-key`,
    json: { publicKey },
  })
  if (session.json) printJson(session, view)
  else
    session.terminal.out(`The home gateway of ${safe(view.name)} may use this key; the tunnel opens at its first word.`)
  return exitCodes.ok
}

export async function renewInvite(session: Session, who: string, mail: string | undefined): Promise<ExitCode> {
  const { id } = await findPerson(session, who)
  const json = mail === undefined ? {} : { mail }
  return handedOut(
    session,
    await session.client.send<Created>({ method: 'POST', path: path`/employees/${id}/invites`, json }),
    0,
  )
}

/** New phones, and the gateways that were there before them. */
interface News {
  readonly fresh: Created['handsets']
  readonly before: ReadonlySet<string> | null
  readonly isDefault: boolean
}

/** The link for the employee, its code in a terminal, and what an installer types into a desk phone. */
async function handedOut(
  session: Session,
  created: Created,
  waitSeconds: number,
  news: News | null = null,
): Promise<ExitCode> {
  const { terminal } = session
  if (session.json) {
    if (waitSeconds > 0) await settledDoors(session, created.id, waitSeconds)
    printJson(session, created)
    return exitCodes.ok
  }
  const deskPhones = created.handsets.filter(
    ({ mac, provisioningUrl }) => mac !== null && provisioningUrl !== undefined,
  )
  print(session, [
    personLine(terminal, created),
    '',
    `Invite, until ${when(created.invite.expiresAt)}:`,
    `  ${paint(terminal, 'strong', created.invite.url)}`,
    ...(terminal.outIsTerminal ? ['', session.drawQr(created.invite.url).trimEnd()] : []),
    ...deskPhones.flatMap(({ model, mac, provisioningUrl }) => [
      '',
      `Provisioning URL for ${safe(model)} ${safe(mac ?? '')} (to type in, or for DHCP):`,
      `  ${provisioningUrl}`,
    ]),
    ...(news ? takenGatewayLines(terminal, created, news.fresh, news) : []),
  ])
  if (waitSeconds > 0)
    print(session, ['', ...verdictLines(terminal, await settledDoors(session, created.id, waitSeconds))])
  // Last, where they are read: the doors above may have come many lines later.
  for (const warning of created.warnings)
    terminal.err(`${paint({ colour: terminal.colour && terminal.errIsTerminal }, 'warn', 'warning:')} ${safe(warning)}`)
  return exitCodes.ok
}

/** What is in the file is with the server by now, and outlives it. */
function goesOn({ done, total }: ImportRun, error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'SERVER_UNREACHABLE') return error
  return new AppError('SERVER_UNREACHABLE', `the server went away; ${done} of ${total} were seen done`, {
    hint: 'it goes on by itself when it is started again: do not import the file a second time, `ringfence list` shows who is there',
    cause: error,
  })
}

export async function importRoster(session: Session, file: string, mail: string | undefined): Promise<ExitCode> {
  const csv = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError('INVALID_INPUT', `${file} cannot be read (${cause.code ?? 'no reason given'})`, {
      hint: 'name a CSV file with the header name,email,extension,model,mac',
      cause,
    })
  })
  if (csv.length === 0) {
    throw new AppError('INVALID_INPUT', `${file} is empty`, {
      hint: 'its first row reads name,email,extension,model,mac',
    })
  }
  let run = await session.client.send<ImportRun>({
    method: 'POST',
    path: mail === undefined ? '/imports' : path`/imports?mail=${mail}`,
    csv,
  })
  const progress = progressOf(session)
  while (!run.finished) {
    progress.show(run.done, run.total)
    // Each look answers with everybody in the file, so it comes a fifth as often as others: once a second.
    await pause(5 * session.lookEveryMs)
    run = await session.client
      .send<ImportRun>({ method: 'GET', path: path`/imports/${run.id}` })
      .catch((error: unknown) => Promise.reject(goesOn(run, error)))
  }
  progress.show(run.done, run.total)
  progress.end()
  const failed = run.people.filter(({ state }) => state === 'failed' || state === 'cancelled')
  if (session.json) printJson(session, run)
  else print(session, importLines(session, run))
  if (failed.length === 0) return exitCodes.ok
  session.terminal.err(`error: ${failed.length} of ${run.total} could not be onboarded`)
  session.terminal.err('hint: correct these rows and import them again; the others are done')
  return exitCodes.error
}

function importLines({ terminal }: Session, run: ImportRun): string[] {
  const rows = run.people.map(({ state, extension, email, inviteUrl, problem }) => [
    state === 'onboarded'
      ? paint(terminal, 'good', '✓ onboarded')
      : paint(terminal, 'bad', `✗ ${state === 'cancelled' ? 'stopped before' : state}`),
    safe(extension),
    safe(email),
    inviteUrl ?? safe(problem ?? ''),
  ])
  return table(terminal, ['state', 'extension', 'e-mail', 'invite'], rows)
}

/** A bar that is drawn over itself for a person; for a log one line every tenth. Both on standard error. */
function progressOf({ terminal }: Session): { show(done: number, total: number): void; end(): void } {
  let lastTenth = -1
  return {
    show(done, total) {
      const share = total === 0 ? 1 : done / total
      const text = `${done} of ${total}`
      if (terminal.errIsTerminal) {
        const width = Math.max(10, Math.min(40, terminal.width - cells(text) - 12))
        const full = Math.round(share * width)
        terminal.rawErr(`\r  ${'█'.repeat(full)}${'░'.repeat(width - full)}  ${text}  ${Math.round(share * 100)} %`)
        return
      }
      const tenth = Math.floor(share * 10)
      if (tenth === lastTenth) return
      lastTenth = tenth
      terminal.err(`onboarded ${text}`)
    },
    end() {
      if (terminal.errIsTerminal) terminal.rawErr('\n')
    },
  }
}
