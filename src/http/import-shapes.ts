/** Bodies of the API around rosters. */
import { z } from 'zod'

export const importRun = z.object({
  id: z.string(),
  total: z.number(),
  done: z.number(),
  finished: z.boolean(),
  people: z.array(
    z.object({
      email: z.string(),
      extension: z.string(),
      state: z.enum(['queued', 'onboarded', 'failed', 'cancelled']),
      employeeId: z.string().nullable(),
      inviteUrl: z.string().nullable().describe('a secret'),
      problem: z.string().nullable(),
    }),
  ),
})
