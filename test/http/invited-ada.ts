import { afterAll, beforeAll } from 'vitest'
import { enrolmentToken } from '../../src/domain/invite.ts'
import type { EmployeeView } from '../../src/journeys/application.ts'
import { ada, type Doors, openDoors, owner } from './doors.ts'
import { ask } from './http-client.ts'

/** Doors while the tests of one file run, and Ada, who was invited to a phone and a desktop. */
export function invitedAda() {
  let doors: Doors
  let employee: EmployeeView
  let invite: string
  let door: string
  beforeAll(async () => {
    // Many refusals in a row are these files' business: the limiter has tests of its own.
    doors = await openDoors({ phoneDoor: { limiter: { refused: () => ({ holdMs: 0, done: () => undefined }) } } })
    const handsets = [{ model: 'linphone-mobile' }, { model: 'linphone-desktop' }]
    employee = (await doors.application.onboard({ ...ada, handsets }, owner)).employee
    invite = doors.application.inviteTokenOf(employee.id)
    door = enrolmentToken(invite, employee.handsets[0]!.id)
  })
  afterAll(async () => doors?.[Symbol.asyncDispose]())
  return {
    get doors() {
      return doors
    },
    get employee() {
      return employee
    },
    /** Of the link that she got. */
    get invite() {
      return invite
    },
    /** Of her first handset's provisioning link. */
    get door() {
      return door
    },
    get: (path: string, headers: Record<string, string> = {}) => ask(doors.phonePort, { path, headers }),
  }
}
