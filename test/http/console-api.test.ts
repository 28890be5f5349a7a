import { describe, expect, test } from 'vitest'
import { consoleRoutes } from '../../src/http/console.ts'
import { apiOfFile, type ApiBody as Body } from './api-caller.ts'
import { ada } from './doors.ts'

const api = apiOfFile()
const { call } = api

describe('the API', () => {
  test('a person is onboarded, seen, given and taken things, offboarded, reported and erased', async () => {
    const onboarded = await call('POST', '/api/v1/employees', ada)
    const body = onboarded.json as Body
    expect(onboarded.status).toBe(201)
    expect(onboarded.headers.location).toBe(`/api/v1/employees/${body.id}`)
    expect(body.invite.url).toMatch(/\/join\/[A-Za-z0-9_-]{43}$/)
    expect(body.handsets[0]!.provisioningUrl).toMatch(/\/p\/[A-Za-z0-9_-]{43}\/$/)
    expect(body.warnings).toEqual([])

    for (const who of [body.id, 'ada@example.com', '1001']) {
      const seen = await call('GET', `/api/v1/employees/${encodeURIComponent(who)}`)
      expect(seen.json).toMatchObject({ id: body.id })
      // Only the creation carries the bearer secrets.
      expect(seen.text).not.toMatch(/"invite"|\/join\/|provisioningUrl/)
    }
    expect((await call('GET', '/api/v1/employees?lifecycle=offboarded')).json).toEqual({ items: [] })
    expect((await call('GET', '/api/v1/employees?lifecycle=active')).json).toMatchObject({ items: [{ id: body.id }] })

    expect(
      (await call('POST', `/api/v1/employees/${body.id}/handsets`, { model: 'yealink-t54w', mac: '805ec0112233' }))
        .status,
    ).toBe(201)
    expect((await call('DELETE', `/api/v1/handsets/${body.handsets[0]!.id}`)).status).toBe(200)
    const handset = `/api/v1/handsets/${body.handsets[0]!.id}`
    expect((await call('POST', `${handset}/resync`)).json).toMatchObject({ outcome: 'told' })
    expect((await call('POST', `${handset}/passwords`)).json).toEqual({
      admin: 'an-admin-password-of-the-tests',
      user: null,
      generation: 1,
    })
    expect(api.doors.application.deeds.at(-1)!.deed).toBe('showPhonePasswords')
    expect((await call('POST', `${handset}/blank`)).json).toMatchObject({
      employee: { id: body.id },
      words: 'it is blanked at its next fetch',
    })
    expect((await call('POST', `/api/v1/employees/${body.id}/invites`)).status).toBe(201)
    expect((await call('POST', `/api/v1/employees/${body.id}/invites`, { mail: 'de' })).status).toBe(201)
    expect((await call('POST', `/api/v1/employees/${body.id}/invites`, { mail: 'xx' })).status).toBe(400)
    const { items: mails } = (await call('GET', `/api/v1/employees/${body.id}/mails`)).json as {
      items: { id: string }[]
    }
    expect(mails).toMatchObject([{ state: 'queued', recipient: 'ada@example.com', attempts: 0 }])
    expect((await call('POST', `/api/v1/mails/${mails[0]!.id}/retry`)).json).toMatchObject({ state: 'queued' })
    expect((await call('POST', `/api/v1/mails/${mails[0]!.id}/cancel`)).json).toMatchObject({ state: 'cancelled' })
    expect((await call('POST', `/api/v1/mails/${mails[0]!.id}/cancel`)).status).toBe(409)
    expect((await call('GET', '/api/v1/mail')).json).toMatchObject({ settings: { language: 'en' } })
    expect((await call('POST', '/api/v1/mail/test', { address: 'me@example.com' })).json).toMatchObject({
      durationMs: 40,
    })
    const key = `${'B'.repeat(42)}A=`
    expect((await call('POST', `/api/v1/employees/${body.id}/gateway-key`, { publicKey: key })).status).toBe(200)
    expect(api.doors.application.deeds.at(-1)!.deed).toBe(`setGatewayKey:${key}`)
    expect((await call('GET', `/api/v1/employees/${body.id}/access`)).json).toMatchObject({
      items: [{ system: 'tunnel', verdict: 'converged' }, {}, {}, {}, {}, {}],
    })

    const shown = await call('POST', `/api/v1/employees/${body.id}/sip-secrets`)
    expect(shown.json).toEqual({
      items: [{ extension: '1001', username: '1001', generation: 1, secret: 'a-sip-secret-of-the-tests' }],
    })
    expect(api.doors.application.deeds.at(-1)!.deed).toBe('showSecrets')

    const leaving = `/api/v1/employees/${body.id}/leaving`
    const ahead = { at: '2027-01-31T17:00:00+01:00', reason: 'end of contract' }
    expect((await call('POST', leaving, ahead)).json).toMatchObject({ state: 'set', reason: 'end of contract' })
    expect((await call('POST', leaving, { at: 'tomorrow' })).json).toMatchObject({ code: 'INVALID_INPUT' })
    expect((await call('GET', leaving)).json).toMatchObject({ leaving: { employeeId: body.id } })
    expect((await call('DELETE', leaving)).json).toMatchObject({ state: 'cancelled' })
    expect((await call('GET', leaving)).json).toEqual({ leaving: null })
    const files = `/api/v1/handsets/${body.handsets[0]!.id}/files`
    const listed = (await call('GET', files)).json as { items: { fileName: string; differs: boolean }[] }
    const { fileName } = listed.items[0]!
    expect((await call('GET', `${files}/${fileName}/preview`)).json).toMatchObject({ fileName, differs: true })
    expect((await call('GET', `${files}/nothing/preview`)).status).toBe(404)
    const dry = await call('POST', '/api/v1/templates/reload?dryRun=true')
    expect(dry.json).toMatchObject({ dryRun: true, changes: [{ files: [fileName] }, {}] })
    expect((await call('POST', '/api/v1/templates/reload?dryRun=perhaps')).status).toBe(400)
    expect(api.doors.application.deeds.at(-1)!.deed).toBe('reloadTemplates:dry run')

    api.doors.application.closing = { 'sip-account': 'waiting' }
    const click = await call('POST', `/api/v1/employees/${body.id}/offboard`, { reason: 'left' }, { prefer: 'wait=5' })
    expect(click.status).toBe(202)
    expect(click.headers['preference-applied']).toBe('wait=5')
    expect(click.json).toMatchObject({ lifecycle: 'offboarding' })
    expect(api.doors.application.deeds.at(-1)!.deed).toBe('offboard:left')
    expect((await call('GET', `/api/v1/employees/${body.id}/report`)).json).toMatchObject({ complete: false })
    expect((await call('DELETE', `/api/v1/employees/${body.id}`)).status).toBe(409)
    const tick = `/api/v1/employees/${body.id}/access/sip-account/acknowledge`
    expect((await call('POST', tick, { problem: 'what it said an hour ago' })).status).toBe(409)
    expect((await call('POST', tick)).json).toMatchObject({
      id: body.id,
    })

    api.doors.application.closing = {}
    const leaver = (await call('POST', '/api/v1/employees', { ...ada, extension: '1002' })).json as Body
    await call('POST', `/api/v1/employees/${leaver.id}/offboard`)
    expect((await call('DELETE', `/api/v1/employees/${leaver.id}`)).json).toEqual({ id: leaver.id, erased: true })
    expect((await call('GET', `/api/v1/employees/${leaver.id}`)).status).toBe(404)
  })

  test('rosters, tokens, models, doctor and health answer in the declared shapes', async () => {
    const csv = { 'content-type': 'text/csv; charset=utf-8' }
    const run = (
      await call(
        'POST',
        '/api/v1/imports',
        'name,email,extension,model,mac\nBo,bo@example.com,1003,linphone-mobile,\n',
        csv,
      )
    ).json as { id: string }
    expect((await call('GET', `/api/v1/imports/${run.id}`)).json).toMatchObject({ done: 1, finished: true })
    const bad = await call('POST', '/api/v1/imports', 'name,email\nBo,bo@example.com\n', csv)
    expect(bad.json).toMatchObject({ code: 'INVALID_INPUT', problems: [{ row: 2 }] })

    const made = (await call('POST', '/api/v1/tokens', { label: 'script', role: 'auditor' })).json as {
      id: string
      token: string
    }
    const list = await call('GET', '/api/v1/tokens')
    expect(list.text).toContain(made.id)
    expect(list.text).not.toContain(made.token)
    expect((await call('DELETE', `/api/v1/tokens/${made.id}`)).json).toMatchObject({ role: 'auditor' })

    expect((await call('GET', '/api/v1/models')).json).toMatchObject({ items: [{ id: 'linphone-mobile' }, {}, {}, {}] })
    expect((await call('GET', '/api/v1/steps')).json).toMatchObject({ items: expect.any(Array) })
    expect((await call('GET', '/api/v1/doctor')).status).toBe(200)
    expect((await call('GET', '/healthz')).json).toEqual({ status: 'ok' })
    const metrics = await call('GET', '/metrics')
    expect(metrics.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
  })

  test('an administrator is invited, listed without the link, brought back, given another role and disabled', async () => {
    const at = '/api/v1/administrators'
    const made = await call('POST', at, { name: 'Ivo', email: 'ivo@example.com', role: 'helpdesk' })
    expect(made.json).toMatchObject({ role: 'helpdesk', setupUrl: expect.stringMatching(/\/setup\/[a-z]{43}$/) })
    expect((await call('GET', at)).text).not.toContain('/setup/')
    expect((await call('POST', `${at}/ivo@example.com/recovery`)).json).toMatchObject({ email: 'ivo@example.com' })
    expect((await call('POST', `${at}/ivo@example.com/role`, { role: 'auditor' })).json).toMatchObject({
      role: 'auditor',
    })
    expect((await call('POST', `${at}/ivo@example.com/role`, { role: 'king' })).status).toBe(400)
    expect((await call('DELETE', `${at}/ivo@example.com`)).json).toMatchObject({ disabledAt: expect.any(String) })
    expect((await call('DELETE', `${at}/ivo@example.com`)).status).toBe(404)
  })

  test("what phones' files say is set, looked at, and taken away again", async () => {
    const { handsets } = (
      await call('POST', '/api/v1/employees', { ...ada, email: 'p@example.com', extension: '1077' })
    ).json as Body
    const label = JSON.stringify({ value: 'Front desk' })
    for (const place of ['site/default', 'model/yealink-t54w', `handset/${handsets[0]!.id}`]) {
      expect((await call('PUT', `/api/v1/phone-settings/${place}/label`, label)).json).toMatchObject({
        layer: place.split('/')[0],
        value: 'Front desk',
      })
    }
    expect((await call('GET', '/api/v1/phone-settings')).json).toMatchObject({ items: [{}, {}, {}] })
    expect((await call('GET', `/api/v1/handsets/${handsets[0]!.id}/settings`)).json).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ name: 'label', layer: 'handset' })]),
    })
    expect((await call('GET', '/api/v1/handsets/nobody/settings')).status).toBe(404)
    expect((await call('PUT', '/api/v1/phone-settings/site/default/colour', label)).status).toBe(400)
    expect((await call('PUT', '/api/v1/phone-settings/galaxy/default/label', label)).status).toBe(404)
    for (const place of ['site/default', 'model/yealink-t54w', `handset/${handsets[0]!.id}`])
      expect((await call('DELETE', `/api/v1/phone-settings/${place}/label`)).status).toBe(200)
    expect((await call('DELETE', '/api/v1/phone-settings/site/default/label')).status).toBe(404)
  })

  test('the PBXs are listed with what they can do, and what is on one that Ringfence did not make', async () => {
    expect((await call('GET', '/api/v1/pbxs')).json).toMatchObject({
      items: [
        { name: 'default', abilities: { readBack: true }, can: expect.arrayContaining(['end calls']) },
        { name: 'branch', site: 'Branch <office>', cannot: expect.arrayContaining(['refuse revoked certificates']) },
      ],
    })
    expect((await call('GET', '/api/v1/pbxs/branch/existing')).json).toMatchObject({
      pbx: 'branch',
      items: [
        { extension: '2001', obstacle: null },
        { extension: '2002', obstacle: 'it is a fax line' },
      ],
    })
    expect((await call('GET', '/api/v1/pbxs/paris/existing')).status).toBe(400)
    const made = await call('POST', '/api/v1/employees', {
      ...ada,
      email: 'branch@example.com',
      extension: '1078',
      pbx: 'branch',
    })
    expect(made.json).toMatchObject({ pbx: 'branch' })
    expect((await call('POST', '/api/v1/employees', { ...ada, adopt: 'perhaps' })).status).toBe(400)
  })

  test('what people may dial is chosen once it was said what numbers mean', async () => {
    const plan = { countryCode: '49', internationalPrefix: '00', nationalPrefix: '0', emergencyNumbers: ['112'] }
    const calls = { class: 'national', countries: ['43'], callsAtOnce: 2 }
    const person = { ...ada, email: 'q@example.com', extension: '1088' }
    expect((await call('POST', '/api/v1/employees', { ...person, calls })).json).toMatchObject({
      code: 'INVALID_INPUT',
      hint: expect.stringContaining('ringfence dial-plan set'),
      problems: [{ field: 'calls' }],
    })
    expect((await call('GET', '/api/v1/dial-plans')).json).toMatchObject({ items: [{ plan: null }] })
    expect((await call('PUT', '/api/v1/dial-plan', { ...plan, emergencyNumbers: [] })).json).toMatchObject({
      problems: [{ field: 'emergencyNumbers' }],
    })
    expect((await call('PUT', '/api/v1/dial-plan', { ...plan, country: '49' })).status).toBe(400)
    expect((await call('PUT', '/api/v1/dial-plan', plan)).json).toMatchObject({ plan: { areaCode: null } })
    expect((await call('POST', '/api/v1/employees', { ...person, calls })).json).toMatchObject({ calls })
    expect((await call('PUT', '/api/v1/employees/1078/calls', { calls: { class: 'moon' } })).status).toBe(400)
    expect((await call('PUT', '/api/v1/employees/1078/calls', {})).status).toBe(400)
    expect((await call('PUT', '/api/v1/employees/1078/calls', { calls: { class: 'local' } })).json).toMatchObject({
      calls: { class: 'local', countries: [], callsAtOnce: null },
    })
    expect((await call('PUT', '/api/v1/employees/1078/calls', { calls: null })).json).toMatchObject({ calls: null })
  })

  test('every JSON answer of the API was held against its declaration', () => {
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const declared = consoleRoutes(api.doors.application, { log, door: 'network', version: '0' }).filter(
      ({ contract }) => typeof contract.answer !== 'string',
    )
    expect([...api.covered].sort()).toEqual(declared.map(({ method, path }) => `${method} ${path}`).sort())
  })

  test('a refusal says what, why and what to do next, and lists every problem', async () => {
    const twice = await call('POST', '/api/v1/employees', { ...ada, extension: 'abc' })
    expect(twice.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(twice.json).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'this employee cannot be onboarded',
      code: 'INVALID_INPUT',
      hint: 'correct it and try again',
      problems: [
        { field: 'extension', message: '"abc" is not an extension', hint: 'use 2 to 15 digits, such as 1001' },
      ],
    })
    expect((await call('POST', '/api/v1/employees', { ...ada, extra: 1, handsets: [{ mac: 1 }] })).json).toMatchObject({
      code: 'INVALID_INPUT',
      problems: [
        { field: 'handsets.0.model' },
        { field: 'handsets.0.mac' },
        { message: expect.stringContaining('extra') },
      ],
    })
  })

  test('a failure of our own tells a stranger nothing and the log everything', async () => {
    api.doors.application.failure = new Error('the-inner-reason')
    const answer = await call('POST', '/api/v1/employees', { ...ada, extension: '1999' })
    api.doors.application.failure = null
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('the-inner-reason')
    expect(api.doors.logged()).toContain('the-inner-reason')
  })

  test('a wait that is asked for is over when it is over, whatever still retries', async () => {
    api.doors.application.closing = { tunnel: 'retrying' }
    const { id } = (await call('POST', '/api/v1/employees', { ...ada, extension: '1004' })).json as Body
    const short = await call('POST', `/api/v1/employees/${id}/offboard`, undefined, { prefer: 'respond-async, wait=1' })
    expect(short.headers['preference-applied']).toBe('wait=1')
    expect(short.json).toMatchObject({ lifecycle: 'offboarding' })
    api.doors.application.closing = {}
  })
})
