import { AppError } from '../errors.ts'

/** What a broken unique rule means to the person who caused it. `columns` is how SQLite names it, `index` PostgreSQL. */
interface UniqueRule {
  readonly index: string
  readonly columns: string
  readonly field: string
  readonly message: string
  readonly hint: string
}

const again = 'try again; if it comes back, please report it'

const rules: readonly UniqueRule[] = [
  {
    index: 'assignmentLiveExtension',
    columns: 'assignment.pbxId, assignment.extension',
    field: 'extension',
    message: 'this extension already belongs to somebody',
    hint: 'choose another extension, or offboard its holder first',
  },
  {
    index: 'employeePresentEmail',
    columns: 'employee.email',
    field: 'email',
    message: 'somebody with this e-mail address is already here',
    hint: 'add the handset to that person, or finish their offboarding first',
  },
  {
    index: 'handsetLiveMac',
    columns: 'handset.mac',
    field: 'mac',
    message: 'a phone with this MAC address is already in use',
    hint: 'remove the phone from its present holder first',
  },
  ...['publicKey', 'nextPublicKey'].map((column) => ({
    index: column === 'publicKey' ? 'tunnelLiveKey' : 'tunnelLiveNextKey',
    columns: `tunnel.${column}`,
    field: 'publicKey',
    message: 'another tunnel already uses this public key',
    hint: 'make a new key on the phone; a key must never be in two places',
  })),
  {
    index: 'tunnelAddressLivePrefix',
    columns: 'tunnelAddress.hubId, tunnelAddress.prefix',
    field: 'prefix',
    message: 'another tunnel already has this address',
    hint: 'try again: the next free address will be taken',
  },
  {
    index: 'sipCredentialLiveUsername',
    columns: 'sipCredential.assignmentId, sipCredential.username',
    field: 'username',
    message: 'this extension already has a login with this name',
    hint: again,
  },
  {
    index: 'certificateSerial',
    columns: 'certificate.serial',
    field: 'serial',
    message: 'this certificate serial was issued before',
    hint: again,
  },
  {
    index: 'inviteToken',
    columns: 'invite.tokenHash',
    field: 'tokenHash',
    message: 'this invite exists already',
    hint: again,
  },
  {
    index: 'handsetEnrolToken',
    columns: 'handset.enrolTokenHash',
    field: 'enrolTokenHash',
    message: 'this enrolment token exists already',
    hint: again,
  },
  {
    index: 'handsetSteadyToken',
    columns: 'handset.steadyTokenHash',
    field: 'steadyTokenHash',
    message: 'this phone token exists already',
    hint: again,
  },
  {
    index: 'apiTokenHash',
    columns: 'apiToken.tokenHash',
    field: 'tokenHash',
    message: 'this token exists already',
    hint: again,
  },
  {
    index: 'outboxDedupeKey',
    columns: 'outbox.dedupeKey',
    field: 'dedupeKey',
    message: 'this message was already written',
    hint: 'it will be delivered once',
  },
  {
    index: 'auditEventPosition',
    columns: 'auditEvent.position',
    field: 'position',
    message: 'the audit log was extended by somebody else at the same time',
    hint: again,
  },
]

/** A database's error in our words; an AppError passes as it is. The original stays as `cause`. */
export function databaseError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (!(error instanceof Error)) return unknownFault(error)
  return sqliteError(error) ?? postgresError(error) ?? unknownFault(error)
}

/** Result codes: https://www.sqlite.org/rescode.html; the low byte is the primary code. */
function sqliteError(error: Error): AppError | undefined {
  if (!('errcode' in error) || typeof error.errcode !== 'number') return undefined
  const uniqueOrPrimaryKey = error.errcode === 2067 || error.errcode === 1555
  if (uniqueOrPrimaryKey) {
    const named = /^UNIQUE constraint failed: (.+)$/.exec(error.message)?.[1] ?? ''
    return conflict(
      rules.find((rule) => rule.columns === named),
      error,
    )
  }
  if (error.errcode === 787) return danglingReference(error)
  switch (error.errcode & 0xff) {
    case 5: // SQLITE_BUSY
      return busy(error)
    case 8: // SQLITE_READONLY
    case 10: // SQLITE_IOERR
    case 13: // SQLITE_FULL
    case 14: // SQLITE_CANTOPEN
      return new AppError('STORE_BUSY', 'the database file could not be read or written', {
        retryable: true,
        cause: error,
        hint: 'check that the disk is not full and that the data folder belongs to the user that runs Ringfence',
      })
  }
  return undefined
}

/** SQLSTATE: https://www.postgresql.org/docs/15/errcodes-appendix.html */
function postgresError(error: Error): AppError | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === '23505') {
    const index = 'constraint' in error ? error.constraint : undefined
    return conflict(
      rules.find((rule) => rule.index === index),
      error,
    )
  }
  if (code === '23503') return danglingReference(error)
  const gone = /^(08|53|57P)/.test(code) || /^(ECONN|ENOENT|ENOTFOUND|EPIPE|ETIMEDOUT)/.test(code)
  if (gone || /connection (terminated|timeout)|timeout exceeded when trying to connect/i.test(error.message)) {
    return new AppError('STORE_BUSY', 'the database server does not answer', {
      retryable: true,
      cause: error,
      hint: 'check that PostgreSQL runs and that this host may reach it',
    })
  }
  // Serialization failure, deadlock, lock not available.
  return /^(40|55P03)/.test(code) ? busy(error) : undefined
}

function busy(cause: Error): AppError {
  return new AppError('STORE_BUSY', 'the database is busy', { retryable: true, cause, hint: 'try again in a moment' })
}

function conflict(rule: UniqueRule | undefined, cause: Error): AppError {
  const problem = rule ?? { field: 'id', message: 'a row with this id exists already' }
  const hint = rule?.hint ?? again
  return new AppError('CONFLICT', problem.message, {
    hint,
    cause,
    problems: [{ field: problem.field, message: problem.message, hint }],
  })
}

function danglingReference(cause: Error): AppError {
  return new AppError('INTERNAL', 'a row refers to something that does not exist', {
    cause,
    hint: 'nothing was changed; please report this with the server log',
  })
}

function unknownFault(cause: unknown): AppError {
  return new AppError('INTERNAL', 'the database refused an operation', {
    cause,
    hint: 'nothing was changed; the server log has the details',
  })
}
