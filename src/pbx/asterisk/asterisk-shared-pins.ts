import { AppError } from '../../errors.ts'
import type { SharedPin } from '../pbx-driver.ts'
import type { Problem } from '../pbx-problem.ts'
import { type AmiMessage, type AmiSession, field } from './ami-conversation.ts'
import { type DialplanStep, named, pinsInDialplan } from './asterisk-dialplan-pins.ts'
import { isLoaded, reportingHint } from './asterisk-modules.ts'
import { readSections, valuesOf } from './asterisk-sections.ts'

/**
 * PINs that many know: in the running dialplan, in confbridge.conf and meetme.conf, and where FreePBX keeps those of its
 * conferences (`CONFERENCE/<room>/userpin` and `adminpin` in Asterisk's own database: FreePBX/conferences, functions.inc.php).
 * A module that is not loaded asks for nothing, so its place is not looked at.
 */
export async function readSharedPins(session: AmiSession): Promise<readonly SharedPin[]> {
  const { disa, authenticate, confbridge, meetme } = await loadedModules(session)
  const [dialplan, bridges, meetings, rooms] = await Promise.all([
    disa || authenticate || confbridge || meetme ? dialplanPins(session) : [],
    confbridge ? bridgePins(session) : [],
    meetme ? meetingPins(session) : [],
    confbridge || meetme ? storedPins(session) : [],
  ])
  return [...dialplan, ...bridges, ...meetings, ...rooms]
}

/** For `doctor`: a dialplan that Ringfence may not look at. */
export async function sharedPinsProblem(session: AmiSession): Promise<Problem[]> {
  if ((await session.act({ Action: 'ListCommands' })).has('showdialplan')) return []
  if (!Object.values(await loadedModules(session)).includes(true)) return []
  return [{ message: 'the manager user may not look for DISA and PINs in the dialplan', hint: reportingHint }]
}

async function loadedModules(session: AmiSession) {
  const [disa, authenticate, confbridge, meetme] = await Promise.all([
    isLoaded(session, 'app_disa'),
    isLoaded(session, 'app_authenticate'),
    isLoaded(session, 'app_confbridge'),
    isLoaded(session, 'app_meetme'),
  ])
  return { disa, authenticate, confbridge, meetme }
}

/** The whole of it: the manager interface has no way to ask for one application. */
async function dialplanPins(session: AmiSession): Promise<readonly SharedPin[]> {
  try {
    return pinsInDialplan((await session.list({ Action: 'ShowDialPlan' })).flatMap(stepOf))
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'PBX_REFUSED') throw error
    return [
      {
        kind: 'disa',
        words: `whether the dialplan asks for PINs (DISA, Authenticate) cannot be seen: ${reportingHint}`,
      },
    ]
  }
}

function stepOf(event: AmiMessage): DialplanStep[] {
  const application = field(event, 'Application')
  if (application === '') return []
  return [
    {
      context: field(event, 'Context'),
      extension: field(event, 'Extension'),
      application,
      data: field(event, 'AppData'),
    },
  ]
}

async function bridgePins(session: AmiSession): Promise<readonly SharedPin[]> {
  const sections = await readSections(session, 'confbridge.conf')
  const withPin = sections.filter((one) => valuesOf(one, 'type').includes('user') && valuesOf(one, 'pin').length > 0)
  return told(
    withPin.map(({ name }) => name),
    (names) => `conferences ask for the PIN of ${names} in confbridge.conf`,
  )
}

async function meetingPins(session: AmiSession): Promise<readonly SharedPin[]> {
  const sections = (await readSections(session, 'meetme.conf')).filter(({ name }) => name === 'rooms')
  // `conf => 2345,pin,adminpin`
  const rooms = sections.flatMap((one) => valuesOf(one, 'conf')).map((value) => value.split(','))
  const withPin = rooms.filter(([, ...pins]) => pins.some((pin) => pin.trim() !== ''))
  return told(
    withPin.map(([room = '']) => room.trim()),
    (names) => `conference room ${names} has a PIN in meetme.conf`,
  )
}

async function storedPins(session: AmiSession): Promise<readonly SharedPin[]> {
  // An Asterisk before 16.28 does not know the action.
  const entries = await session.list({ Action: 'DBGetTree', Family: 'CONFERENCE' }, 'Invalid/unknown command')
  const rooms = entries.flatMap((entry) => {
    const [, room] = /^\/CONFERENCE\/([^/]+)\/(?:userpin|adminpin)$/.exec(field(entry, 'Key')) ?? []
    return room !== undefined && field(entry, 'Val').trim() !== '' ? [room] : []
  })
  return told(rooms, (names) => `conference room ${names} has a PIN (in FreePBX: Applications, Conferences)`)
}

function told(names: readonly string[], words: (names: string) => string): SharedPin[] {
  return names.length === 0 ? [] : [{ kind: 'conference-pin', words: words(named(new Set(names))) }]
}
