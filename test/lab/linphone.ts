/**
 * Linphone (Debian's linphonec, liblinphone 5.1) in a home. It is told nothing but what stands on the join page: the address
 * of its settings, and for the desktop app where the two PEM files lie. Sound comes from a file and goes into a file.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Namespace } from './network.ts'

export interface Linphone {
  /** A line as one types it. */
  say(line: string): void
  /** Says its tone into the call that stands. */
  speak(): void
  /** What it showed so far. */
  shown(): string
  /** Its settings file as it is now. */
  settings(): string
  /** What it heard since the call began, as it was recorded: 16 bit samples at 8 kHz. */
  heard(): Int16Array
  readonly running: boolean
  quit(): Promise<void>
}

export interface LinphoneOptions {
  readonly folder: string
  /** The authorities that the device trusts. */
  readonly trusted: string
  /** `[misc] config-uri`; absent for one that was set up before and keeps its settings. */
  readonly settingsUrl?: string
  /** Paths, for the desktop app. */
  readonly certificate?: { readonly chain: string; readonly key: string }
  readonly answers?: boolean
  /** The tone that it speaks. */
  readonly toneHz: number
}

export function startLinphone(place: Namespace, options: LinphoneOptions): Linphone {
  const { folder, trusted, settingsUrl, certificate } = options
  const settings = join(folder, 'linphonerc')
  const recording = join(folder, 'heard.wav')
  // Without this folder its database cannot be made, and it fetches nothing.
  mkdirSync(join(folder, '.local/share/linphone'), { recursive: true })
  mkdirSync(join(folder, '.config/linphone'), { recursive: true })
  if (settingsUrl !== undefined) {
    const own = certificate ? `client_cert_chain=${certificate.chain}\nclient_cert_key=${certificate.key}\n` : ''
    writeFileSync(settings, `[misc]\nconfig-uri=${settingsUrl}\n[sip]\nroot_ca=${trusted}\n${own}`)
  }
  writeFileSync(join(folder, 'tone.wav'), tone(options.toneHz, 60))
  const [program, ...before] = place.prefix
  const log = join(folder, 'log')
  const child = spawn(
    program,
    [...before, 'setpriv', '--pdeathsig', 'KILL', 'linphonec', '-c', settings, '-d', '6', '-l', log].concat(
      options.answers ? ['-a'] : [],
    ),
    { stdio: ['pipe', 'pipe', 'ignore'], env: { PATH: process.env.PATH, HOME: folder, LANG: 'C.UTF-8' } },
  )
  let words = ''
  child.stdout.on('data', (chunk: Buffer) => {
    words += chunk
  })
  // It may have ended; whoever asks sees that in what it showed.
  child.stdin.on('error', () => undefined)
  const say = (line: string) => void child.stdin.write(`${line}\n`)
  say('soundcard use files')
  say(`record ${recording}`)
  return {
    say,
    speak: () => say(`play ${join(folder, 'tone.wav')}`),
    shown: () => words,
    settings: () => readFileSync(settings, 'utf8'),
    heard: () => samplesOf(recording),
    get running() {
      return child.exitCode === null && child.signalCode === null
    },
    async quit() {
      say('quit')
      await endWithin(child, 3_000)
    },
  }
}

/** It cannot say goodbye to a PBX that it no longer reaches, and then takes its time. */
async function endWithin(child: ChildProcess, limitMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  const last = setTimeout(() => child.kill('SIGKILL'), limitMs)
  await gone
  clearTimeout(last)
}

/** WAV, one channel of 16 bits at 8 kHz. */
function tone(frequencyHz: number, seconds: number): Buffer {
  const rate = 8_000
  const data = Buffer.alloc(rate * seconds * 2)
  for (let index = 0; index < rate * seconds; index++)
    data.writeInt16LE(Math.round(10_000 * Math.sin((2 * Math.PI * frequencyHz * index) / rate)), index * 2)
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + data.length, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(data.length, 40)
  return Buffer.concat([header, data])
}

function samplesOf(path: string): Int16Array {
  if (!existsSync(path)) return new Int16Array()
  const bytes = readFileSync(path)
  const samples = new Int16Array(Math.max(0, (bytes.length - 44) >> 1))
  for (let index = 0; index < samples.length; index++) samples[index] = bytes.readInt16LE(44 + index * 2)
  return samples
}

/** How much of the loudness lies at this frequency (Goertzel), 0 to 1. */
export function shareOf(samples: Int16Array, frequencyHz: number, rate: number): number {
  let [before, last, energy] = [0, 0, 0]
  const factor = 2 * Math.cos((2 * Math.PI * frequencyHz) / rate)
  for (const sample of samples) {
    const next = sample + factor * last - before
    before = last
    last = next
    energy += sample * sample
  }
  const power = last * last + before * before - factor * last * before
  return energy === 0 ? 0 : (2 * power) / (samples.length * energy)
}
