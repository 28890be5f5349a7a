/** What may be dialled, in the bodies of the API. */
import { z } from 'zod'
import { callClasses } from '../domain/call-policy.ts'

const limit = z.int().min(1).max(100_000)

const policy = z.strictObject({
  class: z.enum(callClasses),
  countries: z.array(z.string().max(4)).max(50).optional().describe('codes such as 43, allowed beyond the class'),
  callsAtOnce: limit.nullish().describe('outside calls; absent or null: no limit'),
  callsPerHour: limit.nullish(),
  callsPerDay: limit.nullish(),
  minutesPerHour: limit.nullish(),
  minutesPerDay: limit.nullish(),
})

export const callsInput = policy
export const callsRequest = z.strictObject({ calls: policy.nullable().describe("null: the PBX's own rules alone") })

export const calls = z.object({
  class: z.enum(callClasses),
  countries: z.array(z.string()),
  callsAtOnce: z.int().nullable(),
  callsPerHour: z.int().nullable(),
  callsPerDay: z.int().nullable(),
  minutesPerHour: z.int().nullable(),
  minutesPerDay: z.int().nullable(),
})

const plan = {
  countryCode: z.string().max(4).describe('of the site, such as 49'),
  outsideLine: z.string().max(4).describe('what is dialled for an outside line, often empty'),
  internationalPrefix: z.string().max(5).describe('such as 00 or 011'),
  nationalPrefix: z.string().max(3).describe('before an area code, such as 0, or empty'),
  areaCode: z.string().max(6).nullable().describe('of the site, without prefix'),
  emergencyNumbers: z.array(z.string().max(6)).max(20).describe('as dialled; never blocked'),
}

export const dialPlanRequest = z.strictObject({
  ...plan,
  outsideLine: plan.outsideLine.optional(),
  areaCode: plan.areaCode.optional(),
  site: z.string().max(100).nullish().describe('name or id; absent: the first site'),
})

export const dialPlan = z.object({
  site: z.object({ id: z.string(), name: z.string() }),
  plan: z.object(plan).nullable().describe('null: nobody has said it yet'),
})
