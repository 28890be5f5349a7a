import { Argument, Command, CommanderError, type CommandOptions, Option } from 'commander'
import { isLoopback, withoutBrackets } from '../domain/address.ts'
import { phoneSettingLayers } from '../domain/phone-setting.ts'
import { Secret } from '../domain/secret.ts'
import { AppError } from '../errors.ts'
import { ApiProblem, apiClient, type ServerAddress, socketOf } from './api-client.ts'
import { callsCommands } from './calls-program.ts'
import { type ExitCode, exitCodes, reportError } from './exit-codes.ts'
import { blankHandset, resyncHandset, showPhonePasswords } from './handset-commands.ts'
import { acknowledge, erase, offboard, removeHandset, report } from './leaving-commands.ts'
import { cancelLeaving, setLeaving, showLeaving } from './leaving-date-commands.ts'
import { doctor, listModels, listPeople, showPerson, showSecret } from './looking-commands.ts'
import { mobileconfig } from './mobileconfig-command.ts'
import { addHandset, importRoster, parseHandset, renewInvite, setGatewayKey } from './onboarding-commands.ts'
import { gatewayOptions, mailOption, onboardingCommands, seconds } from './onboarding-program.ts'
import { type CommonOptions, operatingCommands } from './operating-program.ts'
import { listPhoneSettings, setPhoneSetting, showHandsetSettings, unsetPhoneSetting } from './phone-setting-commands.ts'
import { printJson, type Session } from './session.ts'
import { listSteps } from './step-commands.ts'
import { preview, reloadTemplates } from './template-commands.ts'
import type { Terminal } from './terminal.ts'

export interface Surroundings {
  readonly terminal: Terminal
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly drawQr: (text: string) => string
  readonly lookEveryMs: number
  /** Run until they are stopped. */
  readonly serve: () => Promise<void>
  readonly hub: () => Promise<void>
  /** Writes the configuration of the SIP edge into a folder; the paths of what it wrote. */
  readonly edge: (folder: string) => Promise<readonly string[]>
}

/** Runs one command line (without node and script) and says how the process should end. */
export async function runCli(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  let exit: ExitCode = exitCodes.ok
  const program = commands(surroundings, (code) => {
    exit = code
  })
  try {
    await program.parseAsync([...words], { from: 'user' })
    return exit
  } catch (error) {
    // Commander has said by itself what is wrong with the words.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    if (error instanceof ApiProblem && words.includes('--json')) printJson(surroundings, error.body)
    return reportError(surroundings.terminal, error)
  }
}

function commands(surroundings: Surroundings, ends: (code: ExitCode) => void): Command {
  const { terminal, environment, drawQr, lookEveryMs } = surroundings
  const program = new Command('ringfence')
    .description('Hands out home-office phones, takes them back, and shows that every door is shut')
    .version(surroundings.version)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeOut: (text) => terminal.rawOut(text), writeErr: (text) => terminal.rawErr(text) })
    .addHelpText(
      'after',
      '\nWHO is an e-mail address, an extension (1001, or 1001@branch where several PBXs have it) or an id.\nEnds with 0 done, 1 error, 2 wrong words or input, 3 something is not shut yet, 4 not found.',
    )

  const asking = (parent: Command, usage: string, description: string, as: CommandOptions = {}): Command =>
    parent
      .command(usage, as)
      .description(description)
      .option('--json', "print the API's body")
      .option('--url <url>', 'a remote server, with a token in RINGFENCE_TOKEN; default: the socket in RINGFENCE_DATA')
  const session = ({ json, url }: CommonOptions): Session => ({
    client: apiClient(serverAt(url, environment)),
    terminal,
    json: json === true,
    drawQr,
    lookEveryMs,
  })
  /** Hands the parsed options and arguments on, and keeps what the command comes to. */
  const run = async (options: CommonOptions, deed: (session: Session) => Promise<ExitCode>): Promise<void> =>
    ends(await deed(session(options)))

  program.command('serve').description('run the server').action(surroundings.serve)
  program.command('hub').description('run the privileged hub process on its own').action(surroundings.hub)
  program
    .command('edge')
    .description('write the configuration of the SIP edge, a Kamailio in front of the PBX, from the settings')
    .requiredOption('--out <folder>', 'where kamailio.cfg, tls.cfg and README.txt go')
    .action(async ({ out }) => {
      for (const path of await surroundings.edge(out)) terminal.out(path)
    })

  onboardingCommands(program, { asking, run, needs })
  asking(program, 'import <roster.csv>', 'onboard everybody in a roster (name,email,extension,model,mac)')
    .addOption(mailOption())
    .action((file, options) => run(options, (now) => importRoster(now, file, options.mail)))
  asking(
    program,
    'models [word]',
    'list the models that can be handed out and what they can do; with a word, those that contain it',
  ).action((word, options) => run(options, (now) => listModels(now, word ?? '')))
  asking(program, 'list', 'list the employees')
    .addOption(new Option('--lifecycle <state>', 'only these').choices(['active', 'offboarding', 'offboarded']))
    .action((options) => run(options, (now) => listPeople(now, options.lifecycle)))
  asking(program, 'show <who>', 'one employee with handsets and doors')
    .option('--all', 'also doors of before, such as earlier keys, that were seen shut')
    .action((who, options) => run(options, (now) => showPerson(now, who, options.all === true)))

  const handset = program.command('handset').description('give one more handset, take one back, or look after one')
  asking(handset, 'add <who> <model[=mac]>', 'give one more handset')
    .option('--gateway <kind>', 'home gateway for a desk phone without WireGuard (default: plain)')
    .option(
      '--gateway-of <who>',
      'hang it on the gateway of somebody at the same home, or on that of a phone network such as 10.78.0.0/28',
    )
    .action((who, model, options) =>
      run(options, (now) => addHandset(now, who, { ...parseHandset(model), ...gatewayOptions(options) })),
    )
  asking(handset, 'remove <id>', 'take a handset back (`ringfence show` has its id)').action((id, options) =>
    run(options, (now) => removeHandset(now, id)),
  )
  asking(handset, 'blank <id>', 'take a handset back; its next fetch takes its account away').action((id, options) =>
    run(options, (now) => blankHandset(now, id)),
  )
  asking(handset, 'resync <id>', 'tell a registered phone to fetch its files now').action((id, options) =>
    run(options, (now) => resyncHandset(now, id)),
  )
  asking(handset, 'passwords <id>', "the passwords of the phone's own pages; the look is recorded").action(
    (id, options) => run(options, (now) => showPhonePasswords(now, id)),
  )

  const gateway = program.command('gateway').description('home gateways')
  asking(gateway, 'key <who> <public-key>', 'the key that the router showed, where it could not send it itself').action(
    (who, key, options) => run(options, (now) => setGatewayKey(now, who, key)),
  )

  asking(program, 'invite <who>', 'a new link in place of the old one')
    .addOption(mailOption())
    .action((who, options) => run(options, (now) => renewInvite(now, who, options.mail)))
  asking(
    program,
    'mobileconfig <who> [handset]',
    "a handset's tunnel as a profile for managed Apple devices, with its private key, on standard output; recorded",
  )
    .addOption(new Option('--platform <platform>', 'what it is for').choices(['ios', 'macos']).makeOptionMandatory())
    .action((who, handset, options) => run(options, (now) => mobileconfig(now, { who, handset, ...options })))
  asking(program, 'steps', 'list the steps that wait for somebody to do and tick them, oldest first').action(
    (options) => run(options, listSteps),
  )
  asking(program, 'acknowledge <who> <system> [subject]', 'tick a step that was done by hand')
    .option('--problem <words>', 'only if the line still says just this, as `show --json` has it')
    .action((who, system, subjectId, { problem, ...options }) =>
      run(options, (now) => acknowledge(now, who, system, { subjectId, problem })),
    )
  asking(program, 'offboard <who>', 'shut every door of an employee and see that it is shut')
    .option('--reason <text>', 'for the leaver file')
    .option('--wait <seconds>', 'wait until nothing is retrying, at most so long', seconds, 10)
    .option('--at <time>', "not now: at '2026-12-31 17:00' in this terminal's time zone, or ISO 8601 with its offset")
    .action((who, { reason, wait, at, ...options }) =>
      run(options, (now) =>
        at === undefined ? offboard(now, who, { reason, wait }) : setLeaving(now, who, { at, reason }),
      ),
    )
  const leaving = program.command('leaving').description('leaving dates that were set ahead')
  asking(leaving, 'show <who>', 'the date that is set').action((who, options) =>
    run(options, (now) => showLeaving(now, who)),
  )
  asking(leaving, 'cancel <who>', 'not at that date after all').action((who, options) =>
    run(options, (now) => cancelLeaving(now, who)),
  )
  asking(program, 'secret <who>', 'the SIP password, for a PBX that is operated by hand; the look is recorded').action(
    (who, options) => run(options, (now) => showSecret(now, who)),
  )
  asking(program, 'report <who>', 'the leaver file').action((who, options) => run(options, (now) => report(now, who)))
  asking(program, 'erase <who>', 'erase the personal data of a leaver')
    .option('--yes', 'it is meant')
    .action((who, options) => run(options, (now) => erase(now, who, options.yes === true)))

  const settings = program.command('phone-settings').description("what is set for phones' files")
  asking(settings, 'list', 'everything that is set, in all layers', { isDefault: true }).action((options) =>
    run(options, listPhoneSettings),
  )
  const layers = new Argument('<layer>', 'whose').choices(phoneSettingLayers)
  asking(
    settings,
    'of <handset>',
    'what holds for one handset (`ringfence show` has its id), and what it won over',
  ).action((id, options) => run(options, (now) => showHandsetSettings(now, id)))
  asking(settings, 'set', 'set a value: site NAME VALUE, model MODEL NAME VALUE, handset ID NAME VALUE')
    .addArgument(layers)
    .argument('<words...>')
    .option('--dry-run', 'only say which handsets would get other files')
    .action((layer, words, options) =>
      run(options, (now) => setPhoneSetting(now, layer, words, options.dryRun === true)),
    )
  asking(settings, 'unset', 'take a value away again: site NAME, model MODEL NAME, handset ID NAME')
    .addArgument(layers)
    .argument('<words...>')
    .option('--dry-run', 'only say which handsets would get other files')
    .action((layer, words, options) =>
      run(options, (now) => unsetPhoneSetting(now, layer, words, options.dryRun === true)),
    )

  callsCommands(program, { asking, run, needs })
  operatingCommands(program, { asking, run, needs })

  asking(
    program,
    'preview <handset> [file]',
    'what a handset would be served, secrets masked, and what changed',
  ).action((id, file, options) => run(options, (now) => preview(now, id, file)))
  const templates = program.command('templates').description('the templates that files are made from')
  asking(templates, 'reload', 'read them again, and say whose files change')
    .option('--dry-run', 'only say it')
    .action((options) => run(options, (now) => reloadTemplates(now, options.dryRun === true)))

  asking(program, 'doctor', 'what is missing on the host of the server, and what mends it').action((options) =>
    run(options, doctor),
  )
  return program
}

function serverAt(url: string | undefined, environment: Surroundings['environment']): ServerAddress {
  if (url === undefined) return { socket: socketOf(environment) }
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username !== '') {
    throw new AppError('INVALID_INPUT', `${JSON.stringify(url)} is not the address of a server`, {
      hint: 'it looks like https://ringfence.example.com; the token goes into RINGFENCE_TOKEN',
    })
  }
  const token = environment.RINGFENCE_TOKEN
  if (token && parsed.protocol === 'http:' && !isLoopback(withoutBrackets(parsed.hostname))) {
    throw new AppError('INVALID_INPUT', `the token would travel readable to ${parsed.hostname}`, {
      hint: 'use https://, or a tunnel to localhost',
    })
  }
  return { url: parsed, token: token === undefined || token === '' ? null : new Secret(token) }
}

/** Commander's own check comes before it looks for misspelt options, and would name `--handset` where `--handsets` was typed. */
function needs(command: Command, names: readonly string[]): void {
  const missing = command.options.find(
    (option) => names.includes(option.attributeName()) && command.getOptionValue(option.attributeName()) === undefined,
  )
  if (missing) command.error(`error: required option '${missing.flags}' not specified`)
}
