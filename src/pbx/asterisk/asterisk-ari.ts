import { severalAtATime } from '../in-turn.ts'
import { asProblem, type Problem } from '../pbx-problem.ts'
import type { AccountChanges, AccountWriter } from './account-writer.ts'
import { type AmiSession, field } from './ami-conversation.ts'
import { type AriAddress, type AriObjects, ariObjects, mappingHint } from './ari-objects.ts'
import { type AsteriskObject, isOwnAuthList, objectTypes, parseAuthName } from './asterisk-account.ts'
import { folderProblems } from './asterisk-files.ts'
import { shownAuths } from './asterisk-lists.ts'
import type { AsteriskFolder } from './asterisk-options.ts'
import { readMapping, readSection } from './sorcery-mapping.ts'

/** Extensions that are worked on beside each other. The interface has a request for one object alone, none for several. */
const atOnce = 4

/**
 * Accounts as objects that are made over Asterisk's REST interface. There is no transaction, so the order within each makes
 * sure that no endpoint is ever without its login, and that whatever a broken-off change leaves behind is known as ours: secrets
 * come before the endpoint that names them, the AOR comes last and goes first.
 */
export function ariWriter(address: AriAddress, folder: AsteriskFolder | null): AccountWriter {
  const objects = ariObjects(address)
  return {
    managerActions: ['PJSIPShowAors'],
    mostAtOnce: 50,
    async look(extensions, signal) {
      const [ours, foreign] = [new Set<string>(), new Set<string>()]
      await severalAtATime(extensions, atOnce, async (extension) => {
        const endpoint = await objects.get('endpoint', extension, signal)
        if (endpoint) (isOwnAuthList(extension, endpoint.get('auth') ?? '') ? ours : foreign).add(extension)
        else if (await objects.get('aor', extension, signal)) foreign.add(extension)
      })
      return { ours, foreign }
    },
    async write(changes, signal) {
      await severalAtATime(changes, atOnce, ([extension, change]) =>
        change.objects ? open(objects, change.objects, signal) : close(objects, extension, signal),
      )
    },
    takeOver: (session, changes, signal) => removeOldSecrets(session, objects, changes, signal),
    async problems(session, signal) {
      const [included, mapping, overload, unusable] = await Promise.all([
        folder ? folderProblems(session, folder.configDir) : [],
        mappingProblems(session),
        overloadProblems(session),
        objects.probe(signal).then(() => [], asProblem),
      ])
      // First the interface: what cannot be spoken to keeps nothing.
      return [...(unusable.length > 0 ? unusable : [...mapping, ...overload]), ...included]
    },
  }
}

async function open(objects: AriObjects, wanted: readonly AsteriskObject[], signal: AbortSignal): Promise<void> {
  for (const auth of wanted.filter(({ type }) => type === 'auth')) await putSecret(objects, auth, signal)
  for (const type of ['endpoint', 'aor'] as const) {
    for (const object of wanted) if (object.type === type) await objects.put(object, signal)
  }
}

/** Only what names a fitting secret of ours is ours to remove. */
async function close(objects: AriObjects, extension: string, signal: AbortSignal): Promise<void> {
  const endpoint = await objects.get('endpoint', extension, signal)
  if (!endpoint || !isOwnAuthList(extension, endpoint.get('auth') ?? '')) return
  await objects.remove('aor', extension, signal)
  await objects.remove('endpoint', extension, signal)
}

/** A field that is not named would stay, such as a clear password beside the digest: a changed secret is made anew. */
async function putSecret(objects: AriObjects, auth: AsteriskObject, signal: AbortSignal): Promise<void> {
  const present = await objects.get('auth', auth.id, signal)
  if (present) {
    if (auth.fields.every(([name, value]) => present.get(name) === value) && !present.get('password')) return
    await objects.remove('auth', auth.id, signal)
  }
  await objects.put(auth, signal)
}

/** Names carry the generation; the list comes from the running PBX, so what an earlier try left behind goes too. */
async function removeOldSecrets(
  session: AmiSession,
  objects: AriObjects,
  changes: AccountChanges,
  signal: AbortSignal,
): Promise<void> {
  const wanted = new Set([...changes.values()].flatMap((change) => (change.objects ?? []).map(({ id }) => id)))
  const listed = await shownAuths(session)
  const old = listed
    .map((auth) => field(auth, 'ObjectName'))
    .filter((name) => changes.has(parseAuthName(name)?.extension ?? '') && !wanted.has(name))
  await severalAtATime(old, atOnce, (name) => objects.remove('auth', name, signal))
}

/**
 * For each AOR that is new Asterisk goes through all endpoints (res/res_pjsip/pjsip_options.c), later than it answers. While
 * more than 500 wait, it counts itself overloaded and refuses every phone with 503, unless it is told to look at its SIP
 * queues alone (seen with 22.10.1, 900 accounts at once).
 */
async function overloadProblems(session: AmiSession): Promise<Problem[]> {
  const lines = await readSection(session, 'pjsip.conf', 'global')
  const trigger = lines.find(({ name }) => name === 'taskprocessor_overload_trigger')?.value ?? 'global'
  if (trigger !== 'global') return []
  return [
    {
      message: 'while many accounts are made at once, Asterisk would refuse every phone (503)',
      hint: 'put `taskprocessor_overload_trigger = pjsip_only` into [global] of pjsip.conf and run: asterisk -rx "module reload res_pjsip.so"',
    },
  ]
}

/** One line for all kinds of objects: the remedy is the same. */
async function mappingProblems(session: AmiSession): Promise<Problem[]> {
  const mapping = await readMapping(session)
  const placesOf = (type: string) =>
    mapping.filter(({ name }) => name === type).map(({ value }) => value.split(',')[0]?.trim() ?? '')
  const lost = objectTypes.filter((type) => !placesOf(type).some((place) => ['astdb', 'realtime'].includes(place)))
  const forgotten = lost.filter((type) => placesOf(type).includes('memory'))
  const homeless = lost.filter((type) => !forgotten.includes(type))
  const hint = mappingHint
  return [
    ...(forgotten.length > 0
      ? [
          {
            message: `Asterisk forgets ${forgotten.join(', ')} objects when it restarts; until Ringfence writes them again no phone can log in`,
            hint,
          },
        ]
      : []),
    ...(homeless.length > 0
      ? [
          {
            message: `Asterisk has no place for ${homeless.join(', ')} objects that are made over its REST interface`,
            hint,
          },
        ]
      : []),
  ]
}
