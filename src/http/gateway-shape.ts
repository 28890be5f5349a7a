import { z } from 'zod'

/** A home gateway as the API shows it with a person. */
export const gateway = z.object({
  id: z.string(),
  kind: z.string(),
  subnets: z.array(z.string()).describe('networks of its phones'),
  owner: z.object({ id: z.string(), name: z.string(), extension: z.string() }),
  lastHeardAt: z.string().nullable().describe('ISO 8601, UTC'),
})

/** Which handset, in words. */
export const handsetName = z.object({ extension: z.string(), model: z.string(), mac: z.string().nullable() })
