import type { Secret } from '../domain/secret.ts'
import type { FileValues } from './phone-port.ts'
import { digitsOf } from './scope.ts'

type Passwords = Pick<FileValues, 'phoneAdminPassword' | 'phoneUserPassword'>

/** The names under which templates print a phone's own passwords. */
const forms = {
  phoneAdminPassword: { whose: 'admin', of: (passwords: Passwords) => passwords.phoneAdminPassword },
  phoneAdminDigits: { whose: 'admin', of: (passwords: Passwords) => digitsOf(passwords.phoneAdminPassword) },
  phoneUserPassword: { whose: 'user', of: (passwords: Passwords) => passwords.phoneUserPassword },
  phoneUserDigits: { whose: 'user', of: (passwords: Passwords) => digitsOf(passwords.phoneUserPassword) },
} as const

export type PasswordForm = keyof typeof forms

/** Read off the template, so that what is shown to an admin is what the phone was given, whoever wrote the template. */
export function passwordForms(template: string): readonly PasswordForm[] {
  return (Object.keys(forms) as PasswordForm[]).filter((form) => new RegExp(`\\b${form}\\b`).test(template))
}

export function passwordsAs(
  used: readonly PasswordForm[],
  passwords: Passwords,
): { readonly admin: Secret | null; readonly user: Secret | null } {
  const last = (whose: 'admin' | 'user') => {
    const form = used.findLast((one) => forms[one].whose === whose)
    return form ? forms[form].of(passwords) : null
  }
  return { admin: last('admin'), user: last('user') }
}
