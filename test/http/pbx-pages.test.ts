import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { manualDriver } from '../../src/pbx/manual.ts'
import { fakeEdge } from '../fakes/fake-edge.ts'
import { type FakePbx, fakePbx } from '../fakes/fake-pbx.ts'
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import { mia, person } from '../journeys/world.ts'
import { formVisitor, plain } from './form-visitor.ts'

let desk: ConsoleWorld
let branch: FakePbx
let helpdesk: string
let admin: string
beforeAll(async () => {
  branch = fakePbx({ revocationLists: 'enforced' })
  const env = {
    RINGFENCE_PBX_NAME: 'office',
    RINGFENCE_PBX2: 'manual',
    RINGFENCE_PBX2_NAME: 'branch',
    RINGFENCE_PBX2_SITE: 'Branch <office>',
    RINGFENCE_PBX2_ADDRESS: '10.90.1.2',
  }
  desk = await openConsoleWorld({ env, morePbxs: { branch } })
  helpdesk = await desk.signIn('helpdesk')
  admin = await desk.signIn('admin')
})
afterAll(() => desk?.[Symbol.asyncDispose]())

const { get, post } = formVisitor(
  () => desk.port,
  () => helpdesk,
)
const bo = { name: 'Bo Berg', email: 'bo@example.com', model0: 'linphone-mobile', mac0: '', mail: 'none' }

describe('the pages of several PBXs', () => {
  test('tell what each can and cannot do, and whose site it is', async () => {
    const { text } = await get('/pbxs')
    const [, office = '', rest = ''] = text.split('<section')
    expect(office).toMatch(/It cannot[\s\S]*refuse revoked certificates/)
    expect(rest).toMatch(/It can<[\s\S]*refuse revoked certificates[\s\S]*It cannot/)
    expect(rest).toContain('Branch &lt;office&gt;')
  })

  test('let the onboarding form choose, and say where somebody cannot be put', async () => {
    expect((await get('/onboard')).text).toMatch(/<select id="pbx"[\s\S]*value="office"[\s\S]*value="branch"/)
    const refused = await post('/onboard', { ...bo, extension: '1001', pbx: 'paris' })
    expect(refused.status).toBe(400)
    expect(refused.text).toMatch(/id="pbx-said"[^>]*><span>&quot;paris&quot; is not a PBX here: one of office, branch/)
    const typing = await post('/onboard/check', { ...bo, extension: '1001', pbx: 'paris' })
    expect(typing.text).toMatch(/id="pbx-said"[^>]*hx-swap-oob="true"><span>&quot;paris&quot; is not a PBX/)
    expect((await post('/onboard/check', { ...bo, extension: '1001' })).text).not.toContain('pbx-said')
    expect((await post('/onboard', { ...bo, extension: '1001', pbx: 'branch' })).status).toBe(303)
    expect((await desk.world.app.employee('bo@example.com')).pbx).toBe('branch')
    expect((await get('/people?site=branch-office')).text).toContain('Bo Berg')
    expect((await get('/people?site=default')).text).not.toContain('Bo Berg')
  })

  test('list what was there before, touch nothing, and fill in the form for taking it over', async () => {
    branch.addForeign('2001')
    const before = branch.snapshot()
    const page = await get('/pbxs/branch/existing', admin)
    expect(branch.snapshot()).toBe(before)
    const href = /href="(\/onboard\?[^"]*extension=2001[^"]*)"/.exec(page.text)![1]!.replaceAll('&amp;', '&')
    const form = (await get(href, admin)).text
    expect(form).toMatch(/<input id="extension" name="extension" value="2001"/)
    expect(form).toMatch(/value="branch" selected/)
    expect(form).toMatch(/name="adopt" value="yes" checked/)
    expect(branch.snapshot()).toBe(before)
    const ada = { ...bo, name: 'Ada Byron', email: 'ada@example.com', pbx: 'branch', adopt: 'yes' }
    const absent = await post('/onboard', { ...ada, extension: '2002' }, admin)
    expect(absent.status).toBe(409)
    expect(absent.text).toContain('has no extension 2002 that Ringfence did not make')
    expect((await post('/onboard', { ...ada, extension: '2001' })).status).toBe(403)
    expect(branch.snapshot()).toBe(before)
    expect((await post('/onboard', { ...ada, extension: '2001' }, admin)).status).toBe(303)
    await desk.world.loop.idle()
    expect(JSON.parse(branch.snapshot()).foreign).toEqual([])
  })

  test('show an auditor and the help desk what there is, and no way to take anything over', async () => {
    for (const cookie of [await desk.signIn('auditor'), helpdesk]) {
      const page = await get('/pbxs', cookie)
      expect([page.status, page.text.includes('/existing')]).toEqual([200, false])
      expect((await get('/pbxs/branch/existing', cookie)).status).toBe(403)
    }
    expect((await get('/pbxs/paris/existing', admin)).status).toBe(400)
  })
})

test('an edge in front is named with what is its doing and not that of the PBX behind it', async () => {
  await using behind = await openConsoleWorld({
    edge: fakeEdge(),
    morePbxs: { branch: fakePbx({ revocationLists: 'enforced' }) },
    env: { RINGFENCE_PBX2: 'manual', RINGFENCE_PBX2_NAME: 'branch', RINGFENCE_PBX2_ADDRESS: '10.90.1.2' },
  })
  const cookie = await behind.signIn('auditor')
  const visitor = formVisitor(
    () => behind.port,
    () => cookie,
  )
  const [, first = '', branch = ''] = (await visitor.get('/pbxs')).text.split('<section')
  const { edge } = behind.world.config.pbxs[0]!
  expect(plain(first)).toContain(`Edge in front ${edge!.address}`)
  expect(plain(first)).toContain(`${edge!.host} the edge’s`)
  const byEdge = [...first.matchAll(/<li>([^<]*?) ?<small>by the edge in front/g)].map(([, words]) => words)
  expect(byEdge).toEqual(['demand client certificates', 'refuse revoked certificates', 'enforce call classes'])
  expect(branch).toContain('refuse revoked certificates')
  expect(branch).not.toMatch(/by the edge|Edge in front/)
})

describe('the steps of a PBX that is operated by hand', () => {
  let byHand: ConsoleWorld
  let cookie: string
  beforeAll(async () => {
    const env = {
      RINGFENCE_PBX_NAME: 'office',
      RINGFENCE_PBX2: 'manual',
      RINGFENCE_PBX2_NAME: 'branch',
      RINGFENCE_PBX2_SITE: 'Branch <office>',
      RINGFENCE_PBX2_ADDRESS: '10.90.1.2',
    }
    byHand = await openConsoleWorld({
      env,
      morePbxs: { branch: { driver: manualDriver({ name: 'the PBX', realm: 'asterisk' }) } },
    })
    cookie = await byHand.signIn('admin')
    await byHand.world.app.onboard({ ...person('Bo Berg', '1001', 'linphone-mobile'), pbx: 'branch' }, mia)
    await byHand.world.loop.idle()
  })
  afterAll(() => byHand?.[Symbol.asyncDispose]())
  const page = formVisitor(
    () => byHand.port,
    () => cookie,
  )

  test('are one click away from the first page and from the PBXs', async () => {
    for (const path of ['/', '/pbxs']) expect((await page.get(path)).text).toContain('href="/steps"')
    expect((await page.get('/steps')).text).toMatch(/aria-label="Where you are"[\s\S]*href="\/">Today/)
  })

  test('say in the list and on the sheet on which PBX, at which site and address, they are to be done', async () => {
    const list = plain((await page.get('/steps')).text)
    expect(list).toContain('1001@branch · branch, Branch <office>, 10.90.1.2')
    const { id } = await byHand.world.app.employee('bo@example.com')
    const sheet = (await page.get(`/people/${id}/steps`)).text
    expect(sheet).toContain('PBX <strong>branch, Branch &lt;office&gt;, 10.90.1.2</strong>')
    expect(sheet).toContain('<code>ringfence secret 1001@branch</code>')
    await byHand.world.app.offboard(id, null, mia)
    await byHand.world.loop.idle()
    expect(plain((await page.get('/')).text)).toContain('Bo Berg 1001@branch')
    // The words that are ticked are those that were read.
    const closing = (await page.get(`/people/${id}/steps`)).text
    const [, shown] = /name="shown" value="([0-9a-f]+)"/.exec(closing)!
    const [, subjectId] = /name="subjectId" value="([^"]+)"/.exec(closing)!
    const form = { system: 'sip-account', subjectId: subjectId!, shown: shown! }
    expect((await page.post(`/people/${id}/tick`, { ...form, shown: '0'.repeat(16) })).status).toBe(409)
    expect((await page.post(`/people/${id}/tick`, form)).status).toBe(303)
    expect((await byHand.world.app.employee(id)).lifecycle).toBe('offboarded')
    expect(plain((await page.get(`/people/${id}/leaver-file`)).text)).toContain(
      'PBX branch, Branch <office>, 10.90.1.2',
    )
  })
})
