import { StringDecoder } from 'node:string_decoder'

/**
 * Cuts a stream of bytes into lines. `onTooLong` is called once, and nothing after it, when a line is longer than
 * `longest` characters: the other side is broken or hostile, and what it sends is not kept in memory.
 */
export function lineReader(
  longest: number,
  onLine: (line: string) => void,
  onTooLong: () => void,
): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8')
  // Pieces, joined once: a line of megabytes comes in many chunks.
  let pieces: string[] = []
  let length = 0
  let broken = false
  return (chunk) => {
    if (broken) return
    const [first = '', ...more] = decoder.write(chunk).split('\n')
    pieces.push(first)
    length += first.length
    for (const next of more) {
      if (length > longest) break
      onLine(pieces.join(''))
      pieces = [next]
      length = next.length
    }
    if (length > longest) {
      broken = true
      pieces = []
      onTooLong()
    }
  }
}
