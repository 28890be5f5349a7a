/**
 * The hub as a child of the server, and in which folder. An orderly stop takes the hub's interface and firewall away. That they are missing at the next start is then this server's
 * own doing, and no alarm; after a crash, or a second start on one note, it is.
 */
import { stat } from 'node:fs/promises'
import type { Config } from '../config.ts'
import { privateFolder } from '../durable-file.ts'
import { AppError } from '../errors.ts'
import { startHubChild } from '../hub/hub-child.ts'
import type { Log } from '../journeys/context.ts'
import type { Store } from '../store/store.ts'
import { hubSettings } from './hub-settings.ts'

type Notes = Pick<Store, 'get' | 'transaction'>

const noteId = 'hub-taken-away'

export async function noteTakenAway(store: Notes, at: Date): Promise<void> {
  await store.transaction((tx) => tx.put('setting', [{ id: noteId, value: at.toISOString() }]))
}

/** Says so once: the note is gone before anything is looked at. */
export async function wasTakenAway(store: Notes): Promise<boolean> {
  if (!(await store.get('setting', noteId))) return false
  await store.transaction((tx) => tx.remove('setting', [noteId]))
  return true
}

/** @returns how it is stopped; `note` is called when it was asked to take interface and firewall away */
export async function startOwnHub(
  config: Config,
  log: Log,
  note: () => Promise<unknown>,
): Promise<() => Promise<void>> {
  await hubFolder(config)
  const child = await startHubChild(hubSettings(config), log)
  return async () => {
    if (await child.stop(true)) await note()
  }
}

/** @throws AppError CONFIG_INVALID where closing the folder would take the hub's socket from the server's user. */
export async function hubFolder({ hub: { dataFolder, socket, separate } }: Config): Promise<void> {
  const isWithin = separate && socket.startsWith(`${dataFolder}/`)
  // One that is not there yet shuts nobody out; what else is wrong with it is told below.
  const mode = isWithin ? (await stat(dataFolder).catch(() => null))?.mode : undefined
  if (mode !== undefined && (mode & 0o077) !== 0) {
    throw new AppError('CONFIG_INVALID', `the hub's socket is in ${dataFolder}, which others may look into`, {
      hint: "RINGFENCE_HUB_DATA holds the hub's key and is for the hub alone: put RINGFENCE_HUB_SOCKET elsewhere",
    })
  }
  await privateFolder(dataFolder, ['hub.key'])
}
