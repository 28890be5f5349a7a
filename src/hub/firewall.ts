import { contains, overlaps, type Prefix } from '../domain/address.ts'
import { AppError, asAppError } from '../errors.ts'
import type { System } from '../system.ts'
import { withFiles, workFolder } from '../tunnels/hand-over-files.ts'
import type { FirewallState } from '../tunnels/hub-port.ts'
import { prefixIndex, subtract } from '../tunnels/prefix.ts'
import { parseListing, type TableListing } from './firewall-listing.ts'
import { elementsScript, tableName, tableScript } from './firewall-rules.ts'
import type { HubSettings } from './hub-settings.ts'

/** Who may pass the hub. Its callers take turns; prefixes have been checked before. */
export interface Firewall {
  /** Puts the table there anew, keeping who was admitted. Says whether it limits each handset's connections. */
  install(signal: AbortSignal): Promise<{ readonly limited: boolean }>
  read(signal: AbortSignal): Promise<FirewallState>
  /** Also mends the rules when they are no longer as installed. */
  change(admit: readonly Prefix[], expel: readonly Prefix[], signal: AbortSignal): Promise<void>
  takeAway(signal: AbortSignal): Promise<void>
}

/** The owned nftables table. Every change is one `nft -f`, so there is no moment in which half of it holds. */
export function nftFirewall(settings: HubSettings, system: Pick<System, 'run'>): Firewall {
  const table = tableName(settings.interface)
  /** How nft itself shows our rules: read right after loading them, so that its version and spelling do not matter. */
  let installedRules: string | undefined

  async function list(signal: AbortSignal): Promise<TableListing | undefined> {
    try {
      const { stdout } = await system.run('nft', ['-j', 'list', 'table', 'inet', table], { signal })
      return parseListing(stdout)
    } catch (error) {
      if (asAppError(error).message.includes('No such file or directory')) return undefined
      throw error
    }
  }

  async function load(script: string, signal: AbortSignal): Promise<void> {
    if (script === '') return
    await withFiles(workFolder(settings.dataFolder), [script], async ([file]) => {
      await system.run('nft', ['-f', file!], { signal, timeoutMs: 30_000 })
    })
  }

  /** Shuts first and looks later, when it can be done so: listing a large set takes longer than taking one out of it. */
  async function expelUnseen(expel: readonly Prefix[], signal: AbortSignal): Promise<boolean> {
    try {
      await load(
        elementsScript(
          settings.interface,
          expel.map(({ text }) => text),
          [],
        ),
        signal,
      )
      return true
    } catch (error) {
      if (signal.aborted) throw error
      // One of them is not there, or not in this form: then nothing was done, and the listing tells what to do.
      return false
    }
  }

  async function loadWhole(admitted: readonly Prefix[], signal: AbortSignal): Promise<{ readonly limited: boolean }> {
    const texts = admitted.map(({ text }) => text)
    const limited = await load(tableScript(settings, texts, true), signal).then(
      () => true,
      async (error: unknown) => {
        if (signal.aborted) throw error
        // Some kernels count no connections; a firewall without that limit is better than none.
        await load(tableScript(settings, texts, false), signal)
        return false
      },
    )
    installedRules = (await list(signal))?.rules
    if (installedRules === undefined)
      throw new AppError('COMMAND_FAILED', `nft took table ${table} but does not show it`)
    return { limited }
  }

  return {
    async install(signal) {
      const before = await list(signal)
      return loadWhole(before?.admitted ?? [], signal)
    },
    async read(signal) {
      const now = await list(signal)
      return {
        admitted: (now?.admitted ?? []).map(({ text }) => text).sort(),
        rulesIntact: now !== undefined && now.rules === installedRules,
      }
    },
    async change(admit, expel, signal) {
      if (admit.length === 0 && expel.length > 0 && (await expelUnseen(expel, signal))) return
      const now = await list(signal)
      const { remove, add } = elementChanges(now?.admitted ?? [], admit, expel)
      if (now === undefined || now.rules !== installedRules) {
        const gone = new Set(remove)
        await loadWhole([...(now?.admitted ?? []).filter((prefix) => !gone.has(prefix)), ...add], signal)
      } else {
        const texts = (prefixes: readonly Prefix[]) => prefixes.map(({ text }) => text)
        await load(elementsScript(settings.interface, texts(remove), texts(add)), signal)
      }
    },
    async takeAway(signal) {
      await load(`table inet ${table}\ndelete table inet ${table}\n`, signal)
    },
  }
}

/** For a host without nftables: remembers, and says so through the hub's mode. */
export function rememberedFirewall(): Firewall {
  let admitted: readonly Prefix[] = []
  return {
    install: async () => ({ limited: true }),
    read: async () => ({ admitted: admitted.map(({ text }) => text).sort(), rulesIntact: true }),
    async change(admit, expel) {
      const { remove, add } = elementChanges(admitted, admit, expel)
      const gone = new Set(remove)
      admitted = [...admitted.filter((prefix) => !gone.has(prefix)), ...add]
    },
    takeAway: async () => undefined,
  }
}

/**
 * Which elements go and which come so that exactly `expel` is shut and `admit` is open; what is neither stays.
 * An element wider than what is expelled (nobody here made it) is split, so that nobody else loses access by it.
 */
function elementChanges(
  now: readonly Prefix[],
  admit: readonly Prefix[],
  expel: readonly Prefix[],
): { remove: Prefix[]; add: Prefix[] } {
  const expelled = prefixIndex(expel.map((prefix) => [prefix, prefix]))
  const admitted = prefixIndex(admit.map((prefix) => [prefix, prefix]))
  const remove: Prefix[] = []
  const add: Prefix[] = []
  const kept: Prefix[] = []
  for (const element of now) {
    const swallowed = admitted(element)
    if (expelled(element)) {
      remove.push(element)
      let rest = [element]
      for (const taken of expel) {
        if (overlaps(element, taken)) rest = rest.flatMap((part) => subtract(part, taken))
      }
      kept.push(...rest)
      add.push(...rest)
    } else if (swallowed && swallowed.length < element.length && contains(swallowed, element)) {
      // An interval set refuses an element that overlaps another: the narrow one makes room for the wide one.
      remove.push(element)
    } else kept.push(element)
  }
  const covered = prefixIndex(kept.map((prefix) => [prefix, prefix]))
  for (const prefix of admit) {
    const by = covered(prefix)
    if (!by || !contains(by, prefix)) add.push(prefix)
  }
  // What would go and come back at once stays.
  const gone = new Set(remove.map(({ text }) => text))
  const back = new Set(add.filter(({ text }) => gone.has(text)).map(({ text }) => text))
  const moves = ({ text }: Prefix) => !back.has(text)
  return { remove: remove.filter(moves), add: add.filter(moves) }
}
