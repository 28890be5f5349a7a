import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { type Language, languages } from '../../domain/language.ts'

const words = z.strictObject({
  title: z.string(),
  for: z.string(),
  extension: z.string(),
  what: z.string(),
  device: z.string(),
  mark: z.string(),
  handedOut: z.string(),
  returned: z.string(),
  app: z.string(),
  gateway: z.string(),
  accessories: z.string(),
  emergency: z.string(),
  emergencyNoted: z.string(),
  emergencyWrong: z.string(),
  emergencyUnknown: z.string(),
  slip: z.string(),
  slipWords: z.string(),
  received: z.string(),
  back: z.string(),
  tear: z.string(),
  steps: z.string(),
  step1: z.string(),
  step2: z.string(),
  step3: z.string(),
  deskStep: z.string(),
  until: z.string(),
  code: z.string(),
})
export type SheetWords = z.output<typeof words>

/** What stands on a sheet, in each language: templates/messages/<language>/sheet.json, read when the app is made. */
export function sheetWords(): (language: Language) => SheetWords {
  const all = new Map(
    languages.map((language) => {
      const file = new URL(`../../../templates/messages/${language}/sheet.json`, import.meta.url)
      return [language, words.parse(JSON.parse(readFileSync(file, 'utf8')))] as const
    }),
  )
  return (language) => all.get(language)!
}
