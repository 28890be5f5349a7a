/** One piece of work after the other: two at once would look and write in between each other. */
export function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work)
    // The caller gets the error; the queue only waits for the end.
    last = next.catch(() => undefined)
    return next
  }
}

/**
 * The same work for each, a few at a time. After an error no further one begins, and it is thrown when those under way have
 * ended: nothing goes on behind the caller's back.
 */
export async function severalAtATime<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const failures: unknown[] = []
  const line = async () => {
    while (waiting.length > 0 && failures.length === 0) {
      await work(waiting.shift() as T).catch((error: unknown) => failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, line))
  if (failures.length > 0) throw failures[0]
}
