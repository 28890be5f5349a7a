import { z } from 'zod'
import { parseExtension } from '../../domain/sip-account.ts'
import type { Registration } from '../pbx-driver.ts'
import { contactAddress } from '../source-address.ts'
import { notUnderstood } from './kamailio-memory.ts'
import type { KamailioRpc } from './kamailio-rpc.ts'

/** What a running Kamailio says of itself. Each answer is checked: one that is not understood is an error, never "none". */

export interface RunningKamailio {
  /** `Kamailio 5.6.3`. */
  readonly product: string
  /** Fingerprint of the script that it runs. */
  readonly script: string
  /** The mark in the database that it reads; empty when it sees none. */
  readonly mark: string
  /** `planMark` of the dial plan that it reads there; empty when it sees none. */
  readonly plan: string
  /** What was noted after the last reload of its TLS files; null since its start. */
  readonly tls: { readonly list: number; readonly files: string } | null
}

export interface RegistrationOnKamailio extends Registration {
  readonly extension: string
  readonly connection: number
  /** Where it came from, as a URI, and the port of Kamailio's that it came to. */
  readonly received: string
  readonly socket: string
}

/** One side of a call; a call between two extensions is there twice. */
export interface CallOnKamailio {
  readonly extension: string
  readonly address: string | null
  readonly id: string
  readonly entry: number
  readonly number: number
  readonly answered: boolean
  readonly callId: string
  readonly sequence: string
}

/** A moment that is surely before its start, and so before it read its files. */
export async function readStart(rpc: KamailioRpc, signal: AbortSignal): Promise<Date> {
  const answer = z.object({ uptime: z.number() }).safeParse(await rpc.call('core.uptime', [], signal))
  if (!answer.success) throw notUnderstood('core.uptime')
  // Whole seconds, counted from after the start.
  return new Date(Date.now() - (answer.data.uptime + 3) * 1000)
}

export async function readRunning(rpc: KamailioRpc, signal: AbortSignal): Promise<RunningKamailio> {
  const state = await rpc.get('state', signal)
  const match = /^([0-9a-f]{16}) ([0-9a-f]{16}|) ([0-9a-f]{64}|) (?:([0-9]+)-([0-9a-f]{16}))?$/.exec(state)
  if (!match) throw notUnderstood('state')
  const version = z.string().safeParse(await rpc.call('core.version', [], signal))
  const number = /kamailio ([0-9][0-9A-Za-z.-]*)/.exec(version.data ?? '')?.[1]
  if (number === undefined) throw notUnderstood('core.version')
  return {
    product: `Kamailio ${number}`,
    script: match[1]!,
    mark: match[2]!,
    plan: match[3]!,
    tls: match[4] === undefined ? null : { list: Number(match[4]), files: match[5]! },
  }
}

const contactSchema = z.object({
  Contact: z.object({
    Address: z.string(),
    Received: z.string(),
    Socket: z.string(),
    'User-Agent': z.string(),
    Ruid: z.string(),
    'Tcpconn-Id': z.number(),
  }),
})

const dumpSchema = z.object({
  Domains: z.array(
    z.object({
      Domain: z.object({
        Domain: z.string(),
        AoRs: z.array(z.object({ Info: z.object({ AoR: z.string(), Contacts: z.array(contactSchema) }) })),
      }),
    }),
  ),
})

export async function listRegistrations(
  rpc: KamailioRpc,
  signal: AbortSignal,
): Promise<readonly RegistrationOnKamailio[]> {
  const dump = dumpSchema.safeParse(await rpc.call('ul.dump', [], signal))
  if (!dump.success) throw notUnderstood('ul.dump')
  return dump.data.Domains.filter(({ Domain }) => Domain.Domain === 'location').flatMap(({ Domain }) =>
    Domain.AoRs.flatMap(({ Info }) =>
      Info.Contacts.map(({ Contact }) => ({
        extension: Info.AoR,
        id: Contact.Ruid,
        contact: Contact.Address,
        // Where the request came from; what the phone claims to be is another matter.
        address: contactAddress(Contact.Received),
        userAgent: Contact['User-Agent'] || null,
        connection: Contact['Tcpconn-Id'],
        received: Contact.Received,
        socket: Contact.Socket,
      })),
    ),
  )
}

const dialogSchema = z.object({
  h_entry: z.number(),
  h_id: z.number(),
  'call-id': z.string(),
  state: z.number(),
  caller: z.object({ cseq: z.string() }),
  variables: z.array(z.record(z.string(), z.union([z.string(), z.number()]))),
})

/** States of module dialog (dlg_hash.h): 1 and 2 before the answer, 3 and 4 after it, 5 ended and not yet forgotten. */
export async function listCalls(rpc: KamailioRpc, signal: AbortSignal): Promise<readonly CallOnKamailio[]> {
  const dialogs = z.array(dialogSchema).safeParse((await rpc.call('dlg.list', [], signal)) ?? [])
  if (!dialogs.success) throw notUnderstood('dlg.list')
  return dialogs.data.flatMap((dialog) => {
    if (dialog.state >= 5) return []
    const noted = Object.assign({}, ...dialog.variables) as Record<string, string | number>
    return ['rf_caller', 'rf_callee'].flatMap((side): CallOnKamailio[] => {
      const extension = String(noted[side] ?? '')
      if (!parseExtension(extension).ok) return []
      const address = noted[`${side}_address`]
      return [
        {
          extension,
          address: address === undefined ? null : String(address),
          id: `${dialog.h_entry}:${dialog.h_id}`,
          entry: dialog.h_entry,
          number: dialog.h_id,
          answered: dialog.state >= 3,
          callId: dialog['call-id'],
          sequence: dialog.caller.cseq,
        },
      ]
    })
  })
}
