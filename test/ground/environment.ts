/** Settings as an admin writes them, without their prefix, read as the server reads them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { type Config, readConfig } from '../../src/config.ts'
import { AppError } from '../../src/errors.ts'

export type Settings = Readonly<Record<string, string>>

export function read(settings: Settings = {}): Config {
  return readConfig(Object.fromEntries(Object.entries(settings).map(([name, value]) => [`RINGFENCE_${name}`, value])))
}

/** Each with its name in front; none where the server would start. */
export function problemsOf(settings: Settings): string[] {
  try {
    read(settings)
    return []
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    expect(error.code).toBe('CONFIG_INVALID')
    return error.problems.map(({ field, message }) => `${field} ${message}`)
  }
}

/** The settings that are wrong. */
export const namesOf = (settings: Settings): string[] =>
  problemsOf(settings).map((problem) => problem.split(' ')[0]!.slice('RINGFENCE_'.length))

/** With which no demo mode is left. */
export const earnest = {
  PHONE_URL: 'https://phones.example.com',
  HUB_ENDPOINT: 'vpn.example.com:51820',
  PBX_ADDRESS: '192.0.2.10',
  PBX_HOST: 'pbx.example.com',
}

/** A folder while the tests of one file run, with a secret (`hunter2`) and an empty file in it. */
export function secretsFolder() {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), `ringfence-config-${process.pid}-`))
    writeFileSync(join(folder, 'secret'), 'hunter2\n')
    writeFileSync(join(folder, 'empty'), ' \n')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return {
    get folder() {
      return folder
    },
    get file() {
      return join(folder, 'secret')
    },
    asterisk: () => ({
      PBX: 'asterisk',
      PBX_CONFIG_DIR: '/etc/asterisk/ringfence.d',
      PBX_AMI_SECRET_FILE: join(folder, 'secret'),
    }),
  }
}
