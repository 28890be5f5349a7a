import { readFileSync } from 'node:fs'

/** A systemd unit: section → key → its values in order. An empty value is kept: it resets a list (systemd.unit(5)). */
export type Unit = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>

/** @throws Error with the line number for what is no section, comment or assignment. */
export function parseUnit(text: string): Unit {
  const unit = new Map<string, Map<string, string[]>>()
  let section: Map<string, string[]> | null = null
  // A backslash at the end of a line goes on in the next one.
  for (const [index, line] of text
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .entries()) {
    if (/^\s*([#;]|$)/.test(line)) continue
    const header = /^\[([A-Za-z]+)\]$/.exec(line)?.[1]
    if (header) {
      section = unit.get(header) ?? new Map()
      unit.set(header, section)
      continue
    }
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    if (!key || value === undefined || !section) throw new Error(`line ${index + 1} is not understood: ${line}`)
    section.set(key, [...(section.get(key) ?? []), value.trim()])
  }
  return unit
}

export function readUnit(path: string): Unit {
  return parseUnit(readFileSync(path, 'utf8'))
}

/** The words of all assignments of a key since the last empty one. */
export function words(unit: Unit, section: string, key: string): readonly string[] {
  const values = unit.get(section)?.get(key) ?? []
  return values.slice(values.lastIndexOf('') + 1).flatMap((value) => value.split(/\s+/))
}

/** The variables that a unit sets itself. */
export function environmentOf(unit: Unit): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words(unit, 'Service', 'Environment').map((pair) => [pair.split('=')[0] ?? '', pair.split('=').slice(1).join('=')]),
  )
}
