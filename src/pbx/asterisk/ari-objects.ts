import { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'
import { type PbxHttpAddress, type PbxHttpAnswer, pbxHttp } from '../pbx-http.ts'
import { blotted } from '../question-secrets.ts'
import type { AsteriskObject } from './asterisk-account.ts'

export interface AriAddress extends PbxHttpAddress {
  readonly username: string
  readonly secret: Secret
}

/**
 * Objects of res_pjsip over Asterisk's REST interface: /asterisk/config/dynamic/{configClass}/{objectType}/{id}
 * (rest-api/api-docs/asterisk.json, res/ari/resource_asterisk.c of asterisk/asterisk). An object is created in the places
 * of sorcery.conf that take one, and 403 is the answer when none does, as with objects of pjsip.conf.
 */
export interface AriObjects {
  /** The fields of an object as Asterisk spells them; null when there is none. */
  get(type: AsteriskObject['type'], id: string, signal: AbortSignal): Promise<ReadonlyMap<string, string> | null>
  /** Creates it, or changes the fields that are named and leaves the others. */
  put(object: AsteriskObject, signal: AbortSignal): Promise<void>
  /** That it is not there is what was wanted. */
  remove(type: AsteriskObject['type'], id: string, signal: AbortSignal): Promise<void>
  /** Throws when it cannot be used. */
  probe(signal: AbortSignal): Promise<void>
}

/** What an admin puts into sorcery.conf; the config file stays the first place. */
export const sorceryLines = ['endpoint', 'auth', 'aor']
  .map((type) => `${type} = config,pjsip.conf,criteria=type=${type}\n${type} = astdb,ringfence`)
  .join('\n')

/** Six lines to copy are no sentence: the page has them. */
export const mappingHint =
  'put the six lines that docs/asterisk.md has under "A place for the objects" into [res_pjsip] of sorcery.conf, and restart Asterisk'

export function ariObjects({ username, secret, ...address }: AriAddress): AriObjects {
  const call = pbxHttp({ ...address, setting: 'RINGFENCE_PBX_ARI' })
  const authorization = `Basic ${Buffer.from(`${username}:${secret.reveal()}`).toString('base64')}`
  const headers = { authorization, 'content-type': 'application/json' }
  const pathOf = (type: string, id: string) =>
    `/ari/asterisk/config/dynamic/res_pjsip/${type}/${encodeURIComponent(id)}`
  return {
    async get(type, id, signal) {
      const answer = await call({ method: 'GET', path: pathOf(type, id), headers }, signal)
      if (isMissingObject(answer)) return null
      return tuplesOf(accepted(answer, [secret]))
    },
    async put({ type, id, fields }, signal) {
      const body = JSON.stringify({ fields: fields.map(([attribute, value]) => ({ attribute, value })) })
      const secrets = fields.flatMap(([name, value]) => (name === 'password_digest' ? [digestIn(value)] : []))
      tuplesOf(
        accepted(await call({ method: 'PUT', path: pathOf(type, id), headers, body }, signal), [secret, ...secrets]),
      )
    },
    async remove(type, id, signal) {
      const answer = await call({ method: 'DELETE', path: pathOf(type, id), headers }, signal)
      if (!isMissingObject(answer)) accepted(answer, [secret])
    },
    async probe(signal) {
      const info = await call({ method: 'GET', path: '/ari/asterisk/info?only=system', headers }, signal)
      const answer = accepted(info, [secret])
      if (!/"version"/.test(answer.body)) throw notAri()
    },
  }
}

/** A missing object; a missing interface answers 404 as well, in other words. */
function isMissingObject({ status, body }: PbxHttpAnswer): boolean {
  return status === 404 && /^Object with id '/.test(wordsOf(body))
}

/** Who has the digest can log in with it. It may be repeated without the name of its kind. */
function digestIn(value: string): Secret {
  return new Secret(value.slice(value.indexOf(':') + 1))
}

function accepted(answer: PbxHttpAnswer, secrets: readonly Secret[]): PbxHttpAnswer {
  const { status, body } = answer
  if (status === 200 || status === 204) return answer
  const words = blotted(wordsOf(body), secrets).slice(0, 200)
  if (status === 401) {
    throw refused(
      'the PBX refused the login to its REST interface',
      'compare user and password in ari.conf with the settings',
    )
  }
  if (status === 403 && /sorcery|delete object/.test(words)) {
    throw refused(
      `the PBX takes no accounts over its REST interface: ${words}`,
      `${mappingHint}; and see that no file holds this extension`,
    )
  }
  if (status === 403) {
    throw refused(
      `the PBX refused: ${words || 'forbidden'}`,
      'the user in ari.conf needs `read_only = no`, and this host must be in its permit lines',
    )
  }
  if (status === 404) throw notAri()
  throw refused(
    `the REST interface of the PBX answered ${status}${words ? `: ${words}` : ''}`,
    "look into Asterisk's log of this minute",
  )
}

function tuplesOf({ body }: PbxHttpAnswer): ReadonlyMap<string, string> {
  const list = parsed(body)
  if (!Array.isArray(list)) throw notAri()
  return new Map(list.map((tuple) => [String(tuple?.attribute), String(tuple?.value)]))
}

function wordsOf(body: string): string {
  const answer = parsed(body)
  const words = typeof answer === 'object' && answer !== null && 'message' in answer ? answer.message : ''
  return typeof words === 'string' ? words.replace(/[\p{Cc}]+/gu, ' ') : ''
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return null
  }
}

function notAri(): AppError {
  return refused(
    "what answers at the address of the PBX is not Asterisk's REST interface",
    'check the address; ari.conf must have `enabled = yes` and res_ari_asterisk.so must be loaded',
  )
}

function refused(message: string, hint: string): AppError {
  return new AppError('PBX_REFUSED', message, { hint, retryable: true })
}
