/** The pages of the console, one file under pages/ for each place. */
import type { Application } from '../journeys/application.ts'
import { accountPages } from './pages/account-pages.ts'
import { administratorPages } from './pages/administrator-pages.ts'
import type { PageTools } from './pages/layout.ts'
import { secondFactorPages } from './pages/second-factor-pages.ts'
import { setUpPages } from './pages/set-up-pages.ts'
import { signInPages } from './pages/sign-in-pages.ts'
import { todayPages } from './pages/today-page.ts'
import { tokenPages } from './pages/token-pages.ts'
import type { Route } from './route.ts'

export function consolePages(application: Application, tools: PageTools): readonly Route[] {
  return [
    ...todayPages(application, tools),
    ...signInPages(application, tools),
    ...secondFactorPages(application, tools),
    ...setUpPages(application, tools),
    ...accountPages(application, tools),
    ...administratorPages(application, tools),
    ...tokenPages(application, tools),
  ]
}
