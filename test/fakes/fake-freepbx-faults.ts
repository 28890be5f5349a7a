/** What a FreePBX that is not real can be made to do. */
export interface FreepbxFaults {
  /** The web server answers this and nothing else. */
  answers: { status: number; body: string } | null
  /** Takes the request and never answers. */
  hangs: boolean
  /** Closes the connection in the middle of an answer. */
  breaksOff: boolean
  /** Says `status: true` to a change and keeps everything. */
  keepsOld: boolean
  /** "Apply Config" is executed and Asterisk keeps its old objects. */
  reloadKeepsOld: boolean
  reloadFails: boolean
  reloadNeverEnds: boolean
  /** Lists fewer extensions than it counts. */
  listsHalf: boolean
  /** Every token is refused after this many more questions. */
  tokenDiesAfter: number
  refusesLogin: boolean
  /** `updateCoreUser` answers and does nothing. */
  keepsUser: boolean
  /** Carries the change out and answers too late. */
  answersLate: Set<string>
  /** Never gets the question. */
  losesQuestions: Set<string>
  /** Says no to the field and does nothing: by `status` in what was asked for, or as an error of GraphQL. */
  saysNo: { field: string; http: number; as: 'status' | 'error' } | null
}

export const noFaults = (): FreepbxFaults => ({
  answers: null,
  hangs: false,
  breaksOff: false,
  keepsOld: false,
  reloadKeepsOld: false,
  reloadFails: false,
  reloadNeverEnds: false,
  listsHalf: false,
  tokenDiesAfter: Number.POSITIVE_INFINITY,
  refusesLogin: false,
  keepsUser: false,
  answersLate: new Set(),
  losesQuestions: new Set(),
  saysNo: null,
})

/** Of the fault that says no. */
export const saidNo = 'Sorry, not today'
