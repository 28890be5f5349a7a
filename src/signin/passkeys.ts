import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { z } from 'zod'
import { withoutBrackets } from '../domain/address.ts'
import type { Passkeys } from './sign-in-port.ts'

export interface PasskeySettings {
  /** The console's address: its origin is what an answer must come from, its host what a passkey belongs to. */
  readonly url: string
  /** Signs challenges, so that an offered page costs no memory. */
  readonly key: Buffer
}

/** Weighs 8 MB with what it brings, so it is loaded when the first passkey is asked for. */
const library = () => import('@simplewebauthn/server')

const challengeMs = 300_000

/** EdDSA, ES256, RS256 (https://www.iana.org/assignments/cose): what every authenticator has one of. */
const algorithms = [-8, -7, -257]

const answerShape = z.looseObject({ id: z.string().max(1_400), response: z.looseObject({}) })

export function passkeys({ url, key }: PasskeySettings): Passkeys {
  const { hostname, origin } = new URL(url)
  const host = isIP(withoutBrackets(hostname)) ? null : hostname
  const challenges = challengesOf(key)
  // WebAuthn wants a host in any case; where there is none nobody is offered a passkey.
  const rpID = host ?? 'localhost'
  const expected = (now: Date) => ({
    expectedChallenge: (challenge: string) => challenges.take(challenge, now),
    expectedOrigin: origin,
    expectedRPID: rpID,
    requireUserVerification: true,
  })

  return {
    host,
    async creation({ id, email, name }, known, now) {
      const { generateRegistrationOptions } = await library()
      const options = await generateRegistrationOptions({
        rpName: 'Ringfence',
        rpID,
        userName: email,
        userDisplayName: name,
        // The same for each of their passkeys, and nothing that tells who they are (WebAuthn section 14.6.1).
        userID: new Uint8Array(createHash('sha256').update(id).digest()),
        challenge: challenges.make(now),
        attestationType: 'none',
        supportedAlgorithmIDs: algorithms,
        excludeCredentials: known.map(({ credentialId }) => ({ id: credentialId })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      })
      return JSON.stringify(options)
    },
    async created(answer, now) {
      const response = parsed(answer)
      if (response === null) return null
      const { verifyRegistrationResponse } = await library()
      try {
        const { verified, registrationInfo } = await verifyRegistrationResponse({
          response: response as never,
          ...expected(now),
          supportedAlgorithmIDs: algorithms,
        })
        if (!verified) return null
        const { id, publicKey, counter } = registrationInfo.credential
        return { credentialId: id, publicKey: Buffer.from(publicKey).toString('base64url'), counter }
      } catch {
        // The library throws for whatever does not fit; to whoever sent it that is all one.
        return null
      }
    },
    async request(known, now) {
      const { generateAuthenticationOptions } = await library()
      const options = await generateAuthenticationOptions({
        rpID,
        challenge: challenges.make(now),
        userVerification: 'required',
        ...(known === null ? {} : { allowCredentials: known.map(({ credentialId }) => ({ id: credentialId })) }),
      })
      return JSON.stringify(options)
    },
    spokenOf: (answer) => parsed(answer)?.id ?? null,
    async used(answer, passkey, now) {
      const response = parsed(answer)
      if (response === null) return null
      const { verifyAuthenticationResponse } = await library()
      try {
        const { verified, authenticationInfo } = await verifyAuthenticationResponse({
          response: response as never,
          ...expected(now),
          credential: {
            id: passkey.credentialId,
            publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
            counter: passkey.counter,
          },
        })
        return verified ? authenticationInfo.newCounter : null
      } catch {
        return null // as above
      }
    },
  }
}

function parsed(answer: string): z.infer<typeof answerShape> | null {
  try {
    return answerShape.parse(JSON.parse(answer))
  } catch {
    return null
  }
}

/**
 * 16 random bytes, the time, and a MAC over both: made without remembering, good for five minutes and once. Only those
 * that were used are remembered, and no longer than they would be good.
 */
function challengesOf(key: Buffer) {
  const used = new Map<string, number>()
  const macOf = (head: Buffer) => createHmac('sha256', key).update(head).digest().subarray(0, 16)
  return {
    make(now: Date): Uint8Array<ArrayBuffer> {
      const head = Buffer.concat([randomBytes(16), Buffer.alloc(6)])
      head.writeUIntBE(now.getTime(), 16, 6)
      return new Uint8Array(Buffer.concat([head, macOf(head)]))
    },
    take(challenge: string, now: Date): boolean {
      const bytes = Buffer.from(challenge, 'base64url')
      if (bytes.length !== 38 || !timingSafeEqual(bytes.subarray(22), macOf(bytes.subarray(0, 22)))) return false
      const age = now.getTime() - bytes.readUIntBE(16, 6)
      if (age < 0 || age > challengeMs) return false
      for (const [old, at] of used) if (now.getTime() - at > challengeMs) used.delete(old)
      const name = bytes.toString('base64url')
      if (used.has(name)) return false
      used.set(name, now.getTime())
      return true
    },
  }
}
