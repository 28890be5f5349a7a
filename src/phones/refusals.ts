/**
 * Apps that people ask for and that are not handed out, and why: their way of taking an account would show it to their maker,
 * or take encryption away. docs/phones/other-apps.md tells more.
 */
const refused: readonly { readonly called: RegExp; readonly why: string }[] = [
  {
    called: /zoiper/,
    why: 'the server of its maker draws its QR code and would see the SIP password',
  },
  {
    called: /bria|counterpath|x-?lite/,
    why: 'it takes its account from the portal of its maker, which would hold the SIP password',
  },
  {
    called: /cloud-?softphone/,
    why: 'it needs a code from the portal of its maker, which it then asks for the account',
  },
  {
    called: /(gs-?wave|grandstream-?wave).*qr/,
    why: 'its own QR code holds the SIP password and has no words for TLS or encrypted speech',
  },
  {
    called: /sipnetic|session-?talk/,
    why: 'its QR code holds the SIP password, and nothing is known that forces encrypted speech',
  },
]

/** Why there is no model of this name; null when nobody decided against it. */
export function refusalOf(id: string): string | null {
  const typed = id.toLowerCase().replace(/[\s_]+/g, '-')
  return refused.find(({ called }) => called.test(typed))?.why ?? null
}
