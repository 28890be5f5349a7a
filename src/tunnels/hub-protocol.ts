/**
 * What server and hub process say to each other: one JSON object a line, requests with an id, answers in any order.
 * Requests say what should be, never what to run. Both sides check what they get against these schemas.
 */
import { z } from 'zod'
import { Secret } from '../domain/secret.ts'
import type { ErrorCode } from '../errors.ts'
import type { PeerChange } from './hub-port.ts'

// 65,536 peers, the most that wireguard-go takes, with long lists of prefixes stay below this.
export const longestLine = 64 * 1024 * 1024

const key = z.string().length(44)
const prefix = z.string().max(60)
const revision = z.strictObject({ lease: z.int().min(0), number: z.int().min(0) })

const peerSpec = z.strictObject({
  publicKey: key,
  presharedKey: key.transform((text) => new Secret(text)).nullable(),
  allowedIps: z.array(prefix),
})

export const operations = {
  describe: z.strictObject({}),
  listPeers: z.strictObject({}),
  readPeers: z.strictObject({ publicKeys: z.array(key) }),
  applyPeers: z.strictObject({ revision, put: z.array(peerSpec), remove: z.array(key) }),
  readFirewall: z.strictObject({}),
  applyFirewall: z.strictObject({ revision, admit: z.array(prefix), expel: z.array(prefix) }),
  /** Ends the process; with `takeAway` the interface and the table go too, else tunnels live on. */
  shutdown: z.strictObject({ takeAway: z.boolean() }),
} as const

export type Operation = keyof typeof operations

export const requestSchema = z.strictObject({
  id: z.int().min(0),
  operation: z.enum(Object.keys(operations) as [Operation, ...Operation[]]),
  parameters: z.unknown(),
})

const peer = z.object({
  publicKey: z.string(),
  allowedIps: z.array(z.string()),
  lastHandshakeAt: z.string().nullable(),
  receivedBytes: z.number(),
  sentBytes: z.number(),
  endpoint: z.string().nullable(),
})

export const results = {
  describe: z.object({
    mode: z.enum(['kernel', 'userspace', 'preview']),
    interface: z.string(),
    publicKey: z.string(),
    listenPort: z.number(),
    addresses: z.array(z.string()),
    lease: z.int().min(0),
    did: z.array(z.string()),
    problems: z.array(z.object({ message: z.string(), hint: z.string() })),
  }),
  peers: z.array(peer),
  firewall: z.object({ admitted: z.array(z.string()), rulesIntact: z.boolean() }),
  done: z.null(),
} as const

const failureSchema = z.object({
  code: z.string().transform((code) => code as ErrorCode),
  message: z.string(),
  hint: z.string().optional(),
  retryable: z.boolean(),
})

export const answerSchema = z.union([
  z.object({ id: z.int(), result: z.unknown() }).refine((answer) => 'result' in answer),
  z.object({ id: z.int(), failure: failureSchema }),
])

/** The one place where preshared keys become text: on their way into the hub's socket, which only its users can open. */
export function wireForm({ revision, put, remove }: PeerChange): unknown {
  return {
    revision,
    put: put.map(({ publicKey, presharedKey, allowedIps }) => ({
      publicKey,
      presharedKey: presharedKey?.reveal() ?? null,
      allowedIps,
    })),
    remove,
  }
}
