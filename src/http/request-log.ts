/** What the doors write their log with; a pino logger fits. */
export interface RequestLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * A request target fit for a log: no query, nothing that could be a token. Redacts what follows `/join/`, `/p/` and `/k/`, and
 * any long segment elsewhere too, since a mistyped or encoded prefix carries the same token. An employee is named by id
 * only: e-mail addresses would outlive an erasure.
 */
export function loggablePath(target: string): string {
  const path = target.split(/[?#]/, 1)[0]!.slice(0, 2_000)
  const segments = path.split('/')
  return segments
    .map((segment, index) => {
      const before = index === 0 ? '' : segments[index - 1]!.toLowerCase()
      if (segment === '') return segment
      if (before === 'join' || before === 'p' || before === 'k') return '[token]'
      if ((before === 'employees' || before === 'people') && !uuid.test(segment)) return '[who]'
      if (segment.length >= 24 && !uuid.test(segment)) return '[redacted]'
      return segment
    })
    .join('/')
    .slice(0, 300)
}
