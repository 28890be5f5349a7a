/** Handsets as people name them: nobody copies an id from a screen when the phone has its MAC address on the back. */
import { type Handset, parseMac } from '../domain/handset.ts'
import type { PhoneSettingAddress } from '../domain/phone-setting.ts'
import { AppError } from '../errors.ts'
import type { StoreReader } from '../store/store.ts'

type Reader = Pick<StoreReader, 'get' | 'find' | 'employeeBy'>

export interface HandsetName {
  readonly extension: string
  readonly model: string
  readonly mac: string | null
}

/**
 * By id; of handsets in use also by MAC address in any spelling, or by an extension (or e-mail address) whose holder has
 * exactly one.
 * @throws AppError NOT_FOUND, CONFLICT
 */
export async function handsetIdOf(store: Reader, which: string): Promise<string> {
  if (await store.get('handset', which)) return which
  const mac = parseMac(which)
  const [phone] = mac.ok ? await store.find('handset', { mac: mac.value, removedAt: null }) : []
  if (phone) return phone.id
  const holder = await store.employeeBy(which)
  const handsets = holder ? await store.find('handset', { employeeId: holder.id, removedAt: null }) : []
  const [only, ...others] = handsets
  if (only && others.length === 0) return only.id
  if (only) {
    const list = handsets.map(({ id, model, mac }) => `${model} ${mac ?? id}`).join(', ')
    throw new AppError('CONFLICT', `${which} has ${handsets.length} handsets: ${list}`, {
      hint: 'name one by its MAC address or id',
    })
  }
  throw new AppError('NOT_FOUND', 'there is no such handset', {
    hint: 'name its MAC address or id; `ringfence show WHO` prints both',
  })
}

/** What is set for a handset that is gone can still be named by its id. */
export async function settingPlace(store: Reader, address: PhoneSettingAddress): Promise<PhoneSettingAddress> {
  const { layer, scope } = address
  if (layer !== 'handset' || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(scope)) return address
  return { ...address, scope: await handsetIdOf(store, scope) }
}

export async function handsetName(store: Reader, handset: Handset): Promise<HandsetName> {
  const { assignmentId, model, mac } = handset
  return { extension: (await store.get('assignment', assignmentId))?.extension ?? '', model, mac }
}
