/** The filters of the list of people as they stand in an address; what cannot be read counts as not given. */
import { z } from 'zod'
import { attentions, type PeopleQuery } from '../journeys/people-view.ts'
import { listPlace, listWord, tunnelWord } from './list-query.ts'

export const peoplePageSize = 50

const lifecycles = ['active', 'offboarding', 'offboarded'] as const
export const sorts = ['name', 'extension', 'created', 'heard'] as const

export const peopleQuery = z.object({
  q: listWord,
  state: z.enum(lifecycles).optional().catch(undefined),
  site: listWord,
  model: listWord,
  tunnel: tunnelWord,
  attention: z.enum(attentions).optional().catch(undefined),
  sort: z.enum(sorts).optional().catch(undefined),
  ...listPlace,
})

export type PeopleAsked = z.output<typeof peopleQuery>

export function asQuery({
  q,
  state,
  site,
  model,
  tunnel,
  attention,
  sort,
  down,
}: PeopleAsked): Omit<PeopleQuery, 'limit'> {
  return {
    ...(q && { search: q }),
    ...(state && { state }),
    ...(site && { site }),
    ...(model && { model }),
    ...(tunnel && { tunnel }),
    ...(attention && { attention }),
    ...(sort && { sort }),
    ...(down && { descending: true }),
  }
}
