/**
 * The tables that say who may speak, as files of Kamailio's db_text: a line of columns, then a line for each row. Kamailio
 * loads them when it starts, so that what was shut stays shut while Ringfence is away.
 *
 * `deny`: serials that were taken back. `bind`: serial → `extension|prefix,prefix`. `source`: the tunnel address of a phone
 * without certificate → its extension. `policy`: each extension → its `policyText`. `plan`: `dial` → what dialled numbers
 * mean (`planText`), `internal` → an expression for further numbers that are internal. Serials are decimal, as Kamailio
 * shows them.
 *
 * In the order in which they are changed: the plan before the classes that need it, classes before the phones.
 */
export const edgeTables = ['deny', 'plan', 'policy', 'bind', 'source'] as const

export type EdgeTable = (typeof edgeTables)[number]

export type EdgeRows = Readonly<Record<EdgeTable, ReadonlyMap<string, string>>>

/** Calls that were counted, which Kamailio begins with: what it had counted when Ringfence last looked. */
export const spentTable = 'spent'

/** The version that the htable module asks for (share/dbtext/kamailio/version of 5.6). */
const tableVersion = 2

/** Every file by its name. The same rows give the same bytes. */
export function tableFiles(rows: EdgeRows): Readonly<Record<string, string>> {
  const versions = [...edgeTables, spentTable].map((name, index) => `${index}:${name}:${tableVersion}\n`)
  return {
    version: `id(int,auto) table_name(string) table_version(int) \n${versions.join('')}`,
    ...Object.fromEntries(edgeTables.map((name) => [name, tableFile(rows[name])])),
  }
}

export function spentFile(counts: ReadonlyMap<string, string>): string {
  return tableFile(counts, 1)
}

/** What a file of ours holds; null when it is not whole. */
export function readTableFile(text: string): ReadonlyMap<string, string> | null {
  const [head, ...lines] = text.split('\n')
  if (`${head}\n` !== columns || lines.pop() !== '') return null
  const found = new Map<string, string>()
  for (const line of lines) {
    const row = /^[0-9]+:((?:[^:\\]|\\.)+):0:0:((?:[^:\\]|\\.)+):0$/.exec(line)
    if (!row) return null
    found.set(unescaped(row[1]!), unescaped(row[2]!))
  }
  return found
}

/** Hexadecimal, as Ringfence has it, to decimal, as OpenSSL's BIGNUM prints it. */
export function decimalSerial(serial: string): string {
  return BigInt(`0x${serial}`).toString(10)
}

const columns = 'id(int,auto) key_name(string) key_type(int) value_type(int) key_value(string) expires(int) \n'

/** @param valueType 0 for text, 1 for numbers */
function tableFile(rows: ReadonlyMap<string, string>, valueType: 0 | 1 = 0): string {
  const sorted = [...rows].sort(([one], [other]) => (one < other ? -1 : 1))
  return `${columns}${sorted.map(([key, value], index) => `${index}:${escaped(key)}:0:${valueType}:${escaped(value)}:0\n`).join('')}`
}

/** A colon ends a field; nothing else with a meaning gets this far. */
function escaped(value: string): string {
  return value.replace(/[:\\]/g, '\\$&')
}

function unescaped(value: string): string {
  return value.replace(/\\(.)/g, '$1')
}
