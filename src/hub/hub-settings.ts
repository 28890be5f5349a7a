import { z } from 'zod'
import { canonicalPrefix, parsePrefix } from '../domain/address.ts'

const port = z.int().min(1).max(65_535)

const prefix = z
  .string()
  .refine((text) => parsePrefix(text) !== null, 'is not an address prefix such as 10.77.0.0/16')
  .transform((text) => canonicalPrefix(text)!)

const address = z
  .string()
  .refine((text) => parsePrefix(text) !== null && !text.includes('/'), 'is not an IP address')
  .transform((text) => canonicalPrefix(text)!.replace(/\/\d+$/, ''))

/** Everything that a hub process is told when it starts. Holds no secret: the hub makes its own key. */
export const hubSettingsSchema = z.strictObject({
  // IFNAMSIZ is 16 with the closing zero; a slash or space would change the meaning of a path or a rule.
  interface: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,15}$/, 'is not an interface name of at most 15 letters, digits, _ and -'),
  listenPort: port,
  /** HUB_SUBNET: the hub takes the first address of each. */
  subnets: z.array(prefix).min(1),
  /** PHONE_SUBNETS: the pool behind home gateways. */
  phoneSubnets: z.array(prefix).default([]),
  /** None while no PBX is configured: then nothing but the phone door is reachable. */
  pbxs: z.array(z.strictObject({ address, ports: z.array(port), rtpFrom: port, rtpTo: port })),
  /** Where signalling goes instead, when there is a SIP edge in front of the first PBX. */
  edge: z
    .strictObject({ address, ports: z.array(port).min(1) })
    .nullable()
    .default(null),
  /** The phone door inside the VPN, at the hub's addresses. Null when it is not served. */
  doorPort: port.nullable(),
  timeServers: z.array(address).default([]),
  nameServers: z.array(address).default([]),
  /** Hides handset addresses from the PBX, for networks where no route back can be had. */
  masquerade: z.boolean().default(false),
  socketPath: z.string().min(1),
  /** The socket's mode: 0600 for one user, 0660 when the server runs as another user of the same group. */
  socketMode: z.union([z.literal(0o600), z.literal(0o660)]).default(0o600),
  dataFolder: z.string().min(1),
  // 1500 less the 80 bytes that WireGuard over IPv6 takes (wg-quick's own default).
  mtu: z.int().min(1280).max(9000).default(1420),
  /** `auto` takes the kernel, else wireguard-go, else preview. */
  mode: z.enum(['auto', 'kernel', 'userspace', 'preview']).default('auto'),
})

export type HubSettings = z.infer<typeof hubSettingsSchema>

/** As one writes it down: everything with a default may be left out. */
export type HubSettingsInput = z.input<typeof hubSettingsSchema>
