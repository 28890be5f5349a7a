import { type Html, html } from './html.ts'

/** An address to read out or type in: in groups of four, with digits told from letters; copied it is the address itself. */
export function inGroups(url: string): readonly Html[] {
  const [, scheme = '', host = '', path = url] = /^(https?:\/\/)([^/]+)(.*)$/.exec(url) ?? []
  const pieces = path
    .split(/(?<=\/)/)
    .flatMap((piece) => (piece.length >= 32 ? (piece.match(/.{1,4}\/?/g) ?? []) : [piece]))
  // `/p/` reads as one.
  const folder = pieces.slice(0, 2).join('')
  return [scheme, host, folder, ...pieces.slice(2)]
    .filter((group) => group !== '')
    .map(
      (group) =>
        html`<span>${[...group].map((sign) => (/[0-9]/.test(sign) ? html`<b>${sign}</b>` : sign))}</span><wbr>`,
    )
}
