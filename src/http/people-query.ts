/** The filters of the list of people as they stand in an address; what cannot be read counts as not given. */
import { z } from 'zod'
import { attentions, type PeopleQuery } from '../journeys/people-view.ts'

export const peoplePageSize = 50

const lifecycles = ['active', 'offboarding', 'offboarded'] as const
export const sorts = ['name', 'extension', 'created', 'heard'] as const

const word = z.string().trim().min(1).max(200).optional().catch(undefined)

export const peopleQuery = z.object({
  q: word,
  state: z.enum(lifecycles).optional().catch(undefined),
  site: word,
  model: word,
  /** `online`, `never`, or how many days it has been quiet. */
  tunnel: z
    .union([z.literal('online'), z.literal('never'), z.coerce.number().int().min(1).max(3_650)])
    .optional()
    .catch(undefined),
  attention: z.enum(attentions).optional().catch(undefined),
  sort: z.enum(sorts).optional().catch(undefined),
  down: z.literal('1').optional().catch(undefined),
  page: z.coerce.number().int().min(1).max(1_000_000).optional().catch(undefined),
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
