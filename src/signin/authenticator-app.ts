import { Secret as Key, TOTP } from 'otpauth'
import { Secret } from '../domain/secret.ts'
import type { AuthenticatorApp } from './sign-in-port.ts'

const issuer = 'Ringfence'
/** What every authenticator app takes: SHA-1, six digits, thirty seconds. Others ignore what the address says. */
const usual = { issuer, algorithm: 'SHA1', digits: 6, period: 30 } as const

export function authenticatorApp(): AuthenticatorApp {
  const generator = (key: Secret, label = '') => new TOTP({ ...usual, label, secret: Key.fromBase32(key.reveal()) })
  return {
    // RFC 4226 section 4, R6: 160 bits.
    newKey: () => new Secret(new Key({ size: 20 }).base32),
    address: (key, email) => new Secret(generator(key, email).toString()),
    readable: (key) => new Secret(key.reveal().replace(/(.{4})(?=.)/g, '$1 ')),
    stepOf(key, code, now) {
      const digits = code.replace(/\s/g, '')
      if (!/^\d{6}$/.test(digits)) return null
      const timestamp = now.getTime()
      const delta = generator(key).validate({ token: digits, timestamp, window: 1 })
      return delta === null ? null : TOTP.counter({ period: usual.period, timestamp }) + delta
    },
  }
}
