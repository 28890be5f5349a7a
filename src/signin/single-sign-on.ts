import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretPost,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  fetchUserInfo,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import type { Secret } from '../domain/secret.ts'
import type { Role } from '../domain/token.ts'
import { AppError } from '../errors.ts'
import type { SignedOn, SingleSignOn } from './sign-in-port.ts'

export interface SingleSignOnSettings {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: Secret | null
  readonly roleClaim: string
  readonly roles: readonly { readonly value: string; readonly role: Role }[]
  readonly name: string
  /** The console's page that the provider sends browsers back to. */
  readonly redirectUri: string
  /** Told why the provider refused, in its own code; the person learns only that it did not work. */
  readonly onProblem: (reason: string) => void
}

const timeoutSeconds = 10

export function singleSignOn(settings: SingleSignOnSettings): SingleSignOn {
  // At the first use and not at the start: a provider that is down must keep nobody from starting.
  let known: Promise<Configuration> | undefined
  const provider = async (): Promise<Configuration> => {
    known ??= discover(settings)
    try {
      return await known
    } catch (cause) {
      known = undefined
      throw new AppError('SERVER_UNREACHABLE', `${settings.name} does not answer`, {
        hint: 'sign in with your password or passkey, and check RINGFENCE_OIDC_ISSUER',
        retryable: true,
        cause,
      })
    }
  }
  return {
    name: settings.name,
    async begin() {
      const configuration = await provider()
      const pending = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() }
      const url = buildAuthorizationUrl(configuration, {
        redirect_uri: settings.redirectUri,
        scope: 'openid email profile',
        code_challenge: await calculatePKCECodeChallenge(pending.verifier),
        code_challenge_method: 'S256',
        state: pending.state,
        nonce: pending.nonce,
      })
      return { url: url.href, pending }
    },
    async finish(answer, { state, nonce, verifier }) {
      const configuration = await provider()
      try {
        const tokens = await authorizationCodeGrant(configuration, answer, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (claims === undefined) return null
        // Many providers put groups and address only there (OpenID Connect Core section 5.3); it may not speak of another.
        const lacks = claims[settings.roleClaim] === undefined || claims.email === undefined
        const more =
          lacks && configuration.serverMetadata().userinfo_endpoint !== undefined
            ? await fetchUserInfo(configuration, tokens.access_token, claims.sub)
            : {}
        return signedOn({ ...more, ...claims }, settings)
      } catch (error) {
        settings.onProblem(reasonOf(error))
        return null
      }
    },
  }
}

/** Codes and names only: what else such an error carries may hold tokens. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code, error: told } = error as { code?: unknown; error?: unknown }
  return [error.name, code, told].filter((part) => typeof part === 'string').join(' ')
}

async function discover({ issuer, clientId, clientSecret }: SingleSignOnSettings): Promise<Configuration> {
  const url = new URL(issuer)
  return discovery(
    url,
    clientId,
    {},
    clientSecret === null ? None() : ClientSecretPost(clientSecret.reveal()),
    // config.ts lets plain HTTP through for a provider on this machine only.
    { timeout: timeoutSeconds, ...(url.protocol === 'http:' ? { execute: [allowInsecureRequests] } : {}) },
  )
}

/** The role is the first of the mapping that the claim names, so that the admin's order decides and not the provider's. */
export function signedOn(
  claims: Readonly<Record<string, unknown>> & { readonly iss: string; readonly sub: string },
  { roleClaim, roles }: Pick<SingleSignOnSettings, 'roleClaim' | 'roles'>,
): SignedOn {
  const claim = claims[roleClaim]
  const values = Array.isArray(claim) ? claim : [claim]
  return {
    identity: `${claims.iss} ${claims.sub}`,
    // Who may say any address must not be taken for somebody else, and silence verifies nothing.
    email: typeof claims.email === 'string' && claims.email_verified === true ? claims.email : null,
    name: typeof claims.name === 'string' ? claims.name : null,
    role: roles.find(({ value }) => values.includes(value))?.role ?? null,
  }
}
