import type { PbxDriver, PbxState, Sight } from './pbx-driver.ts'

/** What is in force, as far as the PBX shows it: one that cannot be read shows nothing, and one that is away shows as away. */
export async function seePbx(driver: PbxDriver, signal: AbortSignal, sight?: Sight): Promise<PbxState> {
  if (driver.abilities.readBack) return driver.readAccounts(signal, sight)
  return { product: (await driver.describe(signal)).product, accounts: [], foreign: [] }
}

export function extensionsOf(subjects: readonly { readonly extension: string }[]): readonly string[] {
  return [...new Set(subjects.map(({ extension }) => extension))]
}
