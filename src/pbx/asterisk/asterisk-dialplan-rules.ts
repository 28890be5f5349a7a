/**
 * The part of the dialplan that all extensions with a call policy share. Pure.
 *
 * Calls are counted in Asterisk's own database by the clock's hour and day, under a lock. Minutes are reserved when a call
 * begins, and what it did not use comes back when it ends: calls at one time never use more than there is, together. For
 * that, what is left is shared out among the calls that may run at once.
 */
import type { DialPlan } from '../../domain/call-policy.ts'
import { countriesPattern, emergencyNumbers, numberRules, outsideNumber, rankOf } from '../../domain/dialled-number.ts'

export const rulesContext = 'ringfence-rules'

/** Modules beside those that every phone needs. */
export const dialplanModules: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'pbx_config',
    'app_exec',
    'app_stack',
    'app_verbose',
    'func_channel',
    'func_cut',
    'func_db',
    'func_devstate',
    'func_dialplan',
    'func_groupcount',
    'func_lock',
    'func_logic',
    'func_math',
    'func_strings',
    'func_timeout',
  ].map((module) => [module, 'call classes do not work, and who has one can dial emergency numbers only']),
)

const dialled = '\u0024{RINGFENCE_DIALLED}'

function isDialled(pattern: string): string {
  return `\u0024{REGEX("${pattern}" ${dialled})}`
}

/**
 * ARG1 extension, ARG2 rank of its class, ARG3 countries beyond it, ARG4 outside calls at once, ARG5 and ARG6 calls an
 * hour and a day, ARG7 and ARG8 minutes an hour and a day; 0: no limit. Returns when the call may go on.
 */
export function dialplanRules(plan: DialPlan, internalContext: string | null): string {
  const internal =
    internalContext === null ? '' : ` same => n,GotoIf(\${DIALPLAN_EXISTS(${internalContext},${dialled},1)}?internal)\n`
  return `[${rulesContext}]
exten => s,1,GotoIf($[\${LEN(\${FILTER(0-9+*#,${dialled})})} = \${LEN(${dialled})}]?:refuse)
 same => n,GotoIf(${isDialled(`^(${emergencyNumbers(plan).join('|')})$`)}?may)
${internal} same => n,GotoIf(${isDialled('^[0-9]+$')}?:outside)
 same => n,GotoIf($["\${DEVICE_STATE(PJSIP/${dialled})}" = "INVALID"]?outside)
 same => n(internal),GotoIf($[\${ARG2} >= ${rankOf('internal')}]?may:refuse)
 same => n(outside),GotoIf(${isDialled(outsideNumber)}?:refuse)
${numberRules(plan)
  .map(({ kind, pattern }) => ` same => n,GotoIf(${isDialled(pattern)}?${kind})\n`)
  .join('')} same => n,Goto(refuse)
 same => n(local),GotoIf($[\${ARG2} >= ${rankOf('local')}]?count:refuse)
 same => n(national),GotoIf($[\${ARG2} >= ${rankOf('national')}]?count:refuse)
 same => n(international),GotoIf($[\${ARG2} >= ${rankOf('international')}]?count)
 same => n,GotoIf($[\${ARG2} = ${rankOf('blocked')} | "\${ARG3}" = ""]?refuse)
 same => n,GotoIf(${isDialled(countriesPattern(plan, '\u0024{ARG3}'))}?count:refuse)
${counting}
${refund}
`
}

/** Legs are counted too: a call that was transferred to another outside number has lost the channel that it began on. */
const counting = ` same => n(count),Set(GROUP(ringfence)=\${ARG1})
 same => n,GotoIf($[\${ARG4} > 0 & \${GROUP_COUNT(\${ARG1}@ringfence)} > \${ARG4}]?refuse)
 same => n,GotoIf($[\${ARG4} > 0 & \${GROUP_COUNT(\${ARG1}@ringfence-legs)} >= \${ARG4}]?refuse)
 same => n,Set(OUTBOUND_GROUP=\${ARG1}@ringfence-legs)
 same => n,GotoIf($[\${ARG5} + \${ARG6} + \${ARG7} + \${ARG8} = 0]?may)
 same => n,GotoIf(\${LOCK(ringfence-\${ARG1})}?:refuse)
 same => n,Set(LOCAL(hour)=\${STRFTIME(\${EPOCH},,%Y%m%d%H)})
 same => n,Set(LOCAL(day)=\${STRFTIME(\${EPOCH},,%Y%m%d)})
 same => n,Set(LOCAL(inhour)=\${DB(ringfence/\${ARG1}/hour)})
 same => n,ExecIf($["\${CUT(inhour,:,1)}" = "\${hour}"]?NoOp():Set(LOCAL(inhour)=\${hour}:0:0))
 same => n,Set(LOCAL(inday)=\${DB(ringfence/\${ARG1}/day)})
 same => n,ExecIf($["\${CUT(inday,:,1)}" = "\${day}"]?NoOp():Set(LOCAL(inday)=\${day}:0:0))
 same => n,GotoIf($[\${ARG5} > 0 & \${CUT(inhour,:,2)} >= \${ARG5}]?over)
 same => n,GotoIf($[\${ARG6} > 0 & \${CUT(inday,:,2)} >= \${ARG6}]?over)
 same => n,Set(LOCAL(seconds)=0)
 same => n,GotoIf($[\${ARG7} + \${ARG8} = 0]?note)
 same => n,Set(LOCAL(seconds)=\${IF($[\${ARG7} > 0]?$[\${ARG7} * 60 - \${CUT(inhour,:,3)}]:9999999)})
 same => n,Set(LOCAL(today)=\${IF($[\${ARG8} > 0]?$[\${ARG8} * 60 - \${CUT(inday,:,3)}]:9999999)})
 same => n,ExecIf($[\${today} < \${seconds}]?Set(LOCAL(seconds)=\${today}))
 same => n,Set(LOCAL(free)=$[\${ARG4} - \${GROUP_COUNT(\${ARG1}@ringfence)} + 1])
 same => n,ExecIf($[\${free} > 1]?Set(LOCAL(seconds)=\${MATH(\${seconds}/\${free},int)}))
 same => n,GotoIf($[\${seconds} < 1]?over)
 same => n(note),Set(DB(ringfence/\${ARG1}/hour)=\${hour}:$[\${CUT(inhour,:,2)} + 1]:$[\${CUT(inhour,:,3)} + \${seconds}])
 same => n,Set(DB(ringfence/\${ARG1}/day)=\${day}:$[\${CUT(inday,:,2)} + 1]:$[\${CUT(inday,:,3)} + \${seconds}])
 same => n,NoOp(\${UNLOCK(ringfence-\${ARG1})})
 same => n,GotoIf($[\${seconds} = 0]?may)
 same => n,Set(TIMEOUT(absolute)=\${seconds})
 same => n,Set(CHANNEL(hangup_handler_push)=ringfence-ended,s,1(\${ARG1},\${hour},\${day},\${seconds},\${EPOCH}))
 same => n(may),Return()
 same => n(over),NoOp(\${UNLOCK(ringfence-\${ARG1})})
 same => n(refuse),Log(NOTICE,Ringfence: extension \${ARG1} may not dial \${FILTER(0-9+*#,${dialled})} now)
 same => n,Hangup(21)
`

/** ARG1 extension, ARG2 hour and ARG3 day when the call began, ARG4 seconds reserved, ARG5 when it began. */
const refund = `[ringfence-ended]
exten => s,1,Set(LOCAL(unused)=$[\${ARG4} - \${EPOCH} + \${ARG5}])
 same => n,GotoIf($[\${unused} < 1]?done)
 same => n,GotoIf(\${LOCK(ringfence-\${ARG1})}?:done)
 same => n,Set(LOCAL(inhour)=\${DB(ringfence/\${ARG1}/hour)})
 same => n,ExecIf($["\${CUT(inhour,:,1)}" = "\${ARG2}"]?Set(DB(ringfence/\${ARG1}/hour)=\${ARG2}:\${CUT(inhour,:,2)}:$[\${CUT(inhour,:,3)} - \${unused}]))
 same => n,Set(LOCAL(inday)=\${DB(ringfence/\${ARG1}/day)})
 same => n,ExecIf($["\${CUT(inday,:,1)}" = "\${ARG3}"]?Set(DB(ringfence/\${ARG1}/day)=\${ARG3}:\${CUT(inday,:,2)}:$[\${CUT(inday,:,3)} - \${unused}]))
 same => n,NoOp(\${UNLOCK(ringfence-\${ARG1})})
 same => n(done),Return()
`
