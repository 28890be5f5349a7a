/**
 * The settings RINGFENCE_PBX and RINGFENCE_PBX_*, and of further PBXs RINGFENCE_PBX2 and RINGFENCE_PBX2_* …; what only one
 * driver needs is read in pbx-settings/driver-settings.ts.
 */
import { plainWord } from './domain/plain-word.ts'
import { defaultId, type Site, siteOf } from './domain/site.ts'
import { type DriverSettings, driverWords, readDriver } from './pbx-settings/driver-settings.ts'
import { type EdgeSettings, noteUnchecked, readEdge } from './pbx-settings/edge.ts'
import { managementPlaces } from './pbx-settings/management-places.ts'
import { readBrand } from './pbx-settings/manual.ts'
import { noteUnused } from './pbx-settings/unused.ts'
import { isHost, quoted, type SettingReader } from './setting-reader.ts'

export interface PbxSettings {
  /** What the database knows it by, for ever: `default` for the first, the name for a further one. */
  readonly id: string
  /** What people call it: `--pbx branch`. */
  readonly name: string
  /** How its settings begin: `PBX`, `PBX2`. */
  readonly prefix: string
  readonly site: Site
  /** Whose menus the steps for a person name: a file in templates/manual-pbx. */
  readonly brand: string
  /** As it stands in the settings, and in the database's row. */
  readonly driver: string
  readonly driven: DriverSettings
  readonly address: string | null
  /** What handsets dial: the PBX's own place, or that of the edge in front of it. Media always goes to `address`. */
  readonly host: string
  readonly port: number
  readonly mtlsPort: number
  /** The PBX's own, whoever dials it. */
  readonly own: { readonly host: string; readonly port: number; readonly mtlsPort: number }
  readonly rtp: { readonly from: number; readonly to: number }
  readonly realm: string
  /** In front of the first PBX only. */
  readonly edge: EdgeSettings | null
}

/** Those whose realm Ringfence neither sets nor knows. */
const realmIsOpen = ['manual', '3cx', 'yeastar']

const mainSite: Site = { id: defaultId, name: 'Main site' }

/** The first one is always there. */
export function readPbxs(read: SettingReader, demo: string[]): readonly PbxSettings[] {
  const numbers = read.furtherPbxs()
  const readers = [read, ...numbers.map((number) => read.ofPbx(number))]
  const pbxs: PbxSettings[] = []
  for (const reader of readers) {
    const pbx = readPbx(reader, demo, pbxs[0]?.site ?? null)
    refuseTwins(reader, pbx, pbxs)
    pbxs.push(pbx)
  }
  return pbxs
}

/** Two that were copied from each other and not changed would write into each other's accounts. */
function refuseTwins({ text, wrong }: SettingReader, pbx: PbxSettings, others: readonly PbxSettings[]): void {
  const { id, name, address } = pbx
  const isTaken = (text: string) => others.some((other) => other.name === text || other.id === text)
  // Without any name it was asked for already.
  if (text('PBX_NAME') !== null && (isTaken(name) || isTaken(id)))
    wrong('PBX_NAME', `${quoted(name)} is another PBX's name too`)
  const taken = new Set(others.flatMap(placesOf))
  if (placesOf(pbx).some((place) => taken.has(place)))
    wrong('PBX_ADDRESS', `${address} with these ports is another PBX's place too`, 'give each its own address or ports')
  const managed = others.flatMap((other) => managementPlaces(other.driven))
  for (const { setting, place, words } of managementPlaces(pbx.driven)) {
    if (managed.some((other) => other.setting === setting && other.place === place)) wrong(setting, ...words)
  }
}

/** Where it listens for phones, and where the edge in front of it does. */
function placesOf({ address, own, edge }: PbxSettings): readonly string[] {
  return [
    ...(address === null ? [] : [own.port, own.mtlsPort].map((port) => `${address} ${port}`)),
    ...(edge === null ? [] : [edge.port, edge.mtlsPort, edge.pbxPort].map((port) => `${edge.address} ${port}`)),
  ]
}

/** A name stands in commands (`1001@branch`), addresses of the API and names of files. */
function readName({ text, wrong }: SettingReader, isFirst: boolean): string {
  const name = text('PBX_NAME')
  if (name === null && !isFirst)
    wrong('PBX_NAME', 'is needed for a further PBX', 'a short name such as branch; it must stay the same')
  const found = name ?? defaultId
  if (!/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/.test(found) || /^[0-9]+$/.test(found))
    wrong('PBX_NAME', `${quoted(found)} is not a name`, 'lower-case letters, digits and dashes, such as branch')
  return found
}

function readPbx(read: SettingReader, demo: string[], firstSite: Site | null): PbxSettings {
  const { text, port, wrong } = read
  const isFirst = firstSite === null
  const name = readName(read, isFirst)
  const siteName = text('PBX_SITE')
  if (siteName !== null && !/[A-Za-z0-9]/.test(siteName))
    wrong('PBX_SITE', `${quoted(siteName)} holds no letter or digit of A to Z`)
  if (text('PBX') === null && !isFirst)
    wrong('PBX', 'is not set, but other settings of this PBX are', `one of ${driverWords.join(', ')}`)
  const driver = (text('PBX') ?? 'manual').toLowerCase()
  const kind = driverWords.find((word) => word === driver)
  if (!kind) wrong('PBX', `${quoted(driver)} is not a PBX that Ringfence knows`, `one of ${driverWords.join(', ')}`)
  const address = read.address(
    'PBX_ADDRESS',
    text('PBX_ADDRESS'),
    'the name that handsets use goes into RINGFENCE_PBX_HOST',
  )
  if (text('PBX_ADDRESS') === null)
    demo.push(read.inWords('RINGFENCE_PBX_ADDRESS is not set: there is no PBX behind the tunnels'))
  // There handsets dial the edge, by its own name.
  const isBehindEdge = isFirst && text('EDGE_ADDRESS') !== null
  if (isBehindEdge && text('EDGE_HOST') === null)
    demo.push(
      'RINGFENCE_EDGE_HOST is not set: handsets get the bare IP address, which softphones refuse in a certificate',
    )
  const host = text('PBX_HOST') ?? address ?? 'pbx.example.invalid'
  if (!isHost(host)) wrong('PBX_HOST', `${quoted(host)} is not a host name`)
  else if (text('PBX_HOST') === null && address !== null && !isBehindEdge)
    demo.push(
      read.inWords(
        'RINGFENCE_PBX_HOST is not set: handsets get the bare IP address, which softphones refuse in a certificate',
      ),
    )
  const rtpText = text('PBX_RTP') ?? '10000-20000'
  const [, from = 0, to = 0] = /^(\d{1,5})-(\d{1,5})$/.exec(rtpText)?.map(Number) ?? []
  if (from < 1 || to > 65_535 || from > to)
    wrong('PBX_RTP', `${quoted(rtpText)} is not a range of ports`, 'such as 10000-20000')
  const realm = text('PBX_REALM') ?? 'asterisk'
  if (text('PBX_REALM') === null && address !== null && realmIsOpen.includes(driver))
    read.note(
      `RINGFENCE_PBX_REALM is not set: phones that get a digest of their password get one for realm "asterisk"`,
      'compare it with what the PBX says in its challenge (WWW-Authenticate: Digest realm="…") before the first phone goes out; later it cannot change',
    )
  if (!plainWord.test(realm))
    wrong('PBX_REALM', `${quoted(realm)} cannot be a digest realm`, 'letters, digits, dots and dashes')
  const own = { host, port: port('PBX_PORT', 5061), mtlsPort: port('PBX_MTLS_PORT', 5062) }
  if (driver !== 'manual' && own.port === own.mtlsPort)
    wrong('PBX_MTLS_PORT', `${own.port} is RINGFENCE_PBX_PORT too`, 'each needs a port of its own on the PBX')
  noteUnused(read, driver)
  const driven = readDriver(read, kind ?? 'manual', address)
  const identity = {
    id: isFirst ? defaultId : name,
    name,
    prefix: read.inWords('RINGFENCE_PBX').slice('RINGFENCE_'.length),
    site: isFirst ? { ...mainSite, name: siteName ?? mainSite.name } : siteOf(siteName, firstSite),
    brand: readBrand(read, driver),
  }
  const edge = isFirst ? readEdge(read, { address, port: own.port }) : null
  if (edge) {
    refuseBehindEdge(read, driven)
    noteUnchecked(read, edge, driven)
  }
  const dialled = edge ? { host: edge.host, port: edge.port, mtlsPort: edge.mtlsPort } : own
  return { ...identity, driver, driven, address, ...dialled, own, rtp: { from, to }, realm, edge }
}

/**
 * An account behind the edge must send calls back along the Path and take requests from the edge alone. Asterisk does, but
 * of an object made over its REST interface it keeps the word `deny/permit` in place of the rule, and then lets nobody in
 * (seen with 22.10.1; res/res_pjsip/pjsip_configuration.c of asterisk/asterisk gives `deny` no form to be kept in).
 */
function refuseBehindEdge({ wrong }: SettingReader, driven: DriverSettings): void {
  if (driven.kind === 'kamailio')
    wrong('EDGE_ADDRESS', 'is set, but Kamailio checks certificates itself', 'leave the edge out: it would add nothing')
  else if (driven.kind !== 'asterisk' && driven.kind !== 'manual')
    wrong('EDGE_ADDRESS', `is set, but ${driven.kind} behind an edge was never tried`, 'the edge is for Asterisk')
  if (driven.kind === 'asterisk' && driven.accounts.kind === 'ari')
    wrong(
      'EDGE_ADDRESS',
      "is set, but accounts over Asterisk's REST interface cannot be kept to it",
      'keep the accounts in files or tables: RINGFENCE_PBX_ACCOUNTS',
    )
}
