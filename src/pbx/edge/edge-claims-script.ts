import { isUnanswered } from '../kamailio/kamailio-call-limits.ts'
import { type EdgeOptions, socketText } from './edge-options.ts'

/** What a phone may say of itself, of calls that it has, and of the way between it and the PBX: part of the edge's script. Pure. */
export function edgeClaimsScript({ address, mtlsPort, port, pbxPort }: EdgeOptions): string {
  const own = (at: number) =>
    `append_hf("Record-Route: <sip:${socketText(address, at)};transport=tls;r2=on;lr;rf=$var(id)>\\r\\n");`
  return `
# A made-up To tag opens nothing: what belongs to no call is refused, and inside of one a phone is who it is outside, or
# whom the PBX called.
route[OWN_CALL] {
	if (is_method("REGISTER|PUBLISH")) route(REFUSE);
	if ($fU == $var(ext)) return;
	$var(call) = $ci + "|" + $var(id);
	$var(called) = "";
	if ($sht(called=>$var(call)) != $null) $var(called) = $sht(called=>$var(call));
	if ($var(called) == "" || $fU == $null || $fU != $var(called)) route(REFUSE);
}

# A call that is counted is that of the phone's extension, which calls: the other end is the PBX. What the PBX may take for
# part of it (Asterisk looks at its own tag alone, in capitals or not) must be part of it here, too.
route[COUNTED_CALL] {
	$var(call) = $(ci{s.tolower});
	$var(end) = $(tt{s.tolower});
	if ($sht(counted=>$var(call)) == $null && $sht(counted=>$var(end)) == $null) return;
	if (!is_known_dlg() || ${isUnanswered} || $dlg_var(rf_caller) != $var(ext) || $ft != $dlg(from_tag)) route(REFUSE);
	if (is_method("ACK")) return;
	route(RINGFENCE_IN_ORDER);
	if ($var(rf_ok) != 1) route(REFUSE);
}

# Called by another name than its own: noted only then, so that calls do not fill the memory.
route[CALLED] {
	if (has_totag() || $tU == $null || $tU == $var(ext)) return;
	$var(call) = $ci + "|" + $var(id);
	$sht(called=>$var(call)) = $tU;
}

# What the PBX might believe.
route[NO_CLAIMS] {
	remove_hf_re("^(P-Asserted-Identity|P-Preferred-Identity|Remote-Party-ID|Diversion|History-Info|Path|Route|Record-Route)$");
}

# The way of a call is made by the answer to it: the edge's own, whatever the phone puts there. Without it the PBX would
# dial the phone's contact itself.
route[OWN_WAY] {
	remove_hf("Record-Route");
	if ($rs < 101 || $rs > 299 || !is_method("INVITE|SUBSCRIBE")) return;
	if ($Rp == ${mtlsPort}) {
		$var(id) = $tls_peer_serial;
		${own(mtlsPort)}
	} else {
		$var(id) = "a" + $(si{s.replace,:,_});
		${own(port)}
	}
	${own(pbxPort)}
}
`
}
