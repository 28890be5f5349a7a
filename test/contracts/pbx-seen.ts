import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { reachOfLeftovers } from '../../src/domain/outliving.ts'
import type { PbxAbilityView } from '../../src/journeys/pbx-view.ts'
import type { PbxDriver } from '../../src/pbx/pbx-driver.ts'

/** What a run of the contract suite was on and what it found the driver to do: the tables of docs/pbx.md are made from these. */
export interface SeenPbx {
  readonly suite: string
  /** Each program that answered, and whether it was the program itself. None: nothing is driven. */
  readonly parts: Readonly<Record<string, 'real' | 'fake'>>
  /** In its own words, of the day on which this was written. */
  readonly product: string
  readonly abilities: PbxAbilityView
}

const folder = join(import.meta.dirname, 'seen')

const pathOf = (suite: string) =>
  join(
    folder,
    `${suite
      .match(/[A-Za-z0-9]+/g)!
      .join('-')
      .toLowerCase()}.json`,
  )

export function abilitiesSeen({ abilities, outliving }: PbxDriver): PbxAbilityView {
  const { realm: _, tellsAddresses: __, ...shown } = abilities
  return { ...shown, leftovers: reachOfLeftovers(outliving) }
}

export async function writeSeen(seen: SeenPbx): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(pathOf(seen.suite), `${JSON.stringify(seen, null, 2)}\n`)
}

/** Null: that suite left none. */
export async function readSeen(suite: string): Promise<SeenPbx | null> {
  const text = await readFile(pathOf(suite), 'utf8').catch(() => null)
  return text === null ? null : JSON.parse(text)
}

export async function listSeen(): Promise<readonly SeenPbx[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))))
}
