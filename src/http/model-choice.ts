/** A model as somebody names it: by its id, or by the words that the list of suggestions shows for it. */
import type { ModelView } from '../journeys/application.ts'

export function modelIdOf(typed: string, models: readonly Pick<ModelView, 'id' | 'name'>[]): string {
  const wanted = typed.trim().toLowerCase()
  return models.find(({ name }) => name.toLowerCase() === wanted)?.id ?? wanted
}
