import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { accountsFile, ownershipMark } from '../../src/pbx/asterisk/asterisk-config.ts'
import type { Whole } from '../contracts/pbx-hand.ts'
import type { AsteriskLab } from './asterisk.ts'

/**
 * Everything that an Asterisk has on its disk and runs, but what carries the name of one of these extensions: its files,
 * its own database, its dialplan, its objects, its channels.
 */
export function asteriskBut(lab: AsteriskLab, extensions: readonly string[]): Whole {
  const some = `(?:${extensions.join('|') || 'nobody'})`
  return {
    files: filesBut(lab, some),
    database: lines(lab.cli('database show')).filter((line) => !new RegExp(`^/(\\S*/)?${some}[-;:/ ]`).test(line)),
    dialplan: dialplanBut(lab, some),
    globals: lines(lab.cli('dialplan show globals')),
    objects: objectsBut(lab, some),
    channels: lines(lab.cli('core show channels concise'))
      .map((line) => line.split('!')[0]!)
      .filter((name) => !new RegExp(`^PJSIP/${some}-`).test(name)),
  }
}

/** Each with its rights; of Ringfence's own without the blocks of these extensions. */
function filesBut({ folder, etcDir }: AsteriskLab, some: string): Readonly<Record<string, string>> {
  const paths = [etcDir, join(folder, 'spool'), join(folder, 'keys')].flatMap((place) =>
    readdirSync(place, { recursive: true, withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
    ),
  )
  const contents = paths.sort().map((path): [string, string] => {
    const blocks = readFileSync(path, 'utf8').split(/^(?=; extension )/m)
    const others = blocks.filter((block) => !new RegExp(`^; extension ${some}[:\\n]`).test(block))
    return [path, `${(statSync(path).mode & 0o777).toString(8)} ${others.join('')}`]
  })
  // Made with the first account.
  const isEmpty = ([path, text]: [string, string]) =>
    path.endsWith(`/${accountsFile}`) && text === `640 ${ownershipMark}\n\n`
  return Object.fromEntries(contents.filter((one) => !isEmpty(one)))
}

/** By context, without the numbers of the lines in the files, which move. */
function dialplanBut(lab: AsteriskLab, some: string): readonly string[] {
  return lab
    .cli('dialplan show')
    .split(/^(?=\[ Context )/m)
    .filter((context) => !new RegExp(`^\\[ Context 'ringfence-${some}'`).test(context))
    .map((context) =>
      context
        .replace(/^-=.*=-$/m, '')
        .replace(/ *\[[^\]\n]*:[0-9]+\]$/gm, '')
        .replace(new RegExp(`^  '${some}' =>.*\\n(?: {10,}.*\\n)*`, 'gm'), '')
        .trim(),
    )
    .sort()
}

function objectsBut(lab: AsteriskLab, some: string): readonly string[] {
  return ['endpoint', 'aor', 'auth'].flatMap((kind) => {
    const listed = lab.cli(`pjsip list ${kind}s`).matchAll(/^ +(?:Endpoint|Aor|Auth): +([^\s/<]+)/gm)
    return [...listed]
      .map(([, name]) => name!)
      .filter((name) => !new RegExp(`^${some}(-|$)`).test(name))
      .map((name) => {
        const shown = lab.cli(`pjsip show ${kind} ${name}`)
        return `${kind} ${name}\n${shown.slice(shown.indexOf('ParameterName')).trim()}`
      })
  })
}

const lines = (text: string) => text.split('\n').filter((line) => line.trim() !== '' && !/results? found/.test(line))

/** The caller's name as the running Asterisk has it. */
export function shownOn(lab: AsteriskLab, extension: string): string | undefined {
  return /^ callerid +: "(.*)" <[0-9]+>$/m.exec(lab.cli(`pjsip show endpoint ${extension}`))?.[1]
}
