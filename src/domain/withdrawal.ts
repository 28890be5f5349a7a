/**
 * What was withdrawn and is no door of its own: a token or link that ended, or what used to open a door that lives on
 * under a higher generation. Written in the transaction that withdraws and, like tombstones, appended to the journal
 * beside the database: an older copy of the database cannot make it work again. Ids only.
 */
export interface Withdrawal {
  /** `<kind>/<subjectId>`: there is one row for each subject, its generation only grows. */
  readonly id: string
  readonly kind: WithdrawalKind
  readonly subjectId: string
  readonly employeeId: string | null
  readonly at: string
  readonly generation: number
}

/**
 * - `api-token` (id of the token), `invite` (id of the invite): over for ever; the generation says nothing and is 1.
 * - `door-links` (id of the handset or home gateway): all links of door generations below this one.
 * - `enrolment-link` (id of the handset, or of the home gateway whose key came by its link): used up in this door
 *   generation and those below; the phone's own link and the gateway's link for phones go on.
 * - `sip-secret` (id of the credential): all secrets of generations below this one.
 * - `passkey` (id of the passkey): over for ever; of an administrator who stays.
 * - `moment` (`database`): the database itself as it was before this generation. See store/moment.ts.
 */
export type WithdrawalKind = (typeof withdrawalKinds)[number]

export const withdrawalKinds = [
  'api-token',
  'invite',
  'door-links',
  'enrolment-link',
  'sip-secret',
  'passkey',
  'moment',
] as const

export function withdrawalOf(
  kind: WithdrawalKind,
  subjectId: string,
  { employeeId, at, generation = 1 }: { employeeId: string | null; at: string; generation?: number },
): Withdrawal {
  return { id: `${kind}/${subjectId}`, kind, subjectId, employeeId, at, generation }
}
