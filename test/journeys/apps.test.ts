import { describe, expect, test } from 'vitest'
import { htmlText } from '../../src/http/html.ts'
import { readMessages } from '../../src/http/join/messages.ts'
import { joinPage } from '../../src/http/join-page.ts'
import { handsetOf, onboarded, openWorld, person, steadyUrl, tokenIn, type World } from './world.ts'

/** The employee's page for one handset of this model, with every QR code as the text that it would say. */
async function invited(world: World, model: string) {
  const made = await onboarded(world, person('Ada Byron', '1001', model))
  const token = tokenIn(made.invite.url)
  const view = (await world.app.join(token))!
  const drawn: string[] = []
  const drawQr = (text: string, content: string) => {
    if (content === 'address') drawn.push(text)
    return '<svg></svg>'
  }
  const page = htmlText(
    joinPage(view, {
      token,
      style: '',
      script: '/join.js',
      drawQr,
      messages: readMessages(),
      language: 'en',
      device: null,
      serverKey: false,
      status: null,
    }),
  )
  const url = Object.values(made.provisioningUrls)[0]!
  return { made, handset: view.handsets[0]!, page, drawn, url }
}

describe('the page of an invite', () => {
  test('lets Linphone scan its address or open it by a tap', async () => {
    await using world = await openWorld()
    const { page, drawn, url } = await invited(world, 'linphone-mobile')
    expect(drawn).toEqual([`${url}linphone.xml`])
    expect(page).toContain(`href="linphone-config:${url}linphone.xml"`)
    expect(page).toContain('Open in Linphone')
  })

  test('gives baresip its four files to save and draws no code for it', async () => {
    await using world = await openWorld()
    const { page, drawn, handset, url } = await invited(world, 'baresip-linux')
    expect(drawn).toEqual([])
    expect(handset).toMatchObject({ softphoneUrl: null, softphoneDeepLink: null })
    for (const name of ['accounts', 'config', 'client.pem', 'ca.pem'])
      expect(page).toContain(`<a href="${url}${name}" download="${name}">`)
    expect(page).toContain('cd ~/.baresip')
    expect(page).not.toMatch(/linphone/i)
    // What is saved is what the app needs, and can be saved again while the invite is open.
    for (const round of [1, 2]) {
      const accounts = await world.fetch(url, 'accounts')
      expect(accounts?.body, String(round)).toMatch(/^<sip:1001@\S+;mediaenc=srtp-mand;/m)
    }
    expect((await world.fetch(url, 'client.pem'))!.body).toMatch(/BEGIN CERTIFICATE[\s\S]*PRIVATE KEY/)
  })

  test('gives MicroSIP its one file to save', async () => {
    await using world = await openWorld()
    const { page, drawn, handset, url } = await invited(world, 'microsip-windows')
    expect(drawn).toEqual([])
    expect(handset.signIn!.files).toEqual([
      { name: 'MicroSIP.ini', url: `${url}MicroSIP.ini`, what: 'your account, with its password' },
    ])
    expect(page).toContain('%APPDATA%\\MicroSIP')
    expect((await world.fetch(url, 'MicroSIP.ini'))!.body).toMatch(/^SRTP=mandatory$/m)
  })

  test('opens Groundwire by its own kind of link and draws no code', async () => {
    await using world = await openWorld()
    const { page, drawn, url } = await invited(world, 'acrobits-groundwire')
    expect(drawn).toEqual([])
    expect(page).toContain(`href="provlinkbs://${url.replace('https://', '')}account.xml"`)
    expect(page).toContain('say no when it asks for push notifications')
  })

  test('has an address to type for Grandstream Wave, and no code with a password in it', async () => {
    await using world = await openWorld()
    const { page, drawn, handset, url } = await invited(world, 'gswave-mobile')
    expect(drawn).toEqual([])
    expect(handset.softphoneDeepLink).toBeNull()
    expect(page).toContain(`${url}gswave.xml`)
  })

  test('has no words for a desk phone, and none any more once an app has signed in', async () => {
    await using world = await openWorld()
    const desk = await invited(world, 'cisco-8851=00deadaabb01')
    expect(desk.handset.signIn).toBeNull()
    expect(desk.page).toContain('auto provisioning')
    expect(desk.page).toContain('Type $MA.xml behind it')
    const app = await onboarded(world, person('Ben Li', '1002', 'linphone-mobile'))
    const shown = async () => (await world.app.join(tokenIn(app.invite.url)))!.handsets[0]!
    expect((await shown()).signIn).not.toBeNull()
    await world.fetch(await steadyUrl(world, handsetOf(app.employee, 'linphone-mobile').id), 'linphone.xml')
    expect(await shown()).toMatchObject({ enrolled: true, signIn: null, softphoneUrl: null, softphoneDeepLink: null })
  })
})

describe('whoever hands out a phone hears', () => {
  test.each([
    ['microsip-windows', /MicroSIP.*does not check the certificate of the PBX/],
    ['baresip-linux', /before version 1\.1\.0.*does not check the certificate/],
    ['acrobits-groundwire', /push notifications on, the maker's server holds the SIP password/],
    ['acrobits-groundwire', /not known to force encrypted speech/],
    ['gswave-mobile', /do not use its own QR code.*no words for TLS or encrypted speech/],
    ['audiocodes-445hd=00908faabb01', /makes? it check the PBX's certificate; only the tunnel/],
    ['audiocodes-445hd=00908faabb01', /not known to force encrypted speech/],
    ['gswave-mobile', /Experimental: where the app takes the address/],
    ['gigaset-n670=7c2f80aabb01', /not known to force encrypted speech/],
    ['htek-uc926=001fc1aabb01', /Experimental: the numbers that force encrypted speech/],
    ['cisco-8851=00deadaabb01', /this phone is given none/],
    ['linphone-mobile', /this app cannot hold one/],
    ['baresip-linux', /stays there after offboarding/],
  ])('of %s: %s', async (model, warning) => {
    await using world = await openWorld()
    const { made } = await invited(world, model)
    expect(
      made.warnings.filter((line) => warning.test(line)),
      made.warnings.join('\n'),
    ).toHaveLength(1)
  })

  test.each([
    ['zoiper-mobile', /its maker draws its QR code and would see the SIP password/],
    ['Bria Desktop', /portal of its maker, which would hold the SIP password/],
    ['acrobits-cloud-softphone', /needs a code from the portal of its maker/],
    ['gswave-qr', /holds the SIP password and has no words for TLS/],
  ])('that %s is not handed out, and why', async (model, why) => {
    await using world = await openWorld()
    await expect(onboarded(world, person('Ada Byron', '1001', model))).rejects.toMatchObject({
      code: 'MODEL_UNKNOWN',
      message: expect.stringMatching(why),
      hint: expect.stringContaining('linphone-mobile'),
    })
    expect(await world.app.employees({})).toEqual([])
  })

  test('nothing of the kind about a phone that can do it all', async () => {
    await using world = await openWorld()
    const { made } = await invited(world, 'mitel-6930=08000faabb01')
    expect(made.warnings).toEqual(['Mitel 6930: its file has not been tried on the real device'])
  })
})
