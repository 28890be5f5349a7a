/** The commands for whoever looks after the server: mails, API tokens, administrators. */
import { type Command, Option } from 'commander'
import { roles } from '../domain/token.ts'
import {
  createAdministrator,
  disableAdministrator,
  listAdministrators,
  recoverAdministrator,
} from './administrator-commands.ts'
import type { ExitCode } from './exit-codes.ts'
import { changeMail, listMails, testMail } from './mail-commands.ts'
import type { Session } from './session.ts'
import { createToken, listTokens, revokeToken } from './token-commands.ts'

export interface CommonOptions {
  readonly json?: true
  readonly url?: string
}

export interface Ways {
  readonly asking: (parent: Command, usage: string, description: string) => Command
  readonly run: (options: CommonOptions, deed: (session: Session) => Promise<ExitCode>) => Promise<void>
  readonly needs: (command: Command, names: readonly string[]) => void
}

export function operatingCommands(program: Command, { asking, run, needs }: Ways): void {
  const mail = program.command('mail').description('links by mail')
  asking(mail, 'test <address>', 'send a letter without a link, to see whether mails go out').action(
    (address, options) => run(options, (now) => testMail(now, address)),
  )
  asking(mail, 'list <who>', 'the mails to somebody, and what became of them').action((who, options) =>
    run(options, (now) => listMails(now, who)),
  )
  asking(mail, 'retry <id>', 'try a mail that waits now').action((id, options) =>
    run(options, (now) => changeMail(now, id, 'retry')),
  )
  asking(mail, 'cancel <id>', 'call a mail back that was not sent yet').action((id, options) =>
    run(options, (now) => changeMail(now, id, 'cancel')),
  )

  const token = program.command('token').description('API tokens')
  asking(token, 'create', 'make a token and print it, this once')
    .addOption(new Option('--role <role>', 'what it may do').choices(roles))
    .option('--label <text>', 'what it is for', 'made on the command line')
    .action((options, command) => {
      needs(command, ['role'])
      return run(options, (now) => createToken(now, options.role, options.label))
    })
  asking(token, 'list', 'list the tokens').action((options) => run(options, listTokens))
  asking(token, 'revoke <id>', 'revoke a token').action((id, options) => run(options, (now) => revokeToken(now, id)))

  const admin = program.command('admin').description('who may sign in to the console')
  asking(admin, 'list', 'list the administrators').action((options) => run(options, listAdministrators))
  asking(admin, 'create', 'invite an administrator; prints a one-time link')
    .requiredOption('--name <name>', 'full name')
    .requiredOption('--email <address>', 'e-mail address; the same as the employee has, if they are one')
    .addOption(new Option('--role <role>', 'what they may do').choices(roles).makeOptionMandatory())
    .action((options) => run(options, (now) => createAdministrator(now, options)))
  asking(admin, 'recover <email>', 'a one-time link to come back in; prints it').action((who, options) =>
    run(options, (now) => recoverAdministrator(now, who)),
  )
  asking(admin, 'disable <email>', 'end sessions, passkeys, password and tokens of an administrator').action(
    (who, options) => run(options, (now) => disableAdministrator(now, who)),
  )
}
