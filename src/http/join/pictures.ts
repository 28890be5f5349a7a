/**
 * Small drawings of where to tap, without a word in them: the sentence beside says it. Where the buttons are was read in the
 * apps' sources (WireGuard/wireguard-apple TunnelsListTableViewController, ManageTunnelsRootViewController;
 * WireGuard/wireguard-android tunnel_list_fragment.xml).
 */
import type { Device } from '../../journeys/join-view.ts'
import { type Html, html } from '../html.ts'
import type { Speaker } from './messages.ts'

export function addPicture(device: Device, { text }: Speaker): Html {
  if (device === 'ios')
    return phone(
      text('join.picture.ios'),
      html`<path class="ink" d="M30 22h26"/><circle class="here" cx="82" cy="22" r="11"/><path class="mark" d="M76 22h12M82 16v12"/>
<path class="faint" d="M20 46h60M20 60h60M20 74h40"/>`,
    )
  if (device === 'android')
    return phone(
      text('join.picture.android'),
      html`<path class="ink" d="M20 22h30"/><path class="faint" d="M20 46h60M20 60h60M20 74h40"/>
<circle class="here" cx="76" cy="128" r="12"/><path class="mark" d="M70 128h12M76 122v12"/>`,
    )
  return drawing(
    '0 0 190 130',
    text('join.picture.desktop'),
    html`<rect class="frame" x="4" y="4" width="182" height="122" rx="8"/><path class="frame" d="M4 24h182M70 24v102"/>
<path class="faint" d="M16 40h42M16 54h42M84 44h88M84 58h88M84 72h60"/>
<rect class="here" x="12" y="102" width="50" height="16" rx="5"/><path class="mark" d="M22 110h30"/>`,
  )
}

export function switchPicture({ text }: Speaker): Html {
  return drawing(
    '0 0 190 56',
    text('join.picture.on'),
    html`<rect class="frame" x="4" y="4" width="182" height="48" rx="10"/><path class="ink" d="M20 28h62"/>
<rect class="here" x="132" y="16" width="42" height="24" rx="12"/><circle class="knob" cx="162" cy="28" r="9"/>`,
  )
}

function phone(label: string, inside: Html): Html {
  return drawing('0 0 100 156', label, html`<rect class="frame" x="6" y="4" width="88" height="148" rx="13"/>${inside}`)
}

function drawing(viewBox: string, label: string, inside: Html): Html {
  return html`<svg class="picture" viewBox="${viewBox}" role="img" aria-label="${label}">${inside}</svg>`
}
