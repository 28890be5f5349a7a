/**
 * One attempt to sign in, from inside a namespace: reads a JSON file (so that no secret stands in an argument list), prints
 * the status of the last answer to REGISTER, or the error.
 *
 *   node sip-attempt.ts <file>
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Namespace } from './network.ts'
import { connectSipPhone, type SipPhoneOptions } from './sip-client.ts'

/** 200, 401, 403 …, or in words why there was no answer. */
export async function attemptToRegister(
  place: Namespace,
  folder: string,
  options: SipPhoneOptions,
): Promise<number | string> {
  const path = join(folder, 'attempt.json')
  writeFileSync(path, JSON.stringify(options), { mode: 0o600 })
  try {
    return JSON.parse(await place.run(process.execPath, import.meta.filename, path)) as number | string
  } finally {
    rmSync(path, { force: true })
  }
}

// Started as a program; imported it does nothing.
if (process.argv[1] === import.meta.filename) {
  const options = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as SipPhoneOptions
  const answer = await connectSipPhone(options)
    .then(async (phone) => {
      try {
        return (await phone.register()).status
      } finally {
        await phone.close()
      }
    })
    .catch((error: unknown) => String(error))
  process.stdout.write(JSON.stringify(answer))
}
