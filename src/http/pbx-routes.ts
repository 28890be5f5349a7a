/** The API beside the PBXs. */
import { z } from 'zod'
import type { Application } from '../journeys/application.ts'
import { listOf } from './api-shapes.ts'
import { type Route, route, v1 } from './route.ts'

const abilities = z.object({
  readBack: z.boolean().describe('false: nothing is ever shown green, a person ticks'),
  endsRegistrations: z.boolean(),
  endsCalls: z.boolean(),
  certificates: z.enum(['required-on-own-port', 'not-checked']),
  revocationLists: z.enum(['enforced', 'not-checked']),
  storesSecretAs: z.enum(['digest', 'clear', 'unknown']),
  credentialsPerExtension: z.enum(['many', 'one']),
  resync: z.boolean(),
  leftovers: z.enum(['cleared', 'read', 'unseen']).describe('call forwards and what else outlives a password'),
  callClasses: z.enum(['enforced', 'judged', 'absent']),
  adoption: z.boolean(),
})

const pbx = z.object({
  id: z.string(),
  name: z.string().describe('what `pbx` of an employee says, and `1001@name`'),
  site: z.string(),
  driver: z.string(),
  address: z.string().nullable(),
  host: z.string(),
  edge: z
    .object({ address: z.string(), enforces: z.array(z.string()) })
    .nullable()
    .describe('what phones dial in its place, and which of the abilities are the edge’s doing'),
  configured: z.boolean().describe('false: it left the settings, and people still hold extensions there'),
  abilities,
  can: z.array(z.string()).describe('the abilities in words'),
  cannot: z.array(z.string()),
})

const existing = z.object({
  pbx: z.string(),
  items: z.array(
    z.object({
      extension: z.string(),
      displayName: z.string().nullable(),
      email: z.string().nullable(),
      facts: z.record(z.string(), z.string()),
      obstacle: z.string().nullable().describe('why it cannot be taken over'),
      known: z
        .object({
          id: z.string(),
          name: z.string(),
          email: z.string(),
          extension: z.string(),
          pbx: z.string(),
          by: z.enum(['extension', 'email', 'name']),
        })
        .nullable()
        .describe('somebody here whom it may be of'),
      differs: z.array(z.string()),
    }),
  ),
})

export function pbxRoutes({ pbxs }: Application): readonly Route[] {
  return [
    route(
      'get',
      `${v1}/pbxs`,
      'read',
      { summary: 'The PBXs and what each can do; the first is the usual one', answer: listOf(pbx) },
      async () => ({ items: [...pbxs.list()] }),
    ),
    route(
      'get',
      `${v1}/pbxs/:name/existing`,
      'onboard',
      { summary: 'Extensions on a PBX that Ringfence did not make; touches nothing', answer: existing },
      ({ parameters }) => pbxs.existing(parameters.name),
    ),
  ]
}
