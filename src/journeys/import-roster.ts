/** A CSV of new starters: checked whole, then onboarded one by one in a run that survives a restart. */
import { createHmac } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { inviteEnd, tokenHash } from '../domain/invite.ts'
import type { Language } from '../domain/language.ts'
import { type RosterPerson, type RosterRecord, rosterKey } from '../domain/roster.ts'
import type { Actor } from '../domain/token.ts'
import { AppError, asAppError } from '../errors.ts'
import type { ImportRun } from '../store/store.ts'
import { newId } from '../system.ts'
import { checkPerson } from './check-person.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import { newInvite } from './enrolment.ts'
import { demandMayAdopt } from './extension-obstacles.ts'
import { enrolPerson } from './onboard.ts'
import { demandRoster, inputOf } from './read-roster.ts'
import type { ImportView } from './roster-view.ts'

/** People prepared at the same time: keeps the key makers busy without holding up the console. */
const atOnce = 4

interface RunState {
  readonly people: readonly RosterPerson[]
  readonly actor: Actor
  /** Of the mails with the links; null or, in runs of older versions, absent: none are sent. */
  readonly mail?: Language | null
  /** Somebody stopped it. */
  readonly cancelled?: Cancellation
  /** By `rosterKey`, written when the run ends: until then the running process knows, and after a crash their own rows tell. */
  readonly outcomes: Readonly<Record<string, Outcome>>
}

const again = 'import the rest again'

export type Outcome = { readonly employeeId: string } | { readonly problem: string } | { readonly cancelled: true }

export interface Cancellation {
  readonly by: string
  readonly at: string
}

/** Progress is written every so many people, the outcomes only once: a long run stays linear. */
const progressEvery = 10

export interface RosterImport {
  start(rows: readonly RosterRecord[], mail: Language | null, actor: Actor): Promise<ImportView>
  view(id: string): Promise<ImportView>
  /** The run, and what became of whom so far, in the order of the file. @throws NOT_FOUND */
  standing(id: string): Promise<RunStanding>
  /** Of those who were brought in, by the id of the employee. @throws NOT_FOUND */
  links(id: string): Promise<ReadonlyMap<string, string>>
  /** Begins nobody new. @throws NOT_FOUND, CONFLICT when it is over */
  cancel(id: string, actor: Actor): Promise<void>
  /** Goes on with runs that a restart cut off, for as long as the links that they make are good. */
  resume(): Promise<void>
  stop(): Promise<void>
}

export interface RunStanding {
  readonly run: Omit<ImportRun, 'state'>
  readonly cancelled: Cancellation | null
  readonly people: readonly { readonly person: RosterPerson; readonly outcome: Outcome | null }[]
}

/** @param expectKeys told how many certificates are about to be asked for */
export function rosterImport(context: JourneyContext, expectKeys: (count: number) => void): RosterImport {
  const running = new Map<string, Promise<void>>()
  /** Of the runs that are under way: the outcomes so far, and whether somebody stopped it. */
  const live = new Map<string, { readonly outcomes: Record<string, Outcome>; cancelled: Cancellation | null }>()
  let stopped = false
  let inviteKey: Buffer | null = null

  async function start(rows: readonly RosterRecord[], mail: Language | null, actor: Actor): Promise<ImportView> {
    const people = await demandRoster(context, rows)
    if (people.some(({ adopt }) => adopt)) demandMayAdopt(actor)
    const now = context.system.now().toISOString()
    const state: RunState = { people, actor, mail, outcomes: {} }
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
    const now = { outcomes: {} as Record<string, Outcome>, cancelled: state.cancelled ?? null }
    const { outcomes } = now
    live.set(run.id, now)
    const queue = [...state.people]
    expectKeys(certificatesFor(context, queue))
    const write = async () => {
      const done = Object.keys(outcomes).length
      const finished = done === state.people.length
      if (finished || done % progressEvery === 0) {
        const end = finished ? { finishedAt: context.system.now().toISOString(), state: ended(state, now) } : {}
        await context.store.transaction((tx) => tx.update('importRun', run.id, { done, ...end }))
      }
      context.publish({ kind: 'import', employeeId: null, data: { id: run.id, done, total: state.people.length } })
    }
    const next = () => (stopped || now.cancelled ? undefined : queue.shift())
    const worker = async () => {
      for (let person = next(); person; person = next()) {
        outcomes[rosterKey(person)] = await onboardOne(run, person, state)
        await write()
        // The embedded database answers within the turn: without a pause nobody else would get one until the last person.
        await nextTurn()
      }
    }
    await Promise.all(Array.from({ length: atOnce }, worker))
    if (stopped || queue.length === 0) return
    // Stopped by somebody. Who is there already, from before a crash, stays so.
    for (const [index, key] of queue.map(rosterKey).entries()) {
      outcomes[key] = (await broughtIn(inviteToken(run.id, key))) ?? { cancelled: true }
      if (index % 50 === 0) await nextTurn()
    }
    await write()
  }

  async function onboardOne(run: ImportRun, person: RosterPerson, { actor, mail = null }: RunState): Promise<Outcome> {
    const token = inviteToken(run.id, rosterKey(person))
    const before = await broughtIn(token)
    if (before) return before
    try {
      const checked = checkPerson(context, inputOf(person))
      // The link can be made again for as long as the run is known, so its time is the run's.
      const invite = newInvite(context, token, run.createdAt)
      const { employee } = await enrolPerson(context, checked, invite, actor, {
        mail: mail && (person.language ?? mail),
      })
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
    for (const key of state.people.map(rosterKey))
      outcomes[key] ??=
        (await broughtIn(inviteToken(run.id, key))) ?? (state.cancelled ? { cancelled: true } : { problem: why })
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
  function inviteToken(runId: string, key: string): string {
    inviteKey ??= context.vault.deriveKey('import-invites')
    return createHmac('sha256', inviteKey).update(`${runId}:${key}`).digest('base64url')
  }

  function viewOf(run: ImportRun, state: RunState, outcomes: Readonly<Record<string, Outcome>>): ImportView {
    return {
      id: run.id,
      total: run.total,
      done: Math.max(run.done, Object.keys(outcomes).length),
      finished: run.finishedAt !== null,
      people: state.people.map((person) => {
        const { email, extension } = person
        const key = rosterKey(person)
        const outcome = outcomes[key]
        const onboarded = outcome !== undefined && 'employeeId' in outcome
        return {
          email,
          extension,
          state:
            outcome === undefined ? 'queued' : onboarded ? 'onboarded' : 'problem' in outcome ? 'failed' : 'cancelled',
          employeeId: onboarded ? outcome.employeeId : null,
          inviteUrl: onboarded ? `${context.config.phoneDoor.url}/join/${inviteToken(run.id, key)}` : null,
          problem: outcome !== undefined && 'problem' in outcome ? outcome.problem : null,
        }
      }),
    }
  }

  async function known(id: string): Promise<{ run: ImportRun; state: RunState; outcomes: RunState['outcomes'] }> {
    const run = await context.store.get('importRun', id)
    if (!run) throw new AppError('NOT_FOUND', 'there is no such import')
    const state: RunState = JSON.parse(run.state)
    const now = live.get(id)
    if (now || run.finishedAt === null) return { run, state, outcomes: now?.outcomes ?? state.outcomes }
    // The store ends runs when it finds that the database is an older copy; what became of whom is asked here.
    return { run, state, outcomes: await cutOff(run, state, `cut off by a restored database; ${again}`) }
  }

  return {
    start,
    async view(id) {
      const { run, state, outcomes } = await known(id)
      return viewOf(run, state, outcomes)
    },
    async standing(id) {
      const { run, state, outcomes } = await known(id)
      const { state: _json, ...summary } = run
      return {
        run: { ...summary, done: Math.max(run.done, Object.keys(outcomes).length) },
        cancelled: state.cancelled ?? null,
        people: state.people.map((person) => ({ person, outcome: outcomes[rosterKey(person)] ?? null })),
      }
    },
    async links(id) {
      const { run, state, outcomes } = await known(id)
      return new Map(
        viewOf(run, state, outcomes).people.flatMap(({ employeeId, inviteUrl }) =>
          employeeId !== null && inviteUrl !== null ? [[employeeId, inviteUrl] as const] : [],
        ),
      )
    },
    async cancel(id, actor) {
      const cancelled = { by: actor.name, at: context.system.now().toISOString() }
      const now = live.get(id)
      const before = now?.cancelled ?? null
      // Before it is written, so that a run that ends in this moment does not write it away.
      if (now) now.cancelled ??= cancelled
      await context.store
        .transaction(async (tx) => {
          const run = await tx.get('importRun', id)
          if (!run) throw new AppError('NOT_FOUND', 'there is no such import')
          const state: RunState = JSON.parse(run.state)
          if (run.finishedAt !== null || state.cancelled)
            throw new AppError('CONFLICT', `this import is ${state.cancelled ? 'stopped' : 'over'} already`)
          await tx.update('importRun', id, { state: JSON.stringify({ ...state, cancelled }) })
          await tx.record(auditEvent(context, 'employee.import-stopped', { subjectId: id, actor }, { done: run.done }))
        })
        .catch((error: unknown) => {
          if (now) now.cancelled = before
          throw error
        })
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

function ended(state: RunState, now: { outcomes: Record<string, Outcome>; cancelled: Cancellation | null }): string {
  const { cancelled, outcomes } = now
  return JSON.stringify({ ...state, ...(cancelled ? { cancelled } : {}), outcomes })
}

function certificatesFor({ catalogue }: JourneyContext, people: readonly RosterPerson[]): number {
  return people
    .flatMap(({ handsets }) => handsets)
    .filter(({ model }) => catalogue.model(model)?.capabilities.clientCertificate !== 'none').length
}
