import { describe, expect, test } from 'vitest'
import { handsetOf, mia, offboarded, onboarded, openWorld, person, steadyUrl, type World } from './world.ts'

const mac = '805ec0aabb01'
const good = `Yealink SIP-T54W 96.86.0.100 ${mac}`

async function fetchAs(
  world: World,
  url: string,
  fileName: string,
  userAgent: string | null,
  method = 'GET',
  etag: string | null = null,
) {
  return world.app.serveFile({
    token: url.split('/').filter(Boolean).at(-1)!,
    fileName,
    remoteAddress: '203.0.113.7',
    userAgent,
    ifNoneMatch: etag,
    method: method as 'GET' | 'HEAD',
  })
}

async function withPhone(world: World) {
  const { employee } = await onboarded(world, person('Ben Li', '1002', `yealink-t54w=${mac}`))
  const { id } = employee.handsets[0]!
  return { employeeId: employee.id, id, url: await steadyUrl(world, id) }
}

async function viewOf(world: World, id: string) {
  await world.door.flush()
  const people = await world.app.employees({})
  return people.flatMap(({ handsets }) => handsets).find((handset) => handset.id === id)!
}

async function events(world: World, employeeId: string, kind: string) {
  await world.door.flush()
  const trail = await world.store.auditTrail({ employeeId, limit: 1_000 })
  return trail.filter((event) => event.kind === kind).map(({ detail }) => JSON.parse(detail!))
}

describe('the inventory of handsets', () => {
  test('holds what a phone says of itself, from its first fetch on', async () => {
    await using world = await openWorld()
    const { id, url } = await withPhone(world)
    expect(await viewOf(world, id)).toMatchObject({ seen: null, warnings: [], status: 'not enrolled yet' })
    expect(await fetchAs(world, url, `${mac}.cfg`, good)).not.toBeNull()
    const view = await viewOf(world, id)
    expect(view).toMatchObject({
      seen: { model: 'SIP-T54W', firmware: '96.86.0.100', mac },
      warnings: [],
      status: 'enrolled',
      blankedAt: null,
    })
    await using later = await world.restart()
    expect(await viewOf(later, id)).toEqual(view)
  })

  test('tells a phone that fetched its file by the first link from one that came back by its own', async () => {
    await using world = await openWorld()
    const made = await onboarded(world, person('Ben Li', '1002', `yealink-t54w=${mac}`))
    const { id } = made.employee.handsets[0]!
    expect(await fetchAs(world, made.provisioningUrls[id]!, `${mac}.cfg`, good)).not.toBeNull()
    expect((await viewOf(world, id)).status).toBe('has its file, has not come back with its own link yet')
    // With a later link it is another enrolment, of which nothing was seen.
    await world.travel(1)
    await world.app.invite('1002', mia)
    expect((await viewOf(world, id)).status).toBe('not enrolled yet')
  })

  test('follows a new firmware, and is written once in hours while nothing changes', async () => {
    await using world = await openWorld()
    const { id, url } = await withPhone(world)
    await fetchAs(world, url, `${mac}.cfg`, good)
    const first = (await viewOf(world, id)).seen!
    await world.travel(0.1)
    for (const fileName of ['y000000000096.cfg', `${mac}.cfg`]) await fetchAs(world, url, fileName, good)
    expect((await viewOf(world, id)).seen).toEqual(first)
    await fetchAs(world, url, `${mac}.cfg`, good.replace('86.0.100', '86.0.200'))
    const second = (await viewOf(world, id)).seen!
    expect(second.firmware).toBe('96.86.0.200')
    expect(second.at > first.at).toBe(true)
    // Also where the phone hears only that it has the file already.
    const { etag } = (await fetchAs(world, url, `${mac}.cfg`, null))!
    const newer = good.replace('86.0.100', '86.0.300')
    expect(await fetchAs(world, url, `${mac}.cfg`, newer, 'GET', etag)).toMatchObject({ notModified: true })
    expect((await viewOf(world, id)).seen!.firmware).toBe('96.86.0.300')
    await world.travel(0.3)
    await fetchAs(world, url, `${mac}.cfg`, newer)
    expect((await viewOf(world, id)).seen!.at > second.at).toBe(true)
  })

  test('keeps what it knows where a browser, an empty header or a stranger to the link asks', async () => {
    await using world = await openWorld()
    const { id, url } = await withPhone(world)
    await fetchAs(world, url, `${mac}.cfg`, good)
    const before = await viewOf(world, id)
    for (const userAgent of [null, '', 'Mozilla/5.0 (X11)']) await fetchAs(world, url, `${mac}.cfg`, userAgent)
    await fetchAs(world, `https://x/p/${'A'.repeat(43)}/`, `${mac}.cfg`, good.replace(mac, '805ec0aabb99'))
    await fetchAs(world, url, 'unknown.cfg', good.replace(mac, '805ec0aabb99'))
    expect(await viewOf(world, id)).toEqual(before)
  })

  test('doubts another MAC, model or an old firmware: a warning, one event each, and the file all the same', async () => {
    await using world = await openWorld()
    const { id, url, employeeId } = await withPhone(world)
    const other = 'Yealink SIP-T46G 28.72.0.1 00:15:65:4a:a9:37'
    for (const userAgent of [other, good, other, good, other]) {
      expect(await fetchAs(world, url, `${mac}.cfg`, userAgent)).not.toBeNull()
      await world.door.flush()
    }
    expect((await viewOf(world, id)).warnings).toEqual([
      `it says that its MAC address is 0015654aa937, not ${mac}`,
      'it says that it is a SIP-T46G, not a SIP-T54W',
      'its firmware 28.72.0.1 is older than V84, the oldest that the file was made for',
    ])
    expect((await events(world, employeeId, 'handset.mismatch')).map(({ what }) => what)).toEqual([
      'mac',
      'model',
      'firmware',
    ])
    await using later = await world.restart()
    expect(await fetchAs(later, url, `${mac}.cfg`, good)).not.toBeNull()
    expect((await viewOf(later, id)).warnings).toEqual([])
    await fetchAs(later, url, `${mac}.cfg`, other)
    expect(await events(later, employeeId, 'handset.mismatch')).toHaveLength(3)
  })

  test('is not filled with inventions: the twentieth doubt about a handset is the last that is told', async () => {
    await using world = await openWorld()
    const { id, url, employeeId } = await withPhone(world)
    for (let n = 0; n < 40; n++) {
      await fetchAs(world, url, `${mac}.cfg`, `Yealink SIP-T54W 96.86.0.100 0015650000${10 + n}`)
      await world.door.flush()
    }
    expect(await events(world, employeeId, 'handset.mismatch')).toHaveLength(20)
    expect((await viewOf(world, id)).warnings).toHaveLength(1)
  })

  test('waits for a database that fails, and serves the file meanwhile', async () => {
    await using world = await openWorld()
    const { id, url } = await withPhone(world)
    await fetchAs(world, url, `${mac}.cfg`, null)
    world.store.failAt = 1
    expect(await fetchAs(world, url, `${mac}.cfg`, good)).not.toBeNull()
    await expect(world.door.flush()).rejects.toThrow()
    world.store.failAt = null
    expect((await viewOf(world, id)).seen).toMatchObject({ model: 'SIP-T54W' })
  })

  test('forgets with the person what their phone said', async () => {
    await using world = await openWorld()
    const { id, url } = await withPhone(world)
    await fetchAs(world, url, `${mac}.cfg`, good)
    await world.door.flush()
    expect(await world.store.get('handset', id)).toMatchObject({ seenMac: mac })
    const { lifecycle } = await offboarded(world, '1002')
    expect(lifecycle).toBe('offboarded')
    await world.app.erase('1002', { name: 'Mia', role: 'owner', via: 'local-socket' })
    expect(await world.store.get('handset', id)).toMatchObject({
      seenModel: null,
      seenFirmware: null,
      seenMac: null,
      seenAt: null,
    })
  })
})

describe('the tombstone of a handset', () => {
  test('is noted when the phone first fetches it, once, and in the leaver file; a phone is never called wiped', async () => {
    await using world = await openWorld()
    const { id, url, employeeId } = await withPhone(world)
    await fetchAs(world, url, `${mac}.cfg`, good)
    await offboarded(world, '1002')
    expect(await viewOf(world, id)).toMatchObject({
      blankedAt: null,
      status: 'access revoked; tombstone not fetched yet',
    })
    expect(await fetchAs(world, url, `${mac}.cfg`, good, 'HEAD')).not.toBeNull()
    expect((await viewOf(world, id)).blankedAt).toBeNull()

    await Promise.all(['y000000000096.cfg', `${mac}.cfg`, `${mac}.cfg`].map((file) => fetchAs(world, url, file, good)))
    const { blankedAt, status } = await viewOf(world, id)
    expect(status).toBe(`access revoked; tombstone fetched at ${blankedAt}`)
    await world.travel(1)
    await fetchAs(world, url, `${mac}.cfg`, good)
    expect((await viewOf(world, id)).blankedAt).toBe(blankedAt)
    expect(await events(world, employeeId, 'handset.blanked')).toHaveLength(1)
    const { addenda } = await world.app.report('1002')
    expect(addenda).toEqual([
      expect.objectContaining({
        kind: 'handset.blanked',
        summary: 'yealink-t54w fetched the document that takes its account away',
      }),
    ])
    expect(JSON.stringify(await world.app.employee('1002'))).not.toContain('wiped')
  })

  test('says when it is served no more, and where there is none', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ben Li', '1002', `yealink-t54w=${mac}`, 'baresip-linux'))
    await offboarded(world, '1002')
    await world.travel(31)
    const view = await world.app.employee(employee.id)
    expect(handsetOf(view, 'yealink-t54w').status).toBe(
      'access revoked; tombstone not fetched, and no longer served after 30 days',
    )
    expect(handsetOf(view, 'baresip-linux').status).toBe('access revoked; this model has no tombstone')
  })

  test('is served also while the note of it cannot be written', async () => {
    await using world = await openWorld()
    const { id, url } = await withPhone(world)
    await fetchAs(world, url, `${mac}.cfg`, good)
    await offboarded(world, '1002')
    await world.door.flush()
    world.store.failAt = 1
    expect(await fetchAs(world, url, `${mac}.cfg`, good)).not.toBeNull()
    world.store.failAt = null
    expect((await viewOf(world, id)).blankedAt).toBeNull()
    await fetchAs(world, url, `${mac}.cfg`, good)
    expect((await viewOf(world, id)).blankedAt).not.toBeNull()
  })
})
