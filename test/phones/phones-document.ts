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
  const models = vendors.flatMap(({ manifest }) =>
    manifest.models.map((model) => ({ ...model, resync: manifest.resync.event })),
  )
  return `${[
    '# Phones and gateways',
    'Made from `templates/phones/*/vendor.json` and `templates/gateways/*/gateway.json`; after a change there run `UPDATE_DOCS=1 npx vitest run test/phones/phones-doc.test.ts`.',
    "No model was tried on hardware yet unless the last column says so. Linphone was tried as Debian's liblinphone 5.1.65: it registers with our file and has nothing left after the blanking one.",
    'Models marked experimental have a file made from too little: try one before you count on it. Apps and phones that have no file, and why: [phones/other-apps.md](phones/other-apps.md).',
    'The OpenVPN clients that some desk phones bring are out of scope, and switched off where their setting is known: each would be a second kind of tunnel to shut and to prove shut, of an age and with ciphers that differ by firmware and are written nowhere. The home gateway carries every phone the same way.',
    table(
      [
        'Model',
        'Name',
        'Client certificate',
        'Takes your authority',
        'Tunnel',
        'Encrypted speech forced',
        'Asked to fetch again by',
        'Blanked after offboarding',
        'Tried on hardware',
      ],
      [
        ...models.map((model) => modelRow(model.id, titleOf(model), model.capabilities, model.resync)),
        ...gateways.map(({ id, manifest }) => modelRow(`gateway-${id}`, manifest.name, manifest.capabilities, null)),
      ],
    ),
    ...vendors.flatMap((vendor) => vendorPart(vendor, pages.has(vendor.id), catalogue)),
    ...gateways.flatMap(({ id, manifest }) => [`## ${manifest.name} (\`gateway-${id}\`)`, list(manifest.notes)]),
    ...templateWriting,
  ].join('\n\n')}\n`
}

type Capabilities = VendorManifest['models'][number]['capabilities']

const certificateWords = { provisioned: 'with its file', 'by-hand': 'by hand', none: 'none' } as const

function modelRow(id: string, name: string, capabilities: Capabilities, resync: string | null): readonly string[] {
  return [
    code(id),
    name,
    certificateWords[capabilities.clientCertificate],
    yes(capabilities.acceptsPrivateCa),
    capabilities.ownTunnel ? 'its own' : 'home gateway',
    yes(capabilities.srtpForced),
    resync === null ? 'nothing' : code(resync),
    yes(capabilities.blanking),
    yes(capabilities.testedOnHardware),
  ]
}

function vendorPart(
  { id, manifest }: Folder<VendorManifest>,
  hasPage: boolean,
  catalogue: Pick<Catalogue, 'settingNote'>,
): readonly string[] {
  const { firmwareFloor, resync, polling, macPrefixes, languages, timezones, lacks } = manifest
  const facts = [
    ['Oldest firmware', firmwareFloor.version ?? 'not known', firmwareFloor],
    ['Fetches again on', resync.event === null ? 'nothing' : `NOTIFY ${code(resync.event)}`, resync],
    ['Shortest polling', polling.minimumMinutes === null ? 'no polling' : `${polling.minimumMinutes} min`, polling],
    [
      'MAC prefixes',
      macPrefixes.prefixes.length === 0 ? 'none' : macPrefixes.prefixes.map(code).join(' '),
      macPrefixes,
    ],
    ...(languages ? [['Languages', Object.keys(languages.words).map(code).join(' '), languages] as const] : []),
    ...(timezones ? [['Time zones', Object.keys(timezones.words).map(code).join(' '), timezones] as const] : []),
  ] as const
  const byNotes = Map.groupBy(manifest.models, (model) => model.notes.join('\n'))
  const experiments = new Set(manifest.models.flatMap(({ experimental }) => experimental ?? []))
  const warnings = new Set(manifest.models.flatMap((model) => model.warnings))
  return [
    `## ${manifest.name}`,
    ...(hasPage ? [`What an installer does: [phones/${id}.md](phones/${id}.md).`] : []),
    ...[...experiments].map((why) => `**Experimental:** ${why}`),
    ...(warnings.size > 0 ? ['Said each time it is handed out:', list([...warnings])] : []),
    ...[...byNotes.values()].flatMap((models) => [
      `${models.map((model) => model.name).join(', ')}:`,
      list(models[0]!.notes),
    ]),
    settingsSentence(manifest, catalogue),
    ...(lacks.length > 0 ? ['What it lacks, or what nobody knows:', list(lacks)] : []),
    table(
      ['What', 'Value', 'How sure', 'Source'],
      facts.map(([what, value, { sure, source }]) => [what, value, sureWords[sure], source]),
    ),
    table(
      ['File', 'What it is', 'After offboarding'],
      manifest.files.map((file) => [
        manifest.models
          .filter((model) => belongsTo(file, model.family))
          .map((model) => nameFor(file.name, model.variables))
          .filter((name, index, all) => all.indexOf(name) === index)
          .map(code)
          .join(' '),
        file.purpose,
        'blanking' in file && file.blanking !== null ? `${code(file.blanking)}, no secret` : 'not found',
      ]),
    ),
    '<details><summary>Every setting in these files</summary>',
    table(
      ['Setting', 'How sure', 'Source'],
      manifest.parameters.map(({ name, sure, source }) => [code(name), sureWords[sure], source]),
    ),
    '</details>',
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
