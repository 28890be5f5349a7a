/** The roster CSV: one row per handset, rows with the same extension are one person (design: contract). */
import { parsePolicyText, policyText, withEffect } from './call-policy.ts'
import { parseEmail, parseName } from './employee.ts'
import { parseMac } from './handset.ts'
import { isLanguage, type Language, languages } from './language.ts'
import { bad, good, noting, type Parsed, type Problem } from './parse.ts'
import { parseExtension } from './sip-account.ts'

export interface RosterPerson {
  readonly name: string
  readonly email: string
  readonly extension: string
  /** Name of the PBX; null: the first. Absent in imports of older versions. */
  readonly pbx?: string | null
  /** The extension is there already, and taken over. */
  readonly adopt?: boolean
  readonly gateway: string | null
  /** `policyText` of what may be dialled; null or absent: nothing is chosen. */
  readonly calls?: string | null
  /** Of a mail to this person; null: the usual one. */
  readonly language: Language | null
  readonly handsets: readonly { readonly model: string; readonly mac: string | null }[]
  /** First row of the person, for messages about what is already taken. */
  readonly row: number
}

/** In the order in which people write them. */
export const rosterColumns = [
  'name',
  'email',
  'extension',
  'model',
  'mac',
  'gateway',
  'language',
  'pbx',
  'adopt',
  'calls',
] as const
const required: readonly string[] = rosterColumns.slice(0, 5)
/** Of a column that says nothing to us. */
export const leftOut = '-'
const known: readonly string[] = [...rosterColumns, leftOut]

/** As spreadsheets and other systems head them. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['e-mail', 'email'],
  ['mail', 'email'],
  ['e-mail address', 'email'],
  ['email address', 'email'],
  ['phone', 'extension'],
  ['ext', 'extension'],
  ['mac address', 'mac'],
])

/** The column that a heading means; one that is not known stays as it was written. */
export function columnOf(heading: string): string {
  const plain = heading.trim().toLowerCase().replaceAll(/\s+/g, ' ')
  return aliases.get(plain) ?? plain
}

/** What tells the people of a roster apart: the same extension may be on each PBX. */
export function rosterKey({ extension, pbx }: Pick<RosterPerson, 'extension' | 'pbx'>): string {
  return pbx ? `${extension}@${pbx}` : extension
}

/** A row as the CSV reader split it. `line` is the line of the file that it begins in, from 1: what an editor shows. */
export interface RosterRecord {
  readonly line: number
  readonly cells: readonly string[]
}

/**
 * @param records the file's rows, the header first
 * @param modelProblem what is wrong with a model id (lower case) and the MAC address as it was typed, in words, or null
 * @param pbxOf the name of a PBX as it was typed → its own, null for the first
 * @returns the people, or every problem with its row (the line of the file); never some of both
 */
export function parseRoster(
  records: readonly RosterRecord[],
  modelProblem: (model: string, mac: string | null) => Problem | null,
  pbxOf: (name: string) => Parsed<string | null>,
): { readonly people: readonly RosterPerson[] } | { readonly problems: readonly Problem[] } {
  const first = records[0] ?? { line: 1, cells: [] }
  const header = first.cells.map(columnOf)
  const headerProblem = checkHeader(header, first.line)
  if (headerProblem) return { problems: [headerProblem] }
  if (records.length < 2) return { problems: [{ row: first.line, message: 'the file has a header but no people' }] }

  const problems: Problem[] = []
  const people = new Map<
    string,
    RosterPerson & { gateway: string | null; calls?: string | null; handsets: { model: string; mac: string | null }[] }
  >()
  const emails = new Map<string, { key: string; row: number }>()
  const macs = new Map<string, number>()

  for (const { line: row, cells } of records.slice(1)) {
    const before = problems.length
    if (cells.length !== header.length) {
      problems.push({
        row,
        message: `this row has ${cells.length} columns, the header has ${header.length}`,
        hint: 'put a value that contains the separator in double quotes',
      })
      continue
    }
    const cell = (name: string) => cells[header.indexOf(name)]?.trim() ?? ''
    const take = noting(problems, { row })
    const name = take(parseName(cell('name')))
    const email = take(parseEmail(cell('email')))
    const extension = take(parseExtension(cell('extension')))
    const pbx = take(pbxOf(cell('pbx')))
    const policy = cell('calls') === '' ? null : take(withEffect(parsePolicyText(cell('calls'))))
    const calls = policy === null ? null : policyText(policy)
    const mac = cell('mac') === '' ? null : take(parseMac(cell('mac')))
    const model = cell('model').toLowerCase()
    const language = cell('language').toLowerCase()
    const adopt = take(parseAdopt(cell('adopt')))
    if (language !== '' && !isLanguage(language))
      problems.push({
        row,
        field: 'language',
        message: `${JSON.stringify(language.slice(0, 20))} is not a language of the mails`,
        hint: `one of ${languages.join(', ')}, or nothing`,
      })
    // As it was typed: a malformed address has its own problem and is not a missing one.
    const wrongModel = modelProblem(model, cell('mac') || null)
    if (wrongModel) problems.push({ row, ...wrongModel })
    if (problems.length > before || name === null || email === null || extension === null) continue

    const key = rosterKey({ extension, pbx })
    if (mac !== null) {
      const sameMac = macs.get(mac)
      if (sameMac !== undefined)
        problems.push({ row, field: 'mac', message: `${mac} already stands in row ${sameMac}` })
      else macs.set(mac, row)
    }
    const sameEmail = emails.get(email)
    if (sameEmail && sameEmail.key !== key) {
      problems.push({
        row,
        field: 'email',
        message: `${email} already stands in row ${sameEmail.row} with extension ${sameEmail.key}`,
      })
    } else emails.set(email, { key, row })

    const gateway = cell('gateway') || null
    const person = people.get(key)
    if (!person)
      people.set(key, {
        name,
        email,
        extension,
        pbx,
        ...(adopt ? { adopt } : {}),
        gateway,
        calls,
        language: isLanguage(language) ? language : null,
        row,
        handsets: [{ model, mac }],
      })
    else if (person.name !== name || person.email !== email) {
      problems.push({
        row,
        field: 'extension',
        message: `extension ${key} belongs to somebody else in row ${person.row}`,
        hint: 'rows with the same extension are one person: name and e-mail must be the same',
      })
    } else if (gateway !== null && person.gateway !== null && gateway !== person.gateway) {
      problems.push({
        row,
        field: 'gateway',
        message: `extension ${key} has another home gateway in an earlier row (${person.gateway})`,
        hint: 'one home gateway carries all desk phones of a person',
      })
    } else if (calls !== null && (person.calls ?? calls) !== calls) {
      problems.push({
        row,
        field: 'calls',
        message: `extension ${key} may dial something else in an earlier row (${person.calls})`,
        hint: 'rows with the same extension are one person: say it once, or the same each time',
      })
    } else {
      person.calls ??= calls
      person.gateway ??= gateway
      person.handsets.push({ model, mac })
    }
  }
  return problems.length > 0 ? { problems } : { people: [...people.values()] }
}

/** Said for each person: whoever leaves it out changes nothing that is there already. */
function parseAdopt(text: string): Parsed<boolean> {
  const word = text.toLowerCase()
  if (word === 'yes') return good(true)
  return word === '' || word === 'no'
    ? good(false)
    : bad(
        'adopt',
        `${JSON.stringify(text.slice(0, 20))} is neither yes nor no`,
        'yes takes over an extension that is on the PBX',
      )
}

function checkHeader(header: readonly string[], row: number): Problem | null {
  const missing = required.filter((name) => !header.includes(name))
  const strange = header.filter((name) => !known.includes(name))
  const twice = header.filter((name, index) => name !== leftOut && header.indexOf(name) !== index)
  if (missing.length === 0 && strange.length === 0 && twice.length === 0) return null
  const what = [
    missing.length > 0 ? `without ${missing.join(', ')}` : '',
    strange.length > 0 ? `with unknown ${strange.map((name) => JSON.stringify(name.slice(0, 30))).join(', ')}` : '',
    twice.length > 0 ? `with ${twice.join(', ')} twice` : '',
  ].filter(Boolean)
  return {
    row,
    message: `the header is ${what.join(' and ')}`,
    hint: 'the first row must read: name,email,extension,model,mac (gateway, language, pbx, adopt and calls are optional)',
  }
}
