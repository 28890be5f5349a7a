import { digestHa1 } from '../../domain/sip-account.ts'
import { callerName } from '../caller-name.ts'
import type { PbxAccount, PbxCredential } from '../pbx-driver.ts'
import { requireValidAccount } from '../valid-account.ts'
import { contextOf } from './asterisk-dialplan.ts'

/**
 * One extension as the objects of res_pjsip (res/res_pjsip/pjsip_config.xml of asterisk/asterisk): the same for the files,
 * the tables and ARI, so that an account means the same wherever it is kept. Pure. No character with a meaning to any of
 * the three ever gets into a value here: names lose them, everything else is refused.
 */
export interface AccountRules {
  /** Part of every stored digest, so it never changes. */
  readonly realm: string
  /** The dialplan context where this phone's calls start. */
  readonly context: string
  /**
   * Address of the SIP edge in front; null: there is none. With one an account takes requests from there alone, sends calls back the way that the
   * edge wrote into the registration (Path, RFC 3327), and the contact stays as the edge told it: it has put the phone's
   * true address there.
   */
  readonly edge: string | null
}

export const objectTypes = ['endpoint', 'aor', 'auth'] as const

export interface AsteriskObject {
  readonly type: (typeof objectTypes)[number]
  readonly id: string
  /** In order; a name may come several times (`set_var`). */
  readonly fields: readonly (readonly [name: string, value: string])[]
}

/** The name of one secret's `auth` object: it says which credential and which generation is in force. */
export function authName(extension: string, credential: Pick<PbxCredential, 'id' | 'generation'>): string {
  return `${extension}-${credential.id}-g${credential.generation}`
}

/** The reverse of `authName`; null for an object that Ringfence did not make. */
export function parseAuthName(name: string): { extension: string; id: string; generation: number } | null {
  const match = /^([0-9]{2,15})-([A-Za-z0-9-]{1,64})-g([0-9]{1,15})$/.exec(name)
  return match ? { extension: match[1]!, id: match[2]!, generation: Number(match[3]) } : null
}

/** The names in a list such as that of an endpoint's `auth`. */
export function namesIn(list: string): string[] {
  return list.split(',').flatMap((name) => (name.trim() ? [name.trim()] : []))
}

/** True when the `auth` of this endpoint names a secret that Ringfence made for it: the mark of our accounts. */
export function isOwnAuthList(extension: string, auths: string): boolean {
  return namesIn(auths).some((auth) => parseAuthName(auth)?.extension === extension)
}

/**
 * Endpoint, AOR and one `auth` for each credential. Only H(user:realm:secret) is written, never the secret. Null for an
 * account without a credential: an endpoint without `auth` takes calls from anybody.
 * @throws AppError INVALID_INPUT for values that could mean something else to Asterisk.
 */
export function accountObjects(account: PbxAccount, settings: AccountRules): readonly AsteriskObject[] | null {
  requireValidAccount(account)
  const { extension, credentials } = account
  if (credentials.length === 0) return null
  return [
    {
      type: 'endpoint',
      id: extension,
      fields: [
        ['context', account.policy === null ? settings.context : contextOf(extension)],
        ['auth', credentials.map((credential) => authName(extension, credential)).join(',')],
        ['aors', extension],
        ['identify_by', 'username'],
        ['callerid', `"${callerName(account.displayName)}" <${extension}>`],
        ['disallow', 'all'],
        ['allow', 'g722,alaw,ulaw'],
        ['media_encryption', 'sdes'],
        ['media_encryption_optimistic', 'no'],
        ['direct_media', 'no'],
        ['rtp_symmetric', 'yes'],
        ['force_rport', 'yes'],
        ...contactFields(settings.edge),
        ['allow_subscribe', 'no'],
        ['send_pai', 'no'],
        ['trust_id_inbound', 'no'],
      ],
    },
    {
      type: 'aor',
      id: extension,
      fields: [
        ...pathFields(settings.edge),
        ['max_contacts', String(account.maxContacts)],
        ['remove_existing', 'yes'],
        ['minimum_expiration', '60'],
        ['default_expiration', '600'],
        ['maximum_expiration', '3600'],
        ['qualify_frequency', '0'],
      ],
    },
    ...credentials.map(
      (credential): AsteriskObject => ({
        type: 'auth',
        id: authName(extension, credential),
        fields: [
          ['auth_type', 'digest'],
          ['realm', settings.realm],
          ['username', credential.username],
          ['password_digest', `MD5:${digestHa1(credential.username, settings.realm, credential.secret)}`],
        ],
      }),
    ),
  ]
}

type Fields = AsteriskObject['fields']

/**
 * Of an endpoint. Everybody is denied but the edge, in one list: rules in two fields would count in the order in which a
 * table has its columns. The edge's own kind of address comes first, because Asterisk compares every address with the kind
 * of the first rule and lets all of the other kind pass (ast_append_ha, ast_apply_ha in main/acl.c).
 */
export function contactFields(edge: string | null): Fields {
  if (edge === null) return [['rewrite_contact', 'yes']]
  return [
    ['rewrite_contact', 'no'],
    ['deny', edge.includes(':') ? `::/0,0.0.0.0/0,!${edge}/128` : `0.0.0.0/0,::/0,!${edge}/32`],
  ]
}

/** Of an AOR. */
export function pathFields(edge: string | null): Fields {
  return edge === null ? [] : [['support_path', 'yes']]
}

/** Whether a `deny` is one that `contactFields` made. */
export function isEdgeRule(deny: string): boolean {
  return /^(::\/0,0\.0\.0\.0\/0|0\.0\.0\.0\/0,::\/0),![0-9a-fA-F.:]+\/(32|128)$/.test(deny)
}
