import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Format } from './escape.ts'
import { gatewayScope, gatewayScriptScope, sampleGateways } from './gateway-scope.ts'
import { identityBook } from './identity-book.ts'
import {
  belongsTo,
  type Folder,
  gatewayFolder,
  type ManifestFile,
  type PlainContent,
  type VendorManifest,
  vendorFolder,
} from './manifest.ts'
import { type PasswordForm, passwordForms, passwordsAs } from './phone-passwords.ts'
import type {
  BlankingValues,
  Catalogue,
  FileValues,
  GatewayKind,
  Model,
  RenderedFile,
  TemplateOrigin,
} from './phone-port.ts'
import { refusalOf } from './refusals.ts'
import { type Template, type TemplateReader, templateReader } from './render.ts'
import { blankingScope, sampleBlanking, sampleValues, scopeOf } from './scope.ts'
import { extraLinesProblem, settingNote } from './setting-support.ts'
import { nearestTo } from './spelling.ts'
import { attemptAll } from './template-mistakes.ts'
import { invalid, readTemplateTree, type TemplateFile, type TemplateTree } from './template-tree.ts'

/** The delivered templates alone. @throws AppError TEMPLATE_INVALID */
export async function loadCatalogue(templatesFolder: string): Promise<Catalogue> {
  return catalogueOf(await readTemplateTree({ delivered: templatesFolder, own: null }))
}

/**
 * Every vendor and gateway kind of the tree: their templates are parsed and each is tried with sample values, so that a
 * mistake in a file that somebody edited stops the start, not a phone's fetch.
 * @throws AppError TEMPLATE_INVALID naming each file that is wrong, and the line
 */
export async function catalogueOf(tree: TemplateTree): Promise<Catalogue> {
  const reader = templateReader()
  const folders: Folder<VendorManifest>[] = []
  const vendors = tree.folders('phones').map((id) => () => {
    const folder = vendorFolder(tree, id)
    folders.push(folder)
    return loadVendor(folder, reader)
  })
  const gateways = tree.folders('gateways').map((id) => () => loadGateway(tree, id, reader))
  const entries = new Map<string, Entry>()
  const loaded = await attemptAll([...vendors, ...gateways], async (load) => {
    // They are loaded anew while phones are served.
    await nextTurn()
    return load()
  })
  for (const entry of loaded.flat()) {
    if (entries.has(entry.model.id))
      throw invalid(tree.pathOf('phones', entry.model.vendor), `two models are called ${entry.model.id}`)
    entries.set(entry.model.id, entry)
  }
  // Phones write their MAC in either case, whatever they were told; the token in the address is what counts.
  const fileOf = (id: string, fileName: string, mac: string | null) =>
    entries.get(id)?.files.find((file) => file.nameFor(mac)?.toLowerCase() === fileName.toLowerCase())

  return {
    edition: tree.edition,
    models: [...entries.values()].map((entry) => entry.model),
    model: (id) => entries.get(id)?.model,
    nearest: (id) => nearestTo(id, [...entries.keys()], 5),
    refusal: refusalOf,
    looksForeign(id, mac) {
      const prefixes = entries.get(id)?.macPrefixes ?? []
      return prefixes.length > 0 && !prefixes.some((prefix) => mac.startsWith(prefix))
    },
    fileNames: (id, mac) =>
      (entries.get(id)?.files ?? []).map((file) => file.nameFor(mac)).filter((name) => name !== null),
    filePurpose: (id, fileName, mac) => fileOf(id, fileName, mac)?.purpose ?? null,
    templateOf: (id, fileName, mac) => fileOf(id, fileName, mac)?.template ?? null,
    settingNote: (id, name, value) => settingNote(entries.get(id)?.files ?? [], name, value),
    extraLinesProblem: (id, lines) =>
      extraLinesProblem(
        [...entries.values()]
          .filter(({ model }) => model.id === id || model.vendor === id)
          .flatMap(({ files }) => files),
        lines,
      ),
    render: (id, fileName, values) => fileOf(id, fileName, values.mac)?.render(values) ?? null,
    renderBlanking: (id, fileName, values) => fileOf(id, fileName, values.mac)?.renderBlanking(values) ?? null,
    ...identityBook(folders),
    phonePasswords: (id, passwords) =>
      passwordsAs(entries.get(id)?.files.flatMap((file) => file.passwords) ?? [], passwords),
    gateway: (id) => entries.get(id)?.gateway?.kind,
    gatewayInstructions: (id, values) => entries.get(id)?.gateway?.instructions(gatewayScope(values)) ?? null,
    gatewayScript: (id, values) => entries.get(id)?.gateway?.script?.(gatewayScriptScope(values)) ?? null,
  }
}

interface Entry {
  readonly model: Model
  readonly macPrefixes: readonly string[]
  readonly files: readonly PhoneFile[]
  readonly gateway?: {
    readonly kind: GatewayKind
    readonly instructions: Template
    readonly script: Template | null
  }
}

interface PhoneFile {
  readonly purpose: string
  readonly passwords: readonly PasswordForm[]
  /** Null for certificates and keys, which come as they are. */
  readonly template: TemplateOrigin | null
  /** Null for a file that is no template. */
  readonly format: Format | null
  nameFor(mac: string | null): string | null
  render(values: FileValues): RenderedFile | null
  renderBlanking(values: BlankingValues): RenderedFile | null
}

async function loadVendor(folder: Folder<VendorManifest>, reader: TemplateReader): Promise<Entry[]> {
  const { manifest } = folder
  checkFamilies(folder)
  const contents = await attemptAll(manifest.files, async (file) => loadContent(folder, file, reader))
  return manifest.models.map((model) => {
    const manifestPath = join(folder.path, 'vendor.json')
    if (!model.id.startsWith(`${folder.id}-`))
      throw invalid(manifestPath, `${model.id} does not begin with ${folder.id}-`)
    return {
      model: {
        id: model.id,
        vendor: folder.id,
        kind: model.kind,
        name: model.experimental === undefined ? model.name : `${model.name} (experimental)`,
        capabilities: { ...model.capabilities, resyncEvent: manifest.resync.event },
        notes: [...experimentNotes(model.experimental), ...model.notes],
        warnings: [...experimentNotes(model.experimental).map((note) => `${model.name}: ${note}`), ...model.warnings],
        typing: model.kind === 'desk-phone' ? (manifest.typing ?? null) : null,
        signIn: model.signIn ? { ...model.signIn, stores: urlsOf(model.signIn.stores) } : null,
      },
      macPrefixes: manifest.macPrefixes.prefixes,
      files: manifest.files.flatMap((file, index) => {
        if (!belongsTo(file, model.family)) return []
        const name = fillIn(file.name, model.variables)
        const unknown = /\{(?!(?:mac|MAC)\})[^}]*\}/.exec(name)
        if (unknown) throw invalid(manifestPath, `${model.id} has no variable for ${unknown[0]} in ${file.name}`)
        return { ...contents[index]!, nameFor: (mac: string | null) => withMac(name, mac) }
      }),
    }
  })
}

/** A misspelt family would leave a model without its file, which nobody would see before the phone asks for it. */
function checkFamilies({ path, manifest }: Folder<VendorManifest>): void {
  const ofModels = new Set(manifest.models.flatMap(({ family }) => family ?? []))
  const ofFiles = new Set(manifest.files.flatMap(({ families }) => families ?? []))
  for (const family of ofModels.symmetricDifference(ofFiles)) {
    const missing = ofModels.has(family) ? 'no file is for' : 'no model is of'
    throw invalid(join(path, 'vendor.json'), `${missing} the family ${family}`)
  }
}

function experimentNotes(why: string | undefined): readonly string[] {
  return why === undefined ? [] : [`Experimental: ${why}`]
}

/** Null when the name needs a MAC and there is none. */
function withMac(name: string, mac: string | null): string | null {
  if (!/\{mac\}/i.test(name)) return name
  return mac && fillIn(name, { mac, MAC: mac.toUpperCase() })
}

function fillIn(name: string, variables: Readonly<Record<string, string>>): string {
  return name.replace(/\{([A-Za-z]+)\}/g, (whole, key: string) => variables[key] ?? whole)
}

function loadContent(
  folder: Folder<VendorManifest>,
  file: ManifestFile,
  reader: TemplateReader,
): Omit<PhoneFile, 'nameFor'> {
  const { contentType, purpose } = file
  if ('content' in file) {
    const bodyOf = plainBodies[file.content]
    return {
      purpose,
      passwords: [],
      template: null,
      format: null,
      render: (values) => answer(contentType, bodyOf(values)),
      renderBlanking: () => null,
    }
  }
  const { name, own, path, text } = folder.file(file.template)
  const template = reader.parse(file.format, path, text)
  const tombstone = file.blanking === null ? null : folder.file(file.blanking)
  const blanking = tombstone && reader.parse(file.format, tombstone.path, tombstone.text)
  // Twice, so that a value which may be missing is tried both ways.
  for (const values of sampleValues) template(scopeOf(values, folder.manifest))
  blanking?.(blankingScope(sampleBlanking))
  return {
    purpose,
    passwords: passwordForms(text),
    template: { template: name, own },
    format: file.format,
    render: (values) => answer(contentType, template(scopeOf(values, folder.manifest))),
    renderBlanking: (values) => answer(contentType, blanking ? blanking(blankingScope(values)) : null),
  }
}

function answer(contentType: string, body: string | null): RenderedFile | null {
  return body === null ? null : { contentType, body }
}

const plainBodies: Readonly<Record<PlainContent, (values: FileValues) => string | null>> = {
  'ca-certificate': ({ caCertificate }) => caCertificate && pem(caCertificate),
  'client-certificate': ({ clientCertificate }) => clientCertificate && pem(clientCertificate.certificate),
  'client-key': ({ clientCertificate }) => clientCertificate && pem(clientCertificate.privateKey.reveal()),
  'client-certificate-and-key': ({ clientCertificate }) =>
    clientCertificate && pem(clientCertificate.certificate) + pem(clientCertificate.privateKey.reveal()),
}

function pem(text: string): string {
  return `${text.trim()}\n`
}

function loadGateway(tree: TemplateTree, folderId: string, reader: TemplateReader): Entry[] {
  const { id, file, manifest } = gatewayFolder(tree, folderId)
  const { path, text } = file(manifest.instructions)
  const instructions = reader.parse('html', path, text)
  for (const values of sampleGateways) instructions(gatewayScope(values))
  const script = manifest.script ? loadScript(file(manifest.script.template), reader) : null
  return [
    {
      model: {
        id: `gateway-${id}`,
        vendor: id,
        kind: 'gateway' as const,
        name: manifest.name,
        capabilities: { ...manifest.capabilities, resyncEvent: null },
        notes: manifest.notes,
        warnings: [],
        typing: null,
        signIn: null,
      },
      macPrefixes: [],
      files: [],
      gateway: {
        kind: { key: manifest.key, scriptExtension: manifest.script?.extension ?? null },
        instructions,
        script,
      },
    },
  ]
}

function loadScript({ path, text }: TemplateFile, reader: TemplateReader): Template {
  const script = reader.parse('router-script', path, text)
  for (const values of sampleGateways) script(gatewayScriptScope(values))
  return script
}

function urlsOf(stores: Readonly<Partial<Record<string, { readonly url: string }>>>): Record<string, string> {
  return Object.fromEntries(Object.entries(stores).flatMap(([device, store]) => (store ? [[device, store.url]] : [])))
}
