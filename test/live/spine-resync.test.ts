import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DeskPhone, provision, setting, setUpGateway } from '../lab/desk-phone.ts'
import { fetchFrom } from '../lab/fetch.ts'
import { tunnelNeeds, until } from '../lab/network.ts'
import type { ListeningPhone } from '../lab/sip-listener.ts'
import { type CreatedEmployee, linksOf, openSpine, type Spine, untilShown } from '../lab/spine.ts'
import { describeLive } from '../setup/requirements.ts'

const event = 'check-sync;reboot=false'

describeLive(
  'a desk phone behind its tunnel that is told of its files',
  [...tunnelNeeds, 'asterisk', 'openssl'],
  () => {
    let spine: Spine

    beforeAll(async () => {
      spine = await openSpine({}, { own: true })
    })
    afterAll(async () => {
      await spine?.[Symbol.asyncDispose]()
    })

    interface Installed {
      readonly person: CreatedEmployee
      readonly handsetId: string
      readonly phone: DeskPhone
      readonly listening: ListeningPhone
      readonly url: string
    }

    async function install(extension: string, mac: string): Promise<Installed> {
      const person = await spine.newcomer({
        name: 'Ida Nowak',
        email: `p${extension}@example.com`,
        extension,
        handsets: [{ model: 'yealink-t54w', mac }],
        gateway: 'plain',
      })
      const browser = await spine.home()
      const { text: page } = await browser.get(`${person.invite.url}?key=server`)
      const [, configurationUrl] = [...linksOf(page, person.invite.url)].find(([name]) => name.endsWith('.conf'))!
      const gateway = await setUpGateway(spine, page, (await browser.get(configurationUrl)).text)
      const [handset] = person.handsets
      const phone = await provision(spine, await gateway.plugIn(handset!.phoneAddress!), handset!.provisioningUrl, {
        mac,
        extension,
      })
      const listening = await phone.stay()
      await untilShown(spine, person.id, ({ access }) => access.every(({ verdict }) => verdict === 'converged'))
      const url = `${setting(phone.settings, 'static.auto_provision.server.url')}${mac}.cfg`
      return { person, handsetId: handset!.id, phone, listening, url }
    }

    test('hears it through the tunnel, over the connection that it opened itself', async () => {
      const ida = await install('1040', '001565a1b2d0')
      const ben = await install('1041', '001565a1b2d1')
      expect(await spine.resyncHandset(ida.handsetId)).toMatchObject({ outcome: 'told' })
      await until(() => ida.listening.heard().join() === event)
      expect(await spine.resyncHandset(ben.handsetId)).toMatchObject({ outcome: 'told' })
      await until(() => ben.listening.heard().length > 0)
      expect([ida.listening.heard(), ben.listening.heard()]).toEqual([[event], [event]])
    })

    test('and is blanked: the doors shut, and it gets the document that takes its account away', async () => {
      const eve = await install('1050', '001565a1b2e0')
      await spine.blankHandset(eve.handsetId)
      const shown = await untilShown(spine, eve.person.id, ({ access }) =>
        access.every(({ verdict, wanted }) => wanted === 'closed' && verdict === 'converged'),
      )
      expect(shown.handsets[0]).toMatchObject({ blankedAt: null, status: expect.stringContaining('not fetched yet') })
      const tombstone = await fetchFrom(eve.phone.place, spine.publicAuthorityFile, eve.url)
      expect(setting(tombstone.text, 'account.1.enable')).toBe('0')
      expect(tombstone.text).not.toContain(setting(eve.phone.settings, 'account.1.password'))
      const after = await spine.employee(eve.person.id)
      expect(after.handsets[0]!.status).toMatch(/^access revoked; tombstone fetched at 20/)
    })
  },
)
