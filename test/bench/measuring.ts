/** What several benchmarks need: figures of a sample, a sink that has fallen silent, the memory of a process. */
import { readFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { monotonicMs, type Received } from '../lab/agent.ts'
import type { Agent } from '../lab/agent-client.ts'

export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)]!
}

/** The sink's state once nothing came for 40 ms, although the phone goes on sending. */
export async function silent(sink: Agent, port: number): Promise<Received> {
  for (;;) {
    const now = await sink.received(port)
    if (monotonicMs() - now.lastAtMs > 40) return now
    await pause(5)
  }
}

/** Resident memory in MB (10^6 bytes would flatter: 2^20). */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024
}

/** The same once it has not moved by 2 MB for 10 s; what it is after a minute otherwise. */
export async function restingMb(pid: number): Promise<number> {
  const end = monotonicMs() + 60_000
  let [before, since] = [await residentMb(pid), monotonicMs()]
  while (monotonicMs() - since < 10_000 && monotonicMs() < end) {
    await pause(500)
    const now = await residentMb(pid)
    if (Math.abs(now - before) > 2) [before, since] = [now, monotonicMs()]
  }
  return before
}

/** Resident memory in the course of a minute: a server that looks at everything again and again is never at rest for long. */
export async function minuteOfMemory(pid: number): Promise<{ least: number; median: number; most: number }> {
  const samples: number[] = []
  for (const end = monotonicMs() + 60_000; monotonicMs() < end; await pause(500)) samples.push(await residentMb(pid))
  return { least: Math.min(...samples), median: percentile(samples, 50), most: Math.max(...samples) }
}

export function load(): string {
  return `load ${loadavg()[0]!.toFixed(1)} on ${cpus().length} cores`
}
