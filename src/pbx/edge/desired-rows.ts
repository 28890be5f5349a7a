import type { Subject, SubjectKind } from '../../domain/access.ts'
import { addressOf } from '../../domain/address.ts'
import { bindingText, denialText } from './edge-access.ts'
import { callRows, type EdgeCallSettings } from './edge-calls.ts'
import { decimalSerial, type EdgeRows } from './edge-tables.ts'

interface Subjects {
  subjects<K extends SubjectKind>(kind: K): Promise<readonly Extract<Subject, { kind: K }>[]>
}

/** Everything that should be in the edge's tables: of the PBX behind it. */
export async function desiredRows(store: Subjects, pbxId: string, calls: EdgeCallSettings): Promise<EdgeRows> {
  const isBehind = (subject: { readonly pbxId: string }) => subject.pbxId === pbxId
  const [deny, bind, source] = [new Map<string, string>(), new Map<string, string>(), new Map<string, string>()]
  const certified = new Set<string>()
  const held = new Set<string>()
  for (const { serial, wanted, holder, notAfter } of (await store.subjects('certificate')).filter(isBehind)) {
    if (wanted === 'closed') deny.set(decimalSerial(serial), denialText(notAfter))
    else if (holder) {
      bind.set(decimalSerial(serial), bindingText(holder))
      for (const prefix of holder.addresses) certified.add(prefix)
    }
  }
  for (const { wanted, addresses, extension } of (await store.subjects('sip-credential')).filter(isBehind)) {
    if (wanted === 'closed') continue
    held.add(extension)
    // Whoever can hold a certificate has to show it.
    for (const prefix of addresses) if (!certified.has(prefix)) source.set(addressOf(prefix), extension)
  }
  const extensions = (await store.subjects('assignment')).filter(isBehind)
  return { deny, bind, source, ...callRows(held, extensions, calls) }
}
