/** Extensions that are on a PBX and that Ringfence did not make: beside whom they may be of, and whether they can be taken over. */
import type { Problem } from '../domain/parse.ts'
import { type Actor, mayDo } from '../domain/token.ts'
import { AppError, asAppError } from '../errors.ts'
import type { ExistingExtension } from '../pbx/pbx-driver.ts'
import type { JourneyContext } from './context.ts'
import { type KnownPbx, pbxName, severalPbxs } from './known-pbx.ts'
import type { ExistingOnPbx, ExistingView } from './pbx-view.ts'

type Looking = Pick<JourneyContext, 'store' | 'pbxs'>

/** A PBX that hangs keeps nobody waiting for longer. */
const timeoutMs = 15_000
/** Somebody waits for their link; the answer is a help, no condition. */
const promptMs = 3_000

/** Looks only. @throws AppError CONFLICT where the PBX cannot list any, else what its driver throws */
export async function existingExtensions(context: Looking, pbx: KnownPbx): Promise<ExistingOnPbx> {
  const found = await listed(pbx)
  const people = await peopleHere(context)
  const items = found
    .map((existing) => beside(existing, people, pbx.settings.id))
    .sort((one, other) => one.extension.localeCompare(other.extension, 'en', { numeric: true }))
  return { pbx: pbx.settings.name, items }
}

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
export async function demandAdoptable(context: Looking, pbx: KnownPbx, extension: string): Promise<void> {
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

function demandNone([found]: readonly (Problem & { readonly extension: string })[]): void {
  if (!found) return
  const { extension: _, ...problem } = found
  const { message, hint } = problem
  throw new AppError('CONFLICT', message, { ...(hint ? { hint } : {}), problems: [problem] })
}

/** What is in the way of taking these over, one problem at most for each; the PBX is asked once. */
export async function adoptionProblems(
  context: Looking,
  pbx: KnownPbx,
  extensions: readonly string[],
): Promise<readonly (Problem & { readonly extension: string })[]> {
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
): Promise<readonly (Problem & { readonly extension: string })[]> {
  if (extensions.length === 0) return []
  const obstacles = await obstaclesOn(context, pbx, extensions)
  return extensions.flatMap((extension) => {
    const obstacle = obstacles.get(extension)
    if (obstacle === undefined) return []
    const at = severalPbxs(context) ? ` --pbx ${pbx.settings.name}` : ''
    const hint =
      obstacle === null
        ? `if it is this person's, \`ringfence adopt ${extension}${at}\` with the same options takes it over; \`ringfence pbx existing${at}\` (in the console: Settings, PBXs) shows what is there. Else choose another extension`
        : `choose another extension: this one cannot be taken over (${obstacle})`
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

async function listed({ settings, driver }: KnownPbx): Promise<readonly ExistingExtension[]> {
  if (!driver.abilities.adoption || !driver.listExisting) {
    throw new AppError('CONFLICT', `PBX ${settings.name} cannot list the extensions that Ringfence did not make`, {
      hint: 'onboard the person: the extension is then made anew, or it is a step for a person (docs/pbx.md)',
    })
  }
  return driver.listExisting(AbortSignal.timeout(timeoutMs))
}

interface Here {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly extension: string
  readonly pbxId: string
  readonly pbx: string
}

async function peopleHere(context: Looking): Promise<readonly Here[]> {
  const { store } = context
  const employees = new Map((await store.find('employee', { lifecycle: 'active' })).map((row) => [row.id, row]))
  return (await store.find('assignment', { untilAt: null })).flatMap(({ employeeId, extension, pbxId }) => {
    const employee = employees.get(employeeId)
    if (!employee) return []
    const { id, name, email } = employee
    return [{ id, name, email, extension, pbxId, pbx: pbxName(context, pbxId) }]
  })
}

/** By what is surest first; a name alone says little, and is said so. */
function beside(existing: ExistingExtension, people: readonly Here[], pbxId: string): ExistingView {
  const { extension, displayName, email, facts, obstacle } = existing
  const plain = (text: string | null) => text?.normalize('NFKC').trim().toLowerCase() ?? ''
  const matches = [
    ['extension', (person: Here) => person.pbxId === pbxId && person.extension === extension],
    ['email', (person: Here) => plain(email) !== '' && plain(person.email) === plain(email)],
    ['name', (person: Here) => plain(displayName) !== '' && plain(person.name) === plain(displayName)],
  ] as const
  for (const [by, fits] of matches) {
    const person = people.find(fits)
    if (!person) continue
    const { pbxId: its, ...known } = person
    const differs = [
      ...(plain(displayName) === plain(person.name)
        ? []
        : [`it is called ${JSON.stringify(displayName ?? '')} there and ${JSON.stringify(person.name)} here`]),
      ...(email === null || plain(email) === plain(person.email) ? [] : [`its e-mail address there is ${email}`]),
      ...(its === pbxId && person.extension === extension
        ? []
        : [`${person.name} has extension ${person.extension}@${person.pbx} here`]),
    ]
    const taken =
      by === 'extension'
        ? `${person.name} holds it here already: offboard them first, or choose another extension`
        : null
    return { extension, displayName, email, facts, obstacle: obstacle ?? taken, known: { ...known, by }, differs }
  }
  return { extension, displayName, email, facts, obstacle, known: null, differs: [] }
}
