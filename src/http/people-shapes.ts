/** The bodies of the API about leaving dates and the events of one person. */
import { z } from 'zod'
import { pbxPlace, time } from './api-shapes.ts'

export const leavingRequest = z.strictObject({
  at: z.iso.datetime({ offset: true }).describe('ISO 8601 with its offset, in the future'),
  reason: z.string().max(1_000).nullish(),
})
export const eventsQuery = z.strictObject({
  employee: z.string().max(100).optional().describe('id: only what is about this person'),
})

export const openStep = z.object({
  employeeId: z.string(),
  name: z.string().nullable().describe('null once the data of the person was erased'),
  extension: z.string().nullable(),
  who: z.string().nullable().describe('the extension as commands take it: 1001@branch where there are several PBXs'),
  pbx: pbxPlace.nullable().describe('where it is to be done'),
  system: z.string(),
  instance: z.string(),
  subjectId: z.string(),
  wanted: z.enum(['open', 'closed']),
  step: z.string().describe('what to do'),
  at: time.describe('open since'),
  late: z.boolean().describe('for longer than RINGFENCE_STEP_REMINDER_HOURS'),
})

export const leaving = z.object({
  id: z.string(),
  employeeId: z.string(),
  name: z.string(),
  at: time,
  reason: z.string().nullable(),
  askedBy: z.string(),
  createdAt: time,
  state: z.enum(['set', 'cancelled', 'done']),
})
