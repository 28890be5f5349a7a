/**
 * The Markdown that our own documents use, as HTML: headings, paragraphs, lists, tables, indented code, `code`, **strong**,
 * *emphasis* and [links](of.md). Whatever else stands there is text, and all text is escaped: nothing passes as markup.
 */
import { type Html, type HtmlValue, html } from './html.ts'

export interface MarkdownPage {
  readonly title: string
  readonly body: Html
}

/** @param addressOf where a link leads, or null for one that leads nowhere from here: then it is plain text */
export function markdownPage(text: string, addressOf: AddressOf): MarkdownPage {
  const blocks = blocksOf(text.replace(/\r\n?/g, '\n').split('\n'))
  const [first, ...rest] = blocks
  const titled = first?.kind === 'heading' && first.level === 1
  return {
    title: titled ? plain(first.text) : '',
    body: html`${(titled ? rest : blocks).map((block) => rendered(block, addressOf))}`,
  }
}

type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'code'; readonly lines: readonly string[] }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly items: readonly (readonly Block[])[] }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }

type AddressOf = (target: string) => string | null

const heading = /^(#{1,4}) +(.+?)\s*$/
const item = /^(-|\d{1,2}\.) +(.*)$/
const rule = /^\|(?:\s*:?-{2,}:?\s*\|)+\s*$/
/** Deeper than any list of ours. */
const deepest = 8

function blocksOf(lines: readonly string[], depth = 0): readonly Block[] {
  const blocks: Block[] = []
  let at = 0
  const take = (belongs: (line: string) => boolean): string[] => {
    const from = at
    while (at < lines.length && belongs(lines[at]!)) at++
    return lines.slice(from, at)
  }
  while (at < lines.length) {
    const line = lines[at]!
    const title = heading.exec(line)
    const entry = depth < deepest ? item.exec(line) : null
    if (line.trim() === '') at++
    else if (title) {
      blocks.push({ kind: 'heading', level: title[1]!.length, text: title[2]! })
      at++
    } else if (line.startsWith('    ')) {
      const code = take((next) => next.startsWith('    ') || next.trim() === '').map((next) => next.slice(4))
      while (code.at(-1)?.trim() === '') code.pop()
      blocks.push({ kind: 'code', lines: code })
    } else if (line.startsWith('|') && rule.test(lines[at + 1] ?? '')) {
      const [head = '', , ...rows] = take((next) => next.startsWith('|'))
      blocks.push({ kind: 'table', head: cellsOf(head), rows: rows.map(cellsOf) })
    } else if (entry) blocks.push(list(entry[1] !== '-'))
    else blocks.push({ kind: 'paragraph', text: take(isText).join('\n') || lines[at++]! })
  }
  return blocks

  function list(ordered: boolean): Block {
    const items: (readonly Block[])[] = []
    for (;;) {
      const found = item.exec(lines[at] ?? '')
      if (!found || (found[1] !== '-') !== ordered) break
      at++
      const indent = ' '.repeat(found[0].length - found[2]!.length)
      // What is indented as far as its text belongs to the item; a line that is not goes on with its last sentence.
      const own = [found[2]!]
      for (;;) {
        const next = lines[at]
        if (next === undefined) break
        const after = lines.slice(at).find((one) => one.trim() !== '') ?? ''
        if (next.trim() === '' ? after.startsWith(indent) : next.startsWith(indent)) own.push(next.slice(indent.length))
        else if (next.trim() !== '' && isText(next) && own.at(-1)?.trim() !== '') own.push(next)
        else break
        at++
      }
      items.push(blocksOf(own, depth + 1))
      if ((lines[at] ?? '').trim() === '' && item.test(lines[at + 1] ?? '')) at++
    }
    return { kind: 'list', ordered, items }
  }
}

function isText(line: string): boolean {
  return line.trim() !== '' && !heading.test(line) && !item.test(line) && !line.startsWith('|')
}

/** `\|` is a bar within a cell. */
function cellsOf(line: string): readonly string[] {
  const inner = line.trim().replace(/^\||\|$/g, '')
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
}

function rendered(block: Block, addressOf: AddressOf): Html {
  const text = (words: string): HtmlValue => inline(words, addressOf)
  switch (block.kind) {
    case 'heading':
      if (block.level > 2) return html`<h3 id="${anchor(block.text)}">${text(block.text)}</h3>`
      return html`<h2 id="${anchor(block.text)}">${text(block.text)}</h2>`
    case 'paragraph':
      return html`<p>${text(block.text)}</p>`
    case 'code':
      return html`<pre tabindex="0"><code>${block.lines.join('\n')}</code></pre>`
    case 'table': {
      const named = block.head.some((cell) => cell !== '')
      return html`<div class="scroll" tabindex="0"><table>${named && html`<thead><tr>${block.head.map((cell) => (cell === '' ? html`<td></td>` : html`<th scope="col">${text(cell)}</th>`))}</tr></thead>`}
<tbody>${block.rows.map((row) => html`<tr>${row.map((cell) => html`<td>${text(cell)}</td>`)}</tr>`)}</tbody></table></div>`
    }
    case 'list': {
      // One sentence needs no paragraph of its own.
      const items = block.items.map(
        ([first, ...more]) =>
          html`<li>${first && (first.kind === 'paragraph' ? text(first.text) : rendered(first, addressOf))}${more.map((its) => rendered(its, addressOf))}</li>`,
      )
      return block.ordered ? html`<ol>${items}</ol>` : html`<ul>${items}</ul>`
    }
  }
}

const marks = /(`+)(.+?)\1(?!`)|\*\*(?=\S)(.+?)(?<=\S)\*\*|\*(?=[^\s*])([^*]+?)(?<=\S)\*|\[([^\]]+)\]\(([^()\s]+)\)/s

function inline(text: string, addressOf: AddressOf): HtmlValue {
  const found = marks.exec(text)
  if (!found) return text
  const [whole, , code, strong, emphasis, words, target] = found
  const before = text.slice(0, found.index)
  const after = inline(text.slice(found.index + whole.length), addressOf)
  return [before, code !== undefined ? html`<code>${code}</code>` : marked(), after]

  function marked(): HtmlValue {
    if (strong !== undefined) return html`<strong>${inline(strong, addressOf)}</strong>`
    if (emphasis !== undefined) return html`<em>${inline(emphasis, addressOf)}</em>`
    const address = addressOf(target!)
    const label = inline(words!, () => null)
    return address === null ? label : html`<a href="${address}">${label}</a>`
  }
}

function plain(text: string): string {
  return text.replace(/[`*]/g, '').replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')
}

/** As GitHub makes it, so that links within our documents work in both places. */
function anchor(text: string): string {
  return plain(text)
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
