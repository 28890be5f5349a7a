/** Two rosters: one that is being brought in, stopped half-way for the picture, and one that is still to be mended. */
import type { Actor } from '../../src/domain/token.ts'
import type { World } from '../journeys/world.ts'

const header = 'name,email,extension,model,mac'
const newcomers = [
  'Aylin Demir',
  'Björn Håkansson',
  'Chiara Esposito',
  'Dmitri Volkov',
  'Élodie Martin',
  'Freya Jónsdóttir',
  'Goran Petrović',
  'Hanna Virtanen',
  'Ivo Horák',
  'Jana Müller',
  'Kofi Mensah',
  'Lucía Fernández',
  'Yamada Tarō',
  'Nadia Benali',
  'Oisín Byrne',
  'Paulo Araújo',
  'Quentin Dupont',
  'Rūta Kazlauskaitė',
]

/** Brings people in until two thirds have their certificate, then holds: its page shows a run that goes on. */
export async function beginRoster(world: World, actor: Actor, held: Promise<void>): Promise<string> {
  const lines = newcomers.map((name, index) => `${name},new${index + 1}@example.com,${1101 + index},linphone-desktop,`)
  const reached = Promise.withResolvers<void>()
  const { handsetAuthority } = world.context
  const issue = handsetAuthority.issue
  let issued = 0
  handsetAuthority.issue = async (request) => {
    if (++issued > 12) await held
    return issue(request)
  }
  const listening = world.app.subscribe(({ kind, data }) => {
    if (kind === 'import' && Number(data.done) >= 12) reached.resolve()
  })
  const { id } = await world.app.importRoster(Buffer.from([header, ...lines].join('\n')), actor)
  await reached.promise
  listening.stop()
  return id
}

export const messyRoster = Buffer.from(
  [
    header,
    'Sára Novák,sara@example.com,1201,linphone-mobile,',
    'Tim Becker,tim@example,1202,linphone-desktop,',
    'Uma Krishnan,uma@example.com,1001,linphone-mobile,',
    'Viktor Lund,viktor@example.com,1204,yealink-t54w,80:5e:c0:a1:b2',
    'Wanjiru Kamau,wanjiru@example.com,1205,linphone-mobile,',
    'Xavier Roca,xavier@example.com,1206,linphone-handy,',
  ].join('\n'),
)
