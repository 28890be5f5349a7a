import type { Problem } from '../domain/parse.ts'
import type { Secret } from '../domain/secret.ts'

const shortest = 12
const longest = 200
/** zxcvbn's scale: 0 too guessable, 1 very, 2 somewhat, 3 safely unguessable, 4 very unguessable. */
const enough = 3
const enoughWhenLong = 2

type Judge = (password: string, personal: readonly string[]) => number

let judge: Promise<Judge> | undefined

/**
 * No rule of composition (NIST SP 800-63B section 3.1.1.2): long enough or hard to guess, and not among the passwords that
 * everybody tries. Works offline.
 */
export async function passwordWeakness(password: Secret, personal: readonly string[]): Promise<Problem | null> {
  const text = password.reveal()
  const length = [...text].length
  if (length > longest) return weak(`it is longer than ${longest} characters`, 'a few words are enough')
  if (length < 8) return weak('it is too short', `${shortest} characters or more; a few words are easiest`)
  judge ??= loadJudge()
  const score = (await judge)(text, [...personal, ...personal.flatMap((words) => words.split(/[\s@.]+/))])
  if (score >= (length < shortest ? enough : enoughWhenLong)) return null
  return weak('it can be guessed easily', 'add a word or two that do not belong together')
}

function weak(message: string, hint: string): Problem {
  return { field: 'password', message: `this password is too weak: ${message}`, hint }
}

/** The word list weighs 400 kB and is needed a few times a year, so it is not loaded at the start. */
async function loadJudge(): Promise<Judge> {
  const { ZxcvbnFactory } = await import('@zxcvbn-ts/core')
  const { adjacencyGraphs, dictionary } = await import('@zxcvbn-ts/language-common')
  const factory = new ZxcvbnFactory({ graphs: adjacencyGraphs, dictionary })
  return (password, personal) => factory.check(password, [...personal]).score
}
