/** One line of `npm run bench`. */
export interface BenchRow {
  readonly what: string
  readonly target: string
  readonly measured: string
  /** The same job done by another program, measured in the same run where that is possible. */
  readonly anchor: string
  /** Whether the target was met; null where there is none to meet. */
  readonly met: boolean | null
}
