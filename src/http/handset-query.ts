/** The filters of the lists of handsets as they stand in an address; what cannot be read counts as not given. */
import { z } from 'zod'
import { type HandsetQuery, handsetAttentions, handsetSorts, handsetStates } from '../journeys/handsets-view.ts'
import { listPlace, listWord, tunnelWord } from './list-query.ts'

export const handsetPageSize = 50

export const handsetQuery = z.object({
  q: listWord,
  state: z.enum(handsetStates).optional().catch(undefined),
  site: listWord,
  model: listWord,
  gateway: listWord,
  tunnel: tunnelWord,
  /** `unknown`: it never told one. */
  firmware: listWord,
  attention: z.enum(handsetAttentions).optional().catch(undefined),
  sort: z.enum(handsetSorts).optional().catch(undefined),
  ...listPlace,
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
