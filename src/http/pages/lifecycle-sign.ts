import type { Lifecycle } from '../../domain/employee.ts'
import type { Html } from '../html.ts'
import { stateSign } from './doors-picture.ts'

const words: Readonly<Record<Lifecycle, readonly [Parameters<typeof stateSign>[0], string]>> = {
  active: ['open', 'active'],
  offboarding: ['closing', 'leaving'],
  offboarded: ['shut', 'left'],
}

/** Where somebody is between their first day and the frozen leaver file. */
export function lifecycleSign(lifecycle: Lifecycle): Html {
  return stateSign(...words[lifecycle])
}
