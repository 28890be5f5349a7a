/**
 * Programs of a router that stand first in PATH while a script runs: `uci` keeps its state in a file, the others write down how
 * they were called. Run as `uci …`, this file is the program.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openUci, type UciSections, type UciState, uciCommand } from './uci-config.ts'

export interface Router {
  /** Runs a script as the router's shell does. */
  run(script: string, environment?: Readonly<Record<string, string>>): { status: number | null; output: string }
  state(): UciState
  /** What was staged by somebody else. */
  stage(sections: UciSections): void
  /** Calls of the recorded programs: name, arguments and standard input, oldest first. */
  calls(): readonly Call[]
}

export interface Call {
  readonly program: string
  readonly arguments: readonly string[]
  readonly input: string
}

/** @param programs that it has besides uci and the real wg; they succeed as long as `FAIL` does not name them */
export function openRouter(folder: string, shell: readonly string[], programs: readonly string[]): Router {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  for (const program of ['uci', ...programs]) {
    const path = join(bin, program)
    writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${import.meta.filename}' ${program} "$@"\n`)
    chmodSync(path, 0o755)
  }
  // No other curl or wget than these: a router without one of them is a case of its own.
  for (const program of ['wg', 'sed', 'cat', 'mktemp', 'rm', 'env'])
    writeFileSync(join(bin, program), `#!/bin/sh\nexec ${whereIs(program)} "$@"\n`, { mode: 0o755 })
  const stateFile = join(folder, 'uci.json')
  const callsFile = join(folder, 'calls')
  const state = (): UciState =>
    existsSync(stateFile) ? (JSON.parse(readFileSync(stateFile, 'utf8')) as UciState) : openUci()
  return {
    run(script, environment = {}) {
      const file = join(folder, 'setup.sh')
      writeFileSync(file, script)
      const [program, ...before] = shell
      const { status, stdout, stderr } = spawnSync(program!, [...before, file], {
        encoding: 'utf8',
        env: { PATH: bin, UCI_STATE: stateFile, CALLS: callsFile, ...environment },
      })
      return { status, output: stdout + stderr }
    },
    state,
    stage: (sections) =>
      writeFileSync(stateFile, JSON.stringify({ ...state(), staged: { ...state().staged, ...sections } })),
    calls: () =>
      existsSync(callsFile)
        ? readFileSync(callsFile, 'utf8')
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as Call)
        : [],
  }
}

function whereIs(program: string): string {
  return execFileSync('/bin/sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()
}

function beProgram(program: string, given: readonly string[]): void {
  const { UCI_STATE = '', CALLS = '', FAIL = '' } = process.env
  const readsInput = given[0] === 'batch' || given.at(-1) === '-'
  const input = readsInput ? readFileSync(0, 'utf8') : ''
  if (program !== 'uci') {
    appendFileSync(CALLS, `${JSON.stringify({ program, arguments: given, input })}\n`)
    process.exitCode = FAIL.split(' ').includes(program) ? 22 : 0
    return
  }
  const state = existsSync(UCI_STATE) ? (JSON.parse(readFileSync(UCI_STATE, 'utf8')) as UciState) : openUci()
  const quiet = given[0] === '-q'
  try {
    const printed = uciCommand(state, quiet ? given.slice(1) : given, input)
    if (printed) console.log(printed)
    writeFileSync(UCI_STATE, JSON.stringify(state))
  } catch (error) {
    if (!quiet) console.error((error as Error).message)
    // As the real one: batch says what it did not like and ends with 0.
    if (given[0] !== 'batch') process.exitCode = 1
  }
}

if (process.argv[1] === import.meta.filename && process.argv[2]) beProgram(process.argv[2], process.argv.slice(3))
