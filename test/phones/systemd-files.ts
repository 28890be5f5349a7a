/** A file by the rules of systemd.syntax(7): sections may repeat, so they are a list. Anything else than they allow is an error. */
export interface SystemdSection {
  readonly name: string
  readonly values: readonly (readonly [string, string])[]
}

export function readSystemdFile(text: string): readonly SystemdSection[] {
  const sections: { name: string; values: [string, string][] }[] = []
  for (const line of text.split('\n')) {
    if (/^\s*($|[#;])/.test(line)) continue
    const section = /^\[([A-Za-z0-9]+)\]$/.exec(line)
    const value = /^([A-Za-z0-9+-]+?)=(.*)$/.exec(line)
    if (section) sections.push({ name: section[1]!, values: [] })
    else if (value && sections.length > 0 && !line.endsWith('\\')) sections.at(-1)!.values.push([value[1]!, value[2]!])
    else throw new Error(`not a line of a systemd file: ${line}`)
  }
  return sections
}

/** Every value of a key, over all sections of a name. */
export function valuesIn(sections: readonly SystemdSection[], section: string, key: string): readonly string[] {
  return sections
    .filter(({ name }) => name === section)
    .flatMap(({ values }) => values.filter(([name]) => name === key).map(([, value]) => value))
}
