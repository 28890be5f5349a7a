/** The lists and leaving dates of the fake application: the plain meaning of each filter, over a map. */
import { extensionAt } from '../../src/domain/sip-account.ts'
import type { Actor } from '../../src/domain/token.ts'
import { AppError } from '../../src/errors.ts'
import type { EmployeeView } from '../../src/journeys/application.ts'
import type { LeavingView, PeopleDeeds, PeopleQuery } from '../../src/journeys/people-view.ts'
import type { OpenStep } from '../../src/journeys/step-view.ts'

export interface FakePeopleParts {
  readonly all: () => readonly EmployeeView[]
  /** @throws NOT_FOUND */
  readonly find: (who: string) => EmployeeView
  readonly did: (deed: string, actor: Actor) => void
  readonly now: string
}

export function fakePeople({ all, find, did, now }: FakePeopleParts): PeopleDeeds {
  const leavings = new Map<string, LeavingView>()
  const matching = ({ search = '', ids, state, model, tunnel, attention }: Omit<PeopleQuery, 'limit'>) =>
    all()
      .filter(
        (view) =>
          `${view.name} ${view.email} ${view.extension}`.toLowerCase().includes(search.toLowerCase()) &&
          (ids === undefined || ids.includes(view.id)) &&
          (state === undefined || view.lifecycle === state) &&
          (model === undefined || view.handsets.some((handset) => handset.model === model)) &&
          (tunnel !== 'never' || view.tunnels.some(({ lastHandshakeAt }) => lastHandshakeAt === null)) &&
          (tunnel !== 'online' || view.tunnels.some(({ lastHandshakeAt }) => lastHandshakeAt === now)) &&
          (attention !== 'open-doors' || view.access.some((line) => line.verdict !== 'converged')) &&
          (attention !== 'leaving-set' || leavings.has(view.id)),
      )
      .sort((one, other) => one.name.localeCompare(other.name))
  return {
    async page({ offset = 0, limit, ...query }) {
      const found = matching(query)
      return { people: found.slice(offset, offset + limit), total: found.length }
    },
    async matching({ offset = 0, limit, ...query }) {
      const found = matching(query)
      return { ids: found.slice(offset, offset + limit).map(({ id }) => id), total: found.length }
    },
    openSteps: async () => all().flatMap(stepsIn),
    async stepsOf(who) {
      const view = find(who)
      const sheets = stepsIn(view).map((step) => ({
        ...step,
        deed: step.wanted === 'closed' ? ('closing' as const) : ('opening' as const),
        brand: 'the PBX',
        parts: [`Open extension ${view.extension}.`, 'Look again.'],
      }))
      return { employeeId: view.id, name: view.name, extension: view.extension, sheets }
    },
    choices: async () => ({ models: [], sites: [{ id: 'default', name: 'Main site' }] }),
    async today() {
      const leavers = matching({ state: 'offboarding' })
      return {
        at: now,
        people: all().length,
        handsets: all().flatMap(({ handsets }) => handsets).length,
        online: matching({ tunnel: 'online' }).length,
        quiet: 0,
        never: matching({ tunnel: 'never' }).length,
        openDoors: matching({ attention: 'open-doors' }).length,
        certificatesDue: 0,
        secretsOld: 0,
        leaving: leavings.size,
        leavers: leavers.slice(0, 8),
        leaversTotal: leavers.length,
        left: matching({ state: 'offboarded' }).length,
        leavings: [...leavings.values()],
        alarms: [],
      }
    },
    async happenings(who) {
      find(who)
      return []
    },
    leaving: async (who) => leavings.get(find(who).id) ?? null,
    async setLeaving(who, { at, reason }, actor) {
      did('setLeaving', actor)
      const { id, name, lifecycle } = find(who)
      if (Date.parse(at) <= Date.parse(now))
        throw new AppError('INVALID_INPUT', 'the leaving date is not in the future')
      if (lifecycle !== 'active') throw new AppError('CONFLICT', `${name} is leaving already`)
      const set = {
        id: `leaving-${id}`,
        employeeId: id,
        name,
        at,
        reason,
        askedBy: actor.name,
        createdAt: now,
        state: 'set',
      } as const
      leavings.set(id, set)
      return set
    },
    async cancelLeaving(who, actor) {
      did('cancelLeaving', actor)
      const gone = leavings.get(find(who).id)
      if (!gone) throw new AppError('NOT_FOUND', 'no leaving date is set')
      leavings.delete(gone.employeeId)
      return { ...gone, state: 'cancelled' }
    },
  }
}

function stepsIn(view: EmployeeView): OpenStep[] {
  const { id, name, extension, pbx, access } = view
  return access
    .filter(({ verdict, acknowledged }) => verdict === 'waiting' && acknowledged === null)
    .map(({ system, instance, subject, wanted, problem, at }) => ({
      employeeId: id,
      name,
      extension,
      who: extensionAt(view),
      pbx: { name: pbx, site: `site of ${pbx}`, address: '10.90.1.2' },
      system,
      instance,
      subjectId: subject.id,
      wanted,
      step: problem ?? '',
      at,
      late: false,
    }))
}
