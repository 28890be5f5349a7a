// `npm test`: prepares the machine (Debian, as root), runs everything, and looks whether something was left behind.
// Arguments go to vitest: `npm test -- test/domain`. The last line is always `N passed, N failed, N skipped`.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programVersions, setUpDebian, setupRefusal } from './setup/debian.ts'
import { footprint, leftoversOf, type TestRun } from './setup/leftovers.ts'
import { closingLine, tallyOf } from './setup/tally.ts'

const checkout = join(import.meta.dirname, '..')
const say = (line: string): void => console.log(`test: ${line}`)

process.exitCode = await main(process.argv.slice(2))

async function main(extra: readonly string[]): Promise<number> {
  await prepare()
  // Short, because a Unix socket's path ends at 107 bytes; readable for others, because PostgreSQL refuses to be root.
  const home = mkdtempSync(join(tmpdir(), 'rf-'))
  chmodSync(home, 0o755)
  const folder = join(home, 't')
  mkdirSync(folder, { mode: 0o777 })
  chmodSync(folder, 0o1777)
  try {
    return await runAndJudge({ mark: randomBytes(8).toString('hex'), folder, before: footprint() }, home, extra)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

async function prepare(): Promise<void> {
  const refusal = setupRefusal()
  if (refusal) {
    say(`nothing is installed (${refusal}); live tests whose programs are missing are skipped`)
  } else {
    for (const problem of await setUpDebian(say)) say(`set-up: ${problem}`)
  }
  const versions = programVersions()
  if (versions.length > 0) say(`on Node ${process.version} with ${versions.join(' · ')}`)
}

async function runAndJudge(run: TestRun, home: string, extra: readonly string[]): Promise<number> {
  const reportFile = join(home, 'report.json')
  const { exitCode, stoppedBy } = await vitest(run, reportFile, extra)
  const { reasons, ...tally } = existsSync(reportFile)
    ? tallyOf(readFileSync(reportFile, 'utf8'))
    : { passed: 0, failed: 0, skipped: 0, reasons: [] }

  const troubles: string[] = []
  for (const { what, remove } of await leftoversOf(run)) {
    // Nobody is to blame for what a stopped run could not take away itself.
    if (stoppedBy) say(`takes away ${what}`)
    else troubles.push(`a test left something behind: ${what}`)
    try {
      remove()
    } catch (error) {
      troubles.push(`and it cannot be removed: ${String(error)}`)
    }
  }
  if (stoppedBy) troubles.push(`stopped by ${stoppedBy}`)
  else if (tally.passed + tally.failed + tally.skipped === 0) troubles.push('no test was run')
  // An error outside of any test is in vitest's exit code only.
  else if (exitCode !== 0 && tally.failed === 0) troubles.push(`vitest ended with code ${exitCode}`)
  for (const trouble of troubles) say(trouble)
  for (const reason of reasons) say(`skipped: ${reason}`)

  const failed = tally.failed + troubles.length
  console.log(closingLine({ ...tally, failed }))
  return failed === 0 ? 0 : 1
}

interface Ended {
  readonly exitCode: number
  readonly stoppedBy: NodeJS.Signals | null
}

/** A signal that is to end us ends vitest first, so that we can look what is left. */
function vitest(run: TestRun, reportFile: string, extra: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`, ...extra]
    const child: ChildProcess = spawn(process.execPath, [join(checkout, 'node_modules/vitest/vitest.mjs'), ...args], {
      cwd: checkout,
      stdio: ['ignore', 'inherit', 'inherit'],
      // A plain user's PATH leaves out where Debian keeps `ip` and `nft`.
      env: {
        ...process.env,
        PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
        TMPDIR: run.folder,
        RINGFENCE_TEST_RUN: run.mark,
      },
    })
    let stoppedBy: NodeJS.Signals | null = null
    const passOn = (signal: NodeJS.Signals): void => {
      stoppedBy = signal
      child.kill(signal)
    }
    process.on('SIGINT', passOn)
    process.on('SIGTERM', passOn)
    child.once('error', reject)
    child.once('exit', (code) => {
      process.off('SIGINT', passOn)
      process.off('SIGTERM', passOn)
      resolve({ exitCode: code ?? 1, stoppedBy })
    })
  })
}
