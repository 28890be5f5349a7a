/** The tables of docs/pbx.md and docs/offboarding.md, made from what each driver declares. A further driver is one entry here. */

import {
  kindWords,
  nothingSeen,
  type Outliving,
  ownKinds,
  type Reach,
  sharedKinds,
} from '../../src/domain/outliving.ts'
import { abilityList } from '../../src/journeys/ability-words.ts'
import { asteriskOutliving } from '../../src/pbx/asterisk/asterisk-leftovers.ts'
import { freepbxOutliving } from '../../src/pbx/freepbx/freepbx-leftovers.ts'
import { freeswitchOutliving } from '../../src/pbx/freeswitch/freeswitch.ts'
import { kamailioOutliving } from '../../src/pbx/kamailio/kamailio.ts'
import { threeCxOutliving } from '../../src/pbx/three-cx/three-cx-leftovers.ts'
import { yeastarOutliving } from '../../src/pbx/yeastar/yeastar-leftovers.ts'
import type { SeenPbx } from '../contracts/pbx-seen.ts'

export interface Driver {
  /** Value of RINGFENCE_PBX. */
  readonly setting: string
  readonly name: string
  /** Its page under docs. */
  readonly page: string
  /** Runs of the contract suite, as they left word of themselves (test/contracts/seen). */
  readonly suites: readonly string[]
  readonly outliving: Outliving
}

export const drivers: readonly Driver[] = [
  {
    setting: 'asterisk',
    name: 'Asterisk 22 and newer, PJSIP files',
    page: 'asterisk.md',
    suites: ['asterisk'],
    outliving: asteriskOutliving,
  },
  {
    setting: 'asterisk',
    name: 'Asterisk, realtime tables',
    page: 'asterisk.md',
    suites: ['asterisk in PostgreSQL', 'asterisk in SQLite'],
    outliving: asteriskOutliving,
  },
  {
    setting: 'asterisk',
    name: 'Asterisk, ARI',
    page: 'asterisk.md',
    suites: ['asterisk over ARI'],
    outliving: asteriskOutliving,
  },
  {
    setting: 'freepbx',
    name: 'FreePBX',
    page: 'freepbx.md',
    suites: ['freepbx (a fake of its published interface)', 'freepbx (a fake) on a real Asterisk'],
    outliving: freepbxOutliving,
  },
  {
    setting: 'freeswitch',
    name: 'FreeSWITCH',
    page: 'freeswitch.md',
    suites: ['freeswitch with call classes (a fake)'],
    outliving: freeswitchOutliving,
  },
  {
    setting: 'kamailio',
    name: 'Kamailio 5.6 as registrar',
    page: 'kamailio.md',
    suites: ['kamailio, accounts in SQLite', 'kamailio, accounts in PostgreSQL, with roles of the least rights'],
    outliving: kamailioOutliving,
  },
  {
    setting: '3cx',
    name: '3CX v20',
    page: '3cx.md',
    suites: ['3CX (a fake of its configuration interface)'],
    outliving: threeCxOutliving,
  },
  {
    setting: 'yeastar',
    name: 'Yeastar P-Series',
    page: 'yeastar.md',
    suites: ['Yeastar P-Series (a fake of its open interface)'],
    outliving: yeastarOutliving,
  },
  {
    setting: 'manual',
    name: 'any other, by hand',
    page: 'manual-pbx.md',
    suites: ['manual'],
    outliving: nothingSeen,
  },
]

/** Abilities down, drivers across, from what the suites saw. */
export function abilityTable(seen: readonly SeenPbx[]): string {
  const columns = drivers.map(({ suites }) => suites.map((suite) => ofSuite(seen, suite)))
  const head = drivers.map(({ name, page }) => `[${name}](${page})`)
  const rows = abilityList.map(({ words, holds }) => [
    words,
    ...columns.map((own) => (own.every(({ abilities }) => holds(abilities)) ? 'yes' : '–')),
  ])
  const lines = [
    ['It can', ...head],
    ['---', ...drivers.map(() => '---')],
    ['`RINGFENCE_PBX`', ...drivers.map(({ setting }) => `\`${setting}\``)],
    ...rows,
    ['tested against', ...columns.map((own) => own.map(partWords).join('; '))],
  ]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function ofSuite(seen: readonly SeenPbx[], suite: string): SeenPbx {
  const found = seen.find((one) => one.suite === suite)
  if (!found) throw new Error(`no run of the contract "${suite}" left word in test/contracts/seen`)
  return found
}

function partWords({ parts, product }: SeenPbx): string {
  const words = Object.entries(parts).map(([name, kind]) => {
    if (kind === 'fake') return `a fake of the published interface, not a real ${name}`
    const [, version = ''] = new RegExp(`${name} ([0-9]+\\.[0-9]+)`).exec(product) ?? []
    return version === '' ? name : `a real ${name} ${version}`
  })
  return words.length === 0 ? 'nothing is driven: a person does each step and ticks it' : words.join(', with ')
}

/** What outlives a password down, PBXs across; the ways of driving an Asterisk do not differ in it. */
export function outlivingTable(): string {
  const columns = drivers.filter(({ setting }, index) => drivers.findIndex((one) => one.setting === setting) === index)
  const rows = [...ownKinds, ...sharedKinds].map((kind) => [
    kindWords[kind],
    ...columns.map(({ outliving }) => reachWords(outliving[kind])),
  ])
  const lines = [
    ['What', ...columns.map(({ name, page }) => `[${name.split(',')[0]}](${page})`)],
    ['---', ...columns.map(() => '---')],
    ...rows,
  ]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function reachWords(reach: Reach): string {
  if (typeof reach === 'object') return 'a step'
  return { cleared: 'cleared', renewed: 'renewed', read: 'a step where set', none: '–' }[reach]
}
