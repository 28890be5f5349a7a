/** 500 phones after a power cut, or a flood of refusals, must not cost a disk sync each. */
const delayMs = 250

export interface WrittenTogether {
  /** Has it written in a moment, once for all who ask until then. */
  soon(): void
  /** It is being written now: who asks from here on means the next time. */
  begin(): void
}

export function writtenTogether(write: () => Promise<void>, onFailure: (error: unknown) => void): WrittenTogether {
  let timer: NodeJS.Timeout | undefined
  return {
    soon() {
      timer ??= setTimeout(() => write().catch(onFailure), delayMs).unref()
    },
    begin() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}
