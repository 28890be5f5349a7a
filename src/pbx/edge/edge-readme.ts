import { type EdgeOptions, socketText } from './edge-options.ts'

/** What stands beside the configuration, for whoever finds it there. */
export function edgeReadme(options: EdgeOptions, folder: string): string {
  const { address, port, mtlsPort, pbxPort, rpc, pbx } = options
  return `The SIP edge of Ringfence: a Kamailio (5.6 or newer, with its TLS modules) in front of the PBX.
docs/edge.md explains all of it.

kamailio.cfg and tls.cfg were written by \`ringfence edge\`: change the settings and write them again, not the files.
${options.folder} is kept in step by the Ringfence server while it runs: certificates, revocation list, who may speak.

  check     kamailio -c -f ${folder}/kamailio.cfg
  run       kamailio -DD -E -m 512 -M 8 -u kamailio -g kamailio -f ${folder}/kamailio.cfg
            (-m is shared memory in megabytes: reckon with 60 kilobytes for each connected phone)

Start Ringfence first: the configuration names files that it writes. Kamailio's user (-u) must be able to read this folder and
${options.folder}, also later: it loads each new revocation list, and tls.cfg with it, as that user. Let a supervisor start it again when it ends.

Who must reach what:
  handsets    ${socketText(address, mtlsPort)} (with a client certificate) and ${socketText(address, port)} (without), TCP
  the PBX     ${socketText(address, pbxPort)}, TCP, and nobody else
  Ringfence   ${socketText(rpc.address, rpc.port)}, TCP, and nobody else
  the edge    ${socketText(pbx.address, pbx.port)}, TCP
`
}
