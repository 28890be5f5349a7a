import type { Verdict } from '../domain/condition.ts'
import type { Assignment } from '../domain/employee.ts'
import type { ManualDeed } from '../pbx/manual-guide.ts'
import type { EmployeeAccess } from '../store/store.ts'
import type { JourneyContext } from './context.ts'
import { factsOf } from './event-facts.ts'
import { lineWords, placeOf, sayWhich, typedHolder } from './known-pbx.ts'
import type { OpenStep, PersonSteps, StepSheet } from './step-view.ts'

const hourMs = 3_600_000

type Knowing = Pick<JourneyContext, 'store' | 'pbxs' | 'config' | 'system'>

/** Steps that wait for a person, until somebody ticks them by name (acknowledge.ts). */
export async function openSteps(context: Knowing): Promise<readonly OpenStep[]> {
  const { store } = context
  const lines = (await store.find('verdict', { state: 'waiting', acknowledgedAt: null })).filter(
    ({ employeeId }) => employeeId !== null,
  )
  const ids = [...new Set(lines.map(({ employeeId }) => employeeId!))]
  const people = new Map(
    (ids.length === 0 ? [] : await store.employeesWithAccess({ ids })).map((access) => [access.employee.id, access]),
  )
  return lines
    .map((line) => stepOf(context, line, people.get(line.employeeId!)))
    .sort((one, other) =>
      one.at === other.at ? (one.subjectId < other.subjectId ? -1 : 1) : one.at < other.at ? -1 : 1,
    )
}

export async function stepsOf(context: Knowing, employeeId: string): Promise<PersonSteps> {
  const { store, pbxs } = context
  const [access] = await store.employeesWithAccess({ ids: [employeeId] })
  const lines = await store.find('verdict', { employeeId, state: 'waiting', acknowledgedAt: null })
  const sheet = async (line: Verdict): Promise<StepSheet> => {
    const step = stepOf(context, line, access)
    const deed = await deedOf(store, line)
    const credential = access?.credentials.find(({ id }) => id === line.subjectId)
    // The parts are those of a SIP account; of another system only its own sentence is known.
    const pbx = pbxs.find(({ settings }) => settings.id === line.instance)
    const parts = line.system === 'sip-account' ? (pbx?.guide[deed] ?? []) : []
    const values: Readonly<Record<string, string>> = {
      extension: step.extension ?? '',
      username: credential?.username ?? step.extension ?? '',
      generation: String(line.generation),
      realm: pbx?.settings.realm ?? '',
    }
    const filled = parts
      .map((part) => part.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? ''))
      .map((part) => sayWhich(context, part, { extension: step.extension ?? '', pbxId: line.instance }))
    return { ...step, deed, brand: pbx?.guide.name ?? null, parts: filled }
  }
  return {
    employeeId,
    name: access?.employee.name ?? '',
    extension: latestIn(access)?.extension ?? '',
    sheets: await Promise.all(lines.map(sheet)),
  }
}

/**
 * A new password alone is too little where nobody ever set the account up: a link may be renewed before the first step is
 * done. Only the record outlives the line, which every new generation begins anew.
 */
async function deedOf(store: Pick<JourneyContext['store'], 'auditPage'>, line: Verdict): Promise<ManualDeed> {
  if (line.wanted === 'closed') return 'closing'
  if (line.generation === 1) return 'opening'
  const events = await store.auditPage({ subjectId: line.subjectId, kinds: said, limit: mostSaid })
  // Newest first: what was found amiss after somebody gave their word for it was not set up, whatever they said.
  const last = events.find(({ detail }) => factsOf(detail).system === line.system)
  return last?.kind === 'access.acknowledged' ? 'rotating' : 'opening'
}

const said = ['access.acknowledged', 'access.drift'] as const
/** Of one account: a tick for each of its passwords. */
const mostSaid = 1_000

function stepOf(context: Omit<Knowing, 'store'>, line: Verdict, access: EmployeeAccess | undefined): OpenStep {
  const credential = access?.credentials.find(({ id }) => id === line.subjectId)
  const assignment =
    access?.assignments.find(({ id }) => id === (credential?.assignmentId ?? line.subjectId)) ?? latestIn(access)
  const problem = line.problem ?? ''
  return {
    employeeId: line.employeeId ?? '',
    name: access?.employee.name ?? null,
    extension: assignment?.extension ?? null,
    who: access && assignment ? typedHolder(context, access, assignment) : null,
    pbx: placeOf(context, assignment?.pbxId),
    system: line.system,
    instance: line.instance,
    subjectId: line.subjectId,
    wanted: line.wanted,
    step: access ? lineWords(context, access)(line, problem) : problem,
    at: line.at,
    late: context.system.now().getTime() - Date.parse(line.at) >= context.config.stepReminderHours * hourMs,
  }
}

function latestIn(access: EmployeeAccess | undefined): Assignment | undefined {
  return access?.assignments.find(({ untilAt }) => untilAt === null) ?? access?.assignments.at(-1)
}
