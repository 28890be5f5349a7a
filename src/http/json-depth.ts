/** No body of ours is nested deeper than 4; a deep one only serves to keep a parser or a validator busy. */
export const deepestJson = 20

/** How deep the brackets of a JSON text go, without parsing it; stops counting beyond `limit`. */
export function isDeeperThan(text: Uint8Array, limit: number): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const byte = text[at]
    if (inString) {
      if (byte === 0x5c)
        at++ // backslash: the next byte cannot end the string
      else if (byte === 0x22) inString = false
    } else if (byte === 0x22) inString = true
    else if (byte === 0x7b || byte === 0x5b) {
      depth++
      if (depth > limit) return true
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return false
}
