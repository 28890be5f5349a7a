import { expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { alarmsSince } from '../../src/journeys/alarms.ts'
import { fakePbx } from '../fakes/fake-pbx.ts'
import { onboarded, openWorld, person } from './world.ts'

test('a change that took something along on the PBX is on record and on Today, although the phone may log in', async () => {
  const pbx = fakePbx()
  const words = 'FreePBX took settings away while it changed a password: extension 1001: context'
  const driver = {
    ...pbx.driver,
    async applyAccounts(...given: Parameters<typeof pbx.driver.applyAccounts>) {
      await pbx.driver.applyAccounts(...given)
      throw new AppError('PBX_REFUSED', words, { hint: 'set these again', retryable: true })
    },
  }
  await using world = await openWorld({ pbx: { ...pbx, driver } })
  await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile'))
  await world.app.settled('1001', 5_000)
  const half = (await world.store.auditTrail({ limit: 1_000 })).filter(({ kind }) => kind === 'access.half-done')
  expect(half).toHaveLength(1)
  expect(JSON.parse(half[0]!.detail!)).toMatchObject({ system: 'sip-account', summary: words, hint: 'set these again' })
  const alarms = await alarmsSince(world.context, new Date(Date.now() - 60_000))
  expect(alarms.map(({ text }) => text)).toContainEqual(expect.stringContaining('took settings away'))
})
