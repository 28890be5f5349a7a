import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { consoleRoutes } from '../../src/http/console.ts'
import { formDeeds, formKeyField } from '../../src/http/form-key.ts'
import { htmlText } from '../../src/http/html.ts'
import { fakeApplication } from '../fakes/fake-application.ts'
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import { onboarded, person } from '../journeys/world.ts'
import { formVisitor, plain } from './form-visitor.ts'

let desk: ConsoleWorld
let owner: string
beforeAll(async () => {
  desk = await openConsoleWorld()
  owner = await desk.signIn('owner')
})
afterAll(async () => desk?.[Symbol.asyncDispose]())

const { get, post } = formVisitor(
  () => desk.port,
  () => owner,
)

/** Of the form on a page that posts there. */
async function keyIn(page: string, action: string): Promise<string> {
  const { text } = await get(page)
  return keyOf(text, action)
}

function keyOf(text: string, action: string): string {
  const form = [...text.matchAll(/<form [^>]*>.*?<\/form>/gs)].find(([tag]) => tag.includes(`action="${action}"`))
  const key = /name="formKey" value="([^"]+)"/.exec(form?.[0] ?? '')?.[1]
  if (key === undefined) throw new Error(`the form of ${action} has no key`)
  return key
}

const bo = { name: 'Bo', email: 'bo@example.com', extension: '1201', model0: 'linphone-mobile', mac0: '' }

test('an answer with a one-time link is forgotten after minutes, also where nobody sends another form', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  try {
    let minutes = 0
    const { once } = formDeeds(() => minutes * 60_000)
    const key = /value="([^"]+)"/.exec(htmlText(formKeyField()))![1]!
    const sent: string[] = []
    const response = {
      statusCode: 200,
      getHeader: () => undefined,
      status: () => response,
      set: () => response,
      end: (body: string) => void sent.push(body),
    }
    const click = () =>
      once({ key, actor: null, path: '/x', body: {}, response: response as never }, async () =>
        response.end('https://phones.example.com/join/once'),
      )
    await click()
    await click()
    expect(sent).toHaveLength(2)
    minutes = 11
    vi.advanceTimersByTime(11 * 60_000)
    // Whatever the clock says at the next click: what was forgotten is not there any more.
    minutes = 0
    await expect(click()).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(sent).toHaveLength(2)
  } finally {
    vi.useRealTimers()
  }
})

describe('a click that comes twice', () => {
  test('hands a phone out once, and both clicks land on the page with the link', async () => {
    const fields = { ...bo, formKey: await keyIn('/onboard', '/onboard') }
    const answers = await Promise.all([post('/onboard', fields), post('/onboard', fields), post('/onboard', fields)])
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303])
    const places = new Set(answers.map(({ headers }) => headers.location))
    expect(places.size).toBe(1)
    expect((await get([...places].join())).text).toMatch(/\/join\/[A-Za-z0-9_-]{43}/)
    expect(await desk.world.app.employees({})).toHaveLength(1)
    // Sent again by a reload of the page, too.
    expect((await post('/onboard', fields)).headers.location).toBe([...places].join())
  })

  test('makes one new link, one new phone and one token, each shown to both', async () => {
    const { employee } = await onboarded(desk.world, person('Cem', '1202', 'linphone-mobile'))
    const renew = `/people/${employee.id}/new-link`
    const renewal = { mail: 'none', formKey: await keyIn(`/people/${employee.id}/hand-over`, renew) }
    const renewed = await Promise.all([post(renew, renewal), post(renew, renewal)])
    expect(renewed[0]!.headers.location).toBe(renewed[1]!.headers.location)
    expect((await get(String(renewed[0]!.headers.location))).status).toBe(200)

    const add = `/people/${employee.id}/handset`
    const phone = { model: 'linphone-desktop', formKey: await keyIn(add, add) }
    const added = await Promise.all([post(add, phone), post(add, phone)])
    expect(added.map(({ status }) => status)).toEqual([200, 200])
    expect(added[0]!.text).toBe(added[1]!.text)
    expect((await desk.world.app.employee(employee.id)).handsets).toHaveLength(2)

    const old = (await desk.world.app.employee(employee.id)).handsets[0]!.id
    const swap = `/handsets/${old}/replace`
    const replacing = { formKey: await keyIn(swap, swap) }
    const replaced = await Promise.all([post(swap, replacing), post(swap, replacing)])
    expect(replaced[0]!.text).toMatch(/\/join\/[A-Za-z0-9_-]{43}/)
    expect(replaced[1]!.text).toBe(replaced[0]!.text)

    const token = { label: 'HR', role: 'auditor', formKey: await keyIn('/tokens', '/tokens') }
    const made = await Promise.all([post('/tokens', token), post('/tokens', token)])
    expect(made[0]!.text).toBe(made[1]!.text)
    expect((await desk.world.app.tokens()).filter(({ label }) => label === 'HR')).toHaveLength(1)
  })

  test('offboards once, and shows how it goes to both', async () => {
    const { employee } = await onboarded(desk.world, person('Dee', '1203', 'linphone-mobile'))
    const path = `/people/${employee.id}/offboard`
    const fields = { reason: 'left', formKey: await keyIn(path, path) }
    const clicks = await Promise.all([post(path, fields), post(path, fields)])
    expect(clicks.map(({ headers }) => headers.location)).toEqual([path, path])
    const asked = await desk.world.store.auditTrail({ employeeId: employee.id, limit: 100 })
    expect(asked.filter(({ kind }) => kind === 'employee.offboarding-requested')).toHaveLength(1)
  })

  test('is another deed once a field was changed, and may be tried again where nothing was done', async () => {
    const formKey = await keyIn('/onboard', '/onboard')
    const wrong = await post('/onboard', { ...bo, email: 'eve@example.com', formKey })
    // Extension 1201 is in use: refused, so the same key goes on.
    expect(wrong.status).toBe(409)
    const right = await post('/onboard', { ...bo, email: 'eve@example.com', extension: '1204', formKey })
    expect(right.status).toBe(303)
    const next = await post('/onboard', { ...bo, email: 'fay@example.com', extension: '1205', formKey })
    expect(next.headers.location).not.toBe(right.headers.location)
    expect((await desk.world.app.employee('1205')).email).toBe('fay@example.com')
  })

  test('of a page from before the server was started anew is refused: nobody knows whether it was done', async () => {
    const mine = /value="([^"]+)"/.exec(htmlText(formKeyField()))![1]!
    const earlier = `1-1.${mine.split('.').at(-1)}`
    const before = (await desk.world.app.employees({})).length
    const answer = await post('/onboard', { ...bo, email: 'g@example.com', extension: '1206', formKey: earlier })
    expect(answer.status).toBe(409)
    expect(plain(answer.text)).toContain('older than the running Ringfence')
    expect(await desk.world.app.employees({})).toHaveLength(before)
  })
})

test('every form for what cannot be undone or is shown once carries a key, and its route obeys it', async () => {
  const { employee } = await onboarded(desk.world, person('Hal', '1207', 'linphone-mobile'))
  const handset = `/handsets/${employee.handsets[0]!.id}`
  const me = (await desk.world.app.administrators.list())[0]!.id
  const forms: readonly (readonly [page: string, action: string])[] = [
    ['/onboard', '/onboard'],
    [`/people/${employee.id}/hand-over`, `/people/${employee.id}/new-link`],
    [`/people/${employee.id}/handset`, `/people/${employee.id}/handset`],
    [`/people/${employee.id}/offboard`, `/people/${employee.id}/offboard`],
    [`${handset}/link`, `/people/${employee.id}/new-link`],
    [`${handset}/replace`, `${handset}/replace`],
    [`${handset}/back`, `${handset}/back`],
    ['/administrators', '/administrators'],
    [`/administrators/${me}`, `/administrators/${me}/recovery`],
    ['/tokens', '/tokens'],
  ]
  for (const [page, action] of forms) expect(await keyIn(page, action), page).toBeTruthy()
  for (const deed of ['invite', 'offboard']) {
    const preview = await post(`/bulk/${deed}/preview`, { id: employee.id })
    expect(keyOf(preview.text, `/bulk/${deed}`)).toBeTruthy()
  }
  const routes = consoleRoutes(fakeApplication(), { log: desk.world.context.log, door: 'network', version: 'x' })
  const once = routes.filter(({ contract }) => contract.once).map(({ path }) => path)
  expect(once.toSorted()).toEqual(
    [
      '/administrators',
      '/administrators/:id/recovery',
      '/bulk/invite',
      '/bulk/offboard',
      '/bulk/resync',
      '/handsets/:id/back',
      '/handsets/:id/replace',
      '/onboard',
      '/onboard/roster/:id/start',
      '/people/:id/handset',
      '/people/:id/new-link',
      '/people/:id/offboard',
      '/tokens',
    ].toSorted(),
  )
})
