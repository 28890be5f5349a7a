import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { steadyToken } from '../../src/domain/invite.ts'
import type { Onboarded } from '../../src/journeys/application.ts'
import { mia, offboarded, onboarded, openWorld, person, tokenIn, type World } from './world.ts'

/** Every secret that exists for these people now, in clear, by what it is. */
async function secretsNow(world: World): Promise<Map<string, string>> {
  const { vault } = world.context
  const found = new Map<string, string>()
  const keep = (what: string, sealed: string | null, context: string) => {
    if (sealed !== null) found.set(`${what} ${context}`, vault.open(sealed, context).reveal())
  }
  for (const { id, privateKeySealed, presharedKeySealed } of await world.store.find('tunnel', {})) {
    keep('WireGuard key', privateKeySealed, `tunnel:${id}:key`)
    keep('preshared key', presharedKeySealed, `tunnel:${id}:psk`)
  }
  for (const { id, generation, secretSealed } of await world.store.find('sipCredential', {}))
    keep('SIP secret', secretSealed, `sip:${id}:${generation}`)
  for (const { id, privateKeySealed } of await world.store.find('certificate', {})) {
    // One line out of the middle of the PEM: however it is wrapped or escaped, it stands there.
    if (privateKeySealed !== null)
      found.set(`certificate key ${id}`, vault.open(privateKeySealed, `certificate:${id}`).reveal().split('\n')[5]!)
  }
  for (const { id, doorGeneration } of await world.store.find('handset', {}))
    found.set(`door token ${id}`, steadyToken(vault.deriveKey('phone-door'), id, doorGeneration))
  return found
}

function tokensOf({ invite, provisioningUrls }: Onboarded): string[] {
  return [invite.url, ...Object.values(provisioningUrls)].map(tokenIn)
}

/** All files of the data folder: database with its log, journal, authorities, published lists. */
async function filesOf(folder: string): Promise<Map<string, string>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const read = names.map(
    async ({ parentPath, name }) => [name, await readFile(join(parentPath, name), 'latin1')] as const,
  )
  return new Map(await Promise.all(read))
}

test('no secret stands readable in database, journal, log, events or any answer but the one that hands it out', async () => {
  await using world = await openWorld()
  const events: string[] = []
  world.app.subscribe((event) => events.push(JSON.stringify(event)))
  const secrets = new Map<string, string>()
  const note = async (what: string, tokens: readonly string[] = []) => {
    for (const [name, value] of await secretsNow(world)) secrets.set(name, value)
    for (const token of tokens) secrets.set(`${what}: ${token.slice(0, 4)}…`, token)
  }

  const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-desktop'))
  await note('Ada', tokensOf(ada))
  const ben = await onboarded(world, person('Ben Li', '1002', 'yealink-t54w=805ec0aabb01', 'linphone-mobile'))
  await note('Ben', tokensOf(ben))
  const more = await world.app.addHandset('1001', { model: 'linphone-mobile' }, mia)
  await note('a second handset', tokensOf(more))
  await world.shakeHands(ada.employee.tunnels[0]!.publicKey!)
  const again = await world.app.invite('1001', mia)
  await note('a new link', tokensOf(again))
  const { id: importId } = await world.app.importRoster(
    Buffer.from('name,email,extension,model,mac\nCem,cem@example.com,1003,linphone-mobile,\n'),
    mia,
  )
  while (!(await world.app.importRun(importId)).finished) await new Promise((resolve) => setTimeout(resolve, 5))
  await note('Cem', [tokenIn((await world.app.importRun(importId)).people[0]!.inviteUrl!)])
  const { token, view } = await world.app.createToken('HR script', 'admin', mia)
  secrets.set('API token', token.reveal())
  await world.app.authenticate(token.reveal())

  // Every file of every handset is fetched, with right and with wrong tokens, and the pages are looked at.
  for (const { id } of await world.store.find('handset', {})) {
    const { model, mac } = (await world.store.get('handset', id))!
    for (const file of world.context.catalogue.fileNames(model, mac)) {
      await world.fetch(`/p/${secrets.get(`door token ${id}`)}/`, file)
      for (const wrong of tokensOf(ada)) await world.fetch(`/p/${wrong}/`, file)
    }
  }
  for (const made of [ada, ben, more, again]) await world.app.join(tokenIn(made.invite.url))
  // A token typed into the wrong place.
  await world.fetch('/p/x/', token.reveal())
  await world.app.employee(token.reveal()).catch(() => undefined)

  // Faults are where secrets slip into error texts.
  world.pbx.faults.down = true
  world.hub.fault = 'refuse'
  await world.app.removeHandset(ben.employee.handsets[0]!.id, mia)
  await note('after a rotation')
  await world.app.settled('1002', 200)
  world.store.failAt = 1
  await world.app.onboard(person('Dora', '1004', 'linphone-desktop'), mia).catch(() => undefined)
  world.store.failAt = null
  world.pbx.faults.down = false
  world.hub.fault = null
  const answers: unknown[] = []
  answers.push(await offboarded(world, '1001'), await world.app.report('1001'), await world.app.settled('1002', 10_000))
  answers.push(await world.app.employees({}), world.app.overview(), await world.app.tokens(), await world.app.doctor())
  answers.push(await world.app.revokeToken(view.id, mia), await world.app.metrics())
  answers.push(await world.store.auditTrail({ limit: 10_000 }), await world.app.models())
  await world.door.flush()
  answers.push(await world.store.ledgerPage({ limit: 10_000 }))
  // The page of an import shows its links to who may onboard; nothing else of it.
  const { people: _, ...run } = await world.app.importRun(importId)
  answers.push(run)

  expect(secrets.size).toBeGreaterThan(25)
  const places = new Map<string, string>([
    ...(await filesOf(world.folder)),
    ['the log', world.log.join('\n')],
    ['the events', events.join('\n')],
    ['the answers', JSON.stringify(answers)],
    ['the PBX listing', world.pbx.snapshot()],
  ])
  expect([...places.keys()]).toEqual(expect.arrayContaining(['ringfence.db', 'leavers.journal', 'handsets.crl']))
  for (const [place, text] of places)
    for (const [what, secret] of secrets) expect(text.includes(secret), `${what} stands in ${place}`).toBe(false)

  // The search can find: each of them stands where it is meant to.
  expect(JSON.stringify(again)).toContain(tokenIn(again.invite.url))
  expect(await world.store.verifyAuditChain()).toBeNull()
})
