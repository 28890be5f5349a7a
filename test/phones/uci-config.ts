/**
 * OpenWrt's configuration as `uci` keeps it, for tests: what is committed and what is staged. Stricter than the real one: a verb,
 * a line or a name that it does not know is an error, and so is an option of a section that nobody made.
 */
export interface UciSection {
  readonly type: string
  readonly options: Record<string, string | string[]>
}

/** By `package.section`. */
export type UciSections = Record<string, UciSection>

export interface UciState {
  committed: UciSections
  staged: UciSections
}

export function openUci(sections: UciSections = {}): UciState {
  return { committed: structuredClone(sections), staged: structuredClone(sections) }
}

/** One command; what it prints, or an error as uci says it. */
export function uciCommand(state: UciState, [verb, argument = '', ...rest]: readonly string[], input = ''): string {
  if (rest.length > 0) throw new Error('uci: Too many arguments')
  const inPackage = (key: string) => key.split('.')[0] === argument
  if (verb === 'batch') return batch(state, input)
  if (verb === 'commit' || verb === 'revert') {
    for (const key of Object.keys({ ...state.committed, ...state.staged }).filter(inPackage)) {
      const [from, to] = verb === 'commit' ? [state.staged, state.committed] : [state.committed, state.staged]
      if (from[key]) to[key] = structuredClone(from[key])
      else delete to[key]
    }
    return ''
  }
  if (verb === 'changes') {
    const keys = Object.keys({ ...state.committed, ...state.staged }).filter(inPackage)
    return keys.filter((key) => JSON.stringify(state.committed[key]) !== JSON.stringify(state.staged[key])).join('\n')
  }
  if (verb === 'show') {
    return Object.entries(state.staged)
      .filter(([key]) => inPackage(key))
      .flatMap(([key, { type, options }]) => [
        `${key}=${type}`,
        ...Object.entries(options).map(([name, value]) => `${key}.${name}='${[value].flat().join("' '")}'`),
      ])
      .join('\n')
  }
  if (verb === 'get') {
    const [key, option] = split(argument)
    const value = state.staged[key]?.options[option ?? '']
    if (value === undefined) throw new Error('uci: Entry not found')
    return [value].flat().join(' ')
  }
  if (verb === 'delete') {
    if (!state.staged[argument]) throw new Error('uci: Entry not found')
    delete state.staged[argument]
    return ''
  }
  throw new Error(`uci: no such command ${verb}`)
}

function batch(state: UciState, input: string): string {
  for (const line of input.split('\n')) {
    if (line === '') continue
    if (line.startsWith('delete ')) {
      uciCommand(state, line.split(' '))
      continue
    }
    const match = /^(set|add_list) ([a-z]+\.[A-Za-z0-9_]+(?:\.[a-z0-9_]+)?)=(?:'([^']*)'|([A-Za-z0-9_]+))$/.exec(line)
    if (!match) throw new Error(`uci: Parse error in ${line}`)
    const [, verb, path, quoted, bare] = match
    const [key, option] = split(path!)
    if (option === undefined) {
      if (verb !== 'set' || bare === undefined) throw new Error(`uci: Invalid argument in ${line}`)
      if (state.staged[key]) throw new Error(`uci: ${key} is made twice`)
      state.staged[key] = { type: bare, options: {} }
      continue
    }
    const options = state.staged[key]?.options
    if (!options || quoted === undefined) throw new Error(`uci: Invalid argument in ${line}`)
    const before = options[option]
    if (verb === 'set' && before !== undefined) throw new Error(`uci: ${path} is set twice`)
    options[option] = verb === 'set' ? quoted : [...[before ?? []].flat(), quoted]
  }
  return ''
}

function split(path: string): readonly [string, string | undefined] {
  const [file, section, option, ...more] = path.split('.')
  if (!file || !section || more.length > 0) throw new Error(`uci: Invalid argument ${path}`)
  return [`${file}.${section}`, option]
}
