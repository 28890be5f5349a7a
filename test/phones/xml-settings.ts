import { XMLParser, XMLValidator } from 'fast-xml-parser'

/** A setting of a phone's XML file: where it stands, its attributes, its text as the phone reads it. */
export interface XmlSetting {
  /** Element names from the top, joined by `/`, without those that only wrap everything. */
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly value: string
}

type Node = Readonly<Record<string, readonly Node[] | string | Readonly<Record<string, string>>>>

const wrappers = new Set(['gs_provision', 'config', 'settings', 'phone-settings', 'certificates', 'sysConf'])

/**
 * Every element without children, in the file's order. Text is decoded but not trimmed, so that a test sees what a phone sees.
 * @throws Error when it is not well-formed or has something else than elements, text and comments
 */
export function parseXmlSettings(body: string): readonly XmlSetting[] {
  const valid = XMLValidator.validate(body)
  if (valid !== true) throw new Error(`not XML: ${JSON.stringify(valid)}`)
  if (/<!DOCTYPE|<!\[CDATA\[|<\?(?!xml )/.test(body)) throw new Error('more than elements, text and comments')
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: false,
    ignoreDeclaration: true,
    htmlEntities: true,
  })
  return (parser.parse(body) as Node[]).flatMap((node) => settingsOf(node, []))
}

function settingsOf(node: Node, path: readonly string[]): readonly XmlSetting[] {
  const tag = Object.keys(node).find((key) => key !== ':@')!
  if (tag === '#text') {
    if (String(node[tag]).trim() !== '') throw new Error(`text between elements: ${String(node[tag])}`)
    return []
  }
  const children = node[tag] as readonly Node[]
  const inner = wrappers.has(tag) ? path : [...path, tag]
  if (children.some((child) => !('#text' in child))) return children.flatMap((child) => settingsOf(child, inner))
  if (wrappers.has(tag)) return []
  const attributes = (node[':@'] ?? {}) as Readonly<Record<string, string>>
  return [{ name: inner.join('/'), attributes, value: children.map((child) => String(child['#text'])).join('') }]
}

/** Name → value, for files that say each thing once. */
export function settingsByName(body: string): Readonly<Record<string, string>> {
  return Object.fromEntries(parseXmlSettings(body).map(({ name, value }) => [name, value]))
}
