/**
 * A browser or app in a namespace: fetches one address over HTTPS and prints what came as JSON. Names are looked up as the
 * namespace's own /etc/hosts has them, unless an address is given.
 *
 *   node fetch.ts <CA file> <url> [address]
 */
import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { connect } from 'node:tls'
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
  const { hostname, port } = new URL(url!)
  const ca = readFileSync(trusted!)
  const createConnection = () =>
    connect({ host: address ?? hostname, port: Number(port || 443), servername: hostname, ca })
  get(url!, { agent: false, createConnection, timeout: 10_000 }, (response) => {
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
