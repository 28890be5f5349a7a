import type { AccessSystem, Evidence, Finding } from '../../../access/access-system.ts'
import type { CertificateSubject } from '../../../domain/access.ts'
import type { SubjectKeeper, SubjectSnapshot } from './subject-keeper.ts'
import { serialKey } from './subject-list.ts'

export interface SubjectAccessOptions {
  readonly pbxId: string
  readonly keeper: SubjectKeeper
  /** Name of the sofia profile. */
  readonly profile: string
  readonly now: () => Date
}

type Snapshot = SubjectSnapshot & { readonly readAt: Date }

/**
 * The allow-list of a sofia profile as a place where a certificate is open or shut. What counts is what the port does: it
 * is asked with certificates that stand for a list and not for a handset. A list takes effect when the profile is
 * restarted, which ends its calls; that is a person's to decide.
 */
export function subjectAccess(options: SubjectAccessOptions): AccessSystem<CertificateSubject, Snapshot> {
  const { pbxId, keeper, profile, now } = options
  return {
    kind: 'allow-list',
    instance: pbxId,
    read: async (signal) => ({ ...(await keeper.read(signal)), readAt: now() }),
    judge: (subject, snapshot) =>
      subject.wanted === 'closed'
        ? judgeClosed(subject, snapshot, { profile, restarts: keeper.restart !== null })
        : judgeOpen(subject, snapshot, profile),
    async apply(subjects, signal) {
      await keeper.publish()
      const closing = subjects.filter(({ wanted }) => wanted === 'closed')
      if (!keeper.restart || closing.length === 0) return
      const { running } = await keeper.read(signal)
      if (closing.some(({ serial }) => running?.handsets.has(serialKey(serial)))) await keeper.restart(signal)
    },
  }
}

function judgeClosed(
  subject: CertificateSubject,
  { written, enforced, running, readAt }: Snapshot,
  { profile, restarts }: { readonly profile: string; readonly restarts: boolean },
): Finding {
  const { serial } = subject
  const key = serialKey(serial)
  const facts = factsOf(serial, { written, enforced, running })
  const say = findings(facts)
  if (Date.parse(subject.notAfter) <= readAt.getTime())
    return say.asDesired(`${short(serial)} ran out at ${subject.notAfter}`)
  if (written === null || written.handsets.has(key))
    return say.differs(`${short(serial)} is not left out of the allow-list yet`)
  if (!enforced)
    return say.waiting(
      `${short(serial)} is left out of the allow-list, which FreeSWITCH does not go by`,
      `The port of sofia profile ${profile} lets in a certificate that is not in the allow-list: include the list and set tls-verify-policy, then restart the profile.`,
    )
  if (running === null)
    return say.waiting(
      `${short(serial)} is left out of the allow-list; FreeSWITCH goes by another one`,
      `Restart sofia profile ${profile} at a quiet time, it ends its calls: it goes by an allow-list that Ringfence does not know, or does not trust the authority of the handsets.`,
    )
  const handset = running.handsets.get(key)
  if (handset !== undefined) {
    const seen = `${short(serial)} is left out of the allow-list, which FreeSWITCH has not read since`
    if (restarts) return say.differs(seen, 'Ringfence restarts the profile, as the settings say')
    return say.waiting(
      seen,
      `Restart sofia profile ${profile} at a quiet time, it ends its calls: until then it lets ${short(serial)} in.`,
    )
  }
  if (running.former.has(key))
    return {
      state: 'unverifiable',
      evidence: { summary: `the allow-list lets in the handset of ${short(serial)} by its newer certificate`, facts },
      problem: `FreeSWITCH cannot tell ${short(serial)} from the newer certificate of the same handset: both have its name`,
      hint: 'nobody else has the old one if the handset was never out of hand; else remove the handset and hand out a new one',
    }
  return say.asDesired(
    `${short(serial)} is left out of the allow-list that sofia profile ${profile} goes by; its port refused a certificate that is not in it`,
  )
}

function judgeOpen({ serial }: CertificateSubject, { written, enforced, running }: Snapshot, profile: string): Finding {
  const key = serialKey(serial)
  const facts = factsOf(serial, { written, enforced, running })
  const say = findings(facts)
  if (!written?.handsets.has(key)) return say.differs(`${short(serial)} is not in the allow-list yet`)
  if (!enforced) return say.asDesired(`${short(serial)} is in the allow-list, which FreeSWITCH does not go by`)
  if (running?.handsets.has(key))
    return say.asDesired(`${short(serial)} is in the allow-list that sofia profile ${profile} goes by`)
  return say.waiting(
    `${short(serial)} is in the allow-list, which FreeSWITCH has not read since`,
    `Restart sofia profile ${profile} at a quiet time, it ends its calls: until then it refuses ${short(serial)}.`,
  )
}

/** Without the mark: a list that changed for somebody else changes nothing here. */
function factsOf(serial: string, { written, enforced, running }: SubjectSnapshot): Evidence['facts'] {
  const key = serialKey(serial)
  const [listed, inForce] = [written, running].map((list) => list?.handsets.has(key) ?? null)
  return { serial, listed: listed ?? null, enforced, inForce: inForce ?? null }
}

function findings(facts: Evidence['facts']) {
  return {
    asDesired: (summary: string): Finding => ({ state: 'as-desired', evidence: { summary, facts } }),
    differs: (problem: string, hint = again): Finding => ({
      state: 'differs',
      evidence: { summary: problem, facts },
      problem,
      hint,
    }),
    waiting: (summary: string, problem: string): Finding => ({
      state: 'waiting',
      evidence: { summary, facts },
      problem,
      hint: 'the line closes by itself once the port shows it (docs/freeswitch.md)',
    }),
  }
}

const again = 'Ringfence writes it again; if this stays, check the folder of RINGFENCE_PBX_SUBJECTS_FILE'

function short(serial: string): string {
  return `serial ${serial.slice(0, 8)}…`
}
