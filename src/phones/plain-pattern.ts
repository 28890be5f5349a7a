/**
 * The regular expressions that a vendor's folder may hold for text that a stranger sends. Only a small part of the language
 * is allowed, in which a match takes time in proportion to the text, whatever the text: whatever may repeat or be left out
 * must begin with other characters than everything that can follow it. So there is never a second way to go on, and
 * nothing to come back to and try again.
 */

/** Printable ASCII: what a text is reduced to before it is matched. */
const alphabet = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index))

type Node = Piece | Group

interface Piece {
  readonly characters: ReadonlySet<string>
  readonly min: number
  readonly max: number
}

interface Group {
  readonly nodes: Node[]
  readonly optional: boolean
}

const atom = String.raw`\[\^?(?:[^\]\\^]|\\.)+\]|\\[.()/+*?^$|\[\]{}\\-]|[^\\^$.*+?()[\]{}|]`
const token = new RegExp(
  String.raw`(?<open>\(\?(?:<(?<name>[a-z]+)>|:))|(?<close>\)\??)|(?<atom>${atom})(?<count>[+*?]|\{[0-9]{1,2}(?:,[0-9]{1,2})?\})?`,
  'y',
)

/** What is wrong with a pattern, for whoever wrote it; null when nothing is. */
export function patternProblem(source: string, names: readonly string[]): string | null {
  if (source.length > 300) return 'it is longer than 300 characters'
  if (!source.startsWith('^')) return 'it does not begin with ^'
  try {
    refuseTwoWays(nodesOf(source.slice(1).replace(/(?<!\\)\$$/, ''), names), new Set())
    new RegExp(source)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be read'
  }
}

function nodesOf(source: string, names: readonly string[]): Node[] {
  const open: Node[][] = [[]]
  const seen = new Set<string>()
  for (let at = 0; at < source.length; at = token.lastIndex) {
    token.lastIndex = at
    const found = token.exec(source)?.groups
    if (!found) throw new Error(`what stands at ${JSON.stringify(source.slice(at, at + 10))} is not allowed in it`)
    if (found.open) {
      const { name } = found
      if (name !== undefined && (seen.has(name) || !names.includes(name)))
        throw new Error(`the group ${name} is unknown, or there twice`)
      if (name !== undefined) seen.add(name)
      open.push([])
    } else if (found.close) {
      const nodes = open.pop()!
      if (open.length === 0) throw new Error('it closes a group that it did not open')
      open.at(-1)!.push({ nodes, optional: found.close === ')?' })
    } else open.at(-1)!.push(pieceOf(found.atom!, found.count ?? ''))
  }
  if (open.length !== 1) throw new Error('it does not close a group')
  return open[0]!
}

function pieceOf(text: string, count: string): Piece {
  const one = new RegExp(`^${text}$`)
  const characters = new Set(alphabet.filter((character) => one.test(character)))
  const [, least, most] = /^\{([0-9]+)(?:,([0-9]+))?\}$/.exec(count) ?? []
  if (least !== undefined) return { characters, min: Number(least), max: Number(most ?? least) }
  return {
    characters,
    min: count === '*' || count === '?' ? 0 : 1,
    max: count === '*' || count === '+' ? Number.POSITIVE_INFINITY : 1,
  }
}

/** @returns what these nodes can begin with, `follow` included where all of them may be empty */
function refuseTwoWays(nodes: readonly Node[], follow: ReadonlySet<string>): ReadonlySet<string> {
  let next = follow
  for (const node of nodes.toReversed()) {
    if ('nodes' in node) {
      const first = refuseTwoWays(node.nodes, next)
      if (node.optional) refuseShared(first, next)
      next = node.optional ? first.union(next) : first
    } else {
      if (node.max > node.min) refuseShared(node.characters, next)
      next = node.min === 0 ? node.characters.union(next) : node.characters
    }
  }
  return next
}

function refuseShared(one: ReadonlySet<string>, other: ReadonlySet<string>): void {
  const [shared] = one.intersection(other)
  if (shared !== undefined)
    throw new Error(`${JSON.stringify(shared)} could be matched in two ways; say where one part ends`)
}
