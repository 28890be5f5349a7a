/** A roster as text, and everything that is wrong with it: before anything is written. */
import { parse } from 'csv-parse/sync'
import { parsePolicyText } from '../domain/call-policy.ts'
import { good, type Parsed, type Problem } from '../domain/parse.ts'
import { columnOf, parseRoster, type RosterPerson, type RosterRecord, rosterColumns } from '../domain/roster.ts'
import { AppError, asAppError } from '../errors.ts'
import type { OnboardInput } from './application.ts'
import { checkPbx, checkPerson, modelProblem } from './check-person.ts'
import type { JourneyContext } from './context.ts'
import { requireDialPlan } from './dial-plans.ts'
import { adoptionProblems, foreignProblems } from './extension-obstacles.ts'
import { extensionInUse, type KnownPbx, pbxNamed, severalPbxs } from './known-pbx.ts'
import { invalid } from './refusal.ts'

const largestBytes = 5 * 1024 * 1024
/** Reading is not free, and everybody waits for it: what is no roster is refused by counting alone. */
const mostLines = 20_000
const mostColumns = 50
const mostSeparators = 20 * mostLines
const mostProblemsTold = 200

type Reading = Pick<JourneyContext, 'catalogue' | 'store' | 'pbxs' | 'log'>

/** @throws AppError TOO_LARGE, or INVALID_INPUT where the text is no CSV */
export function rosterRecords(csv: Uint8Array): readonly RosterRecord[] {
  if (csv.byteLength > largestBytes)
    throw new AppError('TOO_LARGE', 'the file is larger than 5 MB', {
      hint: `split it; a file may have ${mostLines} lines`,
    })
  return records(decode(csv))
}

/** @throws AppError INVALID_INPUT with every problem by row */
export async function demandRoster(context: Reading, rows: readonly RosterRecord[]): Promise<readonly RosterPerson[]> {
  const { people, problems } = await examineRoster(context, rows)
  if (problems.length === 0) return people
  const told = problems.slice(0, mostProblemsTold)
  const more = problems.length - told.length
  throw invalid(more === 0 ? told : [...told, { message: `${more} more problems are not listed here` }])
}

/**
 * Every problem there is: what is wrong in one row does not hide what is taken in another. `people` are those without.
 */
export async function examineRoster(
  context: Reading,
  rows: readonly RosterRecord[],
): Promise<{ readonly people: readonly RosterPerson[]; readonly problems: readonly Problem[] }> {
  const [header, ...body] = rows
  const check = (model: string, mac: string | null) => modelProblem(context.catalogue, model, mac)
  const pbxOf = rosterPbx(context)
  const first = parseRoster(rows, check, pbxOf)
  const wrong = 'problems' in first ? first.problems : []
  const isWrong = new Set(wrong.map(({ row }) => row))
  // A header that is wrong makes nothing of the rest worth a look.
  if (header === undefined || isWrong.has(header.line)) return { people: [], problems: wrong }
  const rest = body.filter(({ line }) => !isWrong.has(line))
  const second =
    'people' in first ? first : rest.length > 0 ? parseRoster([header, ...rest], check, pbxOf) : { people: [] }
  if ('problems' in second) return { people: [], problems: wrong }
  const unfit = second.people.flatMap((person) => unfitness(context, person))
  const taken = await takenPeople(context, second.people)
  const unsaid = await withoutDialPlan(context, second.people)
  const problems = [...wrong, ...unfit, ...taken, ...unsaid].sort((one, other) => (one.row ?? 0) - (other.row ?? 0))
  const rowsOfProblems = new Set(problems.map(({ row }) => row))
  return { people: second.people.filter(({ row }) => !rowsOfProblems.has(row)), problems }
}

export function inputOf({
  name,
  email,
  extension,
  pbx,
  adopt,
  gateway,
  handsets,
  calls = null,
}: RosterPerson): OnboardInput {
  const policy = calls === null ? null : parsePolicyText(calls)
  return {
    name,
    email,
    extension,
    handsets,
    pbx: pbx ?? undefined,
    adopt,
    gateway: gateway ?? undefined,
    calls: (policy?.ok && policy.value) || undefined,
  }
}

function unfitness(context: Reading, person: RosterPerson): readonly Problem[] {
  try {
    checkPerson(context, inputOf(person))
    return []
  } catch (error) {
    return asAppError(error).problems.map((problem) => ({ row: person.row, ...problem }))
  }
}

function decode(csv: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(csv)
  } catch (cause) {
    throw new AppError('INVALID_INPUT', 'the file is not in UTF-8', {
      hint: 'save it again as "CSV UTF-8"; in a spreadsheet that is a choice of its own',
      cause,
    })
  }
}

/** By the reader's own codes: what is wrong with a double quote is not always the same. */
const quoteHints: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a double quote is opened and never closed: close it, or take it out',
  INVALID_OPENING_QUOTE:
    'a double quote stands in the middle of a value: take it out, or put the whole value in double quotes and write the inner one twice',
  CSV_INVALID_CLOSING_QUOTE:
    'after a double quote that ends a value something follows: take it out, or write a double quote inside a value twice',
}

function records(file: string): RosterRecord[] {
  // The reader counts a CR LF inside quotes as two lines.
  const text = file.replace(/\r\n?/g, '\n')
  const header = text.slice(0, text.search(/\n|$/))
  // What is pasted out of a spreadsheet has tabs.
  const delimiter = [',', ';', '\t'].toSorted((a, b) => header.split(b).length - header.split(a).length)[0]!
  refuseHuge(text, header, delimiter)
  const rows: RosterRecord[] = []
  try {
    parse(text, {
      delimiter,
      record_delimiter: '\n',
      relax_column_count: true,
      skip_empty_lines: true,
      bom: true,
      max_record_size: 10_000,
      // Kept here as they come, with their line alone: the reader's whole state beside each row would cost far more. `lines`
      // is the row's last.
      on_record: (cells: string[], { lines }) => {
        rows.push({ line: lines - cells.join('').split('\n').length + 1, cells })
        return null
      },
    })
    return rows
  } catch (cause) {
    const { lines, code = '' } = cause as { lines?: number; code?: string }
    throw invalid([
      {
        ...(lines ? { row: lines } : {}),
        message: 'this row cannot be read as CSV',
        hint: quoteHints[code] ?? 'look at its double quotes: each that is opened has to be closed',
      },
    ])
  }
}

/** @throws AppError TOO_LARGE, before a single row is made of it */
function refuseHuge(text: string, header: string, delimiter: string): void {
  const lines = occurrences(text, '\n')
  if (lines > mostLines)
    throw new AppError('TOO_LARGE', `the file has ${lines} lines, which is more than ${mostLines}`, {
      hint: 'split it, and look whether it is a roster at all',
    })
  if (occurrences(header, delimiter) >= mostColumns || occurrences(text, delimiter) > mostSeparators)
    throw new AppError('TOO_LARGE', 'the file has more columns than a roster can have', {
      hint: 'look whether it is a roster at all: its first row must read name,email,extension,model,mac',
    })
}

function occurrences(text: string, what: string): number {
  let count = 0
  for (let at = text.indexOf(what); at !== -1; at = text.indexOf(what, at + 1)) count += 1
  return count
}

/** The first one has no name here, whether it was typed or not. */
function rosterPbx(context: Reading): (name: string) => Parsed<string | null> {
  return (name) => {
    const problems: Problem[] = []
    const pbx = checkPbx(context, name, problems)
    if (!pbx) return { ok: false, problem: problems[0]! }
    return good(pbx === context.pbxs[0] ? null : pbx.settings.name)
  }
}

/** Call classes where nobody said yet what numbers mean. */
async function withoutDialPlan(context: Reading, people: readonly RosterPerson[]): Promise<Problem[]> {
  const choosing = people.filter(({ calls = null }) => calls !== null)
  const found: Problem[] = []
  for (const [name, some] of Map.groupBy(choosing, ({ pbx }) => pbx ?? undefined)) {
    const why = await requireDialPlan(context, pbxNamed(context, name).settings.site).then(() => [], problemsOf)
    found.push(...some.flatMap(({ row }) => why.map((problem) => ({ row, ...problem }))))
  }
  return found
}

function problemsOf(error: unknown): readonly Problem[] {
  const { code, problems } = asAppError(error)
  if (code === 'INVALID_INPUT') return problems
  throw error
}

async function takenPeople(context: Reading, people: readonly RosterPerson[]): Promise<Problem[]> {
  const byPbx = Map.groupBy(people, ({ pbx }) => pbx ?? undefined)
  const found: Problem[] = []
  for (const [name, some] of byPbx) {
    const pbx = pbxNamed(context, name)
    found.push(...(await takenOn(context, pbx.settings.id, some)), ...(await unadoptable(context, pbx, some)))
    found.push(...(await somebodyElses(context, pbx, some)))
  }
  return found
}

/** A PBX that is away says so beside each row that asks for it. */
async function unadoptable(context: Reading, pbx: KnownPbx, people: readonly RosterPerson[]): Promise<Problem[]> {
  const adopted = people.filter(({ adopt }) => adopt)
  const rowOf = new Map(adopted.map(({ extension, row }) => [extension, row]))
  try {
    const problems = await adoptionProblems(context, pbx, [...rowOf.keys()])
    return problems.map(({ extension, ...problem }) => ({ row: rowOf.get(extension)!, ...problem }))
  } catch (error) {
    const { code, message, hint } = asAppError(error)
    if (code === 'INTERNAL') throw error
    return adopted.map(({ row }) => ({ row, field: 'adopt', message, ...(hint ? { hint } : {}) }))
  }
}

/** Of those who are to get a new one. */
async function somebodyElses(context: Reading, pbx: KnownPbx, people: readonly RosterPerson[]): Promise<Problem[]> {
  const rowOf = new Map(people.filter(({ adopt }) => !adopt).map(({ extension, row }) => [extension, row]))
  const problems = await foreignProblems(context, pbx, [...rowOf.keys()])
  return problems.map(({ extension, ...problem }) => ({ row: rowOf.get(extension)!, ...problem }))
}

async function takenOn(context: Reading, pbxId: string, people: readonly RosterPerson[]): Promise<Problem[]> {
  const taken = await context.store.taken(pbxId, {
    extensions: new Set(people.map(({ extension }) => extension)),
    emails: new Set(people.map(({ email }) => email)),
    macs: new Set(people.flatMap(({ handsets }) => handsets.flatMap(({ mac }) => mac ?? []))),
  })
  return people.flatMap((person): Problem[] => [
    ...(taken.extensions.has(person.extension)
      ? [
          {
            row: person.row,
            field: 'extension',
            message: extensionInUse(context, { extension: person.extension, pbxId }),
          },
        ]
      : []),
    ...(taken.emails.has(person.email)
      ? [{ row: person.row, field: 'email', message: `${person.email} already has a phone here` }]
      : []),
    ...person.handsets.flatMap(({ mac }) =>
      mac && taken.macs.has(mac)
        ? [{ row: person.row, field: 'mac', message: `${mac} belongs to a handset that is in use` }]
        : [],
    ),
  ])
}

/** The same rows under all columns that there are, in their usual order; unknown columns stay, at the end. */
export function widened(
  rows: readonly RosterRecord[],
  { pbxs }: Pick<JourneyContext, 'pbxs'>,
): readonly RosterRecord[] {
  const optional: readonly string[] = ['gateway', 'language', ...(severalPbxs({ pbxs }) ? ['pbx'] : [])]
  const [header, ...body] = rows
  if (!header) return rows
  const names = header.cells.map(columnOf)
  const lacking = rosterColumns.filter((name) => !names.includes(name) && optional.includes(name))
  return [
    { ...header, cells: [...header.cells, ...lacking] },
    ...body.map((row) =>
      row.cells.length === header.cells.length ? { ...row, cells: [...row.cells, ...lacking.map(() => '')] } : row,
    ),
  ]
}
