import { join } from 'node:path'
import { type CallPolicy, policyText } from '../../domain/call-policy.ts'
import { readIfThere } from '../../durable-file.ts'
import { AppError } from '../../errors.ts'
import type { PbxAccount } from '../pbx-driver.ts'
import type { Problem } from '../pbx-problem.ts'
import { type AmiMessage, type AmiSession, field } from './ami-conversation.ts'
import { ownershipMark } from './asterisk-config.ts'
import { actUnlessGone } from './asterisk-deed.ts'
import {
  contextOf,
  type DialplanSettings,
  dialplanFile,
  dialplanText,
  planMark,
  policiesIn,
  policyListing,
  policyShown,
} from './asterisk-dialplan.ts'
import { dialplanModules } from './asterisk-dialplan-rules.ts'
import { endpointDetail } from './asterisk-endpoints.ts'
import { writeIn } from './asterisk-folder.ts'
import { moduleProblem, reportingHint } from './asterisk-modules.ts'
import type { AsteriskOptions } from './asterisk-options.ts'

/**
 * Call policies in Asterisk's dialplan: written into the file that extensions.conf includes, taken over by a reload of the
 * whole dialplan (there is no smaller one), and read back from the running Asterisk. Where nobody has a policy the file is
 * there and says nothing, and nothing is reloaded.
 */
type Options = Pick<AsteriskOptions, 'context' | 'internalContext' | 'dialPlan'> & { readonly configDir: string }

/** Whether this Asterisk has a folder in which the dialplan can stand. */
export function keepsCalls(options: AsteriskOptions): options is AsteriskOptions & { readonly configDir: string } {
  return options.configDir !== null
}

/** Writes the file that the include line needs, with whatever it said before. */
export async function prepareCalls(options: Options): Promise<void> {
  await rewrite(options, await settingsOf(options), await policiesOf(options))
}

/**
 * Before the accounts: an endpoint may move into its context only when the running Asterisk shows the policy there. In a
 * context that does not exist nobody could dial 112. Policies that end stay until `dropPolicies`.
 * @returns by extension, why not
 */
export async function takeOverPolicies(
  options: Options,
  accounts: readonly PbxAccount[],
  session: AmiSession,
): Promise<ReadonlyMap<string, AppError>> {
  const given = new Map(
    accounts.flatMap(({ extension, policy }) => (policy === null ? [] : [[extension, policy] as const])),
  )
  if (given.size === 0) return new Map()
  const because = (error: AppError) => new Map([...given.keys()].map((extension) => [extension, error]))
  const settings = await settingsOf(options)
  if (settings.dialPlan === null) return because(noDialPlan())
  await rewrite(options, settings, new Map([...(await policiesOf(options)), ...given]))
  try {
    // Also when the file was right: it may have been written by a process that was killed before the reload.
    await reloadDialplan(session)
    const shown = policiesShown(await session.list(policyListing, noContext), planMark(settings))
    const refused = [...given].filter(([extension, policy]) => shown.get(extension) !== policyText(policy))
    return new Map(refused.map(([extension]) => [extension, notIncluded(options)]))
  } catch (error) {
    if (error instanceof AppError && error.code === 'PBX_REFUSED') return because(error)
    throw error
  }
}

function noDialPlan(): AppError {
  return new AppError('PBX_REFUSED', 'nobody has said yet what numbers mean at this PBX', {
    hint: '`ringfence dial-plan set --help` asks for it',
  })
}

function notIncluded({ configDir }: Options): AppError {
  const { message, hint } = includeProblem(configDir)
  return new AppError('PBX_REFUSED', message, { hint, retryable: true })
}

async function reloadDialplan(session: AmiSession): Promise<void> {
  await session.act({ Action: 'Reload', Module: 'pbx_config.so' })
}

/** After the accounts: nothing leads into these contexts any more. The next owner begins with counters of his own. */
export async function dropPolicies(options: Options, accounts: readonly PbxAccount[], session: AmiSession) {
  const policies = await policiesOf(options)
  const ended = accounts
    .filter(({ credentials, policy }) => credentials.length === 0 || policy === null)
    .map(({ extension }) => extension)
    .filter((extension) => policies.delete(extension))
  if (ended.length === 0) return
  await rewrite(options, await settingsOf(options), policies)
  await reloadDialplan(session)
  for (const Key of ended) await actUnlessGone(session, { Action: 'DBDelTree', Family: 'ringfence', Key })
}

/**
 * By extension, `policyText` of what the running Asterisk enforces: it stands in the dialplan, whose other parts are the
 * newest ones, and the endpoint lives there. An extension that is not named has no policy in force.
 */
export async function readPolicies(
  options: Options,
  session: AmiSession,
  asked?: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (asked?.length === 0) return new Map()
  const listing = await listPolicies(session, await policiesOf(options))
  const shown = policiesShown(listing, planMark(await settingsOf(options)))
  // Asterisk tells the context of one endpoint at a time: with 1,000 of them that takes a second.
  const isAsked = ([extension]: [string, string]) => asked === undefined || asked.includes(extension)
  const enforced = await Promise.all(
    [...shown].filter(isAsked).map(async ([extension, text]): Promise<[string, string][]> => {
      return (await livesInContext(session, extension)) ? [[extension, text]] : []
    }),
  )
  return new Map(enforced.flat())
}

const noContext = 'Did not find context ringfence-policy'

const olderPlan = 'with an older dial plan'

/** By extension; says so where the parts that all share are not the newest ones. */
function policiesShown(listing: readonly AmiMessage[], mark: string): ReadonlyMap<string, string> {
  const isNewest = listing.some((entry) => field(entry, 'Extension') === 'plan' && field(entry, 'AppData') === mark)
  const found = listing.flatMap((entry): [string, string][] => {
    const extension = field(entry, 'Extension')
    const text = policyShown(extension, field(entry, 'Application'), field(entry, 'AppData'))
    return text === null ? [] : [[extension, isNewest ? text : `${text} ${olderPlan}`]]
  })
  return new Map(found)
}

/** No listing at all is fine for a manager user who may not ask, as long as we never wrote a policy. */
async function listPolicies(session: AmiSession, written: ReadonlyMap<string, CallPolicy>) {
  try {
    return await session.list(policyListing, noContext)
  } catch (error) {
    if (written.size === 0 && error instanceof AppError && error.code === 'PBX_REFUSED') return []
    throw error
  }
}

export async function livesInContext(session: AmiSession, extension: string): Promise<boolean> {
  return (await contextInForce(session, extension)) === contextOf(extension)
}

async function contextInForce(session: AmiSession, extension: string): Promise<string | null> {
  const detail = await endpointDetail(session, extension)
  return detail ? field(detail, 'Context') : null
}

/** What keeps policies from being enforced, where somebody has one or a dial plan is set. */
export async function callProblems(options: Options, session: AmiSession): Promise<readonly Problem[]> {
  const [settings, policies] = [await settingsOf(options), await policiesOf(options)]
  if (settings.dialPlan === null && policies.size === 0) return []
  const problems: Problem[] = []
  try {
    const listing = await session.list(policyListing, noContext)
    if (!listing.some((entry) => field(entry, 'Extension') === 'plan')) problems.push(includeProblem(options.configDir))
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'PBX_REFUSED') throw error
    problems.push({
      message: 'the manager user may not ShowDialPlan, so call classes cannot be seen',
      hint: reportingHint,
    })
  }
  for (const [module, effect] of Object.entries(dialplanModules)) {
    const problem = await moduleProblem(session, module, effect)
    if (problem) problems.push(problem)
  }
  return problems
}

function includeProblem(configDir: string): Problem {
  const path = join(configDir, dialplanFile)
  return {
    message: `Asterisk does not read ${path}, so call classes do not work`,
    hint: `add the line \`#include ${path}\` at the end of extensions.conf and run: asterisk -rx "dialplan reload"`,
  }
}

async function settingsOf({ context, internalContext, dialPlan }: Options): Promise<DialplanSettings> {
  return { context, internalContext, dialPlan: await dialPlan() }
}

/** @throws AppError PBX_REFUSED when the file there is not ours */
async function policiesOf({ configDir }: Options): Promise<Map<string, CallPolicy>> {
  const text = await readIfThere(join(configDir, dialplanFile), 'utf8')
  if (text === null || text.startsWith(ownershipMark)) return policiesIn(text ?? '')
  throw new AppError('PBX_REFUSED', `${join(configDir, dialplanFile)} was not written by Ringfence`, {
    hint: 'move it out of the folder; Ringfence overwrites nothing that it did not make',
  })
}

/**
 * Bytes that are already right are not written. Without a dial plan (an older copy of the database was restored) what the
 * file says stays: endpoints live in its contexts, and without them nobody there could dial 112.
 */
async function rewrite(options: Options, settings: DialplanSettings, policies: ReadonlyMap<string, CallPolicy>) {
  const before = await readIfThere(join(options.configDir, dialplanFile), 'utf8')
  const text = dialplanText(settings, policies)
  if (before === text || (before !== null && settings.dialPlan === null)) return false
  await writeIn(options.configDir, dialplanFile, text)
  return true
}
