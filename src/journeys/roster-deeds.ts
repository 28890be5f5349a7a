import type { HowFar } from '../store/store.ts'
import type { JourneyContext } from './context.ts'
import type { RosterImport, RunStanding } from './import-roster.ts'
import { mailLanguage, mailView } from './mails.ts'
import { rosterDrafts } from './roster-drafts.ts'
import { type RosterDeeds, type RunPerson, type RunView, type Stage, stages } from './roster-view.ts'

export function rosterDeeds(context: JourneyContext, imports: RosterImport): RosterDeeds {
  const drafts = rosterDrafts(context)
  const progress: RosterDeeds['progress'] = async (id, page) => runView(context, await imports.standing(id), page)
  return {
    draft: (csv) => drafts.add(csv),
    lookAtDraft: (id, page) => drafts.look(id, page),
    mendDraft: (id, changes, page) => drafts.mend(id, changes, page),
    async startDraft(id, mail, actor) {
      const language = mail === null ? null : mailLanguage(context, mail)
      const started = await imports.start(drafts.rows(id), language, actor)
      drafts.done(id, started.id)
      return started
    },
    runOf: (id) => drafts.runOf(id),
    progress,
    async cancel(id, actor) {
      await imports.cancel(id, actor)
      return progress(id, { offset: 0, limit: 0 })
    },
    recent: () => context.store.recentImports(5),
  }
}

async function runView(
  context: JourneyContext,
  { run, cancelled, people }: RunStanding,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<RunView> {
  const ids = people.flatMap(({ outcome }) => (outcome && 'employeeId' in outcome ? outcome.employeeId : []))
  const far = await context.store.howFar(ids)
  const now = context.system.now()
  const rows = people.map(({ person, outcome }): RunPerson => {
    const employeeId = outcome && 'employeeId' in outcome ? outcome.employeeId : null
    const its = employeeId === null ? undefined : far.get(employeeId)
    return {
      row: person.row,
      name: person.name,
      email: person.email,
      extension: person.extension,
      stage: stageOf(outcome, its),
      employeeId,
      problem: outcome && 'problem' in outcome ? outcome.problem : null,
      mail: its?.mail ? mailView(its.mail, now).words : null,
    }
  })
  const counts = Object.fromEntries(stages.map((stage) => [stage, 0])) as Record<Stage, number>
  for (const { stage } of rows) counts[stage] += 1
  return {
    ...run,
    cancelled,
    counts,
    steps: [...far.values()].filter(({ pbxWaits }) => pbxWaits).length,
    mailsFailed: [...far.values()].filter(({ mail }) => mail?.state === 'failed').length,
    people: rows.slice(offset, offset + limit),
  }
}

/** The furthest that was reached: whoever has spoken through the tunnel is connected, whatever else is still open. */
function stageOf(outcome: RunStanding['people'][number]['outcome'], far: HowFar | undefined): Stage {
  if (outcome === null) return 'queued'
  if ('problem' in outcome) return 'failed'
  if ('cancelled' in outcome) return 'cancelled'
  if (far?.connected) return 'connected'
  if (far?.invited) return 'invited'
  return far?.onPbx ? 'on PBX' : 'keys made'
}
