import { type EdgeOptions, socketText } from './edge-options.ts'

/** The way from the edge to the PBX, as part of its script: the only one on which anything of a phone goes there. Pure. */
export function edgeToPbx({ address, port, authorityFile }: EdgeOptions['pbx']): string {
  const place = socketText(address, port)
  return `
route[TO_PBX] {
	$du = "sip:${place};transport=tls";
	t_on_failure("NO_PBX");
${authorityFile === null ? '	route(RELAY);' : overOwnConnection(place)}
}

# A connection that ends in the handshake tells nobody: what was to go over it is not answered.
failure_route[NO_PBX] {
	if (t_is_canceled()) exit;
	if (t_branch_timeout() && !t_branch_replied()) t_reply("503", "PBX Not Reached");
}
`
}

/**
 * The certificate is looked at where the edge dials. Somebody at the PBX's address could dial the edge from the PBX's port,
 * and Kamailio would take that connection for its own: so only one that it is known to have opened itself is taken. One that
 * comes in at this very moment is still in its first state (2), because the one reader, who is here, did not hear it yet.
 */
function overOwnConnection(place: string): string {
  return `	$var(whose) = "pbx";
	if (tcp_get_conid("${place}", "$var(way)")) $var(whose) = "" + $sht(conn=>$var(way));
	if ($var(whose) != "pbx") tcp_close_connection("$var(way)");
	if (!t_relay()) {
		sl_reply_error();
		exit;
	}
	if (!tcp_get_conid("${place}", "$var(way)")) exit;
	tcp_conid_state("$var(way)");
	if ($rc == 2) tcp_close_connection("$var(way)");
	else $sht(conn=>$var(way)) = "pbx";
	exit;`
}
