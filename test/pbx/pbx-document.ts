/** The tables of docs/pbx.md and docs/offboarding.md, made from what each driver declares. A further driver is one entry here. */

import {
  kindWords,
  nothingSeen,
  type Outliving,
  ownKinds,
  type Reach,
  reachOfLeftovers,
  sharedKinds,
} from '../../src/domain/outliving.ts'
import { abilityList } from '../../src/journeys/ability-words.ts'
import { asteriskAbilities } from '../../src/pbx/asterisk.ts'
import { asteriskOutliving } from '../../src/pbx/asterisk-leftovers.ts'
import { freepbxAbilities } from '../../src/pbx/freepbx.ts'
import { freepbxOutliving } from '../../src/pbx/freepbx-leftovers.ts'
import { freeswitchAbilities, freeswitchOutliving } from '../../src/pbx/freeswitch.ts'
import { kamailioAbilities, kamailioOutliving } from '../../src/pbx/kamailio.ts'
import { manualAbilities } from '../../src/pbx/manual.ts'
import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { threeCxAbilities } from '../../src/pbx/three-cx.ts'
import { threeCxOutliving } from '../../src/pbx/three-cx-leftovers.ts'
import { yeastarAbilities } from '../../src/pbx/yeastar.ts'
import { yeastarOutliving } from '../../src/pbx/yeastar-leftovers.ts'

export interface Driver {
  /** Value of RINGFENCE_PBX. */
  readonly setting: string
  readonly name: string
  /** Its page under docs. */
  readonly page: string
  readonly abilities: PbxAbilities
  readonly outliving: Outliving
  /** What the tests ran it against: a real one with its version, or a fake built from the published interface. */
  readonly testedAgainst: string
}

export const drivers: readonly Driver[] = [
  {
    setting: 'asterisk',
    name: 'Asterisk 22 and newer, PJSIP files',
    page: 'asterisk.md',
    abilities: asteriskAbilities({ realm: 'asterisk', ownTransports: true, adoption: false, callClasses: true }),
    outliving: asteriskOutliving,
    testedAgainst: 'a real Asterisk 22',
  },
  {
    setting: 'asterisk',
    name: 'Asterisk, realtime tables',
    page: 'asterisk.md',
    abilities: asteriskAbilities({ realm: 'asterisk', ownTransports: true, adoption: true, callClasses: true }),
    outliving: asteriskOutliving,
    testedAgainst: 'a real Asterisk 22 with PostgreSQL and with SQLite',
  },
  {
    setting: 'asterisk',
    name: 'Asterisk, ARI',
    page: 'asterisk.md',
    abilities: asteriskAbilities({ realm: 'asterisk', ownTransports: true, adoption: false, callClasses: true }),
    outliving: asteriskOutliving,
    testedAgainst: 'a real Asterisk 22',
  },
  {
    setting: 'freepbx',
    name: 'FreePBX',
    page: 'freepbx.md',
    abilities: freepbxAbilities({ realm: 'asterisk' }),
    outliving: freepbxOutliving,
    testedAgainst: 'a fake of its published interface, with a real Asterisk 22 beneath; not a real FreePBX',
  },
  {
    setting: 'freeswitch',
    name: 'FreeSWITCH',
    page: 'freeswitch.md',
    abilities: freeswitchAbilities({ realm: 'pbx.example.com', classContexts: 'ringfence' }),
    outliving: freeswitchOutliving,
    testedAgainst: 'a fake of its published interface; not a real FreeSWITCH',
  },
  {
    setting: 'kamailio',
    name: 'Kamailio 5.6 as registrar',
    page: 'kamailio.md',
    abilities: kamailioAbilities({ realm: 'asterisk' }),
    outliving: kamailioOutliving,
    testedAgainst: 'a real Kamailio 5.6 with SQLite and with PostgreSQL',
  },
  {
    setting: '3cx',
    name: '3CX v20',
    page: '3cx.md',
    abilities: threeCxAbilities({ realm: 'asterisk' }),
    outliving: threeCxOutliving,
    testedAgainst: 'a fake of its published interface; not a real 3CX',
  },
  {
    setting: 'yeastar',
    name: 'Yeastar P-Series',
    page: 'yeastar.md',
    abilities: yeastarAbilities({ realm: 'asterisk' }),
    outliving: yeastarOutliving,
    testedAgainst: 'a fake of its published interface; not a real Yeastar',
  },
  {
    setting: 'manual',
    name: 'any other, by hand',
    page: 'manual-pbx.md',
    abilities: manualAbilities,
    outliving: nothingSeen,
    testedAgainst: 'nothing is driven: a person does each step and ticks it',
  },
]

/** Abilities down, drivers across. */
export function abilityTable(): string {
  const head = drivers.map(({ name, page }) => `[${name}](${page})`)
  const rows = abilityList.map(({ words, holds }) => [
    words,
    ...drivers.map(({ abilities, outliving }) =>
      holds({ ...abilities, leftovers: reachOfLeftovers(outliving) }) ? 'yes' : '–',
    ),
  ])
  const lines = [
    ['It can', ...head],
    ['---', ...drivers.map(() => '---')],
    ['`RINGFENCE_PBX`', ...drivers.map(({ setting }) => `\`${setting}\``)],
    ...rows,
    ['tested against', ...drivers.map(({ testedAgainst }) => testedAgainst)],
  ]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
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
