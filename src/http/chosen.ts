/** What was ticked in a list: one box arrives as a word, several as a list. */
import { z } from 'zod'

/** At most so many at once: the page that asks names each. */
export const mostChosen = 150

const id = z.string().max(64)

export const chosenIds = z
  .union([id.transform((one) => [one]), z.array(id).max(mostChosen)])
  .optional()
  .default([])
