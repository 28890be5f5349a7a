import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import { onboarded, person } from '../journeys/world.ts'
import { formVisitor } from './form-visitor.ts'

let desk: ConsoleWorld
let owner: string
let admin: string
let helpdesk: string
let id: string
beforeAll(async () => {
  desk = await openConsoleWorld({ pbx: 'manual' })
  owner = await desk.signIn('owner')
  admin = await desk.signIn('admin')
  helpdesk = await desk.signIn('helpdesk')
  id = (await onboarded(desk.world, { ...person('<b>Ada</b>', '1001', 'linphone-mobile'), email: 'ada@example.com' }))
    .employee.id
})
afterAll(async () => desk?.[Symbol.asyncDispose]())

const { get, post } = formVisitor(
  () => desk.port,
  () => admin,
)

const plan = {
  site: 'Main site',
  countryCode: '+49',
  internationalPrefix: '00',
  nationalPrefix: '0',
  areaCode: '30',
  outsideLine: '',
  emergencyNumbers: '112, 110',
}
const national = { calls: 'national', countries: '43, 41', callsAtOnce: '2', callsPerHour: '' }

test('before it was said what numbers mean, nobody is given a class, and the way there is shown', async () => {
  const refused = await post(`/people/${id}/calls`, national, admin)
  expect(refused.status).toBe(400)
  expect(refused.text).toContain('nobody has said yet what dialled numbers mean')
  expect(refused.text).toContain('href="/settings#dial-plan"')
  // What was typed stays.
  expect(refused.text).toContain('<option value="national" selected>')
  expect(refused.text).toContain('value="43, 41"')
  const form = { name: 'Bo', email: 'bo@example.com', extension: '1002', model0: 'linphone-mobile', mac0: '' }
  const onboarding = await post('/onboard', { ...form, ...national }, helpdesk)
  expect(onboarding.status).toBe(400)
  expect(onboarding.text).toMatch(/id="calls-said"[^>]*><span>Nobody has said yet/)
  expect(await desk.world.app.employees({})).toHaveLength(1)
})

test('an owner says what numbers mean, with every mistake told beside its field', async () => {
  expect((await get('/settings', owner)).text).toContain('Nobody has said it yet')
  expect((await get('/settings', admin)).text).not.toContain('action="/settings/dial-plan"')
  expect((await post('/settings/dial-plan', plan, admin)).status).toBe(403)
  const wrong = await post('/settings/dial-plan', { ...plan, areaCode: '030', emergencyNumbers: '"><script>' }, owner)
  expect(wrong.status).toBe(400)
  expect(wrong.text).toContain('without it: 30, not 030')
  expect(wrong.text).toContain('is not an emergency number')
  expect(wrong.text).not.toContain('"><script>')
  expect((await desk.world.app.calls.dialPlans())[0]!.plan).toBe(null)
  const said = await post('/settings/dial-plan', plan, owner)
  expect([said.status, said.headers.location]).toEqual([303, '/settings#dial-plan'])
  expect((await desk.world.app.calls.dialPlans())[0]!.plan).toMatchObject({
    countryCode: '49',
    emergencyNumbers: ['110', '112'],
  })
  expect((await get('/settings', admin)).text).toContain('110, 112')
})

test('an admin chooses what somebody may dial; helpdesk sees it and may not', async () => {
  expect((await get(`/people/${id}`, helpdesk)).text).toContain('what the PBX itself allows')
  expect((await get(`/people/${id}`, helpdesk)).text).not.toContain(`/people/${id}/calls`)
  expect((await get(`/people/${id}/calls`, helpdesk)).status).toBe(403)
  expect((await post(`/people/${id}/calls`, national, helpdesk)).status).toBe(403)
  expect((await get(`/people/${id}`, admin)).text).toContain(`href="/people/${id}/calls"`)
  const wrong = await post(`/people/${id}/calls`, { ...national, callsPerHour: 'many' }, admin)
  expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('NaN is not a limit')])
  const chosen = await post(`/people/${id}/calls`, national, admin)
  expect([chosen.status, chosen.headers.location]).toEqual([303, `/people/${id}`])
  await desk.world.app.settled(id, 5_000)
  const page = (await get(`/people/${id}`, admin)).text
  expect(page).toContain('national calls; besides +41, +43; outside calls at most 2 at once')
  expect(page).toContain('id="door-extension"')
  expect(page).toContain('set the outbound permission of extension 1001')
  const form = (await get(`/people/${id}/calls`, admin)).text
  expect(form).toContain('<option value="national" selected>')
  expect(form).not.toContain('<b>Ada')
  await post(`/people/${id}/calls`, { calls: '' }, admin)
  expect((await desk.world.app.employee(id)).calls).toBe(null)
})

test('whoever may onboard may choose for the new person', async () => {
  const form = { name: 'Bo', email: 'bo@example.com', extension: '1002', model0: 'linphone-mobile', mac0: '' }
  expect((await post('/onboard', { ...form, ...national }, helpdesk)).status).toBe(303)
  expect((await desk.world.app.employee('1002')).calls).toMatchObject({ class: 'national', callsAtOnce: 2 })
})
