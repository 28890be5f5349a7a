/** What the filters of people and of handsets have in common; what cannot be read counts as not given. */
import { z } from 'zod'

export const listWord = z.string().trim().min(1).max(200).optional().catch(undefined)

/** `online`, `never`, or how many days it has been quiet. */
export const tunnelWord = z
  .union([z.literal('online'), z.literal('never'), z.coerce.number().int().min(1).max(3_650)])
  .optional()
  .catch(undefined)

export const listPlace = {
  down: z.literal('1').optional().catch(undefined),
  page: z.coerce.number().int().min(1).max(1_000_000).optional().catch(undefined),
}
