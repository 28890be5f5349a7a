import type { AmiSession } from './ami-conversation.ts'

/** Lines of Asterisk's own configuration, as the manager interface shows them (action GetConfig, main/manager.c). */
export interface ConfigLine {
  readonly name: string
  readonly value: string
}

/** `[res_pjsip]` of sorcery.conf: where each kind of object is kept. None when there is no such file or section. */
export function readMapping(session: AmiSession): Promise<readonly ConfigLine[]> {
  return readSection(session, 'sorcery.conf', 'res_pjsip')
}

export async function readSection(session: AmiSession, file: string, section: string): Promise<readonly ConfigLine[]> {
  const answer = await session.ask({ Action: 'GetConfig', Filename: file, Category: section })
  return [...answer].flatMap(([key, lines]) =>
    key.startsWith('line-') ? lines.map((line) => ({ name: pair(line)[0], value: pair(line)[1] })) : [],
  )
}

export function pair(text: string): [string, string] {
  const equals = text.indexOf('=')
  return equals < 0 ? [text.trim(), ''] : [text.slice(0, equals).trim(), text.slice(equals + 1).trim()]
}
