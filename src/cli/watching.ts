import type { AccessLine, EmployeeView } from '../journeys/application.ts'
import { path } from './api-client.ts'
import { pause, type Session } from './session.ts'
import { redrawn } from './terminal.ts'
import { currentDoors, verdictLines } from './verdict-lines.ts'

/** Draws a person's doors again and again while `work` goes on; on anything but a terminal it only waits. */
export async function watchDoors<T>(session: Session, employeeId: string, work: Promise<T>): Promise<T> {
  const { terminal, json, client, lookEveryMs } = session
  if (json || !terminal.outIsTerminal) return work
  const block = redrawn(terminal)
  let going = true
  const finished = work.finally(() => {
    going = false
  })
  // The failure is thrown to the caller at the end; here it only ends the drawing.
  const ended = finished.then(
    () => undefined,
    () => undefined,
  )
  try {
    while (going) {
      await Promise.race([ended, pause(lookEveryMs)])
      if (!going) break
      const view = await client.send<EmployeeView>({ method: 'GET', path: path`/employees/${employeeId}` })
      if (going) block.show(verdictLines(terminal, currentDoors(view)))
    }
  } finally {
    block.clear()
  }
  return finished
}

/** Looks until nothing is retrying or time is over; the server waits with us, as long as it does for one request. */
export async function settledDoors(
  session: Session,
  employeeId: string,
  waitSeconds: number,
): Promise<readonly AccessLine[]> {
  const until = Date.now() + waitSeconds * 1_000
  const look = async (): Promise<readonly AccessLine[]> => {
    for (;;) {
      const left = Math.max(0, until - Date.now()) / 1_000
      const request = { method: 'GET', path: path`/employees/${employeeId}/access`, waitSeconds: left } as const
      const { items } = await session.client.send<{ items: readonly AccessLine[] }>(request)
      if (Date.now() >= until || items.every(({ verdict }) => verdict !== 'retrying')) return items
    }
  }
  return watchDoors(session, employeeId, look())
}
