/**
 * Who is meant by a deed for many: those ticked on one page of a list, or all that match its filter. The preview freezes
 * them: its form carries every id, so that nobody comes to be meant between the look and the click.
 */
import { z } from 'zod'
import { AppError } from '../errors.ts'

/** An id is 36 characters, and a form takes 256 kB. */
const longestList = 100_000
const list = z
  .string()
  .max(longestList)
  .transform((text) => text.split(',').filter(Boolean))

/** Ticked boxes are one field each; what is frozen is one field, divided by commas. */
export const chosenIds = z
  .union([
    list,
    z
      .array(list)
      .max(500)
      .transform((lists) => lists.flat()),
  ])
  .optional()
  .default([])
  .transform((ids): readonly string[] => [...new Set(ids)])

export const choiceForm = z.object({
  id: chosenIds,
  which: z.enum(['chosen', 'all']).optional().default('chosen'),
  /** As it stood in the address of the list. */
  filter: z.string().max(2_000).optional().default(''),
  /** Of the preview. */
  page: z.coerce.number().int().min(1).max(1_000).optional().catch(undefined),
})
export type ChoiceForm = z.output<typeof choiceForm>

/** What of a list matches a filter: as many as are asked for, and how many there are. */
export type Matching = (limit: number) => Promise<{ readonly ids: readonly string[]; readonly total: number }>

export interface Limit {
  readonly most: number
  /** `people`, `handsets` */
  readonly things: string
}

/** @throws AppError INVALID_INPUT for nobody, TOO_LARGE for more than may be meant at once: never only the first of them. */
export async function freeze({ id, which }: ChoiceForm, matching: Matching, limit: Limit): Promise<readonly string[]> {
  const { ids, total } = which === 'all' ? await matching(limit.most) : { ids: id, total: id.length }
  refuseMany(total, limit)
  if (ids.length > 0) return ids
  throw new AppError('INVALID_INPUT', `no ${limit.things} were chosen`, {
    hint: which === 'all' ? 'go back and look at the filter' : 'go back and tick the boxes in front',
  })
}

export function refuseMany(count: number, { most, things }: Limit): void {
  if (count > most)
    throw new AppError('TOO_LARGE', `${count} ${things} are more than ${most} at once`, {
      hint: 'go back and narrow the filter, by model, site or part of the name',
    })
}

/** The filter as an address had it. */
export function filterFields(filter: string): Readonly<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(filter.replace(/^\?/, '')))
}
