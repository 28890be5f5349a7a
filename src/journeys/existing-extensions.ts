/** Extensions that are on a PBX and that Ringfence did not make: beside whom they may be of. */
import { AppError } from '../errors.ts'
import type { ExistingExtension } from '../pbx/pbx-driver.ts'
import type { JourneyContext } from './context.ts'
import { type KnownPbx, pbxName } from './known-pbx.ts'
import type { ExistingOnPbx, ExistingView } from './pbx-view.ts'

type Looking = Pick<JourneyContext, 'store' | 'pbxs'>

/** A PBX that hangs keeps nobody waiting for longer. */
const timeoutMs = 15_000

/** Looks only. @throws AppError CONFLICT where the PBX cannot list any, else what its driver throws */
export async function existingExtensions(context: Looking, pbx: KnownPbx): Promise<ExistingOnPbx> {
  const found = await listed(pbx)
  const people = await peopleHere(context)
  const items = found
    .map((existing) => beside(existing, people, pbx.settings.id))
    .sort((one, other) => one.extension.localeCompare(other.extension, 'en', { numeric: true }))
  return { pbx: pbx.settings.name, items }
}

async function listed({ settings, driver }: KnownPbx): Promise<readonly ExistingExtension[]> {
  if (!driver.abilities.adoption || !driver.listExisting) {
    throw new AppError('CONFLICT', `PBX ${settings.name} cannot list the extensions that Ringfence did not make`, {
      hint: driver.abilities.readBack
        ? 'to give one that is there to somebody, remove it on the PBX first and then onboard the person: it is made anew. Else choose another number'
        : 'onboard the person: what to do with an extension that is there is a step for you (docs/manual-pbx.md)',
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
