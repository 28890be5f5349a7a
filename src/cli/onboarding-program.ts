/** The commands that bring somebody in, on one of the PBXs. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { languages } from '../domain/language.ts'
import { callsIn, neededForLimits, withCalls } from './calls-program.ts'
import { onboard, parseHandset } from './onboarding-commands.ts'
import type { Ways } from './operating-program.ts'
import { listExisting, listPbxs } from './pbx-commands.ts'

type OnboardWords = Parameters<typeof onboard>[1]

export function onboardingCommands(program: Command, { asking, run, needs }: Ways): void {
  withPerson(asking(program, 'onboard', 'hand phones to a new employee; prints the invite link'))
    .option('--extension <digits>', 'extension (needed)')
    .action((options, command) => {
      needs(command, ['name', 'email', 'extension', 'handset', ...neededForLimits(options)])
      return run(options, (now) => onboard(now, { ...pick(options), ...callsIn(options) }))
    })
  withPerson(
    asking(program, 'adopt <extension>', 'hand phones to the holder of an extension that is on the PBX already'),
  ).action((extension, options, command) => {
    needs(command, ['name', 'email', 'handset', ...neededForLimits(options)])
    return run(options, (now) => onboard(now, { ...pick({ ...options, extension }), ...callsIn(options), adopt: true }))
  })

  const pbx = program.command('pbx').description('the PBXs, and what is on them')
  asking(pbx, 'list', 'what each PBX is, and what it can do').action((options) => run(options, listPbxs))
  asking(pbx, 'existing', 'extensions that Ringfence did not make, beside the people known here; touches nothing')
    .option('--pbx <name>', 'which PBX (default: the first)')
    .action((options) => run(options, (now) => listExisting(now, options.pbx)))
}

function withPerson(command: Command): Command {
  return withCalls(command)
    .option('--name <name>', 'full name (needed)')
    .option('--email <address>', 'e-mail address (needed)')
    .option('--pbx <name>', 'the PBX that has the extension (default: the first)')
    .addOption(handsetOption())
    .option('--gateway <kind>', 'home gateway for desk phones without WireGuard (default: plain)')
    .option(
      '--gateway-of <who>',
      'hang them on the gateway of somebody at the same home, or on that of a phone network such as 10.78.0.0/28',
    )
    .addOption(mailOption())
    .option('--wait <seconds>', 'wait until every door is open, at most so long', seconds, 5)
}

function handsetOption(): Option {
  return new Option('--handset <model[=mac]>', 'a phone or app; may be given several times (needed)').argParser(
    (text: string, earlier: readonly object[] | undefined) => [...(earlier ?? []), parseHandset(text)],
  )
}

function pick({ name, email, extension, pbx, handset, wait, mail, ...rest }: OnboardWords): OnboardWords {
  const chosen = { ...(pbx === undefined ? {} : { pbx }), ...(mail === undefined ? {} : { mail }) }
  return { name, email, extension, handset, wait, ...chosen, ...gatewayOptions(rest) }
}

export function mailOption(): Option {
  return new Option('--mail [language]', 'send the link by mail').choices(['default', ...languages]).preset('default')
}

export function gatewayOptions({ gateway, gatewayOf }: { gateway?: string; gatewayOf?: string }) {
  return { ...(gateway === undefined ? {} : { gateway }), ...(gatewayOf === undefined ? {} : { gatewayOf }) }
}

export function seconds(text: string): number {
  if (!/^[0-9]{1,4}$/.test(text)) throw new InvalidArgumentError('It is a number of seconds, such as 10.')
  return Number(text)
}
