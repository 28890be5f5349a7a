import { parseCallPolicy, withEffect } from '../domain/call-policy.ts'
import { parseEmail, parseName } from '../domain/employee.ts'
import { noting, type Problem } from '../domain/parse.ts'
import { parseExtension } from '../domain/sip-account.ts'
import { defaultId } from '../domain/site.ts'
import { asAppError } from '../errors.ts'
import type { OnboardInput } from './application.ts'
import { checkGateway, checkHandset, checkPbx, takenBy, warningsFor } from './check-person.ts'
import { gatewayOf } from './choose-gateway.ts'
import type { JourneyContext } from './context.ts'
import { requireDialPlan } from './dial-plans.ts'
import { mailLanguage } from './mails.ts'
import type { OnboardCheck } from './sheet-view.ts'

/** The checks of onboarding itself, each problem with the field it stands beside; half of a form is checked as far as it goes. */
export async function checkOnboarding(context: JourneyContext, input: OnboardInput): Promise<OnboardCheck> {
  const problems: Problem[] = []
  const take = noting(problems)
  take(parseName(input.name))
  const email = take(parseEmail(input.email))
  const extension = take(parseExtension(input.extension))
  const pbx = checkPbx(context, input.pbx, problems)
  const calls = input.calls === undefined ? null : take(withEffect(parseCallPolicy(input.calls)))
  if (calls !== null && pbx !== null)
    await collect(problems, async () => requireDialPlan(context, pbx.settings.site), 'calls')
  if (input.handsets.length === 0) problems.push({ field: 'handsets', message: 'no handset was named' })
  const handsets = input.handsets.map((handset, index) => {
    const its: Problem[] = []
    const checked = checkHandset(context.catalogue, handset, its)
    problems.push(...its.map((problem) => ({ ...problem, field: `handsets.${index}.${problem.field}` })))
    return checked
  })
  const macs = handsets.map((handset) => handset?.mac ?? null)
  macs.forEach((mac, index) => {
    if (mac !== null && macs.indexOf(mac) < index)
      problems.push({ field: `handsets.${index}.mac`, message: `${mac} is named twice` })
  })
  checkGateway(context.catalogue, input.gateway, handsets, problems)
  const whole = handsets.filter((handset) => handset !== null)
  const taken = await takenBy(context, pbx?.settings.id ?? defaultId, { email, extension, handsets: whole })
  problems.push(...taken.map((problem) => beside(problem, macs)))
  await collect(problems, async () => gatewayOf(context, input, whole, pbx?.settings.id ?? defaultId))
  await collect(problems, async () => input.mail && mailLanguage(context, input.mail), 'mail')
  return { problems, warnings: [...new Set(warningsFor(context.catalogue, whole))] }
}

/** A taken MAC address is named in the message; the row that has it is where it belongs. */
function beside(problem: Problem, macs: readonly (string | null)[]): Problem {
  if (problem.field !== 'mac') return problem
  const index = macs.findIndex((mac) => mac !== null && problem.message.includes(mac))
  return { ...problem, field: `handsets.${Math.max(0, index)}.mac` }
}

async function collect(problems: Problem[], check: () => Promise<unknown>, field?: string): Promise<void> {
  try {
    await check()
  } catch (thrown) {
    const { code, message, hint, problems: told } = asAppError(thrown)
    if (code === 'INTERNAL') throw thrown
    if (told.length > 0) problems.push(...told)
    else problems.push({ ...(field ? { field } : {}), message, ...(hint ? { hint } : {}) })
  }
}
