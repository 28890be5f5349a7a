/** JSON that came from outside: `undefined` where it is none, so that the schema which follows refuses it. */
export function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
