/** A CSV of new starters: checked whole, then onboarded one by one in a run that survives a restart. */
import { createHmac } from 'node:crypto'
import { parse } from 'csv-parse/sync'
import { inviteEnd, tokenHash } from '../domain/invite.ts'
import type { Problem } from '../domain/parse.ts'
import { parseRoster, type RosterPerson, type RosterRecord } from '../domain/roster.ts'
import { defaultId } from '../domain/site.ts'
import type { Actor } from '../domain/token.ts'
import { AppError, asAppError } from '../errors.ts'
import type { ImportRun } from '../store/store.ts'
import { newId } from '../system.ts'
import type { ImportView } from './application.ts'
import { checkPerson, invalid, modelProblem } from './check-person.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { newInvite } from './enrolment.ts'
import { enrolPerson } from './onboard.ts'

const largestBytes = 5 * 1024 * 1024
/** People prepared at the same time: keeps the key makers busy without holding up the console. */
const atOnce = 4

interface RunState {
  readonly people: readonly RosterPerson[]
  readonly actor: Actor
  /** By extension, written when the run ends: until then the running process knows, and after a crash their own rows tell. */
  readonly outcomes: Readonly<Record<string, Outcome>>
}

const again = 'import the rest again'

type Outcome = { readonly employeeId: string } | { readonly problem: string }

/** Progress is written every so many people, the outcomes only once: a long run stays linear. */
const progressEvery = 10

export interface RosterImport {
  start(csv: Uint8Array, actor: Actor): Promise<ImportView>
  view(id: string): Promise<ImportView>
  /** Goes on with runs that a restart cut off, for as long as the links that they make are good. */
  resume(): Promise<void>
  stop(): Promise<void>
}

/** @param expectKeys told how many certificates are about to be asked for */
export function rosterImport(context: JourneyContext, expectKeys: (count: number) => void): RosterImport {
  const running = new Map<string, Promise<void>>()
  /** Outcomes of the runs that are under way. */
  const live = new Map<string, Record<string, Outcome>>()
  let stopped = false
  let inviteKey: Buffer | null = null

  async function start(csv: Uint8Array, actor: Actor): Promise<ImportView> {
    const people = readRoster(context, csv)
    const taken = await takenPeople(context, people)
    if (taken.length > 0) throw invalid(taken)
    const now = context.system.now().toISOString()
    const state: RunState = { people, actor, outcomes: {} }
    const run: ImportRun = {
      id: newId(context.system),
      createdAt: now,
      createdBy: actor.name,
      total: people.length,
      done: 0,
      finishedAt: null,
      state: JSON.stringify(state),
    }
    await context.store.transaction(async (tx) => {
      await tx.insert('importRun', [run])
      await tx.record(auditEvent(context, 'employee.imported', { subjectId: run.id, actor }, { people: people.length }))
    })
    launch(run)
    return viewOf(run, state, {})
  }

  function launch(run: ImportRun): void {
    const work = process(run)
      .catch((error: unknown) =>
        context.log.error({ err: error, importId: run.id }, 'the import stopped; it goes on after a restart'),
      )
      .finally(() => {
        running.delete(run.id)
        live.delete(run.id)
      })
    running.set(run.id, work)
  }

  async function process(run: ImportRun): Promise<void> {
    const state: RunState = JSON.parse(run.state)
    const outcomes: Record<string, Outcome> = {}
    live.set(run.id, outcomes)
    const queue = [...state.people]
    expectKeys(certificatesFor(context, queue))
    const worker = async () => {
      for (let person = queue.shift(); person && !stopped; person = queue.shift()) {
        outcomes[person.extension] = await onboardOne(run, person, state.actor)
        const done = Object.keys(outcomes).length
        const finished = done === state.people.length
        if (finished || done % progressEvery === 0) {
          const end = finished
            ? { finishedAt: context.system.now().toISOString(), state: JSON.stringify({ ...state, outcomes }) }
            : {}
          await context.store.transaction((tx) => tx.update('importRun', run.id, { done, ...end }))
        }
        context.publish({ kind: 'import', employeeId: null, data: { id: run.id, done, total: state.people.length } })
      }
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
  }

  async function onboardOne(run: ImportRun, person: RosterPerson, actor: Actor): Promise<Outcome> {
    const token = inviteToken(run.id, person.extension)
    const before = await broughtIn(token)
    if (before) return before
    try {
      const checked = checkPerson(context.catalogue, inputOf(person))
      // The link can be made again for as long as the run is known, so its time is the run's.
      const invite = newInvite(context, token, run.createdAt)
      const { employee } = await enrolPerson(context, checked, invite, actor)
      return { employeeId: employee.id }
    } catch (error) {
      const { message, hint } = asAppError(error)
      context.log.warn(
        { err: error, importId: run.id, row: person.row },
        'one person of an import could not be onboarded',
      )
      return { problem: hint ? `${message}; ${hint}` : message }
    }
  }

  /**
   * After a crash the person may be there already; the invite tells, also of somebody who has left since and must not
   * come back.
   */
  async function broughtIn(token: string): Promise<Outcome | null> {
    const [invite] = await context.store.find('invite', { tokenHash: tokenHash(token) })
    return invite ? { employeeId: invite.employeeId } : null
  }

  /** The outcomes of a run that was ended before it was through. */
  async function cutOff(run: ImportRun, state: RunState, why: string): Promise<Readonly<Record<string, Outcome>>> {
    const outcomes: Record<string, Outcome> = { ...state.outcomes }
    for (const { extension } of state.people)
      outcomes[extension] ??= (await broughtIn(inviteToken(run.id, extension))) ?? { problem: why }
    return outcomes
  }

  async function endTooOld(run: ImportRun): Promise<void> {
    const state: RunState = JSON.parse(run.state)
    const outcomes = await cutOff(run, state, `its links would have run out; ${again}`)
    const finishedAt = context.system.now().toISOString()
    const end = { finishedAt, done: state.people.length, state: JSON.stringify({ ...state, outcomes }) }
    await context.store.transaction((tx) => tx.update('importRun', run.id, end))
  }

  /** Derived, so that the run's page can show every link again without one being stored. */
  function inviteToken(runId: string, extension: string): string {
    inviteKey ??= context.vault.deriveKey('import-invites')
    return createHmac('sha256', inviteKey).update(`${runId}:${extension}`).digest('base64url')
  }

  function viewOf(run: ImportRun, state: RunState, outcomes: Readonly<Record<string, Outcome>>): ImportView {
    return {
      id: run.id,
      total: run.total,
      done: Math.max(run.done, Object.keys(outcomes).length),
      finished: run.finishedAt !== null,
      people: state.people.map(({ email, extension }) => {
        const outcome = outcomes[extension]
        const onboarded = outcome !== undefined && 'employeeId' in outcome
        return {
          email,
          extension,
          state: outcome === undefined ? 'queued' : onboarded ? 'onboarded' : 'failed',
          employeeId: onboarded ? outcome.employeeId : null,
          inviteUrl: onboarded ? `${context.config.phoneDoor.url}/join/${inviteToken(run.id, extension)}` : null,
          problem: outcome !== undefined && 'problem' in outcome ? outcome.problem : null,
        }
      }),
    }
  }

  return {
    start,
    async view(id) {
      const run = await context.store.get('importRun', id)
      if (!run) throw new AppError('NOT_FOUND', 'there is no such import')
      const state: RunState = JSON.parse(run.state)
      const outcomes = live.get(id)
      if (outcomes || run.finishedAt === null) return viewOf(run, state, outcomes ?? state.outcomes)
      // The store ends runs when it finds that the database is an older copy; what became of whom is asked here.
      return viewOf(run, state, await cutOff(run, state, `cut off by a restored database; ${again}`))
    },
    async resume() {
      const now = context.system.now().toISOString()
      for (const run of await context.store.find('importRun', { finishedAt: null })) {
        if (inviteEnd(run.createdAt) <= now) await endTooOld(run)
        else launch(run)
      }
    },
    async stop() {
      stopped = true
      await Promise.all(running.values())
    },
  }
}

function certificatesFor({ catalogue }: JourneyContext, people: readonly RosterPerson[]): number {
  return people
    .flatMap(({ handsets }) => handsets)
    .filter(({ model }) => catalogue.model(model)?.capabilities.clientCertificate !== 'none').length
}

/** @throws AppError TOO_LARGE or INVALID_INPUT with every problem by row */
function readRoster(context: JourneyContext, csv: Uint8Array): readonly RosterPerson[] {
  if (csv.byteLength > largestBytes)
    throw new AppError('TOO_LARGE', 'the file is larger than 5 MB', { hint: 'split it; 5 MB hold about 50,000 people' })
  const result = parseRoster(records(decode(csv)), (model, mac) => modelProblem(context.catalogue, model, mac))
  if ('problems' in result) throw invalid(result.problems)
  const unfit = result.people.flatMap((person): Problem[] => {
    try {
      checkPerson(context.catalogue, inputOf(person))
      return []
    } catch (error) {
      return asAppError(error).problems.map((problem) => ({ row: person.row, ...problem }))
    }
  })
  if (unfit.length > 0) throw invalid(unfit)
  return result.people
}

function decode(csv: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(csv)
  } catch (cause) {
    throw new AppError('INVALID_INPUT', 'the file is not in UTF-8', {
      hint: 'save it again as "CSV UTF-8"; in a spreadsheet that is a choice of its own',
      cause,
    })
  }
}

function records(file: string): RosterRecord[] {
  // The reader counts a CR LF inside quotes as two lines.
  const text = file.replace(/\r\n?/g, '\n')
  const header = text.slice(0, text.search(/\n|$/))
  const delimiter = header.split(';').length > header.split(',').length ? ';' : ','
  try {
    const read: unknown = parse(text, {
      delimiter,
      record_delimiter: '\n',
      relax_column_count: true,
      skip_empty_lines: true,
      bom: true,
      max_record_size: 10_000,
      info: true,
    })
    // With `info` each row comes as this pair, which the types of csv-parse do not say; its line is the row's last.
    return (read as { info: { lines: number }; record: string[] }[]).map(({ info, record }) => ({
      line: info.lines - record.join('').split('\n').length + 1,
      cells: record,
    }))
  } catch (cause) {
    const { lines } = cause as { lines?: number }
    throw invalid([
      {
        ...(lines ? { row: lines } : {}),
        message: 'this row cannot be read as CSV',
        hint: 'look for a double quote that is never closed',
      },
    ])
  }
}

async function takenPeople(context: JourneyContext, people: readonly RosterPerson[]): Promise<Problem[]> {
  const extensions = new Set(
    (await context.store.find('assignment', { pbxId: defaultId, untilAt: null })).map(({ extension }) => extension),
  )
  const emails = new Set((await context.store.find('employee', { lifecycle: 'active' })).map(({ email }) => email))
  const macs = new Set((await context.store.find('handset', { removedAt: null })).flatMap(({ mac }) => mac ?? []))
  return people.flatMap((person): Problem[] => [
    ...(extensions.has(person.extension)
      ? [{ row: person.row, field: 'extension', message: `extension ${person.extension} is in use` }]
      : []),
    ...(emails.has(person.email)
      ? [{ row: person.row, field: 'email', message: `${person.email} already has a phone here` }]
      : []),
    ...person.handsets.flatMap(({ mac }) =>
      mac && macs.has(mac)
        ? [{ row: person.row, field: 'mac', message: `${mac} belongs to a handset that is in use` }]
        : [],
    ),
  ])
}

function inputOf({ name, email, extension, gateway, handsets }: RosterPerson) {
  return { name, email, extension, handsets, gateway: gateway ?? undefined }
}
