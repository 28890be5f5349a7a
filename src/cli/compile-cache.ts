import { mkdirSync, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join, resolve } from 'node:path'

/**
 * Lets Node keep what it compiled and stripped of types in the data folder, for this process and the hub that it starts:
 * the next start is some 0.2 s quicker and needs some 20 MB less, since the compiler is not loaded at all.
 *
 * Code is run from there, so only in a folder that nobody else may write to, and never in a shared one like /tmp, which
 * is Node's default. A data folder that is not there yet is not made: the settings have not been checked.
 */
export function keepCompiled(environment: Record<string, string | undefined>): void {
  const dataFolder = resolve(environment.RINGFENCE_DATA?.trim() || './data')
  try {
    if (!isOursAlone(dataFolder)) return
    const folder = join(dataFolder, 'compile-cache')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (!isOursAlone(folder)) return
    enableCompileCache(folder)
    environment.NODE_COMPILE_CACHE = folder
  } catch {
    // Slower, but not worse: whatever is wrong with the data folder is said when the server opens it.
  }
}

function isOursAlone(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false })
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o022) === 0
}
