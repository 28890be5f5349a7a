/** Rosters that are brought in, to the end or until the server is stopped. */
import type { ImportView } from '../../src/journeys/roster-view.ts'
import { mia, type World } from './world.ts'

export const header = 'name,email,extension,model,mac'
export const csv = (...rows: readonly string[]) => Buffer.from([header, ...rows].join('\n'))
export const soft = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => {
    const number = 2000 + from + index
    return `Person ${number},p${number}@example.com,${number},linphone-mobile,`
  })

export async function finished(world: World, id: string, limitMs = 20_000): Promise<ImportView> {
  const end = Date.now() + limitMs
  for (;;) {
    const view = await world.app.importRun(id)
    if (view.finished) return view
    if (Date.now() > end) throw new Error(`the import stands at ${view.done} of ${view.total}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** The server is stopped as soon as so many are brought in. */
export async function cutOff(world: World, rows: readonly string[], after: number): Promise<string> {
  const reached = Promise.withResolvers<void>()
  const listening = world.app.subscribe(({ kind, data }) => {
    if (kind === 'import' && Number(data.done) >= after) world.imports.stop().then(reached.resolve, reached.reject)
  })
  const { id } = await world.app.importRoster(csv(...rows), mia)
  await reached.promise
  listening.stop()
  await world.loop.idle()
  return id
}
