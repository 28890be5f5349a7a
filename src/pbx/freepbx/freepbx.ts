import { AppError } from '../../errors.ts'
import { type AccountBook, accountBook, type BookEntry } from '../account-book.ts'
import { withAmi } from '../asterisk/ami-connection.ts'
import type { AmiSession } from '../asterisk/ami-conversation.ts'
import { amiDeeds } from '../asterisk/ami-deeds.ts'
import { describeAsterisk } from '../asterisk/asterisk-description.ts'
import { oneAtATime } from '../in-turn.ts'
import type { ExistingExtension, PbxAbilities, PbxAccount, PbxDriver } from '../pbx-driver.ts'
import { asProblem, type Problem } from '../pbx-problem.ts'
import { someOf } from '../some-of.ts'
import { type FreepbxApi, freepbxApi } from './freepbx-api.ts'
import {
  type Change,
  forgetGone,
  notInForce,
  openExtension,
  readRunning,
  requireValidFreepbxAccount,
  shutExtension,
  type Workshop,
} from './freepbx-changes.ts'
import { unencrypted } from './freepbx-endpoint.ts'
import { hasVoicemail, type ListedExtension, listExtensions } from './freepbx-extension.ts'
import { freepbxOutliving, readFreepbxLeftovers } from './freepbx-leftovers.ts'
import type { FreepbxOptions } from './freepbx-options.ts'
import { describeLosses, type Snapshot } from './freepbx-password.ts'
import { configApplier } from './freepbx-reload.ts'
import { readFreepbx } from './freepbx-state.ts'

/**
 * FreePBX: extensions are made and changed through its own API, so that its pages show them, and everything that is said
 * about them is read from the Asterisk under it. Both interfaces are needed.
 */
export function freepbxDriver(options: FreepbxOptions): PbxDriver {
  const inTurn = oneAtATime()
  const api = freepbxApi(options)
  const book = accountBook(options.accountsFile)
  const applyConfig = configApplier(api, { lookEveryMs: options.lookEveryMs, lostMs: options.lostReloadMs })
  const snapshots = new Map<string, Snapshot>()
  const { manager } = options
  return {
    kind: 'freepbx',
    // "Apply Config" alone may take up to two minutes.
    patienceMs: 150_000,
    abilities: freepbxAbilities(options),
    describe: (signal) =>
      describeAsterisk(
        { manager, transports: null },
        {
          managerActions: ['PJSIPShowEndpoint'],
          problems: async (session) => [...(await apiProblems(api, signal)), ...(await mediaProblems(session, book))],
        },
        signal,
      ).then(
        (asterisk) => ({ ...asterisk, product: `FreePBX on ${asterisk.product}` }),
        async (error: unknown) => Promise.reject(await bothInterfaces(error, api, signal)),
      ),
    readAccounts: async (signal) => {
      const noted = await book.read()
      return withAmi(manager, signal, (session) => readFreepbx(session, noted, options.realm))
    },
    applyAccounts: async (accounts, signal) => {
      for (const account of accounts) requireValidFreepbxAccount(account)
      await inTurn(() => applyAccounts({ options, api, book, applyConfig, snapshots, signal }, accounts))
    },
    ...amiDeeds({ manager, inTurn }),
    readLeftovers: async (extensions, signal) => {
      const noted = await book.read()
      return withAmi(manager, signal, (session) => readFreepbxLeftovers(session, noted, extensions))
    },
    outliving: freepbxOutliving,
    listExisting: async (signal) => {
      const [listed, noted] = await Promise.all([listExtensions(api, signal), book.read()])
      return [...listed.values()].filter(({ extensionId }) => isFree(noted.get(extensionId))).map(shown)
    },
  }
}

export function freepbxAbilities({ realm }: Pick<FreepbxOptions, 'realm'>): PbxAbilities {
  return {
    realm,
    credentialsPerExtension: 'one',
    readBack: true,
    endsRegistrations: true,
    endsCalls: true,
    resync: true,
    // The transports are FreePBX's own; whether one demands certificates cannot be seen.
    certificates: 'not-checked',
    revocationLists: 'not-checked',
    storesSecretAs: 'clear',
    callClasses: 'absent',
    adoption: true,
  }
}

async function applyAccounts(workshop: Workshop, accounts: readonly PbxAccount[]): Promise<void> {
  const { api, book, signal } = workshop
  const [listed, noted] = [await listExtensions(api, signal), await book.read()]
  const changes: Change[] = []
  const refusals: AppError[] = []
  // Leavers first; one that fails keeps no other from being shut.
  const inOrder = [...accounts].sort((one, other) => one.credentials.length - other.credentials.length)
  for (const account of inOrder) {
    const { extension, credentials, adopted } = account
    const [entry, found] = [noted.get(extension), listed.get(extension)]
    try {
      if (credentials.length > 0) {
        if (found && (adopted || isFree(entry))) requireFit(extension, found)
        changes.push(await openExtension(workshop, account, { entry, isThere: found !== undefined }))
      } else if (entry && found) {
        const change = await shutExtension(workshop, account, entry)
        if (change) changes.push(change)
      }
      // Gone from the pages, perhaps not yet from the running Asterisk.
      else if (entry) changes.push({ extension, digest: null, before: null, lost: [] })
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'PBX_UNREACHABLE' || signal.aborted) throw error
      refusals.push(error)
    }
  }
  await bringIntoForce(workshop, changes)
  await forgetGone(workshop, changes)
  const losses = await describeLosses(workshop, changes)
  if (losses.length > 0) {
    throw new AppError('PBX_REFUSED', `FreePBX took settings away while it changed a password: ${losses.join('; ')}`, {
      hint: 'the password is in force; set these again on the extension\'s page in FreePBX and press "Apply Config"',
      retryable: true,
    })
  }
  if (refusals[0]) throw refusals[0]
}

async function bringIntoForce(workshop: Workshop, changes: readonly Change[]): Promise<void> {
  const lacking = async () => notInForce(changes, await readRunning(workshop))
  if (changes.length === 0 || (await lacking()).length === 0) return
  await workshop.applyConfig(workshop.signal, async () => (await lacking()).length > 0)
  const late = await lacking()
  if (late.length === 0) return
  const names = late.map(({ extension }) => extension)
  throw new AppError(
    'PBX_REFUSED',
    `FreePBX applied its configuration, but Asterisk has not changed extension ${someOf(names)}`,
    {
      hint: "see Asterisk's log of this minute: it keeps the old objects when one of the new ones is bad",
      retryable: true,
    },
  )
}

function requireFit(extension: string, found: ListedExtension): void {
  const { obstacle } = shown(found)
  if (obstacle === null) return
  throw new AppError(
    'PBX_REFUSED',
    `on FreePBX, extension ${extension} already belongs to somebody else's configuration`,
    { hint: obstacle },
  )
}

const isFree = (entry: BookEntry | undefined) => entry === undefined || isGone(entry)

/** Nothing of ours is there any more, as far as we saw. */
function isGone({ origin, credential }: BookEntry): boolean {
  return credential === null && origin !== 'being-made'
}

function shown(listed: ListedExtension): ExistingExtension {
  const { extensionId, tech, user, coreDevice } = listed
  const devicetype = coreDevice?.devicetype ?? ''
  const obstacle =
    tech !== 'pjsip'
      ? `it is a ${tech || 'nameless'} extension: convert it to pjsip in FreePBX first`
      : devicetype !== 'fixed'
        ? 'its device is not fixed to its user: change that in FreePBX first'
        : null
  return {
    extension: extensionId,
    displayName: user?.name ?? null,
    email: null,
    facts: {
      technology: tech ?? '',
      device: devicetype,
      ...(hasVoicemail(listed) ? { voicemail: emptied } : {}),
    },
    obstacle,
  }
}

/** See freepbx-password.ts; whoever takes it over is to know before. */
const emptied = 'FreePBX deletes the messages and greetings of its box when its password is changed'

async function mediaProblems(session: AmiSession, book: AccountBook): Promise<Problem[]> {
  const ours = [...(await book.read())].flatMap(([extension, { credential }]) => (credential ? [extension] : []))
  const found = await unencrypted(session, ours)
  if (found.length === 0) return []
  return [
    {
      message: `calls of extension ${someOf(found, 20)} are not encrypted on FreePBX, so the phones' calls are refused (488)`,
      hint: 'set Media Encryption to SRTP via in-SDP on the page of each (Advanced), then "Apply Config": the API of FreePBX cannot',
    },
  ]
}

/** Where the manager interface fails: what else will have to be mended, so that nobody comes back twice. */
async function bothInterfaces(error: unknown, api: FreepbxApi, signal: AbortSignal): Promise<unknown> {
  if (!(error instanceof AppError)) return error
  const [other] = await apiProblems(api, signal).catch(() => [])
  if (!other) return error
  const { code, message, hint, retryable } = error
  return new AppError(code, `${message}; and its other interface: ${other.message}`, {
    hint: [hint, other.hint].filter(Boolean).join('. Then: '),
    retryable,
    cause: error,
  })
}

async function apiProblems(api: FreepbxApi, signal: AbortSignal) {
  try {
    await listExtensions(api, signal)
    return []
  } catch (error) {
    return asProblem(error)
  }
}
