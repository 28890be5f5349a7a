/** The filters of the lists of handsets as they stand in an address; what cannot be read counts as not given. */
import { z } from 'zod'
import { type HandsetQuery, handsetAttentions, handsetSorts, handsetStates } from '../journeys/handsets-view.ts'

export const handsetPageSize = 50

const word = z.string().trim().min(1).max(200).optional().catch(undefined)

export const handsetQuery = z.object({
  q: word,
  state: z.enum(handsetStates).optional().catch(undefined),
  site: word,
  model: word,
  gateway: word,
  /** `online`, `never`, or how many days it has been quiet. */
  tunnel: z
    .union([z.literal('online'), z.literal('never'), z.coerce.number().int().min(1).max(3_650)])
    .optional()
    .catch(undefined),
  /** `unknown`: it never told one. */
  firmware: word,
  attention: z.enum(handsetAttentions).optional().catch(undefined),
  sort: z.enum(handsetSorts).optional().catch(undefined),
  down: z.literal('1').optional().catch(undefined),
  page: z.coerce.number().int().min(1).max(1_000_000).optional().catch(undefined),
})

export type HandsetAsked = z.output<typeof handsetQuery>

export function asHandsetQuery(asked: HandsetAsked): Omit<HandsetQuery, 'limit'> {
  const { q, state, site, model, gateway, tunnel, firmware, attention, sort, down } = asked
  return {
    ...(q && { search: q }),
    ...(state && { state }),
    ...(site && { site }),
    ...(model && { model }),
    ...(gateway && { gateway }),
    ...(tunnel && { tunnel }),
    ...(firmware && { firmware: firmware === 'unknown' ? null : firmware }),
    ...(attention && { attention }),
    ...(sort && { sort }),
    ...(down && { descending: true }),
  }
}
