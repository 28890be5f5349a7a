import type { EmployeeView, Onboarded } from '../journeys/application.ts'
import type { ImportView } from '../journeys/roster-view.ts'
import { type ApiClient, path } from './api-client.ts'
import type { Terminal } from './terminal.ts'

/** What every command gets: the server, the terminal, and whether a program reads the answer. */
export interface Session {
  readonly client: ApiClient
  readonly terminal: Terminal
  readonly json: boolean
  /** A QR code for a terminal. @throws TOO_LARGE */
  readonly drawQr: (text: string) => string
  /** Milliseconds between two looks at something that goes on. */
  readonly lookEveryMs: number
}

/** The API's answer to everything that hands out: the employee with the bearer secrets. */
export type Created = Omit<EmployeeView, 'handsets'> & {
  readonly handsets: readonly (EmployeeView['handsets'][number] & { readonly provisioningUrl?: string })[]
  readonly invite: Onboarded['invite']
  readonly warnings: readonly string[]
}

export interface List<Item> {
  readonly items: readonly Item[]
}

export type ImportRun = ImportView

/** WHO is an id, an e-mail address or an extension; acts go by the id, so that they hit the one who was meant. */
export function findPerson({ client }: Session, who: string): Promise<EmployeeView> {
  return client.send<EmployeeView>({ method: 'GET', path: path`/employees/${who}` })
}

export function print({ terminal }: Pick<Session, 'terminal'>, lines: readonly string[]): void {
  for (const line of lines) terminal.out(line)
}

/** The API's body as it came, for programs. */
export function printJson({ terminal }: Pick<Session, 'terminal'>, body: unknown): void {
  terminal.out(JSON.stringify(body, null, 2))
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
