import type { JourneyContext } from './context.ts'

/** Prometheus text format 0.0.4. Counts only: nothing that names a person. */
export async function metrics(context: JourneyContext): Promise<string> {
  const { employees, handsets, openVerdicts, leaversInProgress } = await context.store.counts()
  const memory = process.memoryUsage()
  const lines = [
    ['ringfence_employees', 'People who hold an extension.', employees],
    ['ringfence_handsets', 'Handsets that are handed out.', handsets],
    ['ringfence_open_verdicts', 'Doors that are not proved to be as they should.', openVerdicts],
    ['ringfence_leavers_in_progress', 'People whose offboarding is not complete.', leaversInProgress],
    ['ringfence_tunnels_heard', 'Tunnels on the hub that have shaken hands.', context.handshakes.size],
    ['process_resident_memory_bytes', 'Resident memory of the server.', memory.rss],
  ] as const
  return lines.map(([name, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`).join('')
}
