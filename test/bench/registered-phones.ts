/**
 * Many phones that are registered over TLS, each on its own connection, in a process of their own inside a namespace:
 *
 *   node registered-phones.ts <file>     a JSON list of SipPhoneOptions; no secret stands in an argument list
 *
 * Writes how many are registered beside it when all tried, and stays until the lab ends it: the registrations last as long.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Namespace, until } from '../lab/network.ts'
import { connectSipPhone, type SipPhone, type SipPhoneOptions } from '../lab/sip-client.ts'

const atOnce = 20

/** Resolves when they are registered; they stay until they are stopped or the lab ends. @throws Error when not all could be. */
export async function registerPhones(place: Namespace, folder: string, phones: readonly SipPhoneOptions[]) {
  const path = join(folder, 'phones.json')
  writeFileSync(path, JSON.stringify(phones), { mode: 0o600 })
  const child = place.start(process.execPath, import.meta.filename, path)
  await until(() => existsSync(answerOf(path)), 120_000)
  const [registered, refusals] = JSON.parse(readFileSync(answerOf(path), 'utf8')) as [number, number[]]
  for (const file of [path, answerOf(path)]) rmSync(file, { force: true })
  if (registered !== phones.length)
    throw new Error(`only ${registered} of ${phones.length} phones could register: ${refusals}`)
  return { stop: () => child.kill() }
}

async function main(path: string): Promise<void> {
  const options = JSON.parse(readFileSync(path, 'utf8')) as SipPhoneOptions[]
  const phones: SipPhone[] = []
  const refusals = new Set<number>()
  let next = 0
  const work = async () => {
    while (next < options.length) {
      const phone = await connectSipPhone(options[next++]!)
      const { status } = await phone.register()
      if (status === 200) phones.push(phone)
      else refusals.add(status)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  writeFileSync(`${path}.part`, JSON.stringify([phones.length, [...refusals]]))
  renameSync(`${path}.part`, answerOf(path))
  // Their open connections keep the process alive.
}

function answerOf(path: string): string {
  return `${path}.registered`
}

// Started as a program; imported it does nothing.
if (process.argv[1] === import.meta.filename) await main(process.argv[2]!)
