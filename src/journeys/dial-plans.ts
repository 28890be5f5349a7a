/** What dialled numbers mean at each site: asked once, before the first person gets a call class. */
import type { DialPlan } from '../domain/call-policy.ts'
import { type DialPlanInput, parseDialPlan, storedDialPlan } from '../domain/dial-plan.ts'
import type { Site } from '../domain/site.ts'
import type { Actor } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import type { StoreReader } from '../store/store.ts'
import type { DialPlanView } from './calls-view.ts'
import { auditEvent, type JourneyContext } from './context.ts'
import type { DoctorCheck } from './doctor-view.ts'
import type { KnownPbx } from './known-pbx.ts'

export async function dialPlanOf(store: Pick<StoreReader, 'get'>, siteId: string): Promise<DialPlan | null> {
  return storedDialPlan((await store.get('setting', keyOf(siteId)))?.value ?? null)
}

/** @throws AppError INVALID_INPUT with the command that mends it */
export async function requireDialPlan(
  { store, pbxs }: { readonly store: Pick<StoreReader, 'get'>; readonly pbxs: JourneyContext['pbxs'] },
  site: Site,
): Promise<DialPlan> {
  const plan = await dialPlanOf(store, site.id)
  if (plan !== null) return plan
  const { message, command } = unsaid(site, pbxs)
  const hint = `say it once, then try again, for example in Germany: ${command}`
  throw new AppError('INVALID_INPUT', message, { hint, problems: [{ field: 'calls', message, hint }] })
}

/** A note for each site where somebody has a phone and a call class could be had, while its emergency numbers are not known. */
export async function dialPlanChecks({ store, pbxs }: Pick<JourneyContext, 'store' | 'pbxs'>): Promise<DoctorCheck[]> {
  const takesClasses = ({ driver }: KnownPbx) => driver.abilities.callClasses !== 'absent'
  const notes = sitesOf({ pbxs: pbxs.filter(takesClasses) }).map(async (site): Promise<DoctorCheck[]> => {
    if ((await dialPlanOf(store, site.id)) !== null) return []
    if ((await store.handsetModels({ siteId: site.id, state: 'in-use' })).length === 0) return []
    const { message, command } = unsaid(site, pbxs)
    return [
      {
        area: 'settings',
        state: 'note',
        message,
        hint: `before anybody gets a call class, for example in Germany: ${command}`,
      },
    ]
  })
  return (await Promise.all(notes)).flat()
}

function unsaid(site: Site, pbxs: JourneyContext['pbxs']): { readonly message: string; readonly command: string } {
  const which = sitesOf({ pbxs }).length > 1 ? ` --site ${quotedForShell(site.name)}` : ''
  return {
    message: `nobody has said yet what dialled numbers mean at ${site.name}: its country, its prefixes and its emergency numbers`,
    command: `\`ringfence dial-plan set --country 49 --international 00 --national 0 --emergency 112,110${which}\`; \`--area\` says the area code`,
  }
}

/** One for each site, whether it is set or not. */
export async function dialPlans({ store, pbxs }: Pick<JourneyContext, 'store' | 'pbxs'>): Promise<DialPlanView[]> {
  return Promise.all(
    sitesOf({ pbxs }).map(async ({ id, name }) => ({ site: { id, name }, plan: await dialPlanOf(store, id) })),
  )
}

/**
 * Whoever has a call policy at the site gets it anew, with the new meaning of numbers.
 * @throws AppError INVALID_INPUT with every problem, NOT_FOUND for a site
 */
export async function setDialPlan(
  context: JourneyContext,
  siteName: string | null,
  input: DialPlanInput,
  actor: Actor,
): Promise<DialPlanView> {
  const site = siteNamed(context, siteName)
  const checked = parseDialPlan(input)
  if (!checked.ok) {
    const [first] = checked.problems
    const message =
      checked.problems.length === 1 ? first!.message : `${checked.problems.length} things need another look`
    throw new AppError('INVALID_INPUT', message, {
      problems: checked.problems,
      ...(first?.hint ? { hint: first.hint } : {}),
    })
  }
  const here = new Set(context.pbxs.filter((pbx) => pbx.settings.site.id === site.id).map((pbx) => pbx.settings.id))
  const value = JSON.stringify(checked.value)
  const concerned = await context.store.transaction(async (tx) => {
    const before = await tx.get('setting', keyOf(site.id))
    if (before?.value === value) return []
    await tx.put('setting', [{ id: keyOf(site.id), value }])
    const { emergencyNumbers, countryCode } = checked.value
    await tx.record(
      auditEvent(context, 'dial-plan.changed', { actor }, { site: site.name, countryCode, emergencyNumbers }),
    )
    const concerned = (await tx.find('assignment', { untilAt: null })).filter(
      ({ pbxId, callPolicy }) => here.has(pbxId) && callPolicy !== null,
    )
    // A class means something else from now on; what the PBX still holds is no drift.
    for (const { id, generation } of concerned) await tx.update('assignment', id, { generation: generation + 1 })
    return concerned.map(({ id }) => id)
  })
  context.loop.nudge('assignment', concerned)
  return { site: { id: site.id, name: site.name }, plan: checked.value }
}

function sitesOf({ pbxs }: Pick<JourneyContext, 'pbxs'>): readonly Site[] {
  return [...new Map(pbxs.map(({ settings: { site } }) => [site.id, site])).values()]
}

function siteNamed(context: Pick<JourneyContext, 'pbxs'>, name: string | null): Site {
  const sites = sitesOf(context)
  const typed = name?.trim() ?? ''
  const word = typed.toLowerCase()
  const found = word === '' ? sites[0] : sites.find(({ id, name }) => [id, name.toLowerCase()].includes(word))
  if (found) return found
  throw new AppError('NOT_FOUND', `${JSON.stringify(typed.slice(0, 40))} is not a site here`, {
    hint: `one of ${sites.map((site) => site.name).join(', ')}`,
  })
}

function quotedForShell(text: string): string {
  return /^[A-Za-z0-9._-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function keyOf(siteId: string): string {
  return `dial-plan/${siteId}`
}
