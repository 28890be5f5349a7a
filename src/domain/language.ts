/** What employees can be written to in. Adding one: its folder under templates/messages, and its name here. */
export const languages = ['de', 'en', 'fr', 'es'] as const
export type Language = (typeof languages)[number]

export const languageNames: Readonly<Record<Language, string>> = {
  de: 'Deutsch',
  en: 'English',
  fr: 'Français',
  es: 'Español',
}

export function isLanguage(text: string): text is Language {
  return (languages as readonly string[]).includes(text)
}

/** `Montag, 3. Februar 2026 um 10:42 MEZ`, in the time zone of the server. */
export function momentIn(language: string, at: string): string {
  return new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(new Date(at))
}
