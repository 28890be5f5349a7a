/** What was recorded with an event, which may be erased since. Ringfence wrote it itself, so that it is always an object. */
export function factsOf(detail: string | null): Readonly<Record<string, unknown>> {
  return detail === null ? {} : JSON.parse(detail)
}
