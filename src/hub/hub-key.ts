import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Secret } from '../domain/secret.ts'
import { parsePublicKey } from '../domain/tunnel.ts'
import { privateFolder, writeDurably } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import { newPrivateKey } from '../tunnels/wireguard-key.ts'

/** The hub's private key; made at the first start. It never leaves the hub process. */
export async function openHubKey(dataFolder: string): Promise<Secret> {
  await privateFolder(dataFolder)
  const path = join(dataFolder, 'hub.key')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) {
    const key = newPrivateKey()
    await writeDurably(path, `${key.reveal()}\n`)
    return key
  }
  // A private key has the form of a public one: 32 bytes in base64.
  if (!parsePublicKey(text).ok) {
    throw new AppError('CONFIG_INVALID', `${path} does not hold a WireGuard key`, {
      hint: 'restore it from a backup: with a new key every handset would need a new configuration',
    })
  }
  return new Secret(text.trim())
}
