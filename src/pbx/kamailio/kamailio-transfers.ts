/**
 * Whether an INVITE takes over a call (RFC 3891, 3911), of whoever has a limit on how long or how many, as a condition: what
 * was counted would go on uncounted, as a call to the number that was dialled.
 */
export const takesOver =
  '($var(rf_policy) =~ " (callsAtOnce|minutesPerHour|minutesPerDay)=" && $hdrc(Replaces) + $hdrc(Join) > 0)'

/**
 * Calls that somebody else makes for a phone: its transfers (REFER) and the calls that it sends on (3xx). As text for a
 * Kamailio script; the registrar's and the edge's use the same. Pure.
 *
 * The script has a route(RINGFENCE_CLASS) that says whether $var(rf_extension) may dial $var(rf_dialled): it sets
 * $var(rf_policy), $var(rf_ok) to 1 where it may, and $var(rf_outside) to 1 where limits count that call.
 *
 * route(RINGFENCE_REFER_TO) and route(RINGFENCE_SENT_ON) set $var(rf_dialled) from a REFER and a 3xx; empty, so that nobody
 * with a class gets there, where it is not one number. route(RINGFENCE_ELSEWHERE) is RINGFENCE_CLASS for such a call, with
 * what limits say to it.
 */
export const kamailioTransfers = `
route[RINGFENCE_REFER_TO] {
	$var(rf_dialled) = "";
	$var(rf_headers) = "";
	if ($rt == $null || $(hdr(Refer-To)[1]) != $null) return;
	if ($rt =~ "[?&]Replaces=") {
		$var(rf_headers) = "?Replaces=" + $(rt{re.subst,/^.*[?&]Replaces=([^&]*).*$/\\1/i});
		if ($var(rf_headers) =~ "[<> \\"]") return;
	}
	$var(rf_dialled) = "" + $(rt{uri.user});
}

# As RINGFENCE_PASS_ON, but for a transfer, which may take over a call.
route[RINGFENCE_PASS_REFER] {
	if ($var(rf_policy) == "none") return;
	$var(rf_ok) = 0;
	if (!remove_hf("Refer-To")) return;
	if (append_hf("Refer-To: <sip:$var(rf_dialled)@$var(rf_place)$var(rf_headers)>\\r\\n")) $var(rf_ok) = 1;
}

route[RINGFENCE_SENT_ON] {
	$var(rf_dialled) = "";
	# What one parser takes for the end of a quotation another does not.
	if ($ct == $null || $(hdr(Contact)[1]) != $null || $ct =~ "[,\\"'\\\\\\\\]|<.*<") return;
	$var(rf_dialled) = "" + $(ct{nameaddr.uri}{uri.user});
}

# Of an allowed 3xx nothing but the number that was judged is passed on, at $var(rf_place). Without a class nothing was. It
# stays allowed ($var(rf_ok)) only when what the phone wrote is gone.
route[RINGFENCE_PASS_ON] {
	if ($var(rf_policy) == "none") return;
	$var(rf_ok) = 0;
	if (!remove_hf("Contact")) return;
	if (append_hf("Contact: <sip:$var(rf_dialled)@$var(rf_place)>\\r\\n")) $var(rf_ok) = 1;
}

# A 3xx to what begins no call is no forward, and nobody judges it.
failure_route[RINGFENCE_STAYS] {
	if (t_check_status("3[0-9][0-9]")) t_reply("480", "Temporarily Unavailable");
}

# How long such a call lasts is not seen from here: whoever has a limit on that, or on calls at once, can have none to the
# outside.
route[RINGFENCE_ELSEWHERE] {
	route(RINGFENCE_CLASS);
	if ($var(rf_ok) != 1 || $var(rf_outside) != 1) return;
	$var(rf_ok) = 0;
	if ($var(rf_policy) =~ " (callsAtOnce|minutesPerHour|minutesPerDay)=") return;
	if (!route(RINGFENCE_CALLS_LEFT)) return;
	route(RINGFENCE_COUNT_CALL);
	$var(rf_ok) = 1;
}
`
