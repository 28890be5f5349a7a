import { z } from 'zod'

/** How a run went, in numbers of tests. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The part of vitest's JSON report that counts (its format follows Jest's). */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(
        z.object({ status: z.string(), fullName: z.string(), ancestorTitles: z.array(z.string()) }),
      ),
    }),
  ),
})

/**
 * Counts one report. A file that could not be loaded, or whose clean-up failed, has no failed test in it and still counts
 * as one failure: nothing may look better than it was.
 */
export function tallyOf(reportText: string): Tally & { readonly reasons: readonly string[] } {
  const report = reportSchema.parse(JSON.parse(reportText))
  let passed = 0
  let failed = 0
  let skipped = 0
  const reasons = new Set<string>()
  for (const file of report.testResults) {
    let failedHere = 0
    for (const { status, ancestorTitles } of file.assertionResults) {
      if (status === 'passed') passed += 1
      else if (status === 'failed') failedHere += 1
      else skipped += 1
      for (const title of ancestorTitles) {
        const reason = /\[skipped: (.*)\]$/.exec(title)?.[1]
        if (reason) reasons.add(reason)
      }
    }
    if (file.status === 'failed' && failedHere === 0) failedHere = 1
    failed += failedHere
  }
  return { passed, failed, skipped, reasons: [...reasons] }
}

/** The one line that a run ends with; scripts read it. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}
