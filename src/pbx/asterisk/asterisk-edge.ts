import { counted } from '../../domain/counted.ts'
import type { Problem } from '../pbx-problem.ts'
import { someOf } from '../some-of.ts'
import type { AccountWriter } from './account-writer.ts'
import { type AmiMessage, type AmiSession, field } from './ami-conversation.ts'
import { isOurs, listEndpoints } from './asterisk-endpoints.ts'
import { shownAors } from './asterisk-lists.ts'
import { listRegistrations } from './asterisk-state.ts'

/** What `edgeProblems` asks of the manager user. */
export const edgeActions: readonly string[] = ['PJSIPShowAors']

/** For `doctor`: accounts that do not stand behind the edge yet, or still do, and phones that go past it. */
export async function edgeProblems(
  session: AmiSession,
  { edge, writer, signal }: { edge: string | null; writer: Pick<AccountWriter, 'unaligned'>; signal: AbortSignal },
): Promise<readonly Problem[]> {
  // What keeps the place from being read is told already.
  const written = (await writer.unaligned?.(signal).catch(() => [])) ?? []
  if (edge === null) return written.length === 0 ? [] : [leftBehind(written)]
  const [{ endpoints }, aors, registrations] = await Promise.all([
    listEndpoints(session),
    shownAors(session),
    listRegistrations(session),
  ])
  const ours = new Set(endpoints.filter(isOurs).map(({ name }) => name))
  // Written is not in force: Asterisk keeps an old object when a new one is bad.
  const withoutPath = aors
    .filter(hasNoPath)
    .map((aor) => field(aor, 'ObjectName'))
    .filter((name) => ours.has(name))
  const open = [...new Set([...written, ...withoutPath])].sort()
  const way = `@${edge.includes(':') ? `[${edge}]` : edge}:`
  const past = registrations.filter(({ extension, path }) => ours.has(extension) && !path.includes(way))
  return [
    ...(open.length === 0 ? [] : [notYetKept(open)]),
    ...(past.length === 0
      ? []
      : [
          goesPast(
            past.map(({ extension, address }) => `${extension} from ${address ?? 'an address that is not shown'}`),
          ),
        ]),
  ]
}

function hasNoPath(aor: AmiMessage): boolean {
  return field(aor, 'SupportPath') !== 'true'
}

function notYetKept(extensions: readonly string[]): Problem {
  return {
    message: `${counted(extensions.length, 'account is', 'accounts are')} not yet kept to the edge: ${someOf(extensions, 5)}`,
    hint: 'Ringfence does it with its next look, within a minute; if this stays, see what the log of the PBX says about the reload',
  }
}

function leftBehind(extensions: readonly string[]): Problem {
  return {
    message: `${counted(extensions.length, 'account is', 'accounts are')} still kept to an edge that the settings do not name: ${someOf(extensions, 5)}`,
    hint: 'Ringfence frees them with its next look, within a minute; until then these phones cannot register',
  }
}

function goesPast(phones: readonly string[]): Problem {
  return {
    message: `${counted(phones.length, 'phone is', 'phones are')} registered with the PBX itself, past the edge: ${someOf(phones, 5)}`,
    hint: '`ringfence invite WHO` for each holder: the new file names the edge; the old registration is not renewed',
  }
}
