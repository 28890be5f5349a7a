import { describe, expect, test } from 'vitest'
import { everything, mia, onboarded, person, tokenIn } from '../journeys/world.ts'
import { consoleOfFile, postOfficeOfFile } from './console-desk.ts'
import { plain } from './form-visitor.ts'
import { ask } from './http-client.ts'

const office = postOfficeOfFile()
const { desk, get, post, as } = consoleOfFile(['helpdesk'], () => ({ env: office.env }))

describe('onboarding one person', () => {
  test('leads to a page with link, code, doors and provisioning address, and sends the mail that was asked for', async () => {
    const answer = await post('/onboard', {
      name: 'Ada Byron',
      email: 'ada@example.com',
      extension: '1001',
      model0: 'linphone-mobile',
      mac0: '',
      model1: 'Yealink-T54W',
      mac1: '80:5E:C0:AA:BB:01',
      mail: 'fr',
    })
    expect(answer.status).toBe(303)
    const page = await get(String(answer.headers.location))
    expect(page.status).toBe(200)
    const link = /https:\/\/phones\.example\.com\/join\/[A-Za-z0-9_-]{43}/.exec(page.text)![0]
    expect((await desk.world.app.join(tokenIn(link)))?.name).toBe('Ada Byron')
    expect(page.text).toContain('<svg')
    expect(page.text).toMatch(/https:\/\/phones\.example\.com\/p\/[A-Za-z0-9_-]{43}\//)
    expect(page.text).toContain('id="door-tunnel"')
    expect(plain(page.text)).toContain('ada@example.com Français')
    // The link is in the page, never in an address.
    expect(String(answer.headers.location)).not.toContain(tokenIn(link))
    await desk.world.mails.run()
    expect(office.received.at(-1)!.to).toEqual(['ada@example.com'])
    expect(plain((await get('/people/1001')).text)).toContain('taken by the mail server')
  })

  test('with mistakes writes nothing, keeps what was typed, and says each thing beside its field', async () => {
    const before = await everything(desk.world.store)
    const answer = await post('/onboard', {
      name: '"><script>alert(1)</script>',
      email: 'nonsense',
      extension: '1001',
      model0: 'linphone-mobil',
      model2: 'yealink-t54w',
      mac2: '805ec0aabb01',
      gatewayOf: 'nobody@example.com',
      mail: 'de',
    })
    expect(answer.status).toBe(400)
    expect(answer.text).not.toContain('<script>alert')
    expect(answer.text).toContain('value="&quot;&gt;&lt;script&gt;')
    const beside = (field: string) =>
      plain(new RegExp(`id="${field}-said"[^>]*>(.*?)</small>`, 's').exec(answer.text)?.[1] ?? '')
    expect(beside('email')).toContain('is not an e-mail address')
    expect(beside('extension')).toContain('extension 1001 is in use'.slice(1))
    expect(beside('model0')).toContain('did you mean linphone-mobile')
    expect(beside('mac2')).toContain('belongs to a handset that is in use')
    expect(beside('gatewayOf')).toContain('nobody who has a home gateway')
    expect(await everything(desk.world.store)).toBe(before)
  })

  test('while somebody types, only what was typed so far is told off, and warnings come before it is handed out', async () => {
    const before = await everything(desk.world.store)
    const half = await post('/onboard/check', { name: '', email: 'x', extension: '', model0: '', mac0: '' })
    expect(half.status).toBe(200)
    expect(half.text).not.toContain('<html')
    expect(plain(half.text)).toContain('is not an e-mail address')
    expect(plain(half.text)).not.toContain('missing')
    const whole = await post('/onboard/check', {
      name: 'Bo',
      email: 'bo@example.com',
      extension: '1002',
      model0: 'yealink-t54w',
      mac0: '001122334455',
    })
    expect(plain(whole.text)).toContain('Everything fits. Nothing is written yet.')
    expect(plain(whole.text)).toContain('does not look like a MAC address of a Yealink T54W')
    const desk2 = await post('/onboard/check', { model0: 'yealink-t54w', mac0: '' })
    expect(plain(desk2.text)).toContain('needs its MAC address')
    expect(await everything(desk.world.store)).toBe(before)
  })

  test('another handset is a row more, without script too', async () => {
    const { text, status } = await post('/onboard', { name: 'Bo', model0: 'linphone-mobile', mac0: '', more: '1' })
    expect(status).toBe(200)
    expect(text).toContain('name="model1"')
    expect(text).toContain('value="Bo"')
    expect(await desk.world.app.employees({})).toHaveLength(1)
  })

  test('a reference shows the link for an hour, to whoever may onboard, and no longer once the link was replaced', async () => {
    const made = await onboarded(desk.world, person('Cem Öz', '1003', 'linphone-mobile'))
    const path = `/people/${made.employee.id}/hand-over?link=${encodeURIComponent(desk.world.app.handOver.reference(made))}`
    expect((await get(path)).text).toContain(made.invite.url)
    expect((await get(path, await desk.signIn('auditor'))).status).toBe(403)
    expect((await ask(desk.port, { path })).status).toBe(303)
    // Somebody else's page, or another reference.
    const ada = (await desk.world.app.employee('1001')).id
    expect((await get(path.replace(made.employee.id, ada))).status).toBe(404)
    expect((await get(path.replace('link=v1', 'link=v2'))).status).toBe(404)
    const renewed = await post(`/people/${made.employee.id}/new-link`, { mail: 'none' })
    expect(renewed.status).toBe(303)
    expect((await get(path)).status).toBe(404)
    const next = String(renewed.headers.location)
    expect((await get(next)).status).toBe(200)
    await desk.world.travel(0.05)
    const late = await get(next)
    expect(late.status).toBe(404)
    expect(plain(late.text)).toContain('It is shown for an hour'.slice(3))
    expect(desk.world.log.join('')).not.toContain(tokenIn(made.invite.url))
    // And what a new one means is said before it is made.
    expect(plain((await get(`/people/${made.employee.id}/hand-over`)).text)).toContain(
      'The link before it stops working',
    )
  })
})

describe('the home gateway that a desk phone hangs on', () => {
  const handOver = async (made: Awaited<ReturnType<typeof onboarded>>) => {
    const reference = encodeURIComponent(desk.world.app.handOver.reference(made))
    return (await get(`/people/${made.employee.id}/hand-over?link=${reference}`)).text
  }
  const told = (text: string) => plain(text.split('id="gateways"')[1]?.split('</section>')[0] ?? '')

  test('is named on the hand-over page, though nobody asked for one, and is to be shipped too', async () => {
    const owner = await onboarded(desk.world, person('Hal Desk', '1021', 'yealink-t54w=805ec0aabb21'))
    const [gateway] = owner.employee.gateways
    expect(told(await handOver(owner))).toContain(`plain, ${gateway!.subnets.join(', ')}`)
    expect(told(await handOver(owner))).toContain('To be shipped too')
    const phone = person('Ivy Home', '1022', 'yealink-t54w=805ec0aabb22')
    const mate = told(await handOver(await onboarded(desk.world, { ...phone, gatewayOf: '1021' })))
    expect(mate).toMatch(/The one of Hal Desk\s*, in the same home: no other is to be shipped\./)
    // Once it was heard from, it is in its home.
    const key = (await desk.world.app.employee('1021')).tunnels.find(({ carrier }) => carrier.kind === 'gateway')!
    await desk.world.shakeHands(key.publicKey!)
    const later = told(await handOver(owner))
    expect([later.includes('In use, last heard'), later.includes('shipped')]).toEqual([true, false])
  })

  test('is not spoken of where there is none', async () => {
    const app = await onboarded(desk.world, person('Jo App', '1023', 'linphone-mobile'))
    expect(await handOver(app)).not.toContain('Home gateway')
  })
})

describe('mails', () => {
  test('can be called back or tried from the page, and the page is the one that one came from', async () => {
    const made = await desk.world.app.onboard(
      { ...person('Gül', '1010', 'linphone-mobile'), email: 'g@example.com', mail: 'de' },
      mia,
    )
    const person_ = `/people/${made.employee.id}`
    const page = await get(person_)
    const retry = /\/mails\/[0-9a-f-]{36}\/retry/.exec(page.text)![0]
    const referer = `http://127.0.0.1:${desk.port}${person_}`
    expect((await post(retry, {}, as('helpdesk'), { referer })).headers.location).toBe(person_)
    const elsewhere = await post(retry.replace('retry', 'cancel'), {}, as('helpdesk'), {
      referer: 'https://evil.example/people/x',
    })
    expect(elsewhere.headers.location).toBe(person_)
    expect(plain((await get(person_)).text)).toContain('not sent: cancelled')
    expect((await get(person_, await desk.signIn('auditor'))).text).not.toContain('/cancel"')
  })

  test('the test of the settings tells what the server said', async () => {
    const owner = await desk.signIn('owner')
    expect(plain((await get('/mail', owner)).text)).toContain('IT of Example')
    const good = await post('/mail/test', { address: 'me@example.com', language: 'es' }, owner)
    expect(good.status).toBe(200)
    expect(plain(good.text)).toContain('The mail server took it')
    office.refusals.push({ code: 550, words: 'relaying denied' })
    const bad = await post('/mail/test', { address: 'me@example.com' }, owner)
    expect(bad.status).toBe(502)
    expect(plain(bad.text)).toContain('relaying denied')
    expect((await post('/mail/test', { address: 'me@example.com' })).status).toBe(403)
  })
})
