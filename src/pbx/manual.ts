import { nothingSeen } from '../domain/outliving.ts'
import { AppError } from '../errors.ts'
import type { PbxAbilities, PbxAccount, PbxDriver } from './pbx-driver.ts'

export const manualAbilities: PbxAbilities = {
  // A PBX that is filled in by hand is given the secret itself.
  realm: null,
  credentialsPerExtension: 'one',
  readBack: false,
  endsRegistrations: false,
  endsCalls: false,
  resync: false,
  certificates: 'not-checked',
  revocationLists: 'not-checked',
  storesSecretAs: 'unknown',
  callClasses: 'absent',
  adoption: false,
}

interface ManualOptions {
  readonly name: string
  /** Of the digests in phones' files: where the PBX says another one, the right password is refused. */
  readonly realm: string
}

/**
 * Any PBX that a person operates by hand. Nothing is sent anywhere and nothing can be read back: every change becomes a
 * step in plain words, which somebody does and ticks.
 */
export function manualDriver(options: ManualOptions): PbxDriver {
  return {
    kind: 'manual',
    abilities: manualAbilities,
    outliving: nothingSeen,
    describe: async () => ({ product: `${options.name} (operated by hand)`, problems: [] }),
    async readAccounts() {
      throw new AppError('PBX_REFUSED', `${options.name} is operated by hand and cannot be read`, {
        hint: 'its steps are ticked by the person who did them',
      })
    },
    applyAccounts: async () => undefined,
    describeStep: (account) => describeStep(options, account),
  }
}

/**
 * The step for one extension. Never holds the secret: the step is stored, shown to many and part of the leaver file;
 * `ringfence secret` gives the secret to an admin who asks for it, and that is recorded.
 */
function describeStep({ name: pbx, realm }: ManualOptions, account: PbxAccount): string {
  const { extension, credentials } = account
  if (credentials.length === 0) {
    return [
      `On ${pbx}, block extension ${extension} or delete it, and give it a new SIP password.`,
      'Then remove its registrations, end its calls, clear its call forwards and its voicemail PIN,',
      'and check that the phone shows as not registered.',
    ].join(' ')
  }
  const usernames = credentials.map(({ username }) => username).join(', ')
  return [
    `On ${pbx}, create extension ${extension} or change it: login name (authentication ID) ${usernames},`,
    `the SIP password that \`ringfence secret ${extension}\` shows (generation ${credentials.map(({ generation }) => generation).join(', ')}),`,
    `realm ${realm}, TLS and encrypted media (SRTP).`,
    'If the password was changed, remove the old registrations so that the phone logs in anew.',
  ].join(' ')
}
