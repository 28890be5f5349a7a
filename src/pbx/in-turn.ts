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
