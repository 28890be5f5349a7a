#!/usr/bin/env node
/** The `ringfence` command. What it says and how it ends is described in docs/cli.md. */
import { readFileSync } from 'node:fs'
import { runCli } from './cli/program.ts'
import { qrLevel, terminal as terminalQr } from './phones/qr.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const { env, stdout, stderr } = process

// A reader that has seen enough (`ringfence list | head`) is no failure.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await runCli(process.argv.slice(2), {
  terminal: {
    out: (text) => stdout.write(`${text}\n`),
    err: (text) => stderr.write(`${text}\n`),
    rawOut: (text) => stdout.write(text),
    rawErr: (text) => stderr.write(text),
    outIsTerminal: stdout.isTTY === true,
    errIsTerminal: stderr.isTTY === true,
    // https://no-color.org: any value that is not empty
    colour: stdout.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
    // Some terminals say that they have no columns at all.
    width: stdout.columns || stderr.columns || 80,
  },
  environment: env,
  version,
  drawQr: (text) => terminalQr(text, qrLevel('address', text)),
  lookEveryMs: 200,
  // Loaded only here: every other command starts without the server's packages.
  serve: async () => {
    // On a busy machine it takes seconds until it listens.
    stdout.write('Ringfence is starting…\n')
    await (await import('./main.ts')).serveUntilStopped(env, (text) => stdout.write(`${text}\n`))
  },
  hub: async () => (await import('./main.ts')).hubUntilStopped(env),
  edge: async (folder) => (await import('./main.ts')).edgeInto(env, folder),
})
