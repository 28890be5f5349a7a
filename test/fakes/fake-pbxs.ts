import { reachOfLeftovers } from '../../src/domain/outliving.ts'
import { AppError } from '../../src/errors.ts'
import { abilityWords } from '../../src/journeys/ability-words.ts'
import type { PbxDeeds, PbxView } from '../../src/journeys/pbx-view.ts'
import { fakePbx } from './fake-pbx.ts'

/** Two PBXs in memory; on the branch's there is one extension that nobody here made. */
export function fakePbxs(): PbxDeeds {
  const { abilities: declared, outliving } = fakePbx().driver
  const { realm: _, ...own } = declared
  const abilities = { ...own, leftovers: reachOfLeftovers(outliving) }
  const view = (id: string, site: string): PbxView => ({
    id,
    name: id,
    site,
    driver: 'fake',
    address: '10.90.0.2',
    host: `${id}.example.com`,
    edge: null,
    configured: true,
    abilities,
    ...abilityWords(abilities),
  })
  const all = [view('default', 'Main site'), view('branch', 'Branch <office>')]
  return {
    list: () => all,
    async existing(name) {
      const found = all.find((pbx) => pbx.name === (name ?? 'default'))
      if (!found) throw new AppError('INVALID_INPUT', 'that is not a PBX here')
      const facts = { context: 'from-internal' }
      const base = { email: null, facts, known: null, differs: [] }
      const items = [
        { ...base, extension: '2001', displayName: 'Bo <b>Berg', obstacle: null },
        { ...base, extension: '2002', displayName: 'Fax', obstacle: 'it is a fax line' },
      ]
      return { pbx: found.name, items: found.name === 'branch' ? items : [] }
    },
  }
}
