/** A handset's file for people's eyes: as the phone would get it now, with a mask for every secret. */
import { createHash } from 'node:crypto'
import type { Handset } from '../domain/handset.ts'
import { Mask } from '../domain/mask.ts'
import { Secret } from '../domain/secret.ts'
import type { FileValues, RenderedFile } from '../phones/phone-port.ts'
import type { JourneyContext } from './context.ts'
import { steadyTokenOf } from './enrolment.ts'
import { credentialOf, fileValues } from './file-values.ts'

/** Null when the handset holds no credential any more, or has no such file. */
export async function maskedFile(
  context: JourneyContext,
  handset: Handset,
  fileName: string,
): Promise<RenderedFile | null> {
  const values = await maskedValues(context, handset)
  return values && context.catalogue.render(handset.model, fileName, values)
}

export async function maskedValues(context: JourneyContext, handset: Handset): Promise<FileValues | null> {
  const { store } = context
  const employee = await store.get('employee', handset.employeeId)
  const values = employee && (await fileValues(context, handset, employee.name))
  if (!values) return null
  const { doorGeneration } = handset
  const sip = `g${(await credentialOf(store, handset))?.generation ?? 0}`
  // A key is as new as its certificate, which is no secret.
  const certificate = createHash('sha256').update(values.clientCertificate?.certificate ?? '')
  const editions: Editions = { sip, clientCertificate: certificate.digest('hex').slice(0, 8) }
  const token = steadyTokenOf(context, handset.id, doorGeneration)
  return masked(values, { editions, otherwise: `g${doorGeneration}`, token })
}

/** How often the secrets of a part were changed. */
type Editions = Readonly<Partial<Record<keyof FileValues, string>>>

interface Marks {
  readonly editions: Editions
  readonly otherwise: string
  /** Stands in addresses, which are plain text. */
  readonly token: string
}

/** Whatever is a Secret is masked, also one that nobody has thought of here. */
function masked(values: FileValues, { editions, otherwise, token }: Marks): FileValues {
  const doorToken = new Mask('door-token', otherwise).reveal()
  const part = (value: unknown, name: string, edition: string): unknown => {
    if (value instanceof Secret) return new Mask(name, edition)
    if (typeof value === 'string') return value.replaceAll(token, doorToken)
    if (Array.isArray(value)) return value.map((item) => part(item, name, edition))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, part(inner, `${name}-${spelt(key)}`, edition)]),
    )
  }
  const entries = Object.entries(values).map(([key, value]) => [
    key,
    part(value, spelt(key), editions[key as keyof FileValues] ?? otherwise),
  ])
  return Object.fromEntries(entries) as FileValues
}

/** `phoneAdminPassword` as `phone-admin-password`. */
function spelt(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
