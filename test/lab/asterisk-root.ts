import { mkdirSync, readdirSync, rmdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { AsteriskLab } from './asterisk.ts'

/** The folder that Asterisk takes for `/`. */
export function outsideRoot(asterisk: AsteriskLab): string {
  // <root>/srv/<name>/etc
  return dirname(dirname(dirname(asterisk.etcDir)))
}

/** On one host, PBX and Ringfence call the config folder by the same name; here a link inside Asterisk's root does it. */
export function showSamePath(asterisk: AsteriskLab): () => void {
  const root = outsideRoot(asterisk)
  const link = join(root, asterisk.configDir)
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(asterisk.configDir.slice(root.length), link)
  return () => {
    rmSync(link)
    // Another lab's link may lie beside it: only what is empty goes.
    for (let folder = dirname(link); folder !== root && readdirSync(folder).length === 0; folder = dirname(folder))
      rmdirSync(folder)
  }
}
