import { dirname } from 'node:path'
import { makeFolder, readIfThere, writeDurably } from '../../../durable-file.ts'
import { AppError } from '../../../errors.ts'
import { oneAtATime } from '../../in-turn.ts'
import { listText, mostNames, readStoredLists, type SubjectList, storedLists } from './subject-list.ts'

export interface SubjectKeeperOptions {
  /** What the sofia profile includes. */
  readonly listFile: string
  /** Lists that may still be in force, in the data folder. */
  readonly historyFile: string
  /** Serial → UUID of the handset, of every certificate that is in service on this PBX. */
  readonly wanted: () => Promise<ReadonlyMap<string, string>>
  /** The same of every certificate there ever was; asked when no former list is known. */
  readonly everIssued: () => Promise<ReadonlyMap<string, string>>
  /** Whether the port lets in a certificate with this UUID, one that stands for nobody. */
  readonly knockAs: (uuid: string, signal: AbortSignal) => Promise<'let-in' | 'refused'>
  readonly newId: () => string
  /** Ends the profile's calls, so only where the admin said so; null: a person does it. */
  readonly restart: ((signal: AbortSignal) => Promise<void>) | null
}

export interface SubjectSnapshot {
  /** What lies in the file that is included; null: nothing of ours. */
  readonly written: SubjectList | null
  /** The port turned away a certificate that stands in no list, also after it let a mark in. */
  readonly enforced: boolean
  /** By which list the port goes now, seen by its mark; null: by none that is known. */
  readonly running: SubjectList | null
}

export interface SubjectKeeper {
  /** Writes the list of those in service. Idempotent; a list that is the same is not written again. */
  publish(): Promise<void>
  read(signal: AbortSignal): Promise<SubjectSnapshot>
  readonly restart: SubjectKeeperOptions['restart']
}

export function subjectKeeper(options: SubjectKeeperOptions): SubjectKeeper {
  const { listFile, historyFile, knockAs } = options
  const inTurn = oneAtATime()
  const stranger = options.newId()
  // What was before the list that was seen in force can never come back.
  let seen: string | null = null

  async function history(): Promise<readonly SubjectList[]> {
    const text = await textIn(historyFile)
    return (text === null ? null : readStoredLists(text)) ?? []
  }

  async function publish(): Promise<void> {
    const handsets = await options.wanted()
    if (handsets.size > mostNames) throw tooMany(handsets.size)
    const before = await history()
    const isSame = before[0] !== undefined && sameEntries(before[0].handsets, handsets)
    const newest = isSame
      ? before[0]!
      : { mark: options.newId(), handsets, former: await formerIn(handsets, before[0]) }
    if (!isSame) {
      // First: a list whose mark is not known could be in force without anybody seeing it.
      await writeDurably(historyFile, storedLists([newest, ...stillPossible(before, seen)]), 0o600)
    }
    const text = listText(newest)
    if ((await textIn(listFile)) === text) return
    await makeFolder(dirname(listFile), 0o750)
    // Readable by the group of FreeSWITCH's user; the folder decides who that is.
    await writeDurably(listFile, text, 0o640)
  }

  async function formerIn(handsets: ReadonlyMap<string, string>, last: SubjectList | undefined) {
    const known = last ? [...last.handsets, ...last.former] : [...(await options.everIssued())]
    const present = new Set(handsets.values())
    return new Map(known.filter(([serial, handset]) => !handsets.has(serial) && present.has(handset)))
  }

  return {
    publish: () => inTurn(publish),
    restart: options.restart,
    async read(signal) {
      const lists = await history()
      const text = await textIn(listFile)
      const written = lists.find((list) => listText(list) === text) ?? null
      const turnsAway = async () => (await knockAs(stranger, signal)) === 'refused'
      const open = { written, enforced: false, running: null }
      if (!(await turnsAway())) return open
      for (const list of likeliestFirst(lists)) {
        if ((await knockAs(list.mark, signal)) === 'refused') continue
        // A connection that broke for another reason looks like a refusal, and a port that lets everybody in like this list.
        if (!(await turnsAway())) return open
        seen = list.mark
        return { written, enforced: true, running: list }
      }
      return { written, enforced: true, running: null }
    },
  }
}

/** Each is one more question to the port at every look. */
const mostPending = 10

/**
 * The list that was seen in force and what came after it; of many, as an import makes them, the newest ones and the oldest,
 * which is the one that was in force when they came.
 */
function stillPossible(lists: readonly SubjectList[], seen: string | null): readonly SubjectList[] {
  const inForce = lists.findIndex(({ mark }) => mark === seen)
  const possible = inForce < 0 ? lists : lists.slice(0, inForce + 1)
  return possible.length <= mostPending ? possible : [...possible.slice(0, mostPending - 1), possible.at(-1)!]
}

function likeliestFirst(lists: readonly SubjectList[]): readonly SubjectList[] {
  const [newest, ...former] = lists
  return newest ? [newest, ...former.reverse()] : []
}

function sameEntries(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([serial, handset]) => other.get(serial) === handset)
}

async function textIn(path: string): Promise<string | null> {
  return readIfThere(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new AppError('INTERNAL', `${path} cannot be read (${error.code})`, {
      hint: 'check the disk and the permissions of that file',
      retryable: true,
      cause: error,
    })
  })
}

function tooMany(count: number): AppError {
  return new AppError('PBX_REFUSED', `${count} certificates do not fit into one allow-list of FreeSWITCH`, {
    hint: `it reads lines of at most 1 MB, which is ${mostNames} names: put some of the handsets on another PBX`,
  })
}
