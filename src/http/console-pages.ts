/** The pages of the console, one file under pages/ for each place. */
import type { Application } from '../journeys/application.ts'
import { readGuides } from './guides.ts'
import { aboutPages } from './pages/about-page.ts'
import { accountPages } from './pages/account-pages.ts'
import { administratorPages } from './pages/administrator-pages.ts'
import { auditPages } from './pages/audit-page.ts'
import { bulkPages } from './pages/bulk-pages.ts'
import { bulkResyncPages } from './pages/bulk-resync-pages.ts'
import { callsPages } from './pages/calls-page.ts'
import { dialPlanPages } from './pages/dial-plan-card.ts'
import { guidePages } from './pages/guide-pages.ts'
import { handOverPages } from './pages/hand-over-pages.ts'
import { handsetDeedPages } from './pages/handset-deed-pages.ts'
import { handsetFilePages } from './pages/handset-file-page.ts'
import { handsetPages } from './pages/handset-page.ts'
import { handsetsPages } from './pages/handsets-page.ts'
import { hubPages } from './pages/hub-page.ts'
import { importPages } from './pages/import-page.ts'
import type { PageTools } from './pages/layout.ts'
import { leaverFilePages } from './pages/leaver-file-page.ts'
import { leavingPages } from './pages/leaving-page.ts'
import { ledgerPages } from './pages/ledger-page.ts'
import { linkPages } from './pages/link-page.ts'
import { mailPages } from './pages/mail-page.ts'
import { offboardPages } from './pages/offboard-page.ts'
import { onboardPages } from './pages/onboard-pages.ts'
import { pbxPages } from './pages/pbx-pages.ts'
import { peoplePages } from './pages/people-page.ts'
import { personPages } from './pages/person-page.ts'
import { rosterPages } from './pages/roster-pages.ts'
import { secondFactorPages } from './pages/second-factor-pages.ts'
import { setUpPages } from './pages/set-up-pages.ts'
import { settingsPages } from './pages/settings-page.ts'
import { sheetPages } from './pages/sheet-pages.ts'
import { signInPages } from './pages/sign-in-pages.ts'
import { stepsPages } from './pages/steps-page.ts'
import { todayPages } from './pages/today-page.ts'
import { tokenPages } from './pages/token-pages.ts'
import { whyPages } from './pages/why-page.ts'
import type { Route } from './route.ts'

export function consolePages(application: Application, tools: PageTools): readonly Route[] {
  const guides = readGuides()
  return [
    ...todayPages(application, tools),
    ...stepsPages(application, tools),
    ...signInPages(application, tools),
    ...secondFactorPages(application, tools),
    ...setUpPages(application, tools),
    ...accountPages(application, tools),
    ...administratorPages(application, tools),
    ...tokenPages(application, tools),
    ...peoplePages(application, tools),
    ...bulkPages(application, tools),
    ...personPages(application, tools),
    ...linkPages(application, tools),
    ...offboardPages(application, tools),
    ...leaverFilePages(application, tools),
    ...leavingPages(application, tools),
    ...callsPages(application, tools),
    ...dialPlanPages(application, tools),
    ...handsetsPages(application, tools),
    ...bulkResyncPages(application, tools),
    ...handsetPages(application, tools, new Set(guides.map(({ name }) => name))),
    ...whyPages(application, tools),
    ...handsetFilePages(application, tools),
    ...handsetDeedPages(application, tools),
    ...ledgerPages(application, tools),
    ...hubPages(application, tools),
    ...auditPages(application, tools),
    ...settingsPages(application, tools),
    ...pbxPages(application, tools),
    ...aboutPages(application, tools, guides),
    ...guidePages(tools, guides),
    ...onboardPages(application, tools),
    ...rosterPages(application, tools),
    ...importPages(application, tools),
    ...handOverPages(application, tools),
    ...sheetPages(application, tools),
    ...mailPages(application, tools),
  ]
}
