import { describe, expect, test } from 'vitest'
import { furnishOffice } from '../journeys/handset-office.ts'
import { mia, onboarded, onboardNext, person } from '../journeys/world.ts'
import { consoleOfFile } from './console-desk.ts'
import { namesIn, plain } from './form-visitor.ts'
import type { Answer } from './http-client.ts'

const { desk, get, post } = consoleOfFile(['admin'])

const somebody = (name: string, model?: string) => onboardNext(desk.world, name, model)

describe('several people at once', () => {
  test('the preview names exactly who is hit, and more than one needs the words typed', async () => {
    const [ada, bo, che] = [await somebody('Ada Bulk'), await somebody('Bo Bulk'), await somebody('Che Bulk')]
    const preview = await post('/bulk/offboard/preview', { id: [ada.id, bo.id] })
    expect(namesIn(preview)).toEqual(['Ada Bulk', 'Bo Bulk'])
    expect(preview.text).toContain('offboard 2 people')

    const without = await post('/bulk/offboard', { id: [ada.id, bo.id], confirm: 'offboard 3 people' })
    expect(without.status).toBe(400)
    expect((await desk.world.app.employee(ada.id)).lifecycle).toBe('active')

    await post('/bulk/offboard', { id: [ada.id, bo.id], confirm: 'offboard 2 people', reason: 'site closed' })
    expect((await desk.world.app.employee(ada.id)).lifecycle).not.toBe('active')
    expect((await desk.world.app.employee(bo.id)).lifecycle).not.toBe('active')
    expect((await desk.world.app.employee(che.id)).lifecycle).toBe('active')
    expect((await desk.world.app.report(bo.id)).reason).toBe('site closed')
  })

  test('nobody chosen, or somebody who is gone, and nobody is touched', async () => {
    expect((await post('/bulk/offboard', {})).status).toBe(400)
    const ada = await somebody('Ada Gone')
    expect((await post('/bulk/offboard', { id: [ada.id, 'nobody'], confirm: 'offboard 2 people' })).status).toBe(404)
    expect((await desk.world.app.employee(ada.id)).lifecycle).toBe('active')
  })

  test('all that match a filter are meant, on every page, and who comes to match after the preview is not', async () => {
    const csv = [
      'name,email,extension,model,mac',
      ...Array.from({ length: 130 }, (_, n) => `Frozen ${n},frozen${n}@example.com,${6000 + n},linphone-mobile,`),
    ].join('\n')
    const run = await desk.world.app.importRoster(Buffer.from(csv), mia)
    await expect.poll(async () => (await desk.world.app.importRun(run.id)).finished, { timeout: 25_000 }).toBe(true)
    expect((await get('/people')).text).not.toContain('on every page')
    const list = await get('/people?q=frozen')
    expect(list.text).toContain('All 130 that match this filter, on every page')
    expect(list.text).toContain('name="filter" value="?q=frozen"')

    const preview = await post('/bulk/offboard/preview', { which: 'all', filter: '?q=frozen&sort=extension' })
    expect(preview.text).toContain('Offboard 130 people?')
    const frozen = /name="id" value="([^"]*)"/.exec(preview.text)![1]!
    expect(frozen.split(',')).toHaveLength(130)
    const late = await somebody('Frozen Late')
    // From page to page the same people: the form carries them.
    const second = await post('/bulk/offboard/preview', { id: frozen, filter: '?q=frozen', page: '2', reason: 'kept' })
    expect(second.text).toContain('value="kept"')
    const names = [...namesIn(preview), ...namesIn(second)]
    expect(names).toHaveLength(130)
    expect(new Set(names).size).toBe(130)
    expect(names).not.toContain('Frozen Late')
    expect(/name="id" value="([^"]*)"/.exec(second.text)![1]).toBe(frozen)

    const done = await post('/bulk/offboard', { id: frozen, confirm: 'offboard 130 people' })
    expect(done.status).toBe(200)
    const { total } = await desk.world.app.people.page({ search: 'frozen', state: 'active', limit: 0 })
    expect(total).toBe(1)
    expect((await desk.world.app.employee(late.id)).lifecycle).toBe('active')
  }, 60_000)

  test('more than may be meant at once is refused, never cut off, and a filter of leavers means nobody', async () => {
    const filter = '?q=frozen&state=offboarding'
    expect((await post('/bulk/offboard/preview', { which: 'all', filter })).status).toBe(400)
    expect((await post('/bulk/invite/preview', { which: 'all', filter: '?q=nobody-is-called-so' })).status).toBe(400)
    const many = Array.from({ length: 501 }, (_, n) => `id-${n}`).join(',')
    const refused = await post('/bulk/offboard', { id: many, confirm: 'offboard 501 people' })
    expect(refused.status).toBe(413)
    expect(refused.text).toContain('501 people are more than 500 at once')
  })

  test('new links: who is leaving gets none, and the others get theirs', async () => {
    const [ada, bo] = [await somebody('Ada Links'), await somebody('Bo Links')]
    await desk.world.app.offboard(bo.id, null, mia)
    const { text } = await post('/bulk/invite', { id: [ada.id, bo.id] })
    expect(text.match(/https:\/\/phones\.example\.com\/join\/[A-Za-z0-9_-]{43}/g)).toHaveLength(1)
    expect(namesIn({ text } as Answer)).toEqual(['Ada Links', 'Bo Links'])
  })
})

describe('several handsets at once', () => {
  test('several are told to fetch their files after a page that names exactly who', async () => {
    const office = await furnishOffice(desk.world)
    const preview = await post('/bulk/resync/preview', { which: 'chosen', id: [office.desk, office.gone] })
    // Whoever was taken back has nothing to fetch.
    expect(plain(preview.text)).toMatch(/Have 1 handset fetch.*Yealink T54W: 1.*Ada Byron/)
    const before = await resyncs()
    // All that match a filter are frozen by the preview: whoever comes to match later is not meant.
    const all = await post('/bulk/resync/preview', { which: 'all', filter: '?model=yealink-t54w' })
    const id = /name="id" value="([^"]*)"/.exec(all.text)![1]!
    expect(id).toBe(office.desk)
    await onboarded(desk.world, person('Late Comer', '1055', 'yealink-t54w=805ec0aabb55'))
    expect(plain((await post('/bulk/resync', { id, which: 'all', filter: '?model=yealink-t54w' })).text)).toContain(
      '1 handset is on the way',
    )
    await desk.world.resyncs.idle()
    expect(await resyncs()).toBe(before + 1)
    expect((await post('/bulk/resync/preview', { which: 'chosen' })).status).toBe(400)
  })
})

async function resyncs(): Promise<number> {
  return (await desk.world.app.records.audit({ kind: 'handset.resync-asked', limit: 1_000 })).events.length
}
