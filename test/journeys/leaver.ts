/** What the tests of leavers look at. */
import { expect } from 'vitest'
import type { EmployeeView } from '../../src/journeys/application.ts'
import type { World } from './world.ts'

export const soon = () => AbortSignal.timeout(1_000)
export const doors = ['phone-door', 'tunnel', 'firewall', 'certificate', 'extension', 'sip-account']
export const verdictsOf = ({ access }: EmployeeView) =>
  Object.fromEntries(access.filter(({ wanted }) => wanted === 'closed').map(({ system, verdict }) => [system, verdict]))
export const allShut = Object.fromEntries(doors.map((name) => [name, 'converged']))

/** The phone's account as it stands in its file; registered and in a call. */
export async function registered(world: World, extension: string) {
  const { id } = (await world.app.employee(extension)).handsets[0]!
  const [credential] = await world.store.find('sipCredential', { handsetId: id })
  const { username, generation, secretSealed } = credential!
  const secret = world.context.vault.open(secretSealed!, `sip:${credential!.id}:${generation}`).reveal()
  const [address] = (await world.app.employee(extension)).tunnels[0]!.addresses
  const phone = { extension, username, secret, address: address!.split('/')[0]! }
  expect(world.pbx.register(phone)).toBe(200)
  expect(world.pbx.call(phone)).toBe(200)
  return phone
}

export async function kindsOf(world: World, employeeId: string): Promise<string[]> {
  return (await world.store.auditTrail({ employeeId, limit: 1_000 })).map(({ kind }) => kind)
}
