import { beforeAll, expect, test } from 'vitest'
import { onboarded, person } from '../journeys/world.ts'
import { consoleOfFile } from './console-desk.ts'

const { desk, get, post, as } = consoleOfFile(['admin', 'owner', 'helpdesk'], () => ({ pbx: 'manual' }))
let id: string
beforeAll(async () => {
  const ada = { ...person('<b>Ada</b>', '1001', 'linphone-mobile'), email: 'ada@example.com' }
  id = (await onboarded(desk.world, ada)).employee.id
})

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
  const refused = await post(`/people/${id}/calls`, national, as('admin'))
  expect(refused.status).toBe(400)
  expect(refused.text).toContain('nobody has said yet what dialled numbers mean')
  expect(refused.text).toContain('href="/settings#dial-plan"')
  // What was typed stays.
  expect(refused.text).toContain('<option value="national" selected>')
  expect(refused.text).toContain('value="43, 41"')
  const form = { name: 'Bo', email: 'bo@example.com', extension: '1002', model0: 'linphone-mobile', mac0: '' }
  const onboarding = await post('/onboard', { ...form, ...national }, as('helpdesk'))
  expect(onboarding.status).toBe(400)
  expect(onboarding.text).toMatch(/id="calls-said"[^>]*><span>Nobody has said yet/)
  expect(await desk.world.app.employees({})).toHaveLength(1)
})

test('an owner says what numbers mean, with every mistake told beside its field', async () => {
  expect((await get('/settings', as('owner'))).text).toContain('Nobody has said it yet')
  expect((await get('/settings', as('admin'))).text).not.toContain('action="/settings/dial-plan"')
  expect((await post('/settings/dial-plan', plan, as('admin'))).status).toBe(403)
  const wrong = await post(
    '/settings/dial-plan',
    { ...plan, areaCode: '030', emergencyNumbers: '"><script>' },
    as('owner'),
  )
  expect(wrong.status).toBe(400)
  expect(wrong.text).toContain('without it: 30, not 030')
  expect(wrong.text).toContain('is not an emergency number')
  expect(wrong.text).not.toContain('"><script>')
  expect((await desk.world.app.calls.dialPlans())[0]!.plan).toBe(null)
  const said = await post('/settings/dial-plan', plan, as('owner'))
  expect([said.status, said.headers.location]).toEqual([303, '/settings#dial-plan'])
  expect((await desk.world.app.calls.dialPlans())[0]!.plan).toMatchObject({
    countryCode: '49',
    emergencyNumbers: ['110', '112'],
  })
  expect((await get('/settings', as('admin'))).text).toContain('110, 112')
})

test('an admin chooses what somebody may dial; helpdesk sees it and may not', async () => {
  expect((await get(`/people/${id}`, as('helpdesk'))).text).toContain('what the PBX itself allows')
  expect((await get(`/people/${id}`, as('helpdesk'))).text).not.toContain(`/people/${id}/calls`)
  expect((await get(`/people/${id}/calls`, as('helpdesk'))).status).toBe(403)
  expect((await post(`/people/${id}/calls`, national, as('helpdesk'))).status).toBe(403)
  expect((await get(`/people/${id}`, as('admin'))).text).toContain(`href="/people/${id}/calls"`)
  const wrong = await post(`/people/${id}/calls`, { ...national, callsPerHour: 'many' }, as('admin'))
  expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining('NaN is not a limit')])
  const chosen = await post(`/people/${id}/calls`, national, as('admin'))
  expect([chosen.status, chosen.headers.location]).toEqual([303, `/people/${id}`])
  await desk.world.app.settled(id, 5_000)
  const page = (await get(`/people/${id}`, as('admin'))).text
  expect(page).toContain('national calls; besides +41, +43; outside calls at most 2 at once')
  expect(page).toContain('id="door-extension"')
  expect(page).toContain('set the outbound permission of extension 1001')
  const form = (await get(`/people/${id}/calls`, as('admin'))).text
  expect(form).toContain('<option value="national" selected>')
  expect(form).not.toContain('<b>Ada')
  await post(`/people/${id}/calls`, { calls: '' }, as('admin'))
  expect((await desk.world.app.employee(id)).calls).toBe(null)
})

test('whoever may onboard may choose for the new person', async () => {
  const form = { name: 'Bo', email: 'bo@example.com', extension: '1002', model0: 'linphone-mobile', mac0: '' }
  expect((await post('/onboard', { ...form, ...national }, as('helpdesk'))).status).toBe(303)
  expect((await desk.world.app.employee('1002')).calls).toMatchObject({ class: 'national', callsAtOnce: 2 })
})
