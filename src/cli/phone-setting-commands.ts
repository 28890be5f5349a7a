import { AppError } from '../errors.ts'
import type { EffectiveSettingView, PhoneSettingChange, PhoneSettingView } from '../journeys/setting-view.ts'
import { path } from './api-client.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { type List, print, printJson, type Session } from './session.ts'
import { changedLines } from './template-commands.ts'
import { safe, table, when } from './terminal.ts'

export async function listPhoneSettings(session: Session): Promise<ExitCode> {
  const list = await session.client.send<List<PhoneSettingView>>({ method: 'GET', path: '/phone-settings' })
  if (session.json) printJson(session, list)
  else if (list.items.length === 0)
    session.terminal.out('nothing is set; `ringfence phone-settings set --help` shows how')
  else {
    const rows = list.items.map((setting) => [
      setting.layer,
      scopeWords(setting),
      safe(setting.name),
      `${when(setting.setAt)} by ${safe(setting.setBy)}`,
      inOneLine(setting.value),
    ])
    print(session, table(session.terminal, ['layer', 'of', 'setting', 'set', 'value'], rows))
  }
  return exitCodes.ok
}

/** Who wins, and over whom. */
export async function showHandsetSettings(session: Session, handsetId: string): Promise<ExitCode> {
  const list = await session.client.send<List<EffectiveSettingView>>({
    method: 'GET',
    path: path`/handsets/${handsetId}/settings`,
  })
  if (session.json) printJson(session, list)
  else if (list.items.length === 0) session.terminal.out('nothing is set for this handset')
  else {
    const rows = list.items.flatMap(({ name, value, layer, beats, note }) => [
      [safe(name), layer, inOneLine(value)],
      ...beats.map((beaten) => ['', `over ${beaten.layer}`, inOneLine(beaten.value)]),
      ...(note === null ? [] : [['', '', `! ${safe(note)}`]]),
    ])
    print(session, table(session.terminal, ['setting', 'from', 'value'], rows))
  }
  return exitCodes.ok
}

/** @param words `[scope] <name> <value>` */
export async function setPhoneSetting(
  session: Session,
  layer: string,
  words: readonly string[],
  dryRun: boolean,
): Promise<ExitCode> {
  const [scope, name, value] = placed(layer, words, ['NAME', 'VALUE'])
  const setting = await session.client.send<PhoneSettingChange>({
    method: 'PUT',
    path: path`/phone-settings/${layer}/${scope}/${name}` + asked(dryRun),
    json: { value },
  })
  return told(session, setting, `${safe(setting.name)} ${dryRun ? 'would be' : 'is'} ${inOneLine(setting.value)}`)
}

/** @param words `[scope] <name>` */
export async function unsetPhoneSetting(
  session: Session,
  layer: string,
  words: readonly string[],
  dryRun: boolean,
): Promise<ExitCode> {
  const [scope, name] = placed(layer, words, ['NAME'])
  const setting = await session.client.send<PhoneSettingChange>({
    method: 'DELETE',
    path: path`/phone-settings/${layer}/${scope}/${name}` + asked(dryRun),
  })
  return told(session, setting, `${safe(setting.name)} ${dryRun ? 'would be' : 'is'} no longer set`)
}

function asked(dryRun: boolean): string {
  return dryRun ? '?dryRun=true' : ''
}

function told(session: Session, setting: PhoneSettingChange, what: string): ExitCode {
  const { terminal } = session
  if (session.json) printJson(session, setting)
  else {
    const whose = setting.layer === 'site' ? 'the site' : `${setting.layer} ${scopeWords(setting)}`
    terminal.out(`${what} (${whose})`)
    print(session, changedLines(terminal, setting.changes))
    if (setting.dryRun) terminal.out('a dry run: nothing was written, and no phone was told')
    else print(session, setting.telling.map(safe))
    if (setting.note !== null) terminal.err(`! ${safe(setting.note)}`)
  }
  return exitCodes.ok
}

/** There is one site, so its name may be left out. */
function placed(
  layer: string,
  words: readonly string[],
  last: readonly string[],
): [scope: string, name: string, value: string] {
  const all = layer === 'site' && words[0] !== 'default' ? ['default', ...words] : words
  if (all.length === last.length + 1) return [all[0]!, all[1]!, all[2] ?? '']
  const whose = { site: '', model: 'MODEL ', handset: 'ID ' }[layer] ?? ''
  throw new AppError('INVALID_INPUT', `for a ${layer} this takes ${whose}${last.join(' ')}`, {
    hint: last.includes('VALUE')
      ? 'put a value with spaces between quotation marks'
      : `it takes no value; these are ${words.length} words: ${words.join(' ')}`,
  })
}

/** A handset by what people know it by. */
function scopeWords({ scope, handset }: Pick<PhoneSettingView, 'scope' | 'handset'>): string {
  if (handset === null) return safe(scope)
  return [handset.extension, handset.model, handset.mac ?? scope].map(safe).join(' ')
}

function inOneLine(value: string): string {
  return safe(value.replaceAll('\n', ' ⏎ '))
}
