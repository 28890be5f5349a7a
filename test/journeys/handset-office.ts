/** A small office with everything that the pages about handsets have to show, also what hostile people and phones wrote. */
import type { DoorFile } from '../../src/journeys/door-view.ts'
import type { Peer } from '../../src/tunnels/hub-port.ts'
import { handsetOf, mia, onboarded, person, steadyUrl, tokenIn, type World } from './world.ts'

export interface HandsetOffice {
  /** Ada's, behind a home gateway; another phone than was handed out, by what it says. */
  readonly desk: string
  readonly mobile: string
  /** Taken back as stolen. */
  readonly gone: string
  /** Eve's, whose name is hostile. */
  readonly hostile: string
}

/** Written wherever a person or a phone may write: a name, a User-Agent, a reason, a setting, a file's name. */
export const hostileText = `<img src=x onerror="document.title='owned'">'{{7*7}}`

export async function furnishOffice(world: World): Promise<HandsetOffice> {
  const ada = await onboarded(world, person('Ada Byron', '1001', 'linphone-mobile', 'yealink-t54w=805ec0aabbcc'))
  const eve = await onboarded(world, {
    ...person('Eve', '1002', 'yealink-t46u=805ec0aabbdd'),
    name: hostileText,
  })
  const bo = await onboarded(world, person('Bo Vine', '1003', 'linphone-desktop'))
  const office: HandsetOffice = {
    desk: handsetOf(ada.employee, 'yealink-t54w').id,
    mobile: handsetOf(ada.employee, 'linphone-mobile').id,
    hostile: handsetOf(eve.employee, 'yealink-t46u').id,
    gone: handsetOf(bo.employee, 'linphone-desktop').id,
  }
  const set = (layer: 'site' | 'model' | 'handset', scope: string, name: string, value: string) =>
    world.app.setPhoneSetting({ layer, scope, name }, value, { dryRun: false }, mia)
  await set('site', 'default', 'language', 'de')
  await set('model', 'yealink-t54w', 'language', 'fr')
  await set('handset', office.desk, 'language', 'es')
  await asks(world, office.desk, '805ec0aabbcc.cfg', 'Yealink SIP-T46U 108.86.0.20 80:5e:c0:aa:bb:cd')
  await asks(world, office.desk, `${hostileText}.cfg`, hostileText)
  await world.fetch(`https://phones.example.com/p/${'x'.repeat(43)}/`, 'y000.cfg')
  await world.door.flush()
  await set('handset', office.desk, 'label', hostileText.slice(0, 40))
  await world.app.handsets.takeBack(office.gone, `stolen: ${hostileText}`, mia)
  await world.loop.idle()
  await passTraffic(world)
  await world.travel(1)
  await world.shakeHands(...ada.employee.tunnels.map(({ publicKey }) => publicKey!))
  return office
}

function asks(world: World, handsetId: string, fileName: string, userAgent: string): Promise<DoorFile | null> {
  return steadyUrl(world, handsetId).then((url) =>
    world.app.serveFile({
      token: tokenIn(url),
      fileName,
      remoteAddress: '198.51.100.7',
      userAgent,
      ifNoneMatch: null,
      method: 'GET',
    }),
  )
}

/** The day to come, as the hub will have listed it every five minutes; a call now and then. */
async function passTraffic({ hub, hubWatch, context }: World): Promise<void> {
  const peers = await hub.listPeers(AbortSignal.timeout(1_000))
  const now = context.system.now().getTime()
  const counters = new Map(peers.map(({ publicKey }): [string, [number, number]] => [publicKey, [0, 0]]))
  for (let step = 0; step < 24 * 12; step++) {
    const listed: Peer[] = peers.map((peer, index) => {
      const count = counters.get(peer.publicKey)!
      const busy = (step + index * 5) % 17 < 3 ? 40 : 1
      count[0] += 9_000 * busy
      count[1] += (7_000 + index * 900) * busy
      return { ...peer, receivedBytes: count[0], sentBytes: count[1] }
    })
    hubWatch.traffic.note(listed, new Date(now + step * 300_000))
  }
}
