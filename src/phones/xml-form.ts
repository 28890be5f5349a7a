/**
 * What keeps a text from being well-formed XML 1.0, in words; null when it is. Elements, attributes, text and comments only:
 * what phones' files are made of. Declarations of types, CDATA, instructions, and text beside elements are refused, since
 * readers differ in them.
 */
export function xmlProblem(text: string): string | null {
  const open: Open[] = []
  let roots = 0
  token.lastIndex = 0
  while (token.lastIndex < text.length) {
    const start = token.lastIndex
    const match = token.exec(text)
    if (!match) return `line ${lineAt(text, start)} has a < that begins no element`
    const [whole, closed, opened, attributes = '', ends] = match
    const around = open.at(-1)
    if (opened !== undefined && around) around.elements = true
    const problem =
      opened !== undefined
        ? attributesProblem(attributes)
        : closed !== undefined
          ? closeProblem(open, closed)
          : textProblem(whole, around, start === 0)
    if (problem !== null) return `line ${lineAt(text, start)}: ${problem}`
    if (opened === undefined) continue
    if (open.length === 0) roots += 1
    if (ends === '') open.push({ name: opened, elements: false, text: false })
  }
  if (open.length > 0) return `<${open.at(-1)!.name}> is not closed`
  return roots === 1 ? null : 'there must be one element around everything'
}

interface Open {
  readonly name: string
  elements: boolean
  text: boolean
}

const name = '[A-Za-z_][\\w.:-]*'
const attribute = `\\s+${name}\\s*=\\s*(?:"[^"<]*"|'[^'<]*')`
const token = new RegExp(
  `<!--(?:(?!--)[\\s\\S])*-->|<\\?xml [^?<>]*\\?>|</(${name})\\s*>|<(${name})((?:${attribute})*)\\s*(/?)>|[^<]+`,
  'y',
)
const attributes = new RegExp(`\\s+(${name})\\s*=\\s*(?:"([^"<]*)"|'([^'<]*)')`, 'g')

function attributesProblem(text: string): string | null {
  const names = new Set<string>()
  for (const [, key = '', double, single] of text.matchAll(attributes)) {
    if (names.has(key)) return `${key} is there twice`
    names.add(key)
    const problem = referencesProblem(double ?? single ?? '')
    if (problem !== null) return problem
  }
  return null
}

function closeProblem(open: Open[], closed: string): string | null {
  const opened = open.pop()
  if (opened?.name !== closed) return `</${closed}> closes ${opened === undefined ? 'nothing' : `<${opened.name}>`}`
  return opened.elements && opened.text ? `<${closed}> has text beside its elements` : null
}

function textProblem(text: string, around: Open | undefined, first: boolean): string | null {
  if (text.startsWith('<!--')) return null
  if (text.startsWith('<?')) return first ? null : 'it has an <?xml …?> that is not at the beginning'
  if (text.trim() === '') return null
  if (!around) return 'it has text outside of every element'
  around.text = true
  return text.includes(']]>') ? 'it has ]]> in a text' : referencesProblem(text)
}

function referencesProblem(text: string): string | null {
  for (const [reference, number, hex] of text.matchAll(
    /&(?:#(\d{1,7});|#x([0-9A-Fa-f]{1,6});|(?:amp|lt|gt|quot|apos);)?/g,
  )) {
    if (reference === '&') return 'an & is written &amp;'
    const code = number !== undefined ? Number(number) : hex !== undefined ? Number.parseInt(hex, 16) : 0x20
    if (!isCharacter(code)) return `${reference} is no character`
  }
  return null
}

/** Char of XML 1.0, section 2.2. */
function isCharacter(code: number): boolean {
  return (
    code === 0x9 ||
    code === 0xa ||
    code === 0xd ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x1_0000 && code <= 0x10_ffff)
  )
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}
