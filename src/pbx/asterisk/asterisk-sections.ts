import { AppError } from '../../errors.ts'
import { type AmiSession, field } from './ami-conversation.ts'
import { type ConfigLine, pair } from './sorcery-mapping.ts'

/** One `[section]` of a config file, with what it has from its templates. */
export interface ConfigSection {
  readonly name: string
  readonly lines: readonly ConfigLine[]
}

/**
 * All sections of a file in one answer, templates left out (action GetConfig, main/manager.c: `Category-000001`,
 * `IsTemplate-000001`, `Line-000001-000000`). It is what stands in the file, which is what runs after the next reload.
 * No such file: none. Files hold PINs: whoever reads one keeps names alone.
 */
export async function readSections(session: AmiSession, file: string): Promise<readonly ConfigSection[]> {
  const answer = await session.ask({ Action: 'GetConfig', Filename: file })
  if (field(answer, 'Response') !== 'Success') {
    if (field(answer, 'Message').trim() === 'Config file not found') return []
    throw new AppError('PBX_REFUSED', `the PBX does not show ${file}: ${field(answer, 'Message').slice(0, 100)}`, {
      hint: `see whether Asterisk can read ${file} (its log says so), and the rights of the manager user`,
      retryable: true,
    })
  }
  const sections = new Map<string, { name: string; lines: ConfigLine[] }>()
  const templates = new Set<string>()
  for (const [key, values] of answer) {
    const [kind, number = ''] = key.split('-')
    if (kind === 'category') sections.set(number, { name: values[0] ?? '', lines: [] })
    if (kind === 'istemplate') templates.add(number)
    if (kind !== 'line') continue
    for (const value of values) {
      const [name, text] = pair(value)
      sections.get(number)?.lines.push({ name: name.toLowerCase(), value: text })
    }
  }
  return [...sections].flatMap(([number, section]) => (templates.has(number) ? [] : [section]))
}

export function valuesOf({ lines }: ConfigSection, name: string): readonly string[] {
  return lines.flatMap((line) => (line.name === name && line.value !== '' ? [line.value] : []))
}
