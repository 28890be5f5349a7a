/**
 * A phone in a namespace that registers and stays: writes down each NOTIFY that it gets. Ends with the lab.
 *
 *   node sip-listener.ts <file with the sign-in> <file for what it hears>
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Namespace, until } from './network.ts'
import { connectSipPhone, type SipPhoneOptions } from './sip-client.ts'

export interface ListeningPhone {
  /** The Event of each NOTIFY so far. */
  heard(): readonly string[]
}

/** Resolves when it is registered. */
export async function stayRegistered(
  place: Namespace,
  folder: string,
  options: SipPhoneOptions,
): Promise<ListeningPhone> {
  const signIn = join(folder, 'listener.json')
  const notes = join(folder, 'heard.txt')
  writeFileSync(signIn, JSON.stringify(options), { mode: 0o600 })
  place.start(process.execPath, import.meta.filename, signIn, notes)
  const lines = () => (existsSync(notes) ? readFileSync(notes, 'utf8').split('\n').filter(Boolean) : [])
  await until(() => lines().length > 0)
  if (lines()[0] !== 'registered 200') throw new Error(`the phone says: ${lines()[0]}`)
  return { heard: () => lines().slice(1) }
}

// Started as a program; imported it does nothing.
if (process.argv[1] === import.meta.filename) {
  const [, , signIn, notes] = process.argv
  const note = (line: string) => appendFileSync(notes!, `${line}\n`)
  const options = JSON.parse(readFileSync(signIn!, 'utf8')) as SipPhoneOptions
  try {
    const phone = await connectSipPhone({ timeoutMs: 20_000, ...options, onEvent: note })
    note(`registered ${(await phone.register()).status}`)
  } catch (error) {
    note(String(error))
  }
}
