import { describe, expect, test } from 'vitest'
import { openPhoneDoor } from '../../src/journeys/serve-phone.ts'
import { handsetOf, mia, offboarded, onboarded, openWorld, person, steadyUrl, tokenIn, type World } from './world.ts'

/** Every secret that is in force for this handset, in clear. */
async function secretsOf(world: World, handsetId: string): Promise<string[]> {
  const { vault } = world.context
  const certificates = await world.store.find('certificate', { handsetId })
  const own = await world.store.find('sipCredential', { handsetId })
  return [
    ...own.map(({ id, generation, secretSealed }) => vault.open(secretSealed!, `sip:${id}:${generation}`).reveal()),
    ...certificates.flatMap(({ id, privateKeySealed }) =>
      privateKeySealed ? [vault.open(privateKeySealed, `certificate:${id}`).reveal().trim()] : [],
    ),
  ]
}

async function reasons(world: World, handsetId?: string): Promise<string[]> {
  await world.door.flush()
  const lines = await world.store.ledgerPage({ ...(handsetId && { handsetId }), limit: 100 })
  return lines.map(({ outcome, reason }) => `${outcome}: ${reason}`)
}

describe('the phone door', () => {
  test('gives a phone its files within the window, and notes each fetch without its content', async () => {
    await using world = await openWorld()
    const { employee, provisioningUrls } = await onboarded(world, person('Ben Li', '1002', 'yealink-t54w=805ec0aabb01'))
    const [{ id, files }] = employee.handsets as [(typeof employee.handsets)[0]]
    expect(files).toContain('805ec0aabb01.cfg')
    const [secret] = await secretsOf(world, id)
    const bodies = await Promise.all(files.map(async (file) => (await world.fetch(provisioningUrls[id]!, file))!.body))
    expect(bodies.some((body) => body.includes(secret!))).toBe(true)
    expect(bodies.join()).toContain(await steadyUrl(world, id))
    expect(await reasons(world, id)).toEqual(files.map(() => 'served: enrolment link'))
    const ledger = JSON.stringify(await world.store.ledgerPage({ limit: 100 }))
    expect(ledger).not.toContain(secret!)
    expect(ledger).not.toContain(tokenIn(provisioningUrls[id]!))
  })

  test('enters the same refusal of one address again and again as one line with a count', async () => {
    await using world = await openWorld()
    const { employee, provisioningUrls } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = employee.handsets[0]!
    const ask = (token: string, remoteAddress: string) =>
      world.app.serveFile({ token, fileName: 'x', remoteAddress, userAgent: null, ifNoneMatch: null, method: 'GET' })
    await world.door.flush()
    for (let n = 0; n < 57; n++) await ask(String(n).padStart(43, 'A'), '198.51.100.9')
    await ask('A'.repeat(43), '198.51.100.10')
    await world.fetch(provisioningUrls[id]!, 'linphone.xml')
    await ask('short', '198.51.100.9')
    expect(await reasons(world)).toEqual([
      'refused: not a link of ours',
      'served: enrolment link',
      'refused: no such link',
      'refused: no such link (×57)',
    ])
    await ask('A'.repeat(43), '198.51.100.9')
    expect((await reasons(world))[0]).toBe('refused: no such link')
  })

  test('keeps what is about a person until the database takes it', async () => {
    await using world = await openWorld()
    const { provisioningUrls, employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = employee.handsets[0]!
    await world.fetch(provisioningUrls[id]!, 'linphone.xml')
    world.store.failAt = 1
    await expect(world.door.flush()).rejects.toThrow()
    world.store.failAt = null
    expect(await reasons(world, id)).toEqual(['served: enrolment link'])
  })

  test('kills the link of the QR code when the phone first uses its own', async () => {
    await using world = await openWorld()
    const { employee, provisioningUrls } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = employee.handsets[0]!
    const enrolment = provisioningUrls[id]!
    expect(await world.fetch(enrolment, 'linphone.xml')).not.toBeNull()
    expect(await world.fetch(enrolment, 'linphone.xml')).not.toBeNull()
    expect((await world.app.employee('1001')).handsets[0]!.enrolledAt).toBeNull()

    expect(await world.fetch(await steadyUrl(world, id), 'linphone.xml')).not.toBeNull()
    expect((await world.app.employee('1001')).handsets[0]!.enrolledAt).not.toBeNull()
    expect(await world.fetch(enrolment, 'linphone.xml')).toBeNull()
    expect((await reasons(world, id))[0]).toBe('refused: enrolment link was used up')
    const enrolled = (await world.store.auditTrail({ employeeId: employee.id, limit: 100 })).filter(
      ({ kind }) => kind === 'handset.enrolled',
    )
    expect(enrolled).toHaveLength(1)
  })

  test('is not opened for the first time twice when a phone asks for all its files at once', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ben Li', '1002', 'yealink-t54w=805ec0aabb01'))
    const { id, files } = employee.handsets[0]!
    const url = await steadyUrl(world, id)
    const answers = await Promise.all([...files, ...files, ...files].map((file) => world.fetch(url, file)))
    expect(answers.every((answer) => answer !== null)).toBe(true)
    const trail = await world.store.auditTrail({ employeeId: employee.id, limit: 100 })
    expect(trail.filter(({ kind }) => kind === 'handset.enrolled')).toHaveLength(1)
  })

  test('refuses alike what is unknown, malformed, of another file, expired or taken back', async () => {
    await using world = await openWorld()
    const { employee, provisioningUrls } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = employee.handsets[0]!
    const url = provisioningUrls[id]!
    for (const [wrong, file] of [
      [`https://x/p/${'A'.repeat(43)}/`, 'linphone.xml'],
      ['https://x/p/short/', 'linphone.xml'],
      [url, 'other.xml'],
      [url, '../linphone.xml'],
      [url, ''],
      // A MAC address unlocks nothing.
      ['https://x/p/805ec0aabb01/', '805ec0aabb01.cfg'],
    ] as const)
      expect(await world.fetch(wrong, file), `${wrong} ${file}`).toBeNull()
    expect(await reasons(world)).toEqual(
      expect.arrayContaining([
        'refused: no such link',
        'refused: not a link of ours (×2)',
        'refused: this handset has no such file',
      ]),
    )
    await world.travel(7.01)
    expect(await world.fetch(url, 'linphone.xml')).toBeNull()
    expect((await reasons(world, id))[0]).toBe('refused: enrolment link has expired')
  })

  test('answers the same bytes for as long as nothing changed, also after a restart, and 304 to whoever has them', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(
      world,
      person('Ben Li', '1002', 'yealink-t54w=805ec0aabb01', 'linphone-desktop'),
    )
    const first = new Map<string, { body: string; etag: string }>()
    for (const { id, files } of employee.handsets)
      for (const file of files) first.set(`${id} ${file}`, (await world.fetch(await steadyUrl(world, id), file))!)
    await using later = await world.restart()
    await onboarded(later, person('Ada Byron', '1001', 'linphone-mobile'))
    for (const { id, files } of employee.handsets) {
      for (const file of files) {
        const before = first.get(`${id} ${file}`)!
        const url = await steadyUrl(later, id)
        expect(before.etag).toMatch(/^"[0-9a-f]{32}"$/)
        expect(await later.fetch(url, file)).toMatchObject({ body: before.body, etag: before.etag, notModified: false })
        expect(await later.fetch(url, file, `"x", ${before.etag}`)).toMatchObject({ notModified: true })
        expect(await later.fetch(url, file, '"other"')).toMatchObject({ notModified: false })
      }
    }
  })

  test('makes a file once, in whatever mixture of capitals it is asked for', async () => {
    await using world = await openWorld()
    await onboarded(world, person('Ben Li', '1002', 'yealink-t54w=805ec0aabb01'))
    const [handset] = await world.store.find('handset', {})
    const token = tokenIn(await steadyUrl(world, handset!.id))
    const { catalogue } = world.context
    const made: string[] = []
    const render: typeof catalogue.render = (model, fileName, values) => {
      made.push(fileName)
      return catalogue.render(model, fileName, values)
    }
    const counted = new Proxy(catalogue, {
      get: (_, name) => (name === 'render' ? render : Reflect.get(catalogue, name)),
    })
    const door = openPhoneDoor({ ...world.context, catalogue: counted })
    const bodies = new Set<string>()
    for (const fileName of ['805ec0aabb01.cfg', '805EC0AABB01.cfg', '805Ec0aAbB01.CFG']) {
      const file = await door.serve({
        token,
        fileName,
        remoteAddress: '203.0.113.7',
        userAgent: null,
        ifNoneMatch: null,
        method: 'HEAD',
      })
      bodies.add(file!.body.toString())
    }
    expect(made).toHaveLength(1)
    expect(bodies.size).toBe(1)
    await door.flush()
  })

  test('gives a phone that was taken back only the document that blanks it, for 30 days, then nothing', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(
      world,
      person('Ben Li', '1002', 'yealink-t54w=805ec0aabb01', 'linphone-mobile', 'linphone-desktop'),
    )
    const secrets: string[] = []
    const urls = new Map<string, string>()
    for (const { id, files } of employee.handsets) {
      secrets.push(...(await secretsOf(world, id)))
      urls.set(id, await steadyUrl(world, id))
      // Fetched before, so that nothing can come out of a memory of it.
      for (const file of files) expect(await world.fetch(urls.get(id)!, file)).not.toBeNull()
    }
    expect(secrets.length).toBeGreaterThanOrEqual(5)
    await offboarded(world, '1002')
    const ask = async () => {
      const all: (readonly [string, string | null])[] = []
      for (const { id, files, model } of employee.handsets)
        for (const file of files) all.push([`${model} ${file}`, (await world.fetch(urls.get(id)!, file))?.body ?? null])
      return all
    }
    for (const days of [0, 29.9]) {
      await world.travel(days)
      for (const [what, body] of await ask()) {
        // A certificate is no document that could blank anything.
        if (what.endsWith('.pem')) expect(body, what).toBeNull()
        else expect(body, what).not.toBeNull()
        if (body === null) continue
        for (const secret of secrets) expect(body, what).not.toContain(secret)
        expect(body, what).not.toContain('BEGIN')
        expect(body, what).not.toContain('Ben Li')
      }
    }
    await world.travel(0.2)
    for (const [what, body] of await ask()) expect(body, what).toBeNull()
    expect((await reasons(world))[0]).toBe('refused: taken back more than 30 days ago')
  })

  test('never gives the blanking document for the link of the QR code', async () => {
    await using world = await openWorld()
    const { provisioningUrls } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    await offboarded(world, '1001')
    expect(await world.fetch(Object.values(provisioningUrls)[0]!, 'linphone.xml')).toBeNull()
  })

  test('keeps serving the handset that stays when another one is taken back', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile', 'linphone-desktop'))
    const mobile = handsetOf(employee, 'linphone-mobile')
    const desktop = handsetOf(employee, 'linphone-desktop')
    const url = await steadyUrl(world, mobile.id)
    const before = await world.fetch(url, 'linphone.xml')
    await world.app.removeHandset(desktop.id, mia)
    expect((await world.fetch(url, 'linphone.xml'))!.body).toBe(before!.body)
    const blanked = await world.fetch(await steadyUrl(world, desktop.id), 'linphone.xml')
    for (const secret of await Promise.all([secretsOf(world, mobile.id)]))
      expect(blanked!.body).not.toContain(secret[0])
  })

  test('keeps a phone in use on its link of before, until it has used the new one that its file names', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = employee.handsets[0]!
    const old = await steadyUrl(world, id)
    expect(await world.fetch(old, 'linphone.xml')).not.toBeNull()
    const ha1 = /name="ha1"[^>]*>([0-9a-f]{32})</
    const account = ha1.exec((await world.fetch(old, 'linphone.xml'))!.body)![1]!
    await world.app.invite('1001', mia)
    const again = await world.app.invite('1001', mia)
    const steady = await steadyUrl(world, id)
    expect(steady).not.toBe(old)
    const body = (await world.fetch(old, 'linphone.xml'))!.body
    expect(body).toContain(steady)
    expect(body).toContain(account)
    expect((await world.app.employee('1001')).handsets[0]!.status).toBe('enrolled; a new link waits for it')
    // Whoever set the phone back to its factory settings needs the new link meanwhile.
    expect(await world.fetch(again.provisioningUrls[id]!, 'linphone.xml')).not.toBeNull()
    expect(await world.fetch(steady, 'linphone.xml')).not.toBeNull()
    expect(await world.fetch(again.provisioningUrls[id]!, 'linphone.xml')).toBeNull()
    expect(await world.fetch(old, 'linphone.xml')).toBeNull()
  })

  test('blanks a phone that had not taken its new link yet when its person left', async () => {
    await using world = await openWorld()
    const { employee } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = employee.handsets[0]!
    const old = await steadyUrl(world, id)
    await world.fetch(old, 'linphone.xml')
    const [secret] = await secretsOf(world, id)
    await world.app.invite('1001', mia)
    await world.app.offboard('1001', null, mia)
    const blanked = (await world.fetch(old, 'linphone.xml'))!
    expect(blanked.body).not.toContain(secret!)
    expect(blanked.body).not.toContain('1001')
    await world.travel(31)
    expect(await world.fetch(old, 'linphone.xml')).toBeNull()
  })

  test('gives a handset that nobody enrolled and was invited anew another link, and the old one nothing', async () => {
    await using world = await openWorld()
    const { employee, provisioningUrls } = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
    const { id } = employee.handsets[0]!
    const old = await steadyUrl(world, id)
    const again = await world.app.invite('1001', mia)
    for (const url of [old, provisioningUrls[id]!]) expect(await world.fetch(url, 'linphone.xml')).toBeNull()
    expect(await world.fetch(again.provisioningUrls[id]!, 'linphone.xml')).not.toBeNull()
    expect(await steadyUrl(world, id)).not.toBe(old)
  })
})
