import type { ModelView } from '../journeys/application.ts'
import { paint, safe, type Terminal, table, wrapped } from './terminal.ts'

/** More than these in sentences would be a book. */
const mostInWords = 3

/** What a phone can do: a line of short words for each model, and sentences where only a few are left. */
export function modelLines(terminal: Terminal, models: readonly ModelView[]): string[] {
  if (models.length <= mostInWords)
    return models.flatMap((model, index) => [...(index === 0 ? [] : ['']), ...inSentences(terminal, model)])
  const rows = models.map((model) => [safe(model.id), ...cellsOf(model), safe(model.name)])
  return [
    ...table(terminal, ['model', 'certificate', 'tunnel', 'SRTP', 'NOTIFY', 'blanked', 'name'], rows),
    '',
    hardwareLine(models),
    'in words: `ringfence models WORD`, such as `ringfence models t54w`',
  ]
}

function cellsOf({ kind, capabilities }: ModelView): string[] {
  const { clientCertificate, ownTunnel, srtpForced, resyncEvent, blanking } = capabilities
  if (kind === 'gateway') return ['-', 'own', '-', '-', '-']
  return [
    { provisioned: 'with file', 'by-hand': 'by hand', none: 'none' }[clientCertificate],
    ownTunnel ? 'own' : 'gateway',
    srtpForced ? 'forced' : 'asked',
    resyncEvent === null ? 'no' : 'yes',
    blanking ? 'yes' : 'no',
  ]
}

function hardwareLine(models: readonly ModelView[]): string {
  const tried = models.filter(({ capabilities }) => capabilities.testedOnHardware).map(({ id }) => safe(id))
  return `tested on hardware: ${tried.length === 0 ? 'none of them' : tried.join(', ')}`
}

function inSentences(terminal: Terminal, model: ModelView): string[] {
  const width = terminal.outIsTerminal ? Math.min(terminal.width, 100) - 4 : Number.POSITIVE_INFINITY
  const paragraph = (text: string) =>
    wrapped(safe(text), width).map((line, index) => (index === 0 ? `  - ${line}` : `    ${line}`))
  const part = (title: string, sentences: readonly string[]) =>
    sentences.length === 0 ? [] : ['', paint(terminal, 'quiet', title), ...sentences.flatMap(paragraph)]
  return [
    `${paint(terminal, 'strong', safe(model.name))}  ${safe(model.id)}  ${model.kind}`,
    '',
    ...table(terminal, [], inWords(model)),
    ...part('said each time it is handed out', model.warnings),
    ...part('good to know', model.notes),
  ]
}

function inWords({ kind, capabilities }: ModelView): string[][] {
  const { clientCertificate, ownTunnel, srtpForced, resyncEvent, blanking, testedOnHardware } = capabilities
  const tested = ['  tested on hardware', testedOnHardware ? 'yes' : 'no']
  if (kind === 'gateway') return [['  own tunnel', 'yes, and it carries the desk phones of one home'], tested]
  return [
    ['  client certificate', certificateWords[clientCertificate]],
    ['  own tunnel', tunnelWords(kind, ownTunnel)],
    [
      '  encrypted speech',
      srtpForced
        ? 'forced by its file'
        : 'asked for by its file, not known to be forced: let the PBX refuse calls without',
    ],
    [
      '  told to fetch again',
      resyncEvent === null ? 'not from here: it asks when it starts, if at all' : `by NOTIFY ${safe(resyncEvent)}`,
    ],
    [
      '  after offboarding',
      blanking
        ? 'its next fetch takes account and password away'
        : 'what is stored on it stays, and no longer opens anything',
    ],
    tested,
  ]
}

const certificateWords = {
  provisioned: 'comes with its file',
  'by-hand': 'put in by hand, from the page of the invite',
  none: "none: it uses the PBX's port without, and its tunnel key is what is taken back",
} as const

function tunnelWords(kind: ModelView['kind'], ownTunnel: boolean): string {
  if (!ownTunnel) return 'no: it needs a home gateway'
  return kind === 'softphone' ? 'yes, by the WireGuard app beside it' : 'yes'
}
