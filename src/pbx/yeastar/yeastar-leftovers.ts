import { z } from 'zod'
import type { Outliving } from '../../domain/outliving.ts'
import type { Leftover } from '../pbx-driver.ts'
import { shortLine } from '../short-line.ts'
import type { YeastarApi, YeastarDetail } from './yeastar-api.ts'

const box = { step: 'its voicemail PIN and calling out of the box (the extension, Voicemail)' }
const features = { step: 'DISA, PINs of conference rooms and PIN lists (Call Features)' }

/**
 * The guide has no interface for DISA and none that shows PINs of conferences or PIN lists. A voicemail PIN can be read
 * (`extension/getpassword` with `vm_pin`), which says nothing of who knows it; that `extension/update` sets one is not certain.
 */
export const yeastarOutliving: Outliving = {
  'call-forward': 'read',
  'follow-me': 'read',
  'do-not-disturb': 'read',
  'voicemail-pin': box,
  'voicemail-dial-out': box,
  'mail-address': 'read',
  'mobile-number': 'read',
  'shared-line': { step: 'function keys of other phones that share its line' },
  'other-login': 'renewed',
  disa: features,
  'conference-pin': features,
  'outside-line-pin': features,
}

/**
 * `extension/get` shows address, mobile number, presence and the settings of each presence (`presence_list`). The names within
 * those settings are the ones that Yeastar's own tests of its web interface send: `enb_in_always_forward`,
 * `in_always_forward_dest`, `in_always_forward_num` and so on for `no_answer` and `busy`, from inside (`in`) and outside
 * (`ex`), and `enb_ring_mobile`. Where they are missing, the forwards cannot be read, and that is said.
 */
export async function leftoversOf(
  api: YeastarApi,
  extensions: readonly string[],
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  if (extensions.length === 0) return []
  const meant = new Set(extensions)
  const found: Leftover[] = []
  for (const { id, number } of await api.list(signal)) {
    if (!meant.has(number)) continue
    const detail = await api.detail(String(id), signal)
    if (detail !== null) found.push(...leftoversIn(number, detail))
  }
  return found
}

const kinds = ['always', 'no_answer', 'busy'].flatMap((when) => [`in_${when}_forward`, `ex_${when}_forward`])
/** Its own voicemail box. */
const inside = 'ext_vm'

const settingsSchema = z.looseObject({ status: z.string(), enb_in_always_forward: z.number() })
const detailSchema = z.looseObject({
  email_addr: z.string().nullish(),
  mobile_number: z.string().nullish(),
  presence_status: z.string().nullish(),
  presence_list: z.array(settingsSchema),
})

function leftoversIn(extension: string, detail: YeastarDetail): Leftover[] {
  const one = (kind: Leftover['kind'], words: string): Leftover => ({ extension, kind, words, clearable: false })
  const { email_addr, mobile_number, presence_status, presence_list } = detailSchema.partial().parse({
    ...detail,
    presence_list: detailSchema.shape.presence_list.safeParse(detail.presence_list).data,
  })
  return [
    ...(presence_list
      ? presence_list.flatMap((settings) => forwardsIn(settings).map(([kind, words]) => one(kind, words)))
      : [one('call-forward', 'its call forwards cannot be read: look at each presence (the extension, Presence)')]),
    ...(presence_status === 'do_not_disturb'
      ? [one('do-not-disturb', 'its presence is Do Not Disturb: no call rings')]
      : []),
    ...(email_addr ? [one('mail-address', `an e-mail address is still set: ${remove}`)] : []),
    ...(mobile_number ? [one('mobile-number', `a mobile number is still set: ${remove}`)] : []),
  ]
}

const remove = "remove it or set the next holder's (the extension, User)"

function forwardsIn(settings: z.infer<typeof settingsSchema>): ['call-forward' | 'follow-me', string][] {
  const text = (name: string) => (typeof settings[name] === 'string' ? shortLine(settings[name]) : '')
  const where = `in the presence ${shortLine(settings.status)}`
  const targets = kinds
    .filter((kind) => settings[`enb_${kind}`] === 1 && text(`${kind}_dest`) !== inside)
    .map((kind) => [text(`${kind}_prefix`) + text(`${kind}_num`), text(`${kind}_dest`)].find((target) => target !== ''))
  const forwards = [...new Set(targets)].map((target): ['call-forward', string] => [
    'call-forward',
    `${where} calls are forwarded to ${target ?? 'somewhere'}: switch it off (the extension, Presence)`,
  ])
  if (settings.enb_ring_mobile !== 1) return forwards
  return [...forwards, ['follow-me', `${where} the mobile phone rings too: switch it off (the extension, Presence)`]]
}
