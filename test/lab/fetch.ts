/**
 * A browser or app in a namespace: fetches one address over HTTPS and prints what came as JSON. Names are looked up as the
 * namespace's own /etc/hosts has them, unless an address is given.
 *
 *   node fetch.ts <CA file> <url> [address]
 */
import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import type { Namespace } from './network.ts'

export interface Fetched {
  readonly status: number
  readonly contentType: string
  /** Base64. */
  readonly bytes: string
  readonly text: string
}

export async function fetchFrom(place: Namespace, trusted: string, url: string, address?: string): Promise<Fetched> {
  const more = address === undefined ? [] : [address]
  const printed = await place.run(process.execPath, import.meta.filename, trusted, url, ...more)
  const { bytes, ...answer } = JSON.parse(printed) as Omit<Fetched, 'text'>
  return { ...answer, bytes, text: Buffer.from(bytes, 'base64').toString() }
}

// Started as a program; imported it does nothing.
if (process.argv[1] === import.meta.filename) {
  const [, , trusted, url, address] = process.argv
  const { hostname } = new URL(url!)
  const trust = { ca: readFileSync(trusted!), servername: hostname, headers: { host: hostname } }
  get(url!, { ...trust, hostname: address ?? hostname, agent: false, timeout: 10_000 }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('end', () =>
      process.stdout.write(
        JSON.stringify({
          status: response.statusCode,
          contentType: response.headers['content-type'] ?? '',
          bytes: Buffer.concat(chunks).toString('base64'),
        }),
      ),
    )
  })
}
