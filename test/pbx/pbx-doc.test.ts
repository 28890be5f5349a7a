import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { AppError } from '../../src/errors.ts'
import { listSeen } from '../contracts/pbx-seen.ts'
import { abilityTable, drivers, outlivingTable } from './pbx-document.ts'

const docs = join(import.meta.dirname, '../../docs')
const path = join(docs, 'pbx.md')
const table = /^\| It can \|.*(\n\|.*)*/m
const outliving = /^\| What \|.*(\n\|.*)*/m

describe('docs/pbx.md', () => {
  test('says of every driver what the contract suite saw of it, and on what it ran (UPDATE_DOCS=1 rewrites it)', async () => {
    const page = await readFile(path, 'utf8')
    const shown = abilityTable(await listSeen())
    const wanted = page.replace(table, () => shown)
    if (process.env.UPDATE_DOCS === '1') await writeFile(path, wanted)
    expect(await readFile(path, 'utf8')).toBe(wanted)
    expect(wanted).toContain(shown)
  })

  test('has beside it, in docs/offboarding.md, what each does about what outlives a password', async () => {
    const other = join(docs, 'offboarding.md')
    const page = await readFile(other, 'utf8')
    const wanted = page.replace(outliving, () => outlivingTable())
    if (process.env.UPDATE_DOCS === '1') await writeFile(other, wanted)
    expect(await readFile(other, 'utf8')).toBe(wanted)
    expect(wanted).toContain(outlivingTable())
  })

  test('leaves out no run of the contract that left word', async () => {
    const shown = drivers.flatMap(({ suites }) => suites)
    // The same driver before call classes are set up.
    const lesser = ['freeswitch (a fake of its published interface)']
    expect((await listSeen()).map(({ suite }) => suite).sort()).toEqual([...shown, ...lesser].sort())
  })

  test('has every driver that the settings know, and each has a page', () => {
    for (const { page } of drivers) expect([page, existsSync(join(docs, page))]).toEqual([page, true])
    expect([...new Set(drivers.map(({ setting }) => setting))].sort()).toEqual(knownDrivers())
  })
})

/** As the settings list them to whoever names one that is none. */
function knownDrivers(): string[] {
  try {
    readConfig({ RINGFENCE_PBX: 'none-such' })
  } catch (error) {
    if (error instanceof AppError) {
      const hint = error.problems.find(({ field }) => field === 'RINGFENCE_PBX')?.hint ?? ''
      return hint.replace('one of ', '').split(', ').sort()
    }
  }
  throw new Error('a PBX that is none was taken')
}
