/** What a PBX can do, in words: for doctor, the console, and docs/pbx.md. */
import type { PbxAbilityView } from './pbx-view.ts'

interface Ability {
  /** After `can`. */
  readonly words: string
  readonly holds: (abilities: PbxAbilityView) => boolean
}

export const abilityList: readonly Ability[] = [
  { words: 'show what is in force', holds: ({ readBack }) => readBack },
  {
    words: 'throw a registered phone off',
    holds: ({ endsRegistrations }) => endsRegistrations,
  },
  { words: 'end calls', holds: ({ endsCalls }) => endsCalls },
  {
    words: 'demand client certificates',
    holds: ({ certificates }) => certificates === 'required-on-own-port',
  },
  {
    words: 'refuse revoked certificates',
    holds: ({ revocationLists }) => revocationLists === 'enforced',
  },
  {
    words: 'keep passwords as digests alone',
    holds: ({ storesSecretAs }) => storesSecretAs === 'digest',
  },
  {
    words: 'hold a password for each phone of an extension',
    holds: ({ credentialsPerExtension }) => credentialsPerExtension === 'many',
  },
  { words: 'tell phones to fetch their files', holds: ({ resync }) => resync },
  {
    words: 'show call forwards and what else outlives a password',
    holds: ({ leftovers }) => leftovers !== 'unseen',
  },
  {
    words: 'clear call forwards and the like',
    holds: ({ leftovers }) => leftovers === 'cleared',
  },
  { words: 'enforce call classes', holds: ({ callClasses }) => callClasses === 'enforced' },
  { words: 'show who may dial more than their call class', holds: ({ callClasses }) => callClasses !== 'absent' },
  { words: 'let extensions be taken over', holds: ({ adoption }) => adoption },
]

export function abilityWords(abilities: PbxAbilityView): { readonly can: string[]; readonly cannot: string[] } {
  const wordsOf = (some: readonly Ability[]) => some.map(({ words }) => words)
  return {
    can: wordsOf(abilityList.filter(({ holds }) => holds(abilities))),
    cannot: wordsOf(abilityList.filter(({ holds }) => !holds(abilities))),
  }
}
