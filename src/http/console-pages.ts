/** The pages of the console, one file under pages/ for each place. */
import type { Application } from '../journeys/application.ts'
import { bulkPages } from './pages/bulk-pages.ts'
import { handOverPages } from './pages/hand-over-pages.ts'
import { importPages } from './pages/import-page.ts'
import type { PageTools } from './pages/layout.ts'
import { leaverFilePages } from './pages/leaver-file-page.ts'
import { leavingPages } from './pages/leaving-page.ts'
import { linkPages } from './pages/link-page.ts'
import { mailPages } from './pages/mail-page.ts'
import { offboardPages } from './pages/offboard-page.ts'
import { onboardPages } from './pages/onboard-pages.ts'
import { peoplePages } from './pages/people-page.ts'
import { personPages } from './pages/person-page.ts'
import { rosterPages } from './pages/roster-pages.ts'
import { sheetPages } from './pages/sheet-pages.ts'
import { todayPages } from './pages/today-page.ts'
import type { Route } from './route.ts'

export function consolePages(application: Application, tools: PageTools): readonly Route[] {
  return [
    ...todayPages(application, tools),
    ...peoplePages(application, tools),
    ...bulkPages(application, tools),
    ...personPages(application, tools),
    ...linkPages(application, tools),
    ...offboardPages(application, tools),
    ...leaverFilePages(application, tools),
    ...leavingPages(application, tools),
    ...onboardPages(application, tools),
    ...rosterPages(application, tools),
    ...importPages(application, tools),
    ...handOverPages(application, tools),
    ...sheetPages(application, tools),
    ...mailPages(application, tools),
  ]
}
