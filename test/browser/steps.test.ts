import { afterAll, beforeAll, expect, test } from 'vitest'
import { offboarded, onboarded, person } from '../journeys/world.ts'
import { describeLive } from '../setup/requirements.ts'
import { faultsOf, keep } from './chromium.ts'
import { type Desk, openDesk } from './desk.ts'

let desk: Desk
let leaver: string

describeLive('steps by hand in a browser', ['chromium'], () => {
  beforeAll(async () => {
    desk = await openDesk({ pbx: 'manual' })
    const { employee } = await onboarded(desk.world, person('Ada Byron', '1001', 'linphone-mobile'))
    await onboarded(desk.world, person('Bo Xu', '1002', 'linphone-mobile'))
    await offboarded(desk.world, employee.id)
    leaver = employee.id
  }, 60_000)
  afterAll(async () => {
    await desk?.[Symbol.asyncDispose]()
  })

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
  ] as const)('the list and the sheet have no faults (%s, %i wide)', async (scheme, width) => {
    const { open, complaints, context } = await desk.signedIn({ role: 'admin', scheme, width })
    for (const [name, path] of [
      ['steps', '/steps'],
      ['step-sheet', `/people/${leaver}/steps`],
    ] as const) {
      const page = await open(path)
      expect(await faultsOf(page), path).toEqual([])
      await keep(`${name}-${scheme}-${width}`, page)
      await page.close()
    }
    expect(complaints).toEqual([])
    await context.close()
  })

  test('a sheet is one page of paper, with nothing of the console on it', async () => {
    const { open, context } = await desk.signedIn({ role: 'admin' })
    const page = await open(`/people/${leaver}/steps`)
    await page.emulateMedia({ media: 'print' })
    expect(
      await page.locator('.off-paper').evaluateAll((all) => all.filter((each) => each.checkVisibility()).length),
    ).toBe(0)
    const pdf = await page.pdf({ format: 'A4', preferCSSPageSize: true })
    expect(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)).toHaveLength(1)
    await context.close()
  })
})
