import { phoneSettingNames } from '../../src/domain/phone-setting-value.ts'
import { belongsTo, type Folder, type GatewayManifest, type VendorManifest } from '../../src/phones/manifest.ts'

import type { Catalogue } from '../../src/phones/phone-port.ts'
import { sampleSettings } from '../../src/phones/scope.ts'

/** docs/phones.md, made from what the vendor folders say of themselves. */
export function phonesDocument(
  vendors: readonly Folder<VendorManifest>[],
  gateways: readonly Folder<GatewayManifest>[],
  /** Vendors with a page of their own under docs/phones/. */
  pages: ReadonlySet<string>,
  /** Asked what a model's files say of an admin's settings. */
  catalogue: Pick<Catalogue, 'settingNote'>,
): string {
  return `${[
    '# Phones and gateways: which can do what',
    'Made from `templates/phones/*/vendor.json` and `templates/gateways/*/gateway.json`; after a change there run `UPDATE_DOCS=1 npx vitest run test/phones/phones-doc.test.ts`. Those files also name the source of every single setting. `ringfence models WORD` says the same of one model.',
    `${triedOnHardware(vendors)} Real programs have read three of these kinds of file: Linphone's (Debian's liblinphone 5.1.65 registers with it and has nothing left after the blanking one), and baresip's two (Debian's 1.0.0 registers). Of all others nobody but our own readers of their format has read a file.`,
    'Models marked experimental have a file made from too little: try one before you count on it. Apps and phones that have no file, and why: [phones/other-apps.md](phones/other-apps.md).',
    table(
      [
        'Phone or app',
        'Client certificate',
        'Your own authority',
        'Tunnel',
        'Encrypted speech',
        'Told to fetch again by',
        'Blanked',
      ],
      [
        ...vendors.flatMap(summaryRows),
        ...gateways.map(({ manifest }) => [
          `${manifest.name} (home gateway)`,
          '',
          '',
          'its own, for its phones',
          '',
          '',
          '',
        ]),
      ],
    ),
    list([
      '*Client certificate*: comes with its file, is put in by hand, or none; without one it uses the port of the PBX that asks for none, through the tunnel.',
      '*Your own authority*: no means that phone door and PBX must show it a publicly trusted certificate.',
      '*Tunnel*: its own (for an app, the WireGuard app beside it), or carried by a home gateway.',
      '*Encrypted speech*: asked for means that the file asks and that nothing is known to force it; let the PBX refuse calls without.',
      '*Blanked*: after offboarding its next fetch takes account and password away.',
    ]),
    'The OpenVPN clients that some desk phones bring are out of scope, and switched off where their setting is known: each would be a second kind of tunnel to shut and to prove shut, of an age and with ciphers that differ by firmware and are written nowhere. The home gateway carries every phone the same way.',
    ...vendors.flatMap((vendor) => vendorPart(vendor, pages.has(vendor.id), catalogue)),
    ...gateways.flatMap(({ id, manifest }) => [`## ${manifest.name} (\`gateway-${id}\`)`, list(manifest.notes)]),
    ...templateWriting,
  ].join('\n\n')}\n`
}

type Model = VendorManifest['models'][number]
type Capabilities = Model['capabilities']

/** One row for all models of a vendor that can do the same; the most of them go by the vendor's name. */
function summaryRows({ manifest }: Folder<VendorManifest>): string[][] {
  const alike = [...Map.groupBy(manifest.models, ({ capabilities }) => JSON.stringify(capabilities)).values()]
  const most = Math.max(...alike.map((models) => models.length))
  return alike.map((models) => {
    const byVendor = most > 1 && models.length === most
    const name = byVendor
      ? `${manifest.name}${alike.length > 1 ? ', all others' : ''}${models.every(isExperiment) ? ' (experimental)' : ''}`
      : models.map(titleOf).join(', ')
    return summaryRow(`[${name}](#${anchorOf(manifest.name)})`, models[0]!.capabilities, manifest.resync.event)
  })
}

function isExperiment({ experimental }: Model): boolean {
  return experimental !== undefined
}

const certificateWords = { provisioned: 'with its file', 'by-hand': 'by hand', none: 'none' } as const

function summaryRow(name: string, capabilities: Capabilities, resync: string | null): string[] {
  return [
    name,
    certificateWords[capabilities.clientCertificate],
    yes(capabilities.acceptsPrivateCa),
    capabilities.ownTunnel ? 'its own' : 'home gateway',
    capabilities.srtpForced ? 'forced' : 'asked for',
    resync === null ? 'nothing' : code(resync),
    yes(capabilities.blanking),
  ]
}

function triedOnHardware(vendors: readonly Folder<VendorManifest>[]): string {
  const tried = vendors.flatMap(({ manifest }) =>
    manifest.models.filter((model) => model.capabilities.testedOnHardware),
  )
  return tried.length === 0
    ? '**No model was tried on hardware yet.**'
    : `**Tried on hardware: ${tried.map(({ name }) => name).join(', ')}; no other model was.**`
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-')
}

function vendorPart(
  { id, manifest }: Folder<VendorManifest>,
  hasPage: boolean,
  catalogue: Pick<Catalogue, 'settingNote'>,
): readonly string[] {
  const { firmwareFloor, resync, polling, userAgent, macPrefixes, languages, timezones, lacks, models } = manifest
  const experiments = new Set(models.flatMap(({ experimental }) => experimental ?? []))
  const facts = [
    ['Models', models.map((model) => code(model.id)).join(' '), null],
    ['Oldest firmware', firmwareFloor.version ?? 'not known', firmwareFloor.sure],
    ['Fetches again on', resync.event === null ? 'nothing' : `NOTIFY ${code(resync.event)}`, resync.sure],
    ...(userAgent ? [['Says of itself', code(userAgent.pattern), userAgent.sure] as const] : []),
    [
      'Shortest polling',
      polling.minimumMinutes === null ? 'no polling' : `${polling.minimumMinutes} min`,
      polling.sure,
    ],
    ['MAC prefixes', macPrefixes.prefixes.map(code).join(' ') || 'none', macPrefixes.sure],
    ...manifest.files.map((file) => ['File', fileWords(models, file), null] as const),
    ...(languages ? [['Languages', Object.keys(languages.words).map(code).join(' '), languages.sure] as const] : []),
    ...(timezones ? [['Time zones', Object.keys(timezones.words).map(code).join(' '), timezones.sure] as const] : []),
  ] as const
  return [
    `## ${manifest.name}`,
    ...(hasPage ? [`What an installer does: [phones/${id}.md](phones/${id}.md).`] : []),
    ...[...experiments].map((why) => `**Experimental:** ${why}`),
    settingsSentence(manifest, catalogue),
    ...(lacks.length > 0 ? ['What it lacks, or what nobody knows:', list(lacks)] : []),
    table(
      ['What', 'Value', 'How sure'],
      facts.map(([what, value, sure]) => [what, value, sure === null ? '' : sureWords[sure]]),
    ),
    list([...warningLines(manifest), ...noteLines(models), ...settingLines(manifest)]),
  ]
}

function fileWords(models: readonly Model[], file: VendorManifest['files'][number]): string {
  const names = models
    .filter(({ family }) => belongsTo(file, family))
    .map(({ variables }) => nameFor(file.name, variables))
  const [first, ...others] = new Set(names)
  const more = others.length === 0 ? '' : ` (and ${others.length} more names)`
  const after =
    'blanking' in file && file.blanking !== null
      ? 'after offboarding without any secret'
      : 'not served after offboarding'
  return `${code(first!)}${more}: ${file.purpose}; ${after}`
}

/** Without the model's name, which begins each: most are the same for all models. */
function warningLines({ models }: VendorManifest): string[] {
  const texts = models.flatMap(({ name, warnings }) => warnings.map((text) => text.replace(`${name}: `, '')))
  return [...new Set(texts)].map((text) => `**Said each time it is handed out:** ${text}`)
}

/** What is true of all, then what is true of some, with their names, or of all but some. */
function noteLines(models: readonly Model[]): string[] {
  const notes = [...new Set(models.flatMap((model) => model.notes))]
  const byOwners = Map.groupBy(notes, (note) => ownersOf(models, note))
  const ofAll = byOwners.get('') ?? []
  byOwners.delete('')
  return [...ofAll, ...[...byOwners].map(([owners, texts]) => `${owners}: ${texts.join(' ')}`)]
}

function ownersOf(models: readonly Model[], note: string): string {
  const names = (some: readonly Model[]) => some.map(({ name }) => name.replace(/^\S+ /, '')).join(', ')
  const owners = models.filter((model) => model.notes.includes(note))
  if (owners.length === models.length) return ''
  return owners.length * 2 > models.length
    ? `All but ${names(models.filter((model) => !owners.includes(model)))}`
    : names(owners)
}

function settingLines({ parameters }: VendorManifest): string[] {
  const of = (sure: keyof typeof sureWords) => parameters.filter((parameter) => parameter.sure === sure)
  const unknown = of('unknown').map(({ name }) => code(name))
  return [
    `Of the ${parameters.length} settings in its files ${of('verified').length} were verified and ${of('seen-in-templates').length} seen in templates${unknown.length === 0 ? '' : `; not known, try them: ${unknown.join(' ')}`}.`,
  ]
}

/** Found out by rendering, as the server does it when somebody looks. */
function settingsSentence(
  { models, languages, timezones }: VendorManifest,
  catalogue: Pick<Catalogue, 'settingNote'>,
): string {
  const samples: Readonly<Record<string, string>> = {
    ...sampleSettings,
    ...(languages && { language: Object.keys(languages.words)[0]! }),
    ...(timezones && { timezone: Object.keys(timezones.words)[0]! }),
    extraLines: 'x',
  }
  const said = phoneSettingNames.filter((name) =>
    models.every(({ id }) => catalogue.settingNote(id, name, samples[name]!) === null),
  )
  const unsaid = phoneSettingNames.filter((name) => !said.includes(name))
  const names = (of: readonly string[]) => (of.length === 0 ? 'none' : of.map(code).join(', '))
  return `[Settings](phone-settings.md) that its files say: ${names(said)}. Left out: ${names(unsaid)}.`
}

function titleOf({ name, experimental }: VendorManifest['models'][number]): string {
  return experimental === undefined ? name : `${name} (experimental)`
}

const sureWords = {
  verified: 'verified',
  'seen-in-templates': 'seen in templates',
  unknown: 'not known, try it',
} as const

function nameFor(name: string, variables: Readonly<Record<string, string>>): string {
  return name.replace(/\{(\w+)\}/g, (whole, key: string) => variables[key] ?? whole)
}

const templateWriting = [
  '## Writing a template',
  'A vendor is a folder under `templates/phones/` with a `vendor.json` and Liquid templates. They see `extension`, `displayName`, `mac`, `provisioningUrl` (and `provisioning.scheme`, `provisioning.address`, `provisioning.host`, `provisioning.port`, `provisioning.path`), `timeServer`, `hasCaCertificate`, `caCertificateLines`, `caCertificateBase64`, `hasClientCertificate`, `clientCertificateLines`, `clientKeyLines`, `phoneAdminPassword`, `phoneUserPassword` (and `phoneAdminDigits`, `phoneUserDigits`: nine digits that follow from them) and `sip.host`, `sip.port`, `sip.username`, `sip.secret`, `sip.ha1`, `sip.realm`, `sip.expiresSeconds`, `sip.identity`. What admins set ([phone-settings.md](phone-settings.md)): `label`, `voicemail`, `vlan`, `firmware` (and `firmwarePath`, without its scheme), `emergencyNote`, `extraLines`, `language` and `timezoneWord` (the words of its maker from `languages` and `timezones` in `vendor.json`), `timezone` (`name`, `minutes`, `offset`, `short`, `posix`, and `summer.saveMinutes`, `summer.start` and `summer.end` with `month`, `week`, `fromDay`, `weekday`, `isoWeekday`, `hour`, `minute`) and `poll` (`minutes`, `spreadMinutes`, `spreadSeconds`, `hours`, `days`); null where nothing is set or no word is known. `lacks` says what a file should say and does not. A blanking template sees `mac`, `filler` and `fillerDigits`.',
  "Every printed value is escaped for the file's `format`; only `extraLines`, which were checked when they were set, stand as they were typed. A mistake stops the start and names the file. Templates may use `if`, `unless`, `case`, `for`, `assign`, `capture`, `comment` and `raw`, and no dates or chance: a file must have the same bytes while nothing changes.",
  'In a `yealink-cfg` file, which has no known quoting, line breaks and control characters become a space, spaces at the ends go, and what could mean something is written as its look-alike: `%NULL%` as `％NULL％`, a leading `#` as `＃`, quotation marks at the ends as `”` and `’`. A secret that would have to change is refused.',
  'The other formats of lines have no known quoting either. `mitel-cfg`: `#` becomes `＃` anywhere, quotation marks at the ends `”` and `’`, nothing becomes `-`. `ini`: letters lose their accents, what is then not ASCII becomes `?`, `"` becomes `\'`, `\\` becomes `/`, `<` and `>` become `(` and `)`, apostrophes at the ends go, nothing becomes `-`. `baresip`: letters, digits and `._~@:/+=-` stay, everything else becomes `_`, and so does nothing.',
  "A softphone has `signIn`: what people call the app, `how` it takes its settings (`scan` a QR code of the address, `type` the address, `save` every file by hand), a `deepLink` with `{url}` or `{urlWithoutScheme}` or null, and its `words` for the employee. `experimental` says why a model is one, `warnings` what must be heard each time it is handed out, `typing` what a maker's desk phones want to have changed about the address that is typed.",
] as const

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n')
}

function yes(value: boolean): string {
  return value ? 'yes' : 'no'
}

function code(text: string): string {
  return `\`${text}\``
}
