import { placeWords } from '../journeys/pbx-view.ts'
import type { OpenStep } from '../journeys/step-view.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { type List, print, printJson, type Session } from './session.ts'
import { paint, safe, when } from './terminal.ts'

export async function listSteps(session: Session): Promise<ExitCode> {
  const { terminal } = session
  const list = await session.client.send<List<OpenStep>>({ method: 'GET', path: '/steps' })
  if (session.json) printJson(session, list)
  else if (list.items.length === 0) terminal.out('no step waits for anybody')
  else
    print(
      session,
      list.items.flatMap(({ name, extension, who, pbx, system, wanted, step, at }) => [
        `${safe(who ?? '?')}  ${safe(name ?? 'somebody who was erased')}  ${system}, to be ${wanted === 'closed' ? 'shut' : 'opened'}`,
        ...(pbx !== null && who !== extension ? [`  PBX ${safe(placeWords(pbx))}`] : []),
        `  ${safe(step)}`,
        paint(
          terminal,
          'quiet',
          `  open since ${when(at)}; done: ringfence acknowledge ${safe(who ?? 'WHO')} ${system}`,
        ),
        '',
      ]),
    )
  return exitCodes.ok
}
