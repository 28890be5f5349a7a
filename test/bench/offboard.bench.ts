import type { BenchRow } from './bench-row.ts'
import { convergenceRow } from './convergence.ts'

export async function rows(): Promise<readonly BenchRow[]> {
  return [await convergenceRow('in files')]
}
