import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsoleWorld, openConsoleWorld } from '../journeys/console-world.ts'
import { mia, offboarded, onboarded, person } from '../journeys/world.ts'
import { formVisitor, plain } from './form-visitor.ts'

let desk: ConsoleWorld
let admin: string
beforeAll(async () => {
  desk = await openConsoleWorld()
  admin = await desk.signIn('admin')
})
afterAll(async () => desk?.[Symbol.asyncDispose]())

const { get } = formVisitor(
  () => desk.port,
  () => admin,
)

const tableOf = (text: string, label: string) =>
  [
    ...(text
      .split(`aria-label="${label}"`)[1]
      ?.split('</table>')[0]
      ?.matchAll(/<tr>(.*?)<\/tr>/gs) ?? []),
  ]
    .map(([, row]) => plain(row!).trim())
    .slice(1)

describe('the leaver file of somebody who got a new link before', () => {
  let id: string
  beforeAll(async () => {
    const input = { ...person('Ida Nowak', '1030', 'linphone-mobile', 'yealink-t54w=805ec0aabb01'), gateway: 'plain' }
    const { employee } = await onboarded(desk.world, input)
    id = employee.id
    await desk.world.app.invite(id, mia)
    await desk.world.travel(2)
    await offboarded(desk.world, id)
  })

  test('says of a key that was replaced that it was shut before the click, and when', async () => {
    const { text } = await get(`/people/${id}/leaver-file`)
    const before = tableOf(text, 'Doors shut before the click')
    const [former] = before.filter((row) => row.startsWith('Tunnel'))
    expect(former).toContain('earlier key')
    expect(former).toMatch(/earlier key, [A-Za-z0-9+/]{8}…/)
    expect(former).toContain('replaced by a new key')
    expect(plain(text)).not.toMatch(/\b0 ms\b|never had an address/)
    expect(tableOf(text, 'Doors').join()).not.toContain('earlier key')
  })

  test('names at every door whose it is, and no two rows are alike', async () => {
    const rows = tableOf((await get(`/people/${id}/leaver-file`)).text, 'Doors')
    expect(new Set(rows).size).toBe(rows.length)
    expect(rows.filter((row) => row.startsWith('Tunnel')).join()).toMatch(/Linphone.*10\.77\.\d+\.\d+/)
    expect(rows.filter((row) => row.startsWith('Phone door')).join()).toContain('Yealink T54W …bb01')
  })

  test('counts the same doors as the page and the audit log', async () => {
    const { length } = tableOf((await get(`/people/${id}/leaver-file`)).text, 'Doors')
    const asked = (await desk.world.store.auditTrail({ employeeId: id, limit: 100 })).find(
      ({ kind }) => kind === 'employee.offboarding-requested',
    )
    expect(JSON.parse(asked!.detail!).doors).toBe(length)
    expect(plain((await get(`/people/${id}/offboard`)).text)).toContain(`${length} doors: ${length} shut`)
  })

  test('lists what is to be handed back: the phone and the home gateway, and not the app on their own phone', async () => {
    const { text } = await get(`/people/${id}/leaver-file`)
    const equipment = plain(text.split('<dt>Equipment</dt>')[1]!.split('<dt>')[0]!)
    expect(equipment).toContain('Yealink T54W 805ec0aabb01')
    expect(equipment).toContain('Home gateway (plain)')
    expect(equipment).not.toContain('Linphone')
    expect(plain(text.split('<dt>Apps')[1]!)).toContain('Linphone')
  })
})

test('a person’s page shows the home gateway that carries the desk phone', async () => {
  const input = { ...person('Ben Li', '1031', 'yealink-t54w=805ec0aabb02'), gateway: 'plain' }
  const { employee } = await onboarded(desk.world, input)
  const { text } = await get(`/people/${employee.id}`)
  expect(plain(text.split('id="handsets"')[1]!)).toContain('Home gateway (plain) never heard')
})
