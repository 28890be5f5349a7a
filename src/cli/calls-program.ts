/** The commands about what people may dial. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { callClasses } from '../domain/call-policy.ts'
import { setDialPlan, showCalls, showDialPlans } from './calls-commands.ts'
import type { Ways } from './operating-program.ts'

export interface CallOptions {
  readonly countries?: readonly string[]
  readonly callsAtOnce?: number
  readonly callsPerHour?: number
  readonly callsPerDay?: number
  readonly minutesPerHour?: number
  readonly minutesPerDay?: number
}

export function callsCommands(program: Command, { asking, run, needs }: Ways): void {
  limitOptions(
    asking(program, 'calls <who>', 'what somebody may dial; with options: choose it anew, as a whole').addOption(
      new Option('--class <class>', 'how far the calls may go; none: the rules of the PBX alone').choices([
        'none',
        ...callClasses,
      ]),
    ),
  ).action((who, options, command) => {
    const limits = callLimitsIn(options)
    if (Object.keys(limits).length > 0) needs(command, ['class'])
    return run(options, (now) => showCalls(now, who, options.class, limits))
  })

  const plan = program.command('dial-plan').description('what dialled numbers mean, for call classes')
  asking(plan, 'show', 'for each site').action((options) => run(options, showDialPlans))
  asking(plan, 'set', 'say it, as a whole: what is left out is gone; whoever has a call class gets it anew')
    .option('--country <code>', 'country code of the site: 49 (needed)')
    .option('--international <prefix>', 'what stands before a country code: 00, 011 (needed)')
    .option('--national <prefix>', "what stands before an area code: 0, or '' where there is no prefix (needed)")
    .option('--emergency <numbers>', 'emergency numbers, as dialled, with commas: 112,110 (needed)', list)
    .option('--area <code>', 'area code of the site, without the prefix: 30')
    .option('--outside-line <digits>', 'what is dialled for an outside line: 0')
    .option('--site <name>', 'default: the first one')
    .action((options, command) => {
      needs(command, ['country', 'international', 'national', 'emergency'])
      return run(options, (now) => setDialPlan(now, options))
    })
}

/** For a new person; `calls` names the class. */
export function withCalls(command: Command): Command {
  const option = new Option('--calls <class>', 'how far the calls may go (default: the rules of the PBX alone)')
  return limitOptions(command.addOption(option.choices(callClasses)))
}

interface NewCalls extends CallOptions {
  readonly calls?: string
}

export function callsIn(options: NewCalls): { readonly calls?: { readonly class: string } & CallOptions } {
  return options.calls === undefined ? {} : { calls: { class: options.calls, ...callLimitsIn(options) } }
}

export function neededForLimits(options: NewCalls): readonly string[] {
  return Object.keys(callLimitsIn(options)).length > 0 ? ['calls'] : []
}

function limitOptions(command: Command): Command {
  return command
    .option('--countries <codes>', 'country codes allowed beyond the class, with commas: 43,41', list)
    .option('--calls-at-once <n>', 'outside calls at one time', limit)
    .option('--calls-per-hour <n>', 'outside calls in an hour of the clock', limit)
    .option('--calls-per-day <n>', 'outside calls in a day', limit)
    .option('--minutes-per-hour <n>', 'minutes of outside calls in an hour of the clock', limit)
    .option('--minutes-per-day <n>', 'minutes of outside calls in a day', limit)
}

function callLimitsIn({
  countries,
  callsAtOnce,
  callsPerHour,
  callsPerDay,
  minutesPerHour,
  minutesPerDay,
}: CallOptions): CallOptions {
  const all = { countries, callsAtOnce, callsPerHour, callsPerDay, minutesPerHour, minutesPerDay }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function list(text: string): string[] {
  return text.split(',').map((part) => part.trim())
}

function limit(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new InvalidArgumentError('It is a whole number from 1.')
  return Number(text)
}
