/** The libraries of signing in, as the settings have them. */
import type { Config } from '../config.ts'
import type { Log } from '../journeys/context.ts'
import { authenticatorApp } from '../signin/authenticator-app.ts'
import { passkeys } from '../signin/passkeys.ts'
import { passwords } from '../signin/passwords.ts'
import type { SignInTools } from '../signin/sign-in-port.ts'
import { singleSignOn } from '../signin/single-sign-on.ts'
import type { Vault } from '../vault.ts'

/** Where the provider sends browsers back to; it must be told this address. */
const callbackPath = '/sign-in/callback'

export function chooseSignIn({ console: { url }, oidc }: Config, vault: Vault, log: Log): SignInTools {
  return {
    passwords: passwords(),
    authenticatorApp: authenticatorApp(),
    passkeys: passkeys({ url, key: vault.deriveKey('passkey-challenge') }),
    singleSignOn:
      oidc &&
      singleSignOn({
        ...oidc,
        redirectUri: `${url}${callbackPath}`,
        onProblem: (reason) => log.warn({ reason }, 'the provider of single sign-on refused'),
      }),
  }
}
