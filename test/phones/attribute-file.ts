import { XMLParser, XMLValidator } from 'fast-xml-parser'

/** Poly's files: settings are the attributes of one `ALL` element. Throws when there is anything else. */
export function parsePoly(body: string): Readonly<Record<string, string>> {
  const valid = XMLValidator.validate(body)
  if (valid !== true) throw new Error(`not XML: ${JSON.stringify(valid)}`)
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseAttributeValue: false,
    ignoreDeclaration: true,
    htmlEntities: true,
  })
  const document = parser.parse(body) as { PHONE_CONFIG?: { ALL?: Record<string, string> } }
  const settings = document.PHONE_CONFIG?.ALL
  if (!settings || Object.values(settings).some((value) => typeof value !== 'string'))
    throw new Error('not a file of a Poly phone')
  return settings
}
