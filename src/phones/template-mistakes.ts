import type { Problem } from '../domain/parse.ts'
import { AppError } from '../errors.ts'

/** Goes on after a mistake in a template, so that whoever edits them is told all mistakes at once. */
export async function attemptAll<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = []
  const mistakes: AppError[] = []
  for (const item of items) {
    try {
      done.push(await work(item))
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'TEMPLATE_INVALID') throw error
      mistakes.push(error)
    }
  }
  const [first] = mistakes
  if (first === undefined) return done
  // One template may be behind several files.
  if (first.message !== several && mistakes.every(({ message }) => message === first.message)) throw first
  const problems = new Map(mistakes.flatMap(problemsOf).map((problem) => [JSON.stringify(problem), problem]))
  throw new AppError('TEMPLATE_INVALID', several, { hint: first.hint ?? several, problems: [...problems.values()] })
}

const several = 'several templates are wrong'

function problemsOf({ message, problems }: AppError): readonly Problem[] {
  return message === several ? problems : [{ message }, ...problems]
}
