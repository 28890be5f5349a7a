import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capital } from '../../src/http/capital.ts'
import { inConsole, sentence } from '../../src/http/console-words.ts'
import { html, htmlText } from '../../src/http/html.ts'
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import { onboarded, person } from '../journeys/world.ts'
import { formVisitor, plain } from './form-visitor.ts'
import { ask } from './http-client.ts'

const said = (text: string) => htmlText(html`${inConsole(text)}`)

describe('a hint on a page', () => {
  test('names the page or button that does what the command would do', () => {
    expect(said('do the step, then `ringfence acknowledge 1001 sip-account`')).toBe(
      'do the step, then <a href="/people/1001">tick it on the person’s page</a>',
    )
    expect(said('`ringfence secret 1001` shows it')).toBe(
      '<a href="/people/1001">“SIP password” on the person’s page</a> shows it',
    )
    expect(said('`ringfence invite WHO` makes a new link')).toContain('<a href="/people">“New link”')
    expect(said('`ringfence models yealink` lists them')).toContain('href="/guides/phones"')
    expect(said('docs/mail.md and docs/phones/yealink.md')).toBe(
      '<a href="/guides/mail">the guide “mail”</a> and <a href="/guides/phones-yealink">the guide “phones yealink”</a>',
    )
  })

  test('leaves what only the server can do a command, and lets no markup through', () => {
    expect(said('`ringfence admin recover` on the server')).toBe('<code>ringfence admin recover</code> on the server')
    expect(said('`ringfence secret <b>`')).toBe('<a href="/people/%3Cb%3E">“SIP password” on the person’s page</a>')
    expect(said('<script>')).toBe('&lt;script&gt;')
  })

  test('is a whole sentence, and an address or an id at its beginning stays as it is', () => {
    expect(htmlText(sentence('look again'))).toBe('Look again.')
    expect(htmlText(sentence('did you mean this?'))).toBe('Did you mean this?')
    expect(capital('ada@example.com already has a phone here')).toBe('ada@example.com already has a phone here')
    expect(capital('yealink-t54w needs its MAC address')).toBe('yealink-t54w needs its MAC address')
    expect(capital('e-mail address is missing')).toBe('E-mail address is missing')
  })
})

describe('what was refused', () => {
  let desk: ConsoleWorld
  let owner: string
  beforeAll(async () => {
    desk = await openConsoleWorld()
    owner = await desk.signIn('owner')
  })
  afterAll(async () => desk?.[Symbol.asyncDispose]())
  const { post } = formVisitor(
    () => desk.port,
    () => owner,
  )
  const ours = () => ({ referer: `http://127.0.0.1:${desk.port}/people?q=a`, host: `127.0.0.1:${desk.port}` })

  test('of the phone settings stays in its field, with what is wrong beside it', async () => {
    const { employee } = await onboarded(desk.world, person('Ida', '1101', 'yealink-t54w=805ec0aabb11'))
    const handset = employee.handsets[0]!.id
    for (const path of ['/settings/phones/site', '/settings/phones/model', `/handsets/${handset}/settings`]) {
      const scope = path.endsWith('model') ? 'yealink-t54w' : ''
      const { status, text } = await post(path, { name: 'timezone', value: 'Mars/Olympus', scope, act: 'try' })
      expect(status, path).toBe(400)
      expect(text).toMatch(/<textarea name="value"[^>]* aria-invalid="true"[^>]*>Mars\/Olympus<\/textarea>/)
      expect(text).toMatch(/<option value="timezone" selected/)
      expect(text).toContain('id="value-said"')
    }
  })

  test('without a page of its own leads back to where it came from, and never to another site', async () => {
    const nobody = await post('/bulk/offboard/preview', {}, owner, ours())
    expect(nobody.status).toBe(400)
    expect(nobody.text).toContain('<a href="/people?q=a">Back to People</a>')
    const foreign = await post('/bulk/offboard/preview', {}, owner, {
      ...ours(),
      referer: 'https://evil.example/people',
    })
    expect(foreign.text).not.toContain('evil.example')
    expect(foreign.text).toContain('To the first page')
  })

  test('because of the role or the address is said in words for people', async () => {
    const headers = { cookie: await desk.signIn('helpdesk'), accept: 'text/html' }
    const forbidden = await ask(desk.port, { path: '/tokens', headers })
    expect(forbidden.status).toBe(403)
    expect(plain(forbidden.text)).toContain('As helpdesk you may not do this. Ask an owner of this console.')
    const missing = await ask(desk.port, { path: '/nowhere', headers })
    expect(missing.status).toBe(404)
    expect(plain(missing.text)).toContain('There is no page at this address.')
    for (const { text } of [forbidden, missing]) expect(text).not.toMatch(/openapi|token whose|GET \/nowhere/)
    // Scripts go on being told in theirs.
    const script = await ask(desk.port, { path: '/api/v1/nowhere', headers: { cookie: headers.cookie } })
    expect(script.text).toContain('openapi')
  })

  test('as a model says something only where something is near, and the words of the list are taken', async () => {
    const check = async (model0: string) => plain((await post('/onboard/check', { model0, name: 'x' })).text)
    expect(await check('linphone-mobil')).toContain('did you mean linphone-mobile?')
    expect(await check('linphone-mobil')).not.toContain('?.')
    expect(await check('a telephone')).not.toContain('did you mean')
    const { name } = desk.world.app.models().find(({ id }) => id === 'linphone-mobile')!
    expect(await check(name)).not.toContain('is not a model')
    const made = await post('/onboard', {
      name: 'Lu',
      email: 'lu@example.com',
      extension: '1102',
      model0: name,
      mac0: '',
    })
    expect(made.status).toBe(303)
    expect((await desk.world.app.employee('1102')).handsets).toMatchObject([{ model: 'linphone-mobile' }])
  })

  test('as a step on the PBX is not asked of somebody who may not tick it', async () => {
    await using byHand = await openConsoleWorld({ pbx: 'manual' })
    const made = await onboarded(byHand.world, person('Mo', '1103', 'linphone-mobile'))
    await byHand.world.app.settled(made.employee.id, 5_000)
    const look = async (role: 'helpdesk' | 'admin', below = '') =>
      plain(
        (
          await ask(byHand.port, {
            path: `/people/${made.employee.id}${below}`,
            headers: { cookie: await byHand.signIn(role) },
          })
        ).text,
      )
    expect(await look('helpdesk')).toContain('A step is waiting for an administrator.')
    expect(await look('helpdesk')).not.toContain('waiting for you')
    expect(await look('admin')).toContain('A step is waiting for you, below.')
    for (const role of ['helpdesk', 'admin'] as const) expect(await look(role)).not.toMatch(/`|ringfence \w+/)
    const question = await look('admin', '/offboard')
    expect(question).toContain('Extension 1103 : a step for you on the PBX')
    expect(question).not.toContain('thrown off')
  })
})
