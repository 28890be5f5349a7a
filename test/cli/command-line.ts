import { afterAll, beforeAll } from 'vitest'
import { runCli } from '../../src/cli/program.ts'
import { qrLevel, terminal as terminalQr } from '../../src/phones/qr.ts'
import { type Doors, openDoors } from '../http/doors.ts'

export interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

interface RunOptions {
  readonly terminal?: boolean
  readonly width?: number
  readonly environment?: Readonly<Record<string, string>>
}

/** The command line in this process, over the real socket of a fake application of this file's own. */
export function commandLine(): {
  readonly doors: () => Doors
  run(words: readonly string[], options?: RunOptions): Promise<Run>
} {
  let doors: Doors
  beforeAll(async () => {
    doors = await openDoors()
  })
  afterAll(async () => doors?.[Symbol.asyncDispose]())
  return {
    doors: () => doors,
    async run(words, { terminal = false, width = 100, environment = {} } = {}) {
      let out = ''
      let err = ''
      const code = await runCli(words, {
        terminal: {
          out: (text) => {
            out += `${text}\n`
          },
          err: (text) => {
            err += `${text}\n`
          },
          rawOut: (text) => {
            out += text
          },
          rawErr: (text) => {
            err += text
          },
          outIsTerminal: terminal,
          errIsTerminal: terminal,
          colour: terminal,
          width,
        },
        environment: { RINGFENCE_DATA: doors.folder, ...environment },
        version: '0.0.0-test',
        drawQr: (text) => terminalQr(text, qrLevel('address', text)),
        lookEveryMs: 5,
        serve: async () => undefined,
        hub: async () => undefined,
        edge: async () => [],
      })
      return { code, out, err }
    },
  }
}

/** Tokens and ids differ from run to run. */
export function steady(text: string): string {
  return text.replace(/[A-Za-z0-9_-]{43}/g, '<token>')
}

export const ada = [
  '--name',
  'Ada Example',
  '--email',
  'ada@example.com',
  '--extension',
  '1001',
  '--handset',
  'linphone-mobile',
] as const
