import type { JourneyContext } from './context.ts'
import { happenings } from './happenings.ts'
import { cancelLeaving, leavingOf, setLeaving } from './leavings.ts'
import { matchingPeople, peopleChoices, peoplePage, today } from './people.ts'
import type { PeopleDeeds } from './people-view.ts'
import { openSteps, stepsOf } from './steps.ts'

export function peopleDeeds(context: JourneyContext, idOf: (who: string) => Promise<string>): PeopleDeeds {
  return {
    page: (query) => peoplePage(context, query),
    matching: (query) => matchingPeople(context, query),
    choices: () => peopleChoices(context),
    today: () => today(context),
    openSteps: () => openSteps(context),
    stepsOf: async (who) => stepsOf(context, await idOf(who)),
    happenings: async (who) => happenings(context, await idOf(who)),
    leaving: async (who) => leavingOf(context, await idOf(who)),
    setLeaving: async (who, leaving, actor) => setLeaving(context, await idOf(who), leaving, actor),
    cancelLeaving: async (who, actor) => cancelLeaving(context, await idOf(who), actor),
  }
}
