import { AppError } from '../errors.ts'
import type { LeavingView } from '../journeys/people-view.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { findPerson, printJson, type Session } from './session.ts'
import { safe, when } from './terminal.ts'

/**
 * ISO 8601 with its offset, or `2026-12-31 17:00` in the time zone of this terminal.
 * @throws AppError INVALID_INPUT
 */
export function parseMoment(text: string): string {
  const word = text.trim()
  const known = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/.test(word)
  const read = known ? new Date(word.replace(' ', 'T')) : null
  // A day that no month has (31 February) is none here either, where JavaScript would count on.
  const sameDay = read !== null && !Number.isNaN(read.getTime()) && dayExists(word)
  if (!sameDay) {
    throw new AppError('INVALID_INPUT', `${JSON.stringify(word.slice(0, 40))} is not a date and time`, {
      hint: "write '2026-12-31 17:00' in your own time zone, or 2026-12-31T17:00:00+01:00",
    })
  }
  return read.toISOString()
}

function dayExists(word: string): boolean {
  const [year, month, day] = word.slice(0, 10).split('-').map(Number)
  return new Date(Date.UTC(year!, month! - 1, day)).getUTCDate() === day
}

export async function setLeaving(
  session: Session,
  who: string,
  { at, reason }: { readonly at: string; readonly reason: string | undefined },
): Promise<ExitCode> {
  const time = parseMoment(at)
  const { id } = await findPerson(session, who)
  const set = await session.client.send<LeavingView>({
    method: 'POST',
    path: path`/employees/${id}/leaving`,
    json: { at: time, ...(reason === undefined ? {} : { reason }) },
  })
  if (session.json) printJson(session, set)
  else {
    session.terminal.out(`${safe(set.name)} will be offboarded ${moment(set.at)}, by itself.`)
    session.terminal.out(`  change your mind until then: ringfence leaving cancel ${set.employeeId}`)
  }
  return exitCodes.ok
}

export async function showLeaving(session: Session, who: string): Promise<ExitCode> {
  const { id, name } = await findPerson(session, who)
  const answer = await session.client.send<{ leaving: LeavingView | null }>({
    method: 'GET',
    path: path`/employees/${id}/leaving`,
  })
  if (session.json) printJson(session, answer)
  else if (answer.leaving === null) session.terminal.out(`No leaving date is set for ${safe(name)}.`)
  else {
    const { at, askedBy, reason } = answer.leaving
    session.terminal.out(
      `${safe(name)} will be offboarded ${moment(at)}; set by ${safe(askedBy)}${reason === null ? '' : `, reason: ${safe(reason)}`}`,
    )
  }
  return exitCodes.ok
}

export async function cancelLeaving(session: Session, who: string): Promise<ExitCode> {
  const { id } = await findPerson(session, who)
  const gone = await session.client.send<LeavingView>({ method: 'DELETE', path: path`/employees/${id}/leaving` })
  if (session.json) printJson(session, gone)
  else session.terminal.out(`Cancelled: ${safe(gone.name)} will not be offboarded ${moment(gone.at)}.`)
  return exitCodes.ok
}

/** In the zone that was typed in, and as every other time is printed. */
function moment(at: string): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const local = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'short' }).format(new Date(at))
  return zone === 'UTC' ? `on ${local} UTC` : `on ${local} ${zone} (${when(at)})`
}
