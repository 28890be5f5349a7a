import { XMLParser, XMLValidator } from 'fast-xml-parser'

interface Document {
  readonly config: {
    readonly section: readonly {
      readonly name: string
      readonly entry: readonly { readonly name: string; readonly overwrite: string; readonly text: string }[]
    }[]
  }
}

/** `section/entry` → value, in the file's order. Everything else in the file is an error. */
export function parseLinphone(body: string): readonly (readonly [name: string, value: string])[] {
  const valid = XMLValidator.validate(body)
  if (valid !== true) throw new Error(`not XML: ${JSON.stringify(valid)}`)
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    textNodeName: 'text',
    alwaysCreateTextNode: true,
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: true,
    htmlEntities: true,
    isArray: (name) => name === 'section' || name === 'entry',
  })
  const { config } = parser.parse(body) as Document
  return config.section.flatMap((section) =>
    section.entry.map((entry) => {
      if (entry.overwrite !== 'true') throw new Error(`${entry.name} does not overwrite`)
      return [`${section.name}/${entry.name}`, entry.text] as const
    }),
  )
}
