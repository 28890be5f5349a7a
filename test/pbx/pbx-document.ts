/** The table of docs/pbx.md, made from what each driver declares. A further driver is one entry here. */
import { abilityList } from '../../src/journeys/ability-words.ts'
import { asteriskAbilities } from '../../src/pbx/asterisk.ts'
import { freepbxAbilities } from '../../src/pbx/freepbx.ts'
import { freeswitchAbilities } from '../../src/pbx/freeswitch.ts'
import { kamailioAbilities } from '../../src/pbx/kamailio.ts'
import { manualAbilities } from '../../src/pbx/manual.ts'
import type { PbxAbilities } from '../../src/pbx/pbx-driver.ts'
import { threeCxAbilities } from '../../src/pbx/three-cx.ts'
import { yeastarAbilities } from '../../src/pbx/yeastar.ts'

export interface Driver {
  /** Value of RINGFENCE_PBX. */
  readonly setting: string
  readonly name: string
  /** Its page under docs. */
  readonly page: string
  readonly abilities: PbxAbilities
  /** What the tests ran it against: a real one with its version, or a fake built from the published interface. */
  readonly testedAgainst: string
}

export const drivers: readonly Driver[] = [
  {
    setting: 'asterisk',
    name: 'Asterisk 22 and newer, PJSIP files',
    page: 'asterisk.md',
    abilities: asteriskAbilities('asterisk', { ownTransports: true, adoption: false, callClasses: true }),
    testedAgainst: 'a real Asterisk 22',
  },
  {
    setting: 'asterisk',
    name: 'Asterisk, realtime tables',
    page: 'asterisk.md',
    abilities: asteriskAbilities('asterisk', { ownTransports: true, adoption: true, callClasses: true }),
    testedAgainst: 'a real Asterisk 22 with PostgreSQL and with SQLite',
  },
  {
    setting: 'asterisk',
    name: 'Asterisk, ARI',
    page: 'asterisk.md',
    abilities: asteriskAbilities('asterisk', { ownTransports: true, adoption: false, callClasses: true }),
    testedAgainst: 'a real Asterisk 22',
  },
  {
    setting: 'freepbx',
    name: 'FreePBX',
    page: 'freepbx.md',
    abilities: freepbxAbilities({ realm: 'asterisk' }),
    testedAgainst: 'a fake of its published interface, with a real Asterisk 22 beneath; not a real FreePBX',
  },
  {
    setting: 'freeswitch',
    name: 'FreeSWITCH',
    page: 'freeswitch.md',
    abilities: freeswitchAbilities({ realm: 'pbx.example.com', classContexts: 'ringfence' }),
    testedAgainst: 'a fake of its published interface; not a real FreeSWITCH',
  },
  {
    setting: 'kamailio',
    name: 'Kamailio 5.6 as registrar',
    page: 'kamailio.md',
    abilities: kamailioAbilities({ realm: 'asterisk' }),
    testedAgainst: 'a real Kamailio 5.6 with SQLite and with PostgreSQL',
  },
  {
    setting: '3cx',
    name: '3CX v20',
    page: '3cx.md',
    abilities: threeCxAbilities('asterisk'),
    testedAgainst: 'a fake of its published interface; not a real 3CX',
  },
  {
    setting: 'yeastar',
    name: 'Yeastar P-Series',
    page: 'yeastar.md',
    abilities: yeastarAbilities('asterisk'),
    testedAgainst: 'a fake of its published interface; not a real Yeastar',
  },
  {
    setting: 'manual',
    name: 'any other, by hand',
    page: 'manual-pbx.md',
    abilities: manualAbilities,
    testedAgainst: 'nothing is driven: a person does each step and ticks it',
  },
]

/** Abilities down, drivers across. */
export function abilityTable(): string {
  const head = drivers.map(({ name, page }) => `[${name}](${page})`)
  const rows = abilityList.map(({ words, holds }) => [
    words,
    ...drivers.map(({ abilities }) => (holds(abilities) ? 'yes' : '–')),
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
