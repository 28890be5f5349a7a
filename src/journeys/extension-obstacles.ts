/** What is in the way of giving an extension to somebody: to take it over, or to make it anew. */
import type { Problem } from '../domain/parse.ts'
import { type Actor, mayDo } from '../domain/token.ts'
import { AppError, asAppError } from '../errors.ts'
import type { JourneyContext } from './context.ts'
import { existingExtensions } from './existing-extensions.ts'
import { type KnownPbx, severalPbxs } from './known-pbx.ts'

type Obstacle = Problem & { readonly extension: string }

/** Somebody waits for their link; the answer is a help, no condition. */
const promptMs = 3_000

/**
 * Taking over shuts out whoever holds it: it takes the authority to shut phones, by whichever way it comes in.
 * @throws AppError FORBIDDEN
 */
export function demandMayAdopt({ role }: Actor): void {
  if (mayDo(role, 'revoke')) return
  throw new AppError('FORBIDDEN', 'to take an extension over takes the authority to shut phones', {
    hint: `this caller is ${role}; ask an admin or owner`,
  })
}

/** @throws AppError CONFLICT, or what the driver throws: nobody is onboarded on an extension that cannot be taken over */
export async function demandAdoptable(
  context: Pick<JourneyContext, 'store' | 'pbxs'>,
  pbx: KnownPbx,
  extension: string,
): Promise<void> {
  demandNone(await adoptionProblems(context, pbx, [extension]))
}

/** @throws AppError CONFLICT where somebody else's extension of this number is on the PBX */
export async function demandFree(
  context: Pick<JourneyContext, 'pbxs' | 'log'>,
  pbx: KnownPbx,
  extension: string,
): Promise<void> {
  demandNone(await foreignProblems(context, pbx, [extension]))
}

function demandNone([found]: readonly Obstacle[]): void {
  if (!found) return
  const { extension: _, ...problem } = found
  const { message, hint } = problem
  throw new AppError('CONFLICT', message, { ...(hint ? { hint } : {}), problems: [problem] })
}

/** What is in the way of taking these over, one problem at most for each; the PBX is asked once. */
export async function adoptionProblems(
  context: Pick<JourneyContext, 'store' | 'pbxs'>,
  pbx: KnownPbx,
  extensions: readonly string[],
): Promise<readonly Obstacle[]> {
  if (extensions.length === 0) return []
  const there = new Map((await existingExtensions(context, pbx)).items.map((item) => [item.extension, item]))
  return extensions.flatMap((extension) => {
    const existing = there.get(extension)
    const field = 'extension'
    if (!existing) {
      const message = `PBX ${pbx.settings.name} has no extension ${extension} that Ringfence did not make`
      return [{ extension, field, message, hint: 'leave the taking over out: a new extension is made' }]
    }
    if (existing.obstacle === null) return []
    const message = `extension ${extension} cannot be taken over: ${existing.obstacle}`
    return [{ extension, field, message, hint: 'see `ringfence pbx existing`' }]
  })
}

/**
 * What is in the way of giving these to somebody new: extensions that are on the PBX and that Ringfence did not make. As
 * far as the PBX says so at once: one that is away keeps nobody from being onboarded, its driver looks again before it acts.
 */
export async function foreignProblems(
  context: Pick<JourneyContext, 'pbxs' | 'log'>,
  pbx: KnownPbx,
  extensions: readonly string[],
): Promise<readonly Obstacle[]> {
  if (extensions.length === 0) return []
  const obstacles = await obstaclesOn(context, pbx, extensions)
  return extensions.flatMap((extension) => {
    const obstacle = obstacles.get(extension)
    if (obstacle === undefined) return []
    const at = severalPbxs(context) ? ` --pbx ${pbx.settings.name}` : ''
    const hint =
      obstacle === null
        ? `if it is this person's, \`ringfence adopt ${extension}${at}\` with the same options takes it over; \`ringfence pbx existing${at}\` (in the console: Settings, PBXs) shows what is there. Else choose another extension`
        : `choose another extension, or remove this one on the PBX first: it cannot be taken over (${obstacle})`
    const message = `extension ${extension} is on PBX ${pbx.settings.name} already, and not by Ringfence`
    return [{ extension, field: 'extension', message, hint }]
  })
}

/** By extension: what keeps it from being taken over, or null. */
async function obstaclesOn(
  { log }: Pick<JourneyContext, 'log'>,
  { settings, driver }: KnownPbx,
  extensions: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const { adoption, readBack } = driver.abilities
  const signal = AbortSignal.timeout(promptMs)
  try {
    if (adoption && driver.listExisting)
      return new Map((await driver.listExisting(signal)).map(({ extension, obstacle }) => [extension, obstacle]))
    if (!readBack) return new Map()
    const { foreign } = await driver.readAccounts(signal, { extensions, policies: false })
    return new Map(foreign.map((extension) => [extension, 'Ringfence cannot take over extensions of this PBX']))
  } catch (error) {
    if (asAppError(error).code === 'INTERNAL') throw error
    log.info({ err: error, pbx: settings.name }, 'whether the extension is on the PBX already could not be seen')
    return new Map()
  }
}
