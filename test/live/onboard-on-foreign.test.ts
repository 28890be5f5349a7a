import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PbxWorld } from '../contracts/pbx-hand.ts'
import { fakePbx } from '../fakes/fake-pbx.ts'
import { everything, mia, onboarded, openWorld, person, type World } from '../journeys/world.ts'
import { ariWorld } from '../lab/ari-world.ts'
import type { AsteriskLab } from '../lab/asterisk.ts'
import { asteriskWorld } from '../lab/asterisk-world.ts'
import { realtimeWorld } from '../lab/realtime-world.ts'
import { describeLive } from '../setup/requirements.ts'

/** An extension that somebody made on the PBX by hand, with a phone that is in use; nobody is to be onboarded on it by accident. */
function refusesForeign(
  place: string,
  takeOver: RegExp,
  make: () => Promise<PbxWorld & { readonly lab: AsteriskLab; sql?(statements: string): string }>,
): void {
  describeLive(`an extension that is on the Asterisk already, accounts ${place}`, ['asterisk', 'openssl'], () => {
    let real: Awaited<ReturnType<typeof make>>
    let world: World
    let registers: () => Promise<number>

    beforeAll(async () => {
      real = await make()
      await real.addForeign('1001')
      const phone = await real.phone({ extension: '1001', username: '1001', secret: 'by-hand-1001' })
      registers = () => phone.register()
      world = await openWorld({ pbx: { ...fakePbx(), driver: real.driver } })
    })
    afterAll(async () => {
      await world?.[Symbol.asyncDispose]()
      await real?.stop()
    })

    /** Everything that Ringfence could have changed on the PBX: what runs, its folder, the tables. */
    const shown = async () => {
      const folder = real.lab.configDir
      return [
        await real.look('1001'),
        real.lab.cli('pjsip show auths'),
        real.lab.cli('database show ringfence'),
        ...readdirSync(folder).map((name) => `${name}\n${readFileSync(join(folder, name), 'utf8')}`),
        ...['ps_endpoints', 'ps_auths', 'ps_aors'].map((table) => real.sql?.(`select * from ${table} order by id`)),
      ]
    }

    test('is refused to a newcomer in plain words, and nothing is written here or there', async () => {
      expect(await registers()).toBe(200)
      const before = [await everything(world.store), await shown()]
      const newcomer = person('Ada Byron', '1001', 'yealink-t54w=80:5e:c0:aa:bb:01')
      await expect(world.app.onboard(newcomer, mia)).rejects.toMatchObject({
        code: 'CONFLICT',
        message: 'extension 1001 is on PBX default already, and not by Ringfence',
        hint: expect.stringMatching(takeOver),
      })
      await world.loop.idle()
      expect([await everything(world.store), await shown()]).toEqual(before)
      expect(await world.hub.listPeers(AbortSignal.timeout(1_000))).toEqual([])
      expect(await registers()).toBe(200)
    })

    test('is refused in a roster too, by its row, and nobody of the roster is onboarded', async () => {
      const before = await everything(world.store)
      const roster =
        'name,email,extension,model,mac\nBo,bo@example.com,1002,linphone-mobile,\nAda,a@example.com,1001,linphone-mobile,\n'
      await expect(world.app.importRoster(Buffer.from(roster), mia)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        problems: [{ row: 3, message: expect.stringContaining('extension 1001 is on PBX default already') }],
      })
      expect(await everything(world.store)).toBe(before)
    })

    test('keeps nobody from a longer number that begins like it', async () => {
      const { employee } = await onboarded(world, person('Cy Cole', '10010', 'linphone-mobile'))
      const line = (await world.app.settled(employee.id, 20_000)).access.find(({ system }) => system === 'sip-account')
      expect(line).toMatchObject({ verdict: 'converged', wanted: 'open' })
      expect(await registers()).toBe(200)
    })
  })
}

refusesForeign('in files', /choose another extension/, asteriskWorld)
refusesForeign('in tables', /`ringfence adopt 1001`/, () => realtimeWorld({ engine: 'sqlite' }))
refusesForeign('over ARI', /choose another extension/, ariWorld)
