/** Binds every deed to its context: the Application that http and cli are built on. */
import { AppError } from '../errors.ts'
import { accountDeeds } from './account.ts'
import { acknowledge } from './acknowledge.ts'
import { administratorDeeds } from './administrators.ts'
import type { Application, LiveEvent } from './application.ts'
import { blankHandset } from './blank-handset.ts'
import { takeBrowserKey } from './browser-key.ts'
import { checkOnboarding } from './check-onboarding.ts'
import { completeOffboardings, report } from './complete-offboarding.ts'
import type { JourneyContext } from './context.ts'
import { type DoctorSources, doctor } from './doctor.ts'
import { erase } from './erase.ts'
import { linesOf } from './expected-lines.ts'
import { handsetIdOf, settingPlace } from './find-handset.ts'
import { setGatewayKey, takeGatewayKey } from './gateway-key.ts'
import { startGuesses } from './guesses.ts'
import { handOverReference, openHandOver, sheetPile } from './hand-over.ts'
import { handsetDeeds } from './handset-deeds.ts'
import type { HubWatch } from './hub-watch.ts'
import type { RosterImport } from './import-roster.ts'
import { join, joinCertificateFile, joinTunnelFile } from './join.ts'
import { joinStatus } from './join-status.ts'
import { linkLog } from './link-log.ts'
import { cancelMail, mailLanguage, mailSettings, mailsOf, testMail, tryMailNow } from './mails.ts'
import { takeManagedProfile } from './managed-profile.ts'
import { metrics } from './metrics.ts'
import { offboard, removeHandset } from './offboard.ts'
import { addHandset, onboard } from './onboard.ts'
import { pbxDeeds } from './pbx-deeds.ts'
import { peopleDeeds } from './people-deeds.ts'
import { showPhonePasswords } from './phone-passwords.ts'
import { handsetSettings, phoneSettingViews, setPhoneSetting, unsetPhoneSetting } from './phone-settings.ts'
import { handsetFiles, previewFile } from './preview.ts'
import { rosterRecords } from './read-roster.ts'
import { recordDeeds } from './record-deeds.ts'
import { type TemplateShelf, templateReload } from './reload-templates.ts'
import { renewInvite } from './renew-invite.ts'
import { resyncHandset } from './resync.ts'
import { rosterDeeds } from './roster-deeds.ts'
import type { PhoneDoor } from './serve-phone.ts'
import { authenticateSession } from './sessions.ts'
import { callDeeds } from './set-calls.ts'
import { showSecrets } from './show-secrets.ts'
import { signInDeeds } from './sign-in.ts'
import { authenticate, createToken, listTokens, revokeToken } from './tokens.ts'
import { employeeViews, viewOf } from './views.ts'

export interface Parts {
  readonly imports: RosterImport
  readonly door: PhoneDoor
  readonly templates: TemplateShelf
  readonly doctor: DoctorSources
  readonly hubWatch: HubWatch
  readonly listeners: Set<(event: LiveEvent) => void>
  readonly revocationList: () => Promise<Buffer>
}

export function assemble(context: JourneyContext, parts: Parts): Application {
  const { store } = context
  const guesses = startGuesses(context)
  const tellLook = linkLog(context)
  return {
    overview: () => ({ demo: context.config.demo, pbxsByHand: namesOfManual(context.pbxs) }),
    models: () =>
      context.catalogue.models.map(({ id, vendor, kind, name, capabilities, notes, warnings }) => ({
        id,
        vendor,
        kind,
        name,
        capabilities: { ...capabilities },
        notes,
        warnings,
      })),

    onboard: (input, actor) => onboard(context, input, actor),
    addHandset: async (who, handset, actor) => addHandset(context, await idOf(who), handset, actor),
    removeHandset: async (which, actor) => removeHandset(context, await handsetIdOf(store, which), actor),
    resyncHandset: async (which, actor) => resyncHandset(context, await handsetIdOf(store, which), actor),
    blankHandset: async (which, actor) => blankHandset(context, await handsetIdOf(store, which), actor),
    showPhonePasswords: async (which, actor) => showPhonePasswords(context, await handsetIdOf(store, which), actor),
    invite: async (who, actor) => renewInvite(context, await idOf(who), actor),
    setGatewayKey: async (who, publicKey, actor) => setGatewayKey(context, await idOf(who), publicKey, actor),
    offboard: async (who, reason, actor) => offboard(context, await idOf(who), reason, actor),
    async settled(who, waitMs, signal) {
      const employeeId = await idOf(who)
      await waitUntilStill(employeeId, waitMs, signal)
      await completeOffboardings(context, [employeeId])
      return viewOf(context, employeeId)
    },
    acknowledge: async (who, system, subjectId, actor, shown = null) =>
      acknowledge(context, { employeeId: await idOf(who), system, subjectId, actor, shown }),
    showSecrets: async (who, actor) => showSecrets(context, await idOf(who), actor),
    erase: async (who, actor) => erase(context, await idOf(who), actor),

    phoneSettings: () => phoneSettingViews(context),
    handsetSettings: async (which) => handsetSettings(context, await handsetIdOf(store, which)),
    setPhoneSetting: async (address, value, options, actor) =>
      setPhoneSetting(context, await settingPlace(store, address), value, options, actor),
    unsetPhoneSetting: async (address, options, actor) =>
      unsetPhoneSetting(context, await settingPlace(store, address), options, actor),

    async employees({ lifecycle }) {
      const people = await store.employeesWithAccess(lifecycle ? { lifecycle } : {})
      return employeeViews(context, people)
    },
    employee: async (who) => viewOf(context, await idOf(who)),
    report: async (who) => report(context, await idOf(who)),

    handsets: handsetDeeds(context, parts.hubWatch),
    records: recordDeeds(context, parts.hubWatch),
    people: peopleDeeds(context, idOf),
    calls: callDeeds(context, idOf),
    pbxs: pbxDeeds(context),

    importRoster: async (csv, actor, mail) =>
      parts.imports.start(rosterRecords(csv), mail === undefined ? null : mailLanguage(context, mail), actor),
    async importRun(id, shownTo) {
      const run = await parts.imports.view(id)
      const links = run.people.filter(({ inviteUrl }) => inviteUrl !== null).length
      const part = run.finished ? 'finished' : 'under way'
      if (shownTo !== undefined) await tellLook({ subjectId: run.id, part, links }, shownTo)
      return run
    },

    handOver: {
      check: (input) => checkOnboarding(context, input),
      reference: (made) => handOverReference(context, made),
      async open(who, reference, shownTo) {
        const handOver = await openHandOver(context, await idOf(who), reference)
        await tellLook({ employeeId: handOver.employeeId, links: 1 }, shownTo)
        return handOver
      },
      async ofImport(importId, page, shownTo) {
        const pile = await sheetPile(context, await parts.imports.links(importId), page)
        await tellLook({ subjectId: importId, part: `sheets ${page.offset}`, links: pile.sheets.length }, shownTo)
        return pile
      },
    },
    mails: {
      settings: () => mailSettings(context),
      ofPerson: async (who) => mailsOf(context, await idOf(who)),
      tryNow: (mailId, actor) => tryMailNow(context, mailId, actor),
      cancel: (mailId, actor) => cancelMail(context, mailId, actor),
      sendNewLink: async (who, choice, actor) =>
        renewInvite(context, await idOf(who), actor, mailLanguage(context, choice)),
      test: (address, choice, actor) => testMail(context, address, choice, actor),
    },

    rosters: rosterDeeds(context, parts.imports),

    createToken: (label, role, actor) => createToken(context, label, role, actor),
    tokens: () => listTokens(context),
    revokeToken: (id, actor) => revokeToken(context, id, actor),
    authenticate: (token) => authenticate(context, token),
    authenticateSession: (cookie, by) => authenticateSession(context, cookie, by),

    signIn: signInDeeds(context, guesses),
    account: accountDeeds(context, guesses),
    administrators: administratorDeeds(context),

    handsetFiles: async (which) => handsetFiles(context, await handsetIdOf(store, which)),
    previewFile: async (which, fileName) => previewFile(context, await handsetIdOf(store, which), fileName),
    reloadTemplates: templateReload(context, parts.templates),

    doctor: () => doctor(context, parts.doctor),
    subscribe(listener) {
      parts.listeners.add(listener)
      return { stop: () => void parts.listeners.delete(listener) }
    },
    metrics: () => metrics(context),

    join: (token) => join(context, token),
    takeGatewayKey: (token, publicKey) => takeGatewayKey(context, token, publicKey),
    takeBrowserKey: (token, tunnelId, publicKey) => takeBrowserKey(context, token, tunnelId, publicKey),
    joinStatus: joinStatus(context),
    managedProfile: (tunnelId, platform, actor) => takeManagedProfile(context, tunnelId, platform, actor),
    joinTunnel: (token, fileName) => joinTunnelFile(context, token, fileName),
    joinFile: (token, fileName) => joinCertificateFile(context, token, fileName),
    serveFile: (request) => parts.door.serve(request),
    enterVisit: (visit) => parts.door.enterVisit(visit),
    revocationList: parts.revocationList,
  }

  /** Everything about a person takes an id, an e-mail address or an extension. */
  async function idOf(who: string): Promise<string> {
    const employee = await store.employeeBy(who)
    if (employee) return employee.id
    throw new AppError('NOT_FOUND', `nobody here is ${JSON.stringify(who.slice(0, 80))}`, {
      hint: 'name an e-mail address, an extension or an id; `ringfence list` shows everybody',
    })
  }

  /** Looks again after each event about this person; a look every second covers what no event tells. */
  async function waitUntilStill(employeeId: string, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const until = Date.now() + waitMs
    let moved = Promise.withResolvers<void>()
    const wake = () => moved.resolve()
    const listener = (event: LiveEvent) => {
      if (event.employeeId === employeeId) wake()
    }
    parts.listeners.add(listener)
    signal?.addEventListener('abort', wake)
    try {
      while (!signal?.aborted) {
        // Before the look: what happens during it must not be missed.
        moved = Promise.withResolvers()
        if ((await linesOf(context, employeeId)).still) return
        const left = until - Date.now()
        if (left <= 0) return
        const timer = setTimeout(wake, Math.min(left, 1_000))
        await moved.promise
        clearTimeout(timer)
      }
    } finally {
      parts.listeners.delete(listener)
      signal?.removeEventListener('abort', wake)
    }
  }
}

function namesOfManual(pbxs: JourneyContext['pbxs']): readonly string[] {
  return pbxs.filter(({ driver }) => driver.describeStep !== undefined).map(({ settings }) => settings.name)
}
