/**
 * Programs of a router that stand first in PATH while a script runs. Each is a few words of shell that hand their arguments and
 * input to the test over a named pipe and do what it answers: `uci` works on a configuration in memory, the others are written
 * down.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openUci, type UciSections, type UciState, uciCommand } from './uci-config.ts'

export interface Router {
  /** Runs a script as the router's shell does. */
  run(script: string, options?: RunOptions): Promise<{ status: number | null; output: string }>
  readonly state: UciState
  /** What was staged by somebody else. */
  stage(sections: UciSections): void
  /** Calls of the recorded programs, oldest first. */
  readonly calls: readonly Call[]
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** A program that fails. */
  readonly failing?: string
}

export interface Call {
  readonly program: string
  readonly arguments: readonly string[]
  readonly input: string
}

/** @param programs that it has besides uci and the real wg */
export function openRouter(folder: string, shell: readonly string[], programs: readonly string[]): Router {
  const bin = join(folder, 'bin')
  const [questions, answers, file] = ['questions', 'answers', 'setup.sh'].map((name) => join(folder, name))
  mkdirSync(bin)
  execFileSync('/bin/sh', ['-c', `mkfifo '${questions}' '${answers}'`])
  for (const program of ['uci', ...programs])
    writeFileSync(join(bin, program), asking(program, questions!, answers!), { mode: 0o755 })
  // No other curl or wget than these: a router without one of them is a case of its own.
  for (const program of ['wg', 'sed', 'cat'])
    writeFileSync(join(bin, program), `#!/bin/sh\nexec ${whereIs(program)} "$@"\n`, { mode: 0o755 })
  const state = openUci()
  const calls: Call[] = []
  return {
    state,
    calls,
    stage: (sections) => void Object.assign(state.staged, sections),
    async run(script, { environment = {}, failing } = {}) {
      writeFileSync(file!, script)
      const [program, ...before] = shell
      const child = spawn(program!, [...before, file!], { env: { PATH: bin, ...environment } })
      let output = ''
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text
        })
      // The last question is our own: the pipe is read until somebody has written to it.
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
      const lastQuestion = ended.then(() => writeFile(questions!, ''))
      for (;;) {
        const question = await readFile(questions!, 'utf8')
        if (question === '') break
        const call = callOf(question)
        if (call.program !== 'uci') calls.push(call)
        await writeFile(
          answers!,
          call.program === 'uci' ? askUci(state, call) : call.program === failing ? '22\n' : '0\n',
        )
      }
      await lastQuestion
      return { status: await ended, output }
    },
  }
}

/** Reads all of its input first: in `uci show | uci batch` one must have been answered before the other asks. */
function asking(program: string, questions: string, answers: string): string {
  return `#!/bin/sh
for last in "$@"; do :; done
input=
case "$last" in batch | -) input="$(cat)" ;; esac
{ printf '%s\\n' ${program} "$@" '' && printf '%s' "$input"; } >'${questions}'
{ read -r status; [ "$status" = 0 ] && cat || cat >&2; exit "\${status%!}"; } <'${answers}'
`
}

function callOf(question: string): Call {
  const end = question.indexOf('\n\n')
  const [program = '', ...given] = question.slice(0, end).split('\n')
  return { program, arguments: given, input: question.slice(end + 2) }
}

/** Status and, on the lines below, what is printed; to the standard error unless the status is a plain 0. */
function askUci(state: UciState, { arguments: given, input }: Call): string {
  const quiet = given[0] === '-q'
  const command = quiet ? given.slice(1) : given
  try {
    const printed = uciCommand(state, command, input)
    return `0\n${printed && `${printed}\n`}`
  } catch (error) {
    // As the real one: batch says what it did not like and ends with 0.
    return `${command[0] === 'batch' ? '0!' : '1'}\n${quiet ? '' : `${(error as Error).message}\n`}`
  }
}

function whereIs(program: string): string {
  return execFileSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()
}
