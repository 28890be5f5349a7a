/** What is there, what is missing, and the command that mends it. */
import { asAppError } from '../errors.ts'
import type { EdgeDescription } from '../pbx/edge/edge-description.ts'
import type { LoadedTemplates } from '../phones/phone-port.ts'
import type { HubDescription } from '../tunnels/hub-port.ts'
import { abilityWords } from './ability-words.ts'
import { clearInterfaces } from './clear-interfaces.ts'
import type { JourneyContext } from './context.ts'
import { dialPlanChecks } from './dial-plans.ts'
import type { DoctorCheck, DoctorReport } from './doctor-view.ts'
import { abilitiesOf, type KnownPbx, severalPbxs } from './known-pbx.ts'
import { phoneSettingChecks } from './phone-settings.ts'
import { staleHandsets } from './settings-drift.ts'
import { letterChecks, templateChecks } from './template-checks.ts'

export interface DoctorSources {
  readonly hub: (signal: AbortSignal) => Promise<HubDescription>
  readonly edge?: ((signal: AbortSignal) => Promise<EdgeDescription>) | null
  readonly revocationListAgeMs: () => number | null
  readonly doorCertificate: () => Promise<{
    readonly source: 'service-ca' | 'files' | 'off'
    readonly notAfter: string | null
  }>
  readonly embeddedPassphrase: boolean
  readonly unwrittenTombstones: () => Promise<number>
  readonly loadTemplates: () => Promise<LoadedTemplates>
}

const askMs = 5_000
const staleListMs = 3 * 86_400_000
const namedAtMost = 5

export async function doctor(context: JourneyContext, sources: DoctorSources): Promise<DoctorReport> {
  const checks = await Promise.all([
    hubChecks(sources),
    ...context.pbxs.map((pbx) => pbxChecks(context, pbx)),
    edgeChecks(sources),
    doorChecks(context, sources),
    ...context.pbxs.map((pbx) => hostName(context, pbx)),
    storeChecks(context, sources),
    keyChecks(sources),
    staleChecks(context),
    templateChecks(context, sources.loadTemplates),
    letterChecks(context),
    phoneSettingChecks(context),
    dialPlanChecks(context),
  ])
  const demo = context.config.demo.map(
    (message): DoctorCheck => ({ area: 'settings', state: 'note', message, hint: 'docs/configuration.md' }),
  )
  const notes = context.config.notes.map((note): DoctorCheck => ({ area: 'settings', state: 'note', ...note }))
  return { checks: [...checks.flat(), ...notes, ...demo] }
}

const packages = 'as root: apt-get install wireguard-tools wireguard-go nftables iproute2'

/** Where all is installed, what the hub itself could not do says more. */
function lacksPackages({ problems }: HubDescription): boolean {
  return problems.length === 0 || problems.some(({ message }) => message.includes('not installed'))
}

async function hubChecks({ hub }: DoctorSources): Promise<DoctorCheck[]> {
  try {
    const description = await hub(AbortSignal.timeout(askMs))
    const mode = {
      kernel: 'WireGuard in the kernel',
      userspace: 'wireguard-go',
      preview: 'preview: no packet moves on this host',
    }[description.mode]
    return [
      {
        area: 'hub',
        state: description.mode === 'preview' ? 'note' : 'ok',
        message: `${description.interface}: ${mode}, port ${description.listenPort}`,
        hint: description.mode === 'preview' && lacksPackages(description) ? packages : null,
      },
      ...description.problems.map(
        ({ message, hint }): DoctorCheck => ({ area: 'hub', state: 'problem', message, hint }),
      ),
    ]
  } catch (error) {
    return [problem('hub', error)]
  }
}

async function pbxChecks(context: JourneyContext, { settings, driver }: KnownPbx): Promise<DoctorCheck[]> {
  // Where there are several, each sentence says of which it speaks.
  const name = `PBX ${settings.name}`
  const named = (check: DoctorCheck): DoctorCheck => {
    if (!severalPbxs(context)) return check
    const message = check.message.replace(/^the PBX\b/, name)
    return { ...check, message: message.startsWith(name) ? message : `${name}: ${message}` }
  }
  try {
    const { readBack } = driver.abilities
    const description = await driver.describe(AbortSignal.timeout(askMs))
    const checks: DoctorCheck[] = [
      {
        area: 'pbx',
        // By hand: its address was not so much as dialled.
        state: readBack ? 'ok' : 'note',
        message: `${description.product}${settings.address ? ` at ${settings.address}` : ''}${readBack ? '' : ': not looked at'}`,
        hint: null,
      },
    ]
    const abilities = abilitiesOf({ settings, driver })
    const { can, cannot } = abilityWords(abilities)
    checks.push({
      area: 'pbx',
      state: 'note',
      message: `${settings.edge ? 'with the edge in front: ' : ''}does ${can.length} of ${can.length + cannot.length} things that Ringfence asks of a PBX`,
      hint: cannotHint(can, cannot),
    })
    if (abilities.revocationLists === 'not-checked') {
      checks.push({
        area: 'pbx',
        state: 'note',
        message: 'this PBX does not check revocation lists: what keeps a leaver out is the tunnel and the secret',
        hint: null,
      })
    }
    const problems = [...clearInterfaces(settings), ...description.problems]
    return [
      ...checks,
      ...problems.map(({ message, hint }): DoctorCheck => ({ area: 'pbx', state: 'problem', message, hint })),
    ].map(named)
  } catch (error) {
    return [named(problem('pbx', error))]
  }
}

/** In words, so that nobody has to look elsewhere for what keeps a leaver in. */
function cannotHint(can: readonly string[], cannot: readonly string[]): string | null {
  if (cannot.length === 0) return null
  if (can.length === 0) return 'nothing of it is driven: a person does each step; `ringfence pbx list` names them'
  return `it cannot ${cannot.join(', ')}; \`ringfence pbx list\` names what it can`
}

async function edgeChecks({ edge }: DoctorSources): Promise<DoctorCheck[]> {
  if (!edge) return []
  try {
    const { summary, problems } = await edge(AbortSignal.timeout(askMs))
    return [
      { area: 'edge', state: 'ok', message: summary, hint: null },
      ...problems.map(({ message, hint }): DoctorCheck => ({ area: 'edge', state: 'problem', message, hint })),
    ]
  } catch (error) {
    return [problem('edge', error)]
  }
}

async function doorChecks({ config }: JourneyContext, { doorCertificate }: DoctorSources): Promise<DoctorCheck[]> {
  const { source, notAfter } = await doorCertificate()
  if (source === 'off')
    return [{ area: 'phone door', state: 'note', message: 'TLS is left to the proxy in front', hint: null }]
  if (source === 'service-ca') {
    return [
      {
        area: 'phone door',
        state: 'note',
        message: 'shows a certificate of the Service CA: phone apps on iOS and Android refuse it',
        hint: 'set RINGFENCE_PHONE_TLS_CERT and RINGFENCE_PHONE_TLS_KEY to a publicly trusted certificate',
      },
    ]
  }
  const left = notAfter === null ? 0 : Date.parse(notAfter) - Date.now()
  return [
    left > 7 * 86_400_000
      ? {
          area: 'phone door',
          state: 'ok',
          message: `${config.phoneDoor.url}, certificate until ${notAfter}`,
          hint: null,
        }
      : {
          area: 'phone door',
          state: 'problem',
          message: `the certificate runs out at ${notAfter}`,
          hint: 'renew it; the files are read again when they change',
        },
  ]
}

/** Handsets dial the PBX by name; the name must lead to the address inside the VPN. */
async function hostName({ resolveHost }: JourneyContext, { settings }: KnownPbx): Promise<DoctorCheck[]> {
  const { host, edge } = settings
  const address = edge?.address ?? settings.address
  if (address === null || host === address) return []
  const found = await resolveHost(host)
  if (found.includes(address))
    return [{ area: 'pbx', state: 'ok', message: `${host} resolves to ${address}`, hint: null }]
  const seen = found.length === 0 ? 'does not resolve here' : `resolves to ${found.join(', ')} here, not to ${address}`
  return [
    {
      area: 'pbx',
      state: 'problem',
      message: `${host} ${seen}`,
      hint: `publish an address record ${host} → ${address}; some home routers drop answers with private addresses`,
    },
  ]
}

async function storeChecks(context: JourneyContext, { unwrittenTombstones }: DoctorSources): Promise<DoctorCheck[]> {
  const broken = await context.store.verifyAuditChain()
  const missing = await unwrittenTombstones()
  return [
    broken === null
      ? { area: 'store', state: 'ok', message: 'the audit chain is whole', hint: null }
      : {
          area: 'store',
          state: 'problem',
          message: `the audit chain breaks at event ${broken}`,
          hint: 'somebody changed the database by hand; compare it with a backup',
        },
    missing === 0
      ? { area: 'store', state: 'ok', message: 'every shut door stands in the leaver journal', hint: null }
      : {
          area: 'store',
          state: 'problem',
          message: `${missing} shut doors are missing from the leaver journal`,
          hint: 'check the disk; it is written again by itself',
        },
  ]
}

async function keyChecks({ embeddedPassphrase, revocationListAgeMs }: DoctorSources): Promise<DoctorCheck[]> {
  const age = revocationListAgeMs()
  return [
    embeddedPassphrase
      ? {
          area: 'pki',
          state: 'note',
          message: 'the passphrase lies in the data folder: it protects a copied database, not a copied folder',
          hint: 'set RINGFENCE_PASSPHRASE_FILE to a file outside it',
        }
      : { area: 'pki', state: 'ok', message: 'the keys are sealed with a passphrase from outside', hint: null },
    age !== null && age < staleListMs
      ? { area: 'pki', state: 'ok', message: 'the revocation list is fresh', hint: null }
      : {
          area: 'pki',
          state: 'problem',
          message: age === null ? 'no revocation list is published' : 'the revocation list is older than three days',
          hint: 'look in the server log for why it could not be signed',
        },
  ]
}

/** What was handed out before an address or a name changed still says the old one. */
async function staleChecks({ store, pbxs }: JourneyContext): Promise<DoctorCheck[]> {
  const stale = await staleHandsets({ store, pbxs })
  if (stale === null) return []
  const { changedAt, handsets } = stale
  const holders = new Map(handsets.map(({ employeeId, assignmentId }) => [employeeId, assignmentId]))
  const named = await Promise.all(
    [...holders].slice(0, namedAtMost).map(async ([employeeId, assignmentId]) => {
      const [employee, assignment] = await Promise.all([
        store.get('employee', employeeId),
        store.get('assignment', assignmentId),
      ])
      return `${employee?.email} (${assignment?.extension})`
    }),
  )
  const more = holders.size - named.length
  const count = handsets.length === 1 ? '1 handset was' : `${handsets.length} handsets were`
  return [
    {
      area: 'settings',
      state: 'problem',
      message: `${count} handed out before addresses or names changed on ${changedAt}: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
      hint: '`ringfence invite WHO` for each of these people',
    },
  ]
}

function problem(area: DoctorCheck['area'], error: unknown): DoctorCheck {
  const { message, hint } = asAppError(error)
  return { area, state: 'problem', message, hint: hint ?? null }
}
