/** One message of the event socket: header lines, an empty line, then as many bytes as Content-Length says. */
export interface EventSocketFrame {
  readonly type: string
  /** The header Reply-Text. */
  readonly reply: string
  readonly body: string
}

// A thousand registrations take half a megabyte; far above that nothing sensible is said.
const longestBody = 64 * 1024 * 1024
const longestHead = 64 * 1024

/**
 * Takes bytes as they come and gives whole frames. Lengths are in bytes, so nothing is decoded before a frame is whole.
 * @throws Error for what cannot be a frame; the stream is then of no more use.
 */
export function frameReader(give: (frame: EventSocketFrame) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = []
  let held = 0
  let needed = 0
  return (chunk) => {
    chunks.push(chunk)
    held += chunk.length
    // A long body comes in many pieces; it is looked at once it can be whole.
    if (held < needed) return
    let bytes = Buffer.concat(chunks)
    for (;;) {
      const frame = firstFrame(bytes)
      if (frame === null) break
      needed = frame.length
      if (bytes.length < frame.length) break
      give({ ...frame.head, body: bytes.toString('utf8', frame.bodyAt, frame.length) })
      bytes = bytes.subarray(frame.length)
      needed = 0
    }
    chunks = [bytes]
    held = bytes.length
  }
}

function firstFrame(bytes: Buffer) {
  // Every head begins so; anything else would be waited for in vain.
  if (!'Content-'.startsWith(bytes.toString('latin1', 0, 8))) throw new Error('no event socket')
  const end = bytes.indexOf('\n\n')
  if (end < 0) {
    if (bytes.length > longestHead) throw new Error('a head without an end')
    return null
  }
  const headers = new Map<string, string>()
  for (const line of bytes.toString('utf8', 0, end).split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  if (!headers.has('content-type')) throw new Error('no Content-Type')
  const told = headers.get('content-length') ?? '0'
  const size = /^[0-9]{1,9}$/.test(told) ? Number(told) : Number.NaN
  if (!(size <= longestBody)) throw new Error('a length that cannot be')
  const bodyAt = end + 2
  const head = { type: headers.get('content-type') ?? '', reply: headers.get('reply-text') ?? '' }
  return { head, bodyAt, length: bodyAt + size }
}
