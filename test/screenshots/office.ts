/**
 * A small office as it may look after its first week, told to the real application deed by deed: what the pictures of the
 * documentation show. Only the hub and the PBX behind it are the fakes of the tests.
 */
import type { Actor } from '../../src/domain/token.ts'
import type { Onboarded, OnboardInput } from '../../src/journeys/application.ts'
import { newPrivateKey, publicKeyOf } from '../../src/tunnels/wireguard-key.ts'
import { codeOf, goodPassword, makeAdministrator, makeOwner, tokenOf } from '../journeys/console-people.ts'
import { handsetOf, steadyUrl, tokenIn, type World } from '../journeys/world.ts'
import { type NamedPbx, passHours } from './outside.ts'
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

const visitor = {
  remoteAddress: '192.0.2.10',
  network: '192.0.2.10',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0',
}

const person = (name: string, mailbox: string, extension: string, ...handsets: readonly string[]): OnboardInput => ({
  name,
  email: `${mailbox}@example.com`,
  extension,
  handsets: handsets.map((handset) => {
    const [model = '', mac] = handset.split('=')
    return { model, mac: mac ?? null }
  }),
})

const newTeam = [
  person('Ada Lindqvist', 'ada', '1001', 'linphone-mobile', 'yealink-t54w=805ec0a1b201'),
  { ...person('Jürgen Großmann', 'juergen', '1002', 'snom-d785=000413a1b202'), gateway: 'openwrt' },
  person('Zoë Lefèvre', 'zoe', '1003', 'linphone-desktop', 'linphone-mobile'),
  { ...person('Łukasz Wójcik', 'lukasz', '1004', 'grandstream-grp2614=c074ada1b204'), gateway: 'mikrotik' },
  person('Satō Misaki', 'misaki', '1005', 'linphone-mobile'),
  person('ليلى حداد', 'layla', '1006', 'linphone-mobile'),
  { ...person('Siobhán O’Neill', 'siobhan', '1007', 'poly-vvx450=64167fa1b207'), gatewayOf: '1002' },
  person('Nguyễn Thị Ngọc', 'ngoc', '1008', 'linphone-desktop'),
  { ...person('Олена Шевчук', 'olena', '1009', 'fanvil-x5u=0c383ea1b209'), gateway: 'networkd' },
  person('Mateo Jiménez', 'mateo', '1010', 'linphone-mobile'),
  person('Priya Raman', 'priya', '1011', 'linphone-desktop'),
]

/** Who signs in when: hours after the one before. */
const rhythm = [
  ['1001', 0.2],
  ['1002', 0.7],
  ['1010', 0.3],
  ['1003', 13],
  ['1004', 0.5],
  ['1007', 1.1],
  ['1008', 0.4],
  ['1005', 22],
  ['1006', 1.3],
  ['1009', 3],
  ['1011', 0.8],
] as const

/**
 * From a Monday to the Tuesday of the week after.
 * @param held until then a roster goes on
 */
export async function furnish(world: World, signIn: NamedPbx['signIn'], held: Promise<void>): Promise<Office> {
  const { app } = world
  const hours = (count: number) => passHours(world, count)
  const olga = await makeOwner(world)
  const helpdesk = await makeAdministrator(world, 'Ben', 'helpdesk')
  await makeAdministrator(world, 'Ines', 'auditor')
  await app.createToken('Monitoring', 'auditor', owner)
  const old = await app.createToken('Old intranet', 'admin', owner)
  await hours(0.3)
  await app.createToken('HR system', 'admin', owner)
  await app.revokeToken(old.view.id, owner)
  const set = (layer: 'site' | 'model' | 'handset', scope: string, name: string, value: string) =>
    app.setPhoneSetting({ layer, scope, name }, value, { dryRun: false }, owner)
  await set('site', 'default', 'timezone', 'Europe/Berlin')
  await set('site', 'default', 'language', 'de')
  await set('site', 'default', 'pollMinutes', '120')
  const numbers = { countryCode: '49', internationalPrefix: '00', nationalPrefix: '0', areaCode: '30' }
  await app.calls.setDialPlan(null, { ...numbers, emergencyNumbers: ['112', '110'] }, owner)
  await hours(0.4)

  const team = await bringIn(world, newTeam)
  await hours(5)
  await set('model', 'yealink-t54w', 'voicemail', '*97')
  const enrol = (...extensions: string[]) => settle(world, signIn, extensions)
  for (const [extension, later] of rhythm) {
    await hours(later)
    await enrol(extension)
  }
  const ada = team.get('1001')!
  await app.calls.set('1001', { class: 'national', countries: ['43', '41'], callsAtOnce: 2, minutesPerDay: 240 }, admin)
  const desk = handsetOf(ada.employee, 'yealink-t54w').id
  const doubted = handsetOf(team.get('1002')!.employee, 'snom-d785').id
  await hours(19)
  await app.offboard('1010', 'end of contract', admin)
  await app.settled('1010', 10_000)
  await hours(79)

  // The phone behind somebody else's gateway: one line stays for a person to tick.
  await app.offboard('1007', 'moves to the partner company', admin)
  await app.settled('1007', 10_000)
  await hours(21)
  await app.people.setLeaving('1003', { at: '2027-03-12T17:00:00Z', reason: 'parental leave' }, admin)
  await app.people.setLeaving('1009', { at: '2027-03-31T21:00:00Z', reason: null }, admin)
  await world.hub.removeByHand(team.get('1005')!.employee.tunnels[0]!.publicKey!)
  await world.sweep()
  await world.fetch(`https://phones.example.com/p/${'x'.repeat(43)}/`, '805ec0a1b201.cfg')
  await hours(0.6)

  const anna = await app.onboard(
    { ...person('Anna Kowalska', 'anna', '1012', 'linphone-mobile', 'yealink-t46u=805ec0a1b212'), mail: 'en' },
    admin,
  )
  const tomas = await app.onboard(
    {
      ...person('Tomás Ferreira', 'tomas', '1013', 'grandstream-grp2615=c074ada1b213'),
      gateway: 'openwrt',
      mail: 'de',
    },
    admin,
  )
  const noor = await app.onboard(person('Noor de Vries', 'noor', '1014', 'linphone-mobile'), admin)
  await world.loop.idle()
  await world.mails.run()
  await hours(0.2)
  const importId = await beginRoster(world, admin, held)
  await world.loop.idle()
  await enrol('1101', '1102', '1103')
  const draft = await app.rosters.draft(messyRoster, admin)

  const kai = await app.administrators.invite({ name: 'Kai Sommer', email: 'kai@example.com', role: 'admin' }, owner)
  const mira = await app.administrators.invite({ name: 'Mira Vogel', email: 'mira@example.com', role: 'admin' }, owner)
  const nobody = { name: '', email: '' }
  const halfway = await app.signIn.setupWithPassword(tokenOf(kai.link), nobody, goodPassword, visitor)
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
  await hours(0.2)
  await enrol('1001', '1002', '1003', '1004', '1005', '1006', '1101', '1102', '1103')
  await set('handset', desk, 'label', 'Front desk')
  await asks(world, doubted, '000413a1b202.xml', 'Mozilla/4.0 (compatible; snomD735-SIP 10.1.159.12 000413a1b2ff)')
  await world.hubWatch.around(world.hub).listPeers(AbortSignal.timeout(1_000))
  return {
    ownerCookie: cookie!.cookie.reveal(),
    halfwayCookie: halfway!.cookie.reveal(),
    setupPath: new URL(mira.link.reveal()).pathname,
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
    invites: { app: tokenIn(noor.invite.url), desk: tokenIn(anna.invite.url), gateway: tokenIn(tomas.invite.url) },
  }
}

async function bringIn(world: World, inputs: readonly OnboardInput[]): Promise<ReadonlyMap<string, Onboarded>> {
  const made = new Map<string, Onboarded>()
  const { app } = world
  for (const input of inputs) {
    made.set(input.extension, await app.onboard(input, admin))
    await world.travel(0.006)
    const { gateways } = await world.app.employee(input.extension)
    if (input.gateway && gateways.length > 0) {
      await world.app.setGatewayKey(input.extension, publicKeyOf(newPrivateKey()), admin)
      await world.loop.idle()
    }
  }
  return made
}

/** Their phones fetch what is theirs, shake hands, and sign in at the PBX. */
async function settle(world: World, signIn: NamedPbx['signIn'], extensions: readonly string[]): Promise<void> {
  for (const extension of extensions) {
    const { handsets, tunnels } = await world.app.employee(extension)
    for (const { id, files, model, mac, phoneAddress } of handsets) {
      for (const file of files)
        await asks(world, id, file, saysItIs(model, mac), `203.0.113.${20 + (Number(extension) % 97)}`)
      signIn(extension, phoneAddress ?? tunnels[0]!.addresses[0]!.split('/')[0]!)
    }
    await world.shakeHands(...tunnels.flatMap(({ publicKey }) => publicKey ?? []))
  }
}

async function asks(world: World, handsetId: string, fileName: string, userAgent: string, from = '198.51.100.7') {
  const token = tokenIn(await steadyUrl(world, handsetId))
  await world.app.serveFile({ token, fileName, remoteAddress: from, userAgent, ifNoneMatch: null, method: 'GET' })
  await world.door.flush()
}

/** As the makers' phones write it; see the patterns in templates/phones. */
function saysItIs(model: string, mac: string | null): string {
  switch (model.split('-')[0]) {
    case 'yealink':
      return `Yealink SIP-T54W 96.86.0.100 ${mac?.match(/../g)?.join(':')}`
    case 'snom':
      return `Mozilla/4.0 (compatible; snomD785-SIP 10.1.159.12 ${mac})`
    case 'grandstream':
      return `Grandstream Model HW GRP2614 SW 1.0.9.48 DevId ${mac}`
    case 'poly':
      return `FileTransport PolycomVVX-VVX_450-UA/6.4.6.2494 (SN:${mac})`
    case 'fanvil':
      return `Fanvil X5U 2.12.16.17 ${mac}`
    default:
      return model.endsWith('mobile') ? 'LinphoneAndroid/6.0.9 (Pixel 9)' : 'Linphone-Desktop/5.3.1 (Windows 11)'
  }
}
