/** The pages of the console, one file under pages/ for each place. */
import type { Application } from '../journeys/application.ts'
import type { PageTools } from './pages/layout.ts'
import { todayPages } from './pages/today-page.ts'
import type { Route } from './route.ts'

export function consolePages(application: Application, tools: PageTools): readonly Route[] {
  return [...todayPages(application, tools)]
}
