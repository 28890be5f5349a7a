/**
 * Reads a RouterOS script by the grammar of its manual (help.mikrotik.com, Scripting): comments, `\` at the end of a line, quoted
 * strings with their escapes, `[…]`, `(…)` and `{…}` in values. Whatever else it meets is an error.
 */
export interface RouterOsCommand {
  /** `/ip firewall filter add`, `:if`. */
  readonly name: string
  /** Values as written, quotation marks taken off. */
  readonly values: Readonly<Record<string, string>>
}

type Token = { readonly text: string; readonly quoted: boolean } | '\n'

/** Every command, those inside of blocks too, in the order of the text. */
export function readRouterOs(text: string): readonly RouterOsCommand[] {
  return commandsIn(tokensOf(text))
}

function commandsIn(tokens: readonly Token[]): readonly RouterOsCommand[] {
  const commands: RouterOsCommand[] = []
  let line: { text: string; quoted: boolean }[] = []
  for (const token of [...tokens, '\n' as const]) {
    if (token !== '\n') line.push(token)
    else if (line.length > 0) {
      commands.push(...commandOf(line))
      line = []
    }
  }
  return commands
}

function commandOf(line: readonly { text: string; quoted: boolean }[]): readonly RouterOsCommand[] {
  const [first] = line
  if (first?.text.startsWith('{')) return insideOf(first.text)
  const words: string[] = []
  const values: Record<string, string> = {}
  const inside: RouterOsCommand[] = []
  for (const { text, quoted } of line) {
    const assigned = /^([a-z][a-z0-9-]*)[=~](.*)$/s.exec(text)
    if (!quoted && assigned) {
      const [, key, value] = assigned as unknown as [string, string, string]
      if (values[key] !== undefined) throw new Error(`${words.join(' ')} has ${key} twice`)
      values[key] = value
      if (/^\{/.test(value) && key !== 'in') inside.push(...insideOf(value))
    } else if (!quoted && words.length === 0) words.push(text)
    // A path and its verb are several words, a command of the language is one.
    else if (!quoted && /^[a-z0-9-]+$/.test(text) && words[0]!.startsWith('/') && Object.keys(values).length === 0)
      words.push(text)
    else if (quoted || /^[A-Za-z0-9[({$]/.test(text)) {
      values[`argument ${Object.keys(values).length}`] = text
      if (!quoted && text.startsWith('{')) inside.push(...insideOf(text))
    } else throw new Error(`cannot be read: ${text}`)
    for (const [, call] of text.matchAll(/\[((?:\/|:)[^[\]]*)/g)) inside.push(...readRouterOs(call!))
  }
  if (!/^(\/[a-z0-9]+|:[a-z]+)$/.test(words[0] ?? ''))
    throw new Error(`no command: ${line.map(({ text }) => text).join(' ')}`)
  return [{ name: words.join(' '), values }, ...inside]
}

function insideOf(block: string): readonly RouterOsCommand[] {
  return readRouterOs(block.slice(1, -1))
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const rest = text.slice(at)
    const skipped = /^(?:[ \t]+|\\\n|#[^\n]*(?=\n|$))/.exec(rest)
    if (skipped && (skipped[0][0] !== '#' || tokens.length === 0 || tokens.at(-1) === '\n')) at += skipped[0].length
    else if (/^[\n;]/.test(rest)) {
      tokens.push('\n')
      at += 1
    } else {
      const length = wordLength(rest)
      const word = rest.slice(0, length)
      tokens.push({ text: unquoted(word), quoted: word.startsWith('"') })
      at += length
    }
  }
  return tokens
}

const closing: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}' }

/** Up to the next blank outside of quotes and brackets. */
function wordLength(text: string): number {
  const open: string[] = []
  let quoted = false
  for (let index = 0; index < text.length; index++) {
    const letter = text[index]!
    if (quoted) {
      if (letter === '\\') {
        if (!/^["\\nrt$?_abfv]|^[0-9A-F]{2}/.test(text.slice(index + 1))) throw new Error('an unknown escape')
        index += 1
      } else if (letter === '"') quoted = false
    } else if (letter === '"') quoted = true
    else if (letter === '#' && open.at(-1) === '}' && /\n[ \t]*$/.test(text.slice(0, index)))
      index += text.slice(index).indexOf('\n')
    else if (closing[letter]) open.push(closing[letter])
    else if ('])}'.includes(letter)) {
      if (open.pop() !== letter) throw new Error(`${letter} closes nothing`)
    } else if (open.length === 0 && /[\s;]/.test(letter)) return index
  }
  if (quoted || open.length > 0) throw new Error('something is not closed')
  return text.length
}

function unquoted(word: string): string {
  return word.replace(
    /^([a-z][a-z0-9-]*[=~])?"((?:[^"\\]|\\.)*)"$/s,
    (_, key: string | undefined, inside: string) => `${key ?? ''}${inside.replace(/\\(["\\])/g, '$1')}`,
  )
}
