import type { EmployeeView, HandsetView } from '../journeys/application.ts'
import { behindLine } from './gateway-lines.ts'
import { paint, safe, type Terminal, table, when, wrappedUnder } from './terminal.ts'

/** Each handset in a row, and under it its id, where it stands, what it says of itself, and what does not fit. */
export function handsetLines(terminal: Terminal, view: EmployeeView): string[] {
  const rows = table(
    terminal,
    ['  handset', 'MAC', 'address', 'certificate'],
    view.handsets.map((handset) => row(view, handset)),
  )
  // A cell that was wrapped makes more lines than handsets: each row is laid out by itself, under widths of all.
  const [heading = '', ...lines] = rows
  const starts = lines.flatMap((line, index) => (/^ {2}\S/.test(line) ? [index] : []))
  return [
    heading,
    ...view.handsets.flatMap((handset, place) => [
      ...lines.slice(starts[place], starts[place + 1]),
      ...notes(terminal, view, handset),
    ]),
  ]
}

function row(
  { tunnels }: EmployeeView,
  { model, mac, tunnelId, phoneAddress, certificate, certificateNote }: HandsetView,
) {
  const own = tunnels.find(({ id }) => id === tunnelId)?.addresses.map((address) => address.replace(/\/(32|128)$/, ''))
  return [
    `  ${safe(model)}`,
    safe(mac ?? '-'),
    safe(phoneAddress ?? own?.join(' ') ?? '-'),
    certificate
      ? `${certificate.serial.slice(0, 8)}… until ${certificate.notAfter.slice(0, 10)}`
      : safe(certificateNote?.replace(/^no certificate/, 'none') ?? '-'),
  ]
}

function notes(terminal: Terminal, view: EmployeeView, handset: HandsetView): string[] {
  const { id, status, seen, warnings } = handset
  const quiet = (text: string) => wrappedUnder(terminal, text, 4).map((line) => paint(terminal, 'quiet', line))
  return [
    `    id ${id}`,
    ...wrappedUnder(terminal, safe(status), 4),
    ...behindLine(view, handset).flatMap((line) => wrappedUnder(terminal, line, 4)),
    ...(seen === null ? [] : quiet(seenWords(seen))),
    ...warnings.flatMap((warning) => {
      const [first = '', ...more] = wrappedUnder(terminal, `! look: ${safe(warning)}`, 4)
      return [first.replace('! look:', paint(terminal, 'warn', '! look:')), ...more]
    }),
  ]
}

function seenWords({ model, firmware, mac, at }: NonNullable<HandsetView['seen']>): string {
  const parts = [
    ...(model === null ? [] : [safe(model)]),
    ...(firmware === null ? [] : [`firmware ${safe(firmware)}`]),
    ...(mac === null ? [] : [`MAC ${safe(mac)}`]),
  ]
  return `says of itself: ${parts.join(', ')} (${when(at)})`
}
