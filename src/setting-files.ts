/** The files that settings name: why one cannot be read, in words, and who else may read a secret. */
import { readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

export type FileRead = { readonly text: string; readonly isOpen: boolean } | { readonly problem: string }

/** `isOpen`: everybody on this machine may read it. */
export function readSettingFile(path: string): FileRead {
  try {
    return { text: readFileSync(path, 'utf8'), isOpen: (statSync(path).mode & 0o004) !== 0 }
  } catch (error) {
    return { problem: `${shownPath(path)} ${reasonOf(error as NodeJS.ErrnoException)}` }
  }
}

/** The commonest mistake is to set the secret itself: only what begins as the path of a folder that is there is repeated. */
function shownPath(path: string): string {
  const folder = dirname(path)
  if (!path.startsWith('/') || !isFolder(folder)) return 'names a file that'
  // One in base64 may begin so too.
  return folder === '/' ? 'names a file in the folder /, which' : `names ${JSON.stringify(path)}, which`
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    // Not there, not to be looked at, or no path at all.
    return false
  }
}

function reasonOf({ code }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'is not there'
  if (code === 'EISDIR') return 'is a folder'
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not read'
  return `cannot be read (${code ?? 'unknown'})`
}
