import { z } from 'zod'
import { Secret } from '../../domain/secret.ts'
import { AppError } from '../../errors.ts'
import { type FreshToken, tokenKeeper } from '../api-token.ts'
import { type JsonAnswer, pbxJson } from '../pbx-json.ts'
import type { FreepbxOptions } from './freepbx-options.ts'

/**
 * FreePBX's GraphQL API (FreePBX/api: Api.class.php, Oauth/Oauth.php, Gql/Api.php). What it answers means little: it says
 * 200 to some failures and 400 to others, and only `status` tells, so every caller looks again at what it asked for.
 */
export interface FreepbxApi {
  /**
   * The named field of the answer.
   * @throws AppError PBX_UNREACHABLE (nobody there, no whole answer), PBX_REFUSED (login, scope, `status` false, something else).
   */
  ask<T>(
    question: { readonly field: string; readonly query: string; readonly variables?: object },
    shape: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T>
}

/** League's server, which FreePBX uses, says how long a token lives: an hour, unless somebody changed it. */
const tokenShape = z.object({ access_token: z.string().min(1), expires_in: z.number().positive().default(3600) })

const answerShape = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(z.object({ message: z.string().optional() })).nullish(),
})

const paths = { token: '/admin/api/api/token', gql: '/admin/api/api/gql' }

export function freepbxApi(options: Pick<FreepbxOptions, 'web' | 'clientId' | 'clientSecret'>): FreepbxApi {
  const send = pbxJson(options.web)
  const token = tokenKeeper(logIn, () => performance.now())

  async function logIn(signal: AbortSignal): Promise<FreshToken> {
    const form = {
      grant_type: 'client_credentials',
      client_id: options.clientId,
      client_secret: options.clientSecret,
    }
    const answer = await send({ method: 'POST', path: paths.token, form, words: 'the login' }, signal)
    if (answer.status === 400 || answer.status === 401 || answer.status === 403) {
      throw new AppError('PBX_REFUSED', `FreePBX refused the login of the API application (${answer.status})`, {
        hint: 'compare client ID and secret with Admin > API > Applications in FreePBX: a machine-to-machine application with the scopes of docs/freepbx.md',
        retryable: true,
      })
    }
    const { access_token, expires_in } = shaped(answer, tokenShape)
    return { value: new Secret(access_token), lifetimeMs: expires_in * 1000 }
  }

  return {
    async ask({ field, query, variables = {} }, shape, signal) {
      const json = { query, variables }
      // 401 comes before the question is looked at, so it is safe to ask again.
      const answer = await token.with(async (held) => {
        const headers = { authorization: `Bearer ${held.reveal()}` }
        const given = await send(
          { method: 'POST', path: paths.gql, headers, json, words: field, secrets: [held, options.clientSecret] },
          signal,
        )
        return given.status === 401 ? null : given
      }, signal)
      if (answer.status === 403) throw refused(field, 'the API application may not')
      const { data, errors } = shaped(answer, answerShape)
      const words = (errors ?? []).map(({ message }) => message ?? '').join('; ')
      if (errors?.length) throw refused(field, words)
      const value = data?.[field]
      const said = z.object({ status: z.literal(false), message: z.string().nullish() }).safeParse(value)
      if (said.success) throw refused(field, said.data.message ?? '')
      const parsed = shape.safeParse(value)
      if (!parsed.success || answer.status !== 200) throw garbage(`its answer to ${field} is not a whole one`)
      return parsed.data
    },
  }
}

function shaped<T>({ status, body }: JsonAnswer, shape: z.ZodType<T>): T {
  const parsed = shape.safeParse(body)
  if (!parsed.success) throw garbage(`it answered ${status} and something else`)
  return parsed.data
}

/** True for a plain no of FreePBX. Of a gateway's page or half an answer nobody knows what was done. */
export function isPlainNo(error: unknown): boolean {
  return error instanceof AppError && error.code === 'PBX_REFUSED' && error.cause !== notItsAnswer
}

const notItsAnswer = new Error('something else than FreePBX answered')

function garbage(words: string): AppError {
  return new AppError('PBX_REFUSED', `what answers at the address of FreePBX is not its API: ${words}`, {
    hint: "check RINGFENCE_PBX_API_URL, that the module `api` is installed and enabled, and FreePBX's gql_api_error.log",
    retryable: true,
    cause: notItsAnswer,
  })
}

function refused(field: string, words: string): AppError {
  const plain = words.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
  const isScope = /Cannot query field|may not/i.test(plain)
  return new AppError('PBX_REFUSED', `FreePBX refused ${field}${plain ? `: ${plain.slice(0, 200)}` : ''}`, {
    hint: isScope
      ? 'give the API application the scopes `gql:core gql:framework` (Admin > API > Applications)'
      : "see FreePBX's gql_api_error.log of this minute",
    retryable: true,
  })
}
