import type { ExistingOnPbx, ExistingView, PbxView } from '../journeys/pbx-view.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { type List, print, printJson, type Session } from './session.ts'
import { paint, safe, table } from './terminal.ts'

export async function listPbxs(session: Session): Promise<ExitCode> {
  const list = await session.client.send<List<PbxView>>({ method: 'GET', path: '/pbxs' })
  const { terminal } = session
  if (session.json) printJson(session, list)
  else
    print(
      session,
      list.items.flatMap(({ name, driver, address, site, configured, can, cannot }) => [
        `${paint(terminal, 'strong', safe(name))}  ${safe(driver)} at ${safe(address ?? 'no address')}, ${safe(site)}${configured ? '' : paint(terminal, 'bad', '  not in the settings any more')}`,
        `  can: ${can.join('; ') || 'nothing by itself'}`,
        `  cannot: ${cannot.join('; ') || 'nothing of what Ringfence asks for'}`,
      ]),
    )
  return exitCodes.ok
}

export async function listExisting(session: Session, name: string | undefined): Promise<ExitCode> {
  const { client, terminal } = session
  const pbx = name ?? (await client.send<List<PbxView>>({ method: 'GET', path: '/pbxs' })).items[0]!.name
  const found = await client.send<ExistingOnPbx>({ method: 'GET', path: path`/pbxs/${pbx}/existing` })
  if (session.json) printJson(session, found)
  else if (found.items.length === 0)
    terminal.out(`PBX ${safe(found.pbx)} shows no extension that Ringfence did not make.`)
  else {
    const rows = found.items.map((item) => [
      safe(item.extension),
      safe(item.displayName ?? ''),
      safe(item.email ?? ''),
      safe(knownWords(item)),
      safe([...item.differs, ...(item.obstacle === null ? [] : [`not to be taken over: ${item.obstacle}`])].join('; ')),
    ])
    print(session, [
      ...table(terminal, ['extension', 'name there', 'e-mail there', 'known here', 'to know'], rows),
      '',
      `Nothing was touched. To take one over: ringfence adopt EXTENSION --pbx ${safe(found.pbx)} --name … --email … --handset …`,
    ])
  }
  return exitCodes.ok
}

function knownWords({ known }: ExistingView): string {
  return known === null ? '' : `${known.name} <${known.email}> by ${known.by}`
}
