/**
 * Whose files change when templates or settings do. A file follows from the model, the settings in force and whether there
 * is a certificate, and beside these from names and secrets that stay the same: so one handset of each such group is looked
 * at, with masks for its secrets. A template that asks for one person's own values (`{% if extension == "1001" %}`) may be
 * judged by a neighbour: whoever is missed so gets the new file with the next poll.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Handset } from '../domain/handset.ts'
import type { PhoneSetting } from '../domain/phone-setting.ts'
import { AppError } from '../errors.ts'
import type { Catalogue, FileValues } from '../phones/phone-port.ts'
import type { JourneyContext } from './context.ts'
import type { ChangedHandset } from './file-view.ts'
import { maskedValues } from './masked-file.ts'
import { plainSettings, settingsInForce } from './settings-in-force.ts'

/** What files are made from. */
export interface FileSources {
  readonly catalogue: Catalogue
  readonly settings: readonly PhoneSetting[]
}

/** @throws AppError TEMPLATE_INVALID when a file could not be made any more */
export async function changedFiles(
  context: JourneyContext,
  before: FileSources,
  after: FileSources,
): Promise<readonly ChangedHandset[]> {
  const handsets = await context.store.find('handset', { removedAt: null })
  const certified = await context.store.certifiedHandsets()
  const [old, fresh] = [sideOf(before), sideOf(after)]
  const sameTemplates = before.catalogue.edition === after.catalogue.edition
  const groups = Map.groupBy(handsets, (handset) => {
    const settings = [old.keyOf(handset), fresh.keyOf(handset)]
    if (sameTemplates && settings[0] === settings[1]) return unchanged
    return JSON.stringify([handset.model, handset.mac !== null, certified.has(handset.id), ...settings])
  })
  const changes: ChangedHandset[] = []
  for (const [key, group] of groups) {
    if (key === unchanged) continue
    const namesFor = await changedNames(context, group, old, fresh)
    for (const handset of group) {
      const files = namesFor(handset)
      const { id, employeeId, model } = handset
      if (files.length > 0) changes.push({ handsetId: id, employeeId, model, files })
    }
  }
  return changes
}

/** For settings that are about to be changed: `after` is all of them as they will be. */
export async function filesChangedBySettings(
  context: JourneyContext,
  after: readonly PhoneSetting[],
): Promise<readonly ChangedHandset[]> {
  const { catalogue, phoneSettings } = context
  const before = phoneSettings.all()
  return changedFiles(context, { catalogue, settings: before }, { catalogue, settings: after })
}

const unchanged = ''

interface Side {
  readonly catalogue: Catalogue
  settingsOf(handset: Handset): FileValues['settings']
  /** The same for the same settings in force. */
  keyOf(handset: Handset): string
}

function sideOf({ catalogue, settings }: FileSources): Side {
  const inForce = settingsInForce(settings, catalogue)
  const settingsOf = (handset: Handset) => plainSettings(inForce(handset))
  return { catalogue, settingsOf, keyOf: (handset) => JSON.stringify(Object.entries(settingsOf(handset)).sort()) }
}

type Files = ReadonlyMap<string, string>

/** Which files of any handset of the group change. Names hold the MAC; the place in the list of files is the same for all. */
async function changedNames(
  context: JourneyContext,
  group: readonly Handset[],
  old: Side,
  fresh: Side,
): Promise<(handset: Handset) => readonly string[]> {
  for (const sample of group) {
    // Phones are served meanwhile.
    await nextTurn()
    const [before, after] = [await filesOf(context, sample, old, 'lenient'), await filesOf(context, sample, fresh)]
    // One that holds nothing at the moment says nothing about the others.
    if (before === null && after === null) continue
    const places = (side: Side, differs: (name: string) => boolean) =>
      side.catalogue.fileNames(sample.model, sample.mac).flatMap((name, place) => (differs(name) ? [place] : []))
    const inNew = places(fresh, (name) => after?.get(name) !== before?.get(name))
    const gone = places(old, (name) => before?.has(name) === true && after?.has(name) !== true)
    return ({ model, mac }) => {
      const [names, oldNames] = [fresh.catalogue.fileNames(model, mac), old.catalogue.fileNames(model, mac)]
      return [...new Set([...inNew.map((place) => names[place]!), ...gone.map((place) => oldNames[place]!)])]
    }
  }
  return () => []
}

/** @param how `lenient`: what cannot be made is no file, so that a mistake of before does not stop its own correction. */
async function filesOf(
  context: JourneyContext,
  handset: Handset,
  { catalogue, settingsOf }: Side,
  how?: 'lenient',
): Promise<Files | null> {
  const made = await maskedValues({ ...context, catalogue }, handset)
  if (!made) return null
  const values = { ...made, settings: settingsOf(handset) }
  const files = new Map<string, string>()
  for (const name of catalogue.fileNames(handset.model, handset.mac)) {
    try {
      const file = catalogue.render(handset.model, name, values)
      if (file) files.set(name, file.body)
    } catch (error) {
      if (how !== 'lenient' || !(error instanceof AppError)) throw error
    }
  }
  return files
}
