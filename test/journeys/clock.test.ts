import { expect, test } from 'vitest'
import { mia, onboarded, openWorld, person } from './world.ts'

test('a clock that once ran a year ahead does not keep a later server from shutting doors on its hub', async () => {
  await using before = await openWorld()
  await onboarded(before, person('Ada Byron', '1001', 'linphone-mobile'))
  const ahead = { lease: Date.now() + 365 * 86_400_000, number: 1 }
  await before.hub.applyPeers({ revision: ahead, put: [], remove: [] }, AbortSignal.timeout(1_000))
  await using later = await before.restart()
  await later.app.offboard('1001', null, mia)
  const { access } = await later.app.settled('1001', 5_000)
  expect(access.filter(({ system }) => system === 'tunnel' || system === 'firewall')).toMatchObject([
    { wanted: 'closed', verdict: 'converged' },
    { wanted: 'closed', verdict: 'converged' },
  ])
})
