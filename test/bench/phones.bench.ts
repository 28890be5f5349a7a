import { Secret } from '../../src/domain/secret.ts'
import { loadCatalogue } from '../../src/phones/catalogue.ts'
import type { Catalogue, FileValues } from '../../src/phones/phone-port.ts'
import { sampleValues, templatesFolder } from '../phones/sample-values.ts'
import type { BenchRow } from './bench-row.ts'

const targetMs = 3
const count = 1_000

/** CPU time (user and system) to render a phone's file that is in no cache, each for another person. */
export async function rows(): Promise<BenchRow[]> {
  return [
    await row('Yealink T54W', 'yealink-t54w', '805ec0aabbcc.cfg'),
    await row('Linphone', 'linphone-mobile', 'linphone.xml'),
  ]
}

async function row(name: string, model: string, fileName: string): Promise<BenchRow> {
  const catalogue = await loadCatalogue(templatesFolder)
  const people = Array.from({ length: count }, (_, index) => person(index))
  const first = cpuOf(catalogue, model, fileName, [sampleValues()])
  const each = cpuOf(catalogue, model, fileName, people) / count
  return {
    what: `rendering a ${name} file that is in no cache`,
    target: `<= ${targetMs} ms CPU`,
    measured: `${each.toFixed(3)} ms CPU (first after a start: ${first.toFixed(2)})`,
    anchor: 'a whole fetch, measured apart: wazo-provd 4.0 ms, FusionPBX 21 ms',
    met: each <= targetMs && first <= targetMs,
  }
}

function person(index: number): FileValues {
  const plain = sampleValues()
  return {
    ...plain,
    extension: String(1000 + index),
    displayName: `Zoë "Z" Müller ${index}`,
    sip: { ...plain.sip, username: `${1000 + index}-k3f9`, secret: new Secret(`secretNumber${index}`) },
  }
}

function cpuOf(catalogue: Catalogue, model: string, fileName: string, people: readonly FileValues[]): number {
  const before = process.cpuUsage()
  let size = 0
  for (const values of people) size += catalogue.render(model, fileName, values)!.body.length
  const { user, system } = process.cpuUsage(before)
  if (size < people.length * 500) throw new Error(`the files of ${model} are too short to be real`)
  return (user + system) / 1000
}
