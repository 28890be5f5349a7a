import { policyWords } from '../domain/call-words.ts'
import type { EmployeeView } from '../journeys/application.ts'
import type { DialPlanView } from '../journeys/calls-view.ts'
import { path } from './api-client.ts'
import type { CallOptions } from './calls-program.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { findPerson, type List, print, printJson, type Session } from './session.ts'
import { safe } from './terminal.ts'
import { personLine, verdictLines } from './verdict-lines.ts'
import { settledDoors } from './watching.ts'

const waitSeconds = 5

/** `name`: the class; left out, it is only looked at. */
export async function showCalls(
  session: Session,
  who: string,
  name: string | undefined,
  limits: CallOptions,
): Promise<ExitCode> {
  const found = await findPerson(session, who)
  const view =
    name === undefined
      ? found
      : await session.client.send<EmployeeView>({
          method: 'PUT',
          path: path`/employees/${found.id}/calls`,
          json: { calls: name === 'none' ? null : { class: name, ...limits } },
        })
  const lines = name === undefined ? view.access : await settledDoors(session, view.id, waitSeconds)
  const ofExtension = lines.filter(({ system, wanted }) => system === 'extension' && wanted === 'open')
  if (session.json) {
    printJson(session, { ...view, access: lines })
    return exitCodes.ok
  }
  print(session, [
    personLine(session.terminal, view),
    `may dial: ${policyWords(view.calls)}`,
    ...(ofExtension.length > 0 ? ['', ...verdictLines(session.terminal, ofExtension)] : []),
  ])
  return exitCodes.ok
}

export async function showDialPlans(session: Session): Promise<ExitCode> {
  const plans = await session.client.send<List<DialPlanView>>({ method: 'GET', path: '/dial-plans' })
  if (session.json) printJson(session, plans)
  else print(session, plans.items.flatMap(planLines))
  return exitCodes.ok
}

interface PlanOptions {
  readonly country: string
  readonly international: string
  readonly national: string
  readonly emergency: readonly string[]
  readonly area?: string
  readonly outsideLine?: string
  readonly site?: string
}

export async function setDialPlan(session: Session, options: PlanOptions): Promise<ExitCode> {
  const before = await session.client.send<List<DialPlanView>>({ method: 'GET', path: '/dial-plans' })
  const plan = await session.client.send<DialPlanView>({
    method: 'PUT',
    path: '/dial-plan',
    json: {
      countryCode: options.country,
      internationalPrefix: options.international,
      nationalPrefix: options.national,
      emergencyNumbers: options.emergency,
      areaCode: options.area ?? null,
      outsideLine: options.outsideLine ?? '',
      site: options.site ?? null,
    },
  })
  if (session.json) printJson(session, plan)
  else {
    const was = before.items.find(({ site }) => site.id === plan.site.id)?.plan ?? null
    print(session, [...planLines(plan), ...goneLines(was, plan.plan)])
  }
  return exitCodes.ok
}

/** The plan is taken as a whole: what was not said again is gone, and that must not go by unseen. */
function goneLines(before: DialPlanView['plan'], now: DialPlanView['plan']): string[] {
  if (before === null || now === null) return []
  const gone = (words: string, old: string, fresh: string) =>
    old === '' || old === fresh ? [] : [`${words} ${safe(old)}`]
  const numbers = before.emergencyNumbers.filter((one) => !now.emergencyNumbers.includes(one))
  const lines = [
    ...(numbers.length === 0 ? [] : [`emergency ${numbers.length === 1 ? 'number' : 'numbers'} ${numbers.join(', ')}`]),
    ...gone('area code', before.areaCode ?? '', now.areaCode ?? ''),
    ...gone('for an outside line', before.outsideLine, now.outsideLine),
    ...gone('country', `+${before.countryCode}`, `+${now.countryCode}`),
    ...gone('before a country code', before.internationalPrefix, now.internationalPrefix),
    ...gone('before an area code', before.nationalPrefix, now.nationalPrefix),
  ]
  return lines.length === 0 ? [] : [`  not any more: ${lines.join('; ')}`]
}

function planLines({ site, plan }: DialPlanView): string[] {
  if (plan === null) return [`${safe(site.name)}: not set; \`ringfence dial-plan set --help\` shows how`]
  const quoted = (text: string) => (text === '' ? 'nothing' : text)
  return [
    `${safe(site.name)}: country +${plan.countryCode}, area code ${plan.areaCode ?? 'none'}`,
    `  before a country code ${plan.internationalPrefix}, before an area code ${quoted(plan.nationalPrefix)}, for an outside line ${quoted(plan.outsideLine)}`,
    `  emergency numbers, never blocked: ${plan.emergencyNumbers.join(', ')}`,
  ]
}
