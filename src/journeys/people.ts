/** Lists of people and the figures of the first page: counted and cut by the database, shown by the person's own view. */
import type { PeopleFilter } from '../store/store.ts'
import { alarmsSince } from './alarms.ts'
import type { JourneyContext } from './context.ts'
import { pendingLeavings } from './leavings.ts'
import {
  certificateDueDays,
  type Matches,
  type PeopleChoices,
  type PeoplePage,
  type PeopleQuery,
  quietDays,
  secretOldDays,
  type Today,
} from './people-view.ts'
import { tunnelFilter } from './tunnel-filter.ts'
import { employeeViews } from './views.ts'

const dayMs = 86_400_000
/** How many leavers and leaving dates the first page names. */
const few = 8

export async function peoplePage(context: JourneyContext, query: PeopleQuery): Promise<PeoplePage> {
  const { ids, total } = await matchingPeople(context, query)
  const views = await employeeViews(context, await context.store.employeesWithAccess({ ids }))
  const people = new Map(views.map((view) => [view.id, view]))
  return { people: ids.flatMap((id) => people.get(id) ?? []), total }
}

export function matchingPeople(context: JourneyContext, query: PeopleQuery): Promise<Matches> {
  const { sort = 'name', descending = false, offset = 0, limit } = query
  return context.store.peoplePage(filterOf(context, query), { sort, descending, offset, limit })
}

function filterOf(context: JourneyContext, query: PeopleQuery): PeopleFilter {
  const { search, ids, state, site, model, tunnel, attention } = query
  const ago = (ms: number) => new Date(context.system.now().getTime() - ms).toISOString()
  return {
    ...(search === undefined || search.trim() === '' ? {} : { search }),
    ...(ids && { ids }),
    ...(state && { lifecycle: state }),
    ...(site && { siteId: site }),
    ...(model && { model }),
    ...(tunnel !== undefined && { tunnel: tunnelFilter(context, tunnel) }),
    ...(attention === 'open-doors' && { openVerdicts: true }),
    ...(attention === 'certificate-due' && { certificateEndsBefore: ago(-certificateDueDays * dayMs) }),
    ...(attention === 'secret-old' && { secretOlderThan: ago(secretOldDays * dayMs) }),
    ...(attention === 'leaving-set' && { leavingSet: true }),
  }
}

export async function peopleChoices({ store, catalogue }: JourneyContext): Promise<PeopleChoices> {
  const names = new Map(catalogue.models.map(({ id, name }) => [id, name]))
  const models = (await store.modelsInUse()).map((id) => ({ id, name: names.get(id) ?? id }))
  return { models, sites: (await store.find('site', {})).map(({ id, name }) => ({ id, name })) }
}

export async function today(context: JourneyContext): Promise<Today> {
  const { store, system } = context
  const count = async (query: Omit<PeopleQuery, 'limit'>) =>
    (await store.peoplePage(filterOf(context, { ...query, limit: 0 }), countOnly)).total
  const now = system.now()
  const { employees, handsets, leaversInProgress } = await store.counts()
  const leavers = await peoplePage(context, { state: 'offboarding', sort: 'left', descending: true, limit: few })
  const leavings = await pendingLeavings(context, few)
  return {
    at: now.toISOString(),
    people: employees - leaversInProgress,
    handsets,
    online: await count({ tunnel: 'online' }),
    quiet: await count({ tunnel: quietDays }),
    never: await count({ tunnel: 'never' }),
    openDoors: await count({ attention: 'open-doors' }),
    certificatesDue: await count({ attention: 'certificate-due' }),
    secretsOld: await count({ attention: 'secret-old' }),
    leaving: await count({ attention: 'leaving-set' }),
    leavers: leavers.people,
    leaversTotal: leavers.total,
    left: await count({ state: 'offboarded' }),
    leavings,
    alarms: await alarmsSince(context, new Date(now.getTime() - dayMs)),
  }
}

const countOnly = { sort: 'name', descending: false, offset: 0, limit: 0 } as const
