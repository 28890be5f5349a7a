/**
 * A small office as it may look after its first week, told to the real application deed by deed: what the pictures of the
 * documentation show. Only the hub and the PBX behind it are the fakes of the tests.
 */
import type { Actor } from '../../src/domain/token.ts'
import type { Onboarded, OnboardInput } from '../../src/journeys/application.ts'
import { newPrivateKey, publicKeyOf } from '../../src/tunnels/wireguard-key.ts'
import { codeOf, goodPassword, makeAdministrator, makeOwner } from '../journeys/console-people.ts'
import { passTraffic } from '../journeys/handset-office.ts'
import { handsetOf, onboarded, steadyUrl, tokenIn, type World } from '../journeys/world.ts'
import { beginRoster, messyRoster } from './roster.ts'

export interface Office {
  readonly ownerCookie: string
  /** Of somebody who has given a password, and not yet the code. */
  readonly halfwayCookie: string
  readonly setupPath: string
  readonly helpdeskId: string
  /** Person ids. */
  readonly ada: string
  readonly next: string
  readonly leavingSoon: string
  readonly stuck: string
  readonly waiting: string
  readonly gone: string
  /** Handset ids. */
  readonly desk: string
  readonly doubted: string
  readonly importId: string
  readonly draftId: string
  readonly handOver: { readonly employeeId: string; readonly handsetId: string; readonly link: string }
  readonly invites: { readonly app: string; readonly desk: string; readonly gateway: string }
}

const owner: Actor = { name: 'Olga Owner', role: 'owner', via: 'session' }
const admin: Actor = { name: 'Mia Brandt', role: 'admin', via: 'session' }

const visitor = { remoteAddress: '192.0.2.10', network: '192.0.2.10', userAgent: 'Firefox on Linux' }

const person = (name: string, mailbox: string, extension: string, ...handsets: readonly string[]): OnboardInput => ({
  name,
  email: `${mailbox}@example.com`,
  extension,
  handsets: handsets.map((handset) => {
    const [model = '', mac] = handset.split('=')
    return { model, mac: mac ?? null }
  }),
})

/** Monday to Wednesday of the week after. */
export async function furnish(world: World): Promise<Office> {
  const { app } = world
  const olga = await makeOwner(world)
  const helpdesk = await makeAdministrator(world, 'Ben', 'helpdesk')
  await makeAdministrator(world, 'Ines', 'auditor')
  await app.createToken('Monitoring', 'auditor', owner)
  const old = await app.createToken('Old intranet', 'admin', owner)
  await app.createToken('HR system', 'admin', owner)
  await app.revokeToken(old.view.id, owner)
  const set = (layer: 'site' | 'model' | 'handset', scope: string, name: string, value: string) =>
    app.setPhoneSetting({ layer, scope, name }, value, { dryRun: false }, owner)
  await set('site', 'default', 'timezone', 'Europe/Berlin')
  await set('site', 'default', 'language', 'de')
  await set('site', 'default', 'pollMinutes', '120')

  const team = await bringIn(world, [
    person('Ada Lindqvist', 'ada', '1001', 'linphone-mobile', 'yealink-t54w=805ec0a1b201'),
    { ...person('Jürgen Großmann', 'juergen', '1002', 'snom-d785=000413a1b202'), gateway: 'openwrt' },
    person('Zoë Lefèvre', 'zoe', '1003', 'linphone-desktop', 'linphone-mobile'),
    { ...person('Łukasz Wójcik', 'lukasz', '1004', 'grandstream-grp2614=c074ada1b204'), gateway: 'mikrotik' },
    person('佐藤 美咲', 'misaki', '1005', 'linphone-mobile'),
    person('ليلى حداد', 'layla', '1006', 'linphone-mobile'),
    { ...person('Siobhán O’Neill', 'siobhan', '1007', 'poly-vvx450=64167fa1b207'), gatewayOf: '1002' },
    person('Nguyễn Thị Ngọc', 'ngoc', '1008', 'linphone-desktop'),
    { ...person('Олена Шевчук', 'olena', '1009', 'fanvil-x5u=0c383ea1b209'), gateway: 'networkd' },
    person('Mateo Jiménez', 'mateo', '1010', 'linphone-mobile'),
    person('Priya Raman', 'priya', '1011', 'linphone-desktop'),
  ])
  await set('model', 'yealink-t54w', 'voicemail', '*97')
  await world.travel(3)

  const [ada, jurgen] = [team.get('1001')!, team.get('1002')!]
  const desk = handsetOf(ada.employee, 'yealink-t54w').id
  const doubted = handsetOf(jurgen.employee, 'snom-d785').id
  await asks(world, doubted, '000413A1B202.xml', 'Mozilla/4.0 (compatible; snomD735-SIP 10.1.159.12 000413a1b2ff)')
  await app.offboard('1010', 'end of contract', admin)
  await app.settled('1010', 10_000)
  await world.travel(3)
  await enrol(world, [...team.values()])
  await passTraffic(world)
  await world.travel(1)
  await enrol(world, [...team.values()].slice(0, 7))

  // The phone behind somebody else's gateway: one line stays for a person to tick.
  await app.offboard('1007', 'moves to the partner company', admin)
  await app.settled('1007', 10_000)
  await app.people.setLeaving('1003', { at: inDays(world, 4.4), reason: 'parental leave' }, admin)
  await app.people.setLeaving('1009', { at: inDays(world, 17.4), reason: null }, admin)
  await set('handset', desk, 'label', 'Front desk')
  await world.fetch(`https://phones.example.com/p/${'x'.repeat(43)}/`, '805ec0a1b201.cfg')

  const anna = await app.onboard(
    { ...person('Anna Kowalska', 'anna', '1012', 'linphone-mobile', 'yealink-t46u=805ec0a1b212'), mail: 'en' },
    admin,
  )
  const home = await app.onboard(
    {
      ...person('Tomás Ferreira', 'tomas', '1013', 'grandstream-grp2615=c074ada1b213'),
      gateway: 'openwrt',
      mail: 'de',
    },
    admin,
  )
  const app1 = await app.onboard(person('Noor de Vries', 'noor', '1014', 'linphone-mobile'), admin)
  await world.loop.idle()
  await world.mails.run()
  const importId = await beginRoster(world, admin)
  await world.loop.idle()
  const draft = await app.rosters.draft(messyRoster, admin)

  const { link } = await app.administrators.invite(
    { name: 'Kai Sommer', email: 'kai@example.com', role: 'admin' },
    owner,
  )
  const halfway = await app.signIn.withPassword('ben@example.com', goodPassword, visitor)
  const begun = await app.signIn.withPassword(olga.email, goodPassword, visitor)
  const cookie = await app.signIn.withCode(
    begun!.cookie.reveal(),
    codeOf(olga.key, world.context.system.now()),
    visitor,
  )
  const administrators = await app.administrators.list()

  // From here on the PBX takes no change: one leaver's line is stuck.
  world.pbx!.faults.refuse = true
  await app.offboard('1011', 'phone lost on the train', admin)
  await app.settled('1011', 5_000)
  return {
    ownerCookie: cookie!.cookie.reveal(),
    halfwayCookie: halfway!.cookie.reveal(),
    setupPath: new URL(link.reveal()).pathname,
    helpdeskId: administrators.find(({ email }) => email === helpdesk.email)!.id,
    ada: ada.employee.id,
    next: team.get('1008')!.employee.id,
    leavingSoon: team.get('1003')!.employee.id,
    stuck: team.get('1011')!.employee.id,
    waiting: team.get('1007')!.employee.id,
    gone: team.get('1010')!.employee.id,
    desk,
    doubted,
    importId,
    draftId: draft.id,
    handOver: {
      employeeId: anna.employee.id,
      handsetId: handsetOf(anna.employee, 'yealink-t46u').id,
      link: app.handOver.reference(anna),
    },
    invites: { app: tokenIn(app1.invite.url), desk: tokenIn(anna.invite.url), gateway: tokenIn(home.invite.url) },
  }
}

async function bringIn(world: World, inputs: readonly OnboardInput[]): Promise<ReadonlyMap<string, Onboarded>> {
  const made = new Map<string, Onboarded>()
  for (const input of inputs) {
    made.set(input.extension, await onboarded(world, input))
    const { gateways } = await world.app.employee(input.extension)
    if (input.gateway && gateways.length > 0) {
      await world.app.setGatewayKey(input.extension, publicKeyOf(newPrivateKey()), admin)
      await world.loop.idle()
    }
  }
  return made
}

/** Their phones fetch what is theirs, shake hands, and sign in at the PBX. */
async function enrol(world: World, people: readonly Onboarded[]): Promise<void> {
  for (const { employee } of people) {
    const { handsets, tunnels, lifecycle } = await world.app.employee(employee.id)
    if (lifecycle !== 'active') continue
    for (const { id, files } of handsets)
      for (const file of files) await asks(world, id, file, 'a phone', `203.0.113.${employee.extension.slice(-2)}`)
    await world.shakeHands(...tunnels.flatMap(({ publicKey }) => publicKey ?? []))
  }
  await world.door.flush()
}

async function asks(world: World, handsetId: string, fileName: string, userAgent: string, from = '198.51.100.7') {
  const token = tokenIn(await steadyUrl(world, handsetId))
  await world.app.serveFile({ token, fileName, remoteAddress: from, userAgent, ifNoneMatch: null, method: 'GET' })
  await world.door.flush()
}

function inDays({ context }: World, days: number): string {
  return new Date(context.system.now().getTime() + days * 86_400_000).toISOString()
}
