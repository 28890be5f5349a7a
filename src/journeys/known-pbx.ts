/** Which PBX is meant: of a person, by its name, or the usual one. */

import type { Config } from '../config.ts'
import type { Verdict } from '../domain/condition.ts'
import { reachOfLeftovers } from '../domain/outliving.ts'
import { AppError } from '../errors.ts'
import type { ManualGuide } from '../pbx/manual-guide.ts'
import type { PbxAbilities, PbxDriver } from '../pbx/pbx-driver.ts'
import type { EmployeeAccess } from '../store/store.ts'
import type { JourneyContext } from './context.ts'
import type { PbxAbilityView, PbxPlace } from './pbx-view.ts'

export interface KnownPbx {
  readonly settings: Config['pbxs'][number]
  readonly driver: PbxDriver
  /** What a person does on it, in order (templates/manual-pbx). */
  readonly guide: ManualGuide
  /** False: it left the settings, and people still hold extensions on it. */
  readonly isConfigured: boolean
}

/** What phones meet: with an edge in front, what it enforces counts, whatever the PBX behind it can do by itself. */
export function abilitiesOf({
  settings,
  driver,
}: Pick<KnownPbx, 'settings' | 'driver'>): PbxAbilities & PbxAbilityView {
  const own = { ...driver.abilities, leftovers: reachOfLeftovers(driver.outliving) }
  return settings.edge ? { ...own, ...enforcedAtEdge } : own
}

const enforcedAtEdge = {
  certificates: 'required-on-own-port',
  revocationLists: 'enforced',
  callClasses: 'enforced',
} as const

type Knowing = Pick<JourneyContext, 'pbxs'>

/** Of a live assignment; every one of them is on a PBX that is known (main/pbx.ts). */
export function pbxById({ pbxs }: Knowing, id: string): KnownPbx {
  const found = pbxs.find(({ settings }) => settings.id === id)
  if (found) return found
  throw new AppError('INTERNAL', `there is no PBX ${id}`, { hint: 'restart the server: it looks for all PBXs then' })
}

/** The PBX on which this person holds the extension now, else the one of before. */
export function pbxOfPerson(context: Knowing, { assignments }: Pick<EmployeeAccess, 'assignments'>): KnownPbx {
  const assignment = assignments.find(({ untilAt }) => untilAt === null) ?? assignments.at(-1)
  return assignment ? pbxById(context, assignment.pbxId) : context.pbxs[0]!
}

/**
 * The one that was named, the first where none was.
 * @throws AppError INVALID_INPUT
 */
export function pbxNamed({ pbxs }: Knowing, name: string | undefined): KnownPbx {
  const configured = pbxs.filter(({ isConfigured }) => isConfigured)
  const typed = name?.trim() ?? ''
  const word = typed.toLowerCase()
  const found =
    word === '' ? configured[0] : configured.find(({ settings }) => [settings.name, settings.id].includes(word))
  if (found) return found
  const message = `${JSON.stringify(typed.slice(0, 40))} is not a PBX here`
  const hint = `one of ${configured.map(({ settings }) => settings.name).join(', ')}`
  throw new AppError('INVALID_INPUT', message, { hint, problems: [{ field: 'pbx', message, hint }] })
}

/** Whether a word beside an extension is needed to tell its holders apart. */
export function severalPbxs({ pbxs }: Knowing): boolean {
  return pbxs.length > 1
}

/** Where a PBX is, for whoever is sent to it. */
export function placeOf({ pbxs }: Knowing, id: string | undefined): PbxPlace | null {
  const found = pbxs.find(({ settings }) => settings.id === id)
  return found ? { name: found.settings.name, site: found.settings.site.name, address: found.settings.address } : null
}

export interface HeldExtension {
  readonly extension: string
  readonly pbxId: string
}

/** As commands take it: the number alone says whose it is where there is one PBX. */
function typedExtension(context: Knowing, { extension, pbxId }: HeldExtension): string {
  return severalPbxs(context) ? `${extension}@${pbxName(context, pbxId)}` : extension
}

export function extensionInUse(context: Knowing, { extension, pbxId }: HeldExtension): string {
  return `extension ${extension} is in use${severalPbxs(context) ? ` on PBX ${pbxName(context, pbxId)}` : ''}`
}

type Held = HeldExtension & Pick<EmployeeAccess['assignments'][number], 'untilAt'>
type Naming = Pick<EmployeeAccess, 'employee' | 'passedOn'>

/** Who is meant by this extension of theirs: a number that was passed on means its holder of today. */
export function typedHolder(context: Knowing, { employee, passedOn }: Naming, held: Held): string {
  if (held.untilAt === null || !passedOn.has(`${held.pbxId} ${held.extension}`)) return typedExtension(context, held)
  return passedOn.has(employee.email) ? employee.id : employee.email
}

/**
 * Drivers and judges speak of "the PBX" and of bare extensions, so that what is kept of a step stays the same when another
 * PBX joins. Whoever reads it is told which one is meant.
 */
export function sayWhich(context: Knowing, text: string, held: HeldExtension, ticking?: string): string {
  const bare = new RegExp(`(?<= )${held.extension}(?=[ \`])`, 'g')
  const number = typedExtension(context, held)
  // Whose step it is decides what ticks it; every other command is about the extension, whoever holds it.
  const said = text.replace(/`ringfence [^`]*`/g, (command) =>
    command.replace(bare, command.startsWith('`ringfence acknowledge ') ? (ticking ?? number) : number),
  )
  return severalPbxs(context) ? said.replace(/\bthe PBX\b/g, `PBX ${pbxName(context, held.pbxId)}`) : said
}

/** What a line of this person says to whoever reads or ticks it; where it is on no PBX, just what was kept. */
export function lineWords(
  context: Knowing,
  access: Pick<EmployeeAccess, 'credentials' | 'assignments'> & Naming,
): (line: Pick<Verdict, 'subjectKind' | 'subjectId'>, text: string) => string {
  const { credentials, assignments } = access
  return ({ subjectKind, subjectId }, text) => {
    const assignmentId =
      subjectKind === 'sip-credential' ? credentials.find(({ id }) => id === subjectId)?.assignmentId : subjectId
    const held = assignments.find(({ id }) => id === assignmentId)
    return held ? sayWhich(context, text, held, typedHolder(context, access, held)) : text
  }
}

/** Also of one that left the settings, after its last person left it. */
export function pbxName({ pbxs }: Knowing, id: string | undefined): string {
  return pbxs.find(({ settings }) => settings.id === id)?.settings.name ?? id ?? ''
}
