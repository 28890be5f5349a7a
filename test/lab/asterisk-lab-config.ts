import type { Secret } from '../../src/domain/secret.ts'
import type { AsteriskLabOptions, LabPorts } from './asterisk.ts'

interface LabPlace {
  /** Paths as the Asterisk inside its folder sees them. */
  readonly inner: string
  readonly moduleFolder: string
  readonly amiAddress: string
  readonly ports: LabPorts
  readonly secret: Secret
}

/** Every config file of one instance: only the modules that phones need, so that it starts in a third of a second. */
export function configuration(
  options: AsteriskLabOptions,
  { inner, moduleFolder, amiAddress, ports, secret }: LabPlace,
) {
  const rtp = options.rtp ?? { from: 10000, to: 20000 }
  return {
    'asterisk.conf': `[directories]
astcachedir => ${inner}/cache
astetcdir => ${inner}/etc
astmoddir => ${moduleFolder}
astvarlibdir => /var/lib/asterisk
astdbdir => ${inner}/db
astkeydir => ${inner}/keys
astdatadir => /usr/share/asterisk
astagidir => /usr/share/asterisk/agi-bin
astspooldir => ${inner}/spool
astrundir => ${inner}/run
astlogdir => ${inner}/log
[options]
systemname = ringfence-test
`,
    'modules.conf': `[modules]\nautoload=no\n${[...(options.modules ?? []), ...moduleList]
      .filter((module) => !options.without?.includes(module))
      .map((module) => `load=${module}`)
      .join('\n')}\n`,
    'logger.conf': '[general]\n[logfiles]\nfull => notice,warning,error,security,verbose(3)\n',
    'manager.conf': `[general]
enabled = yes
bindaddr = ${amiAddress}
port = ${ports.ami}
tlsenable = yes
tlsbindaddr = ${amiAddress}:${ports.amiTls}
tlscertfile = ${inner}/keys/server.pem
tlsprivatekey = ${inner}/keys/server.key
[ringfence]
secret = ${secret.reveal()}
${options.namespace ? '' : 'deny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.0/255.0.0.0\n'}read = ${options.managerRead ?? ''}
write = ${options.managerWrite ?? (options.dialPlan ? 'system,reporting' : 'system')}
`,
    'pjsip.conf': `[global]
type=global
user_agent=Asterisk
${options.include === false ? '' : '#include ringfence.d/*.conf\n'}${options.pjsip ?? ''}`,
    'rtp.conf': `[general]\nrtpstart=${rtp.from}\nrtpend=${rtp.to}\n`,
    'extensions.conf': `${options.dialplan ?? anyNumberAnswers}${options.dialPlan ? '#include ringfence.d/dialplan.inc\n' : ''}`,
    'cdr.conf': '[general]\nenable=no\n',
    'cel.conf': '[general]\nenable=no\n',
    'features.conf': '[general]\n',
    'acl.conf': '',
    'udptl.conf': '[general]\n',
    'indications.conf': '[general]\ncountry=us\n[us]\ndescription=United States\ndial=350+440\n',
    'musiconhold.conf': '',
    'pjproject.conf': '',
    'pjsip_notify.conf': '',
    'sorcery.conf': '',
    'stasis.conf': '',
    'http.conf': '[general]\nenabled=no\n',
    'ccss.conf': '[general]\n',
  }
}

const anyNumberAnswers = `[from-internal]
exten => 600,1,Answer()
 same => n,Echo()
exten => _X.,1,Answer()
 same => n,Wait(600)
`

const moduleList = [
  'res_statsd.so',
  'res_sorcery_config.so',
  'res_sorcery_memory.so',
  'res_sorcery_astdb.so',
  'res_sorcery_realtime.so',
  'res_timing_timerfd.so',
  'res_pjproject.so',
  'res_srtp.so',
  'res_rtp_asterisk.so',
  'res_geolocation.so',
  'res_http_websocket.so',
  'res_pjsip.so',
  'res_pjsip_session.so',
  'res_pjsip_pubsub.so',
  'res_pjsip_outbound_publish.so',
  'res_pjsip_authenticator_digest.so',
  'res_pjsip_endpoint_identifier_user.so',
  'res_pjsip_endpoint_identifier_ip.so',
  'res_pjsip_registrar.so',
  'res_pjsip_nat.so',
  'res_pjsip_sdp_rtp.so',
  'res_pjsip_caller_id.so',
  'res_pjsip_dtmf_info.so',
  'res_pjsip_rfc3326.so',
  'res_pjsip_rfc3329.so',
  'res_pjsip_acl.so',
  'res_pjsip_logger.so',
  'res_pjsip_notify.so',
  'res_pjsip_maintenance.so',
  'res_pjsip_refer.so',
  'res_pjsip_path.so',
  'res_security_log.so',
  'chan_pjsip.so',
  'bridge_simple.so',
  'bridge_softmix.so',
  'bridge_native_rtp.so',
  'bridge_builtin_features.so',
  'codec_alaw.so',
  'codec_ulaw.so',
  'codec_g722.so',
  'codec_a_mu.so',
  'codec_resample.so',
  'format_pcm.so',
  'format_wav.so',
  'format_sln.so',
  'pbx_config.so',
  'app_dial.so',
  'app_echo.so',
  'app_playback.so',
  'app_verbose.so',
  'func_channel.so',
  'func_callerid.so',
  'func_groupcount.so',
  'func_pjsip_aor.so',
  'func_pjsip_contact.so',
  'func_pjsip_endpoint.so',
  'func_db.so',
  'func_strings.so',
  'func_logic.so',
  'func_cut.so',
  'func_devstate.so',
  'func_dialplan.so',
  'func_lock.so',
  'func_math.so',
  'func_timeout.so',
  'app_exec.so',
  'app_stack.so',
  'app_db.so',
] as const
