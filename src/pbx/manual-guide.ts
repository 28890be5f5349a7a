import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError } from '../errors.ts'

/** What a person does on a PBX of one brand, in order; texts are data: templates/manual-pbx/<brand>.json. */
export interface ManualGuide {
  /** `3CX v20`; shown to people. */
  readonly name: string
  readonly opening: readonly string[]
  readonly rotating: readonly string[]
  readonly closing: readonly string[]
}

export type ManualDeed = 'opening' | 'rotating' | 'closing'

const steps = z.array(z.string().min(1)).min(1)
const guideSchema = z.strictObject({
  name: z.string().min(1),
  /** Where the facts are from; for whoever changes them. */
  sources: z.array(z.string()).min(1),
  opening: steps,
  rotating: steps,
  closing: steps,
})

const values = ['extension', 'username', 'generation', 'realm']

/** @throws AppError TEMPLATE_INVALID */
export async function loadManualGuide(folder: string, brand: string): Promise<ManualGuide> {
  const path = join(folder, `${brand}.json`)
  try {
    const { sources: _, ...guide } = guideSchema.parse(JSON.parse(await readFile(path, 'utf8')))
    for (const step of [...guide.opening, ...guide.rotating, ...guide.closing]) {
      const strange = [...step.matchAll(/\{([^}]*)\}/g)].find(([, name]) => !values.includes(name ?? ''))
      if (strange) throw new Error(`there is no value ${strange[0]}`)
    }
    return guide
  } catch (cause) {
    throw new AppError('TEMPLATE_INVALID', `${path}: the steps cannot be used`, {
      hint: 'the delivered file is in the package; take it from there',
      cause,
    })
  }
}
