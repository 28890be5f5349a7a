/** What a phone makes others dial: calls that it sends on (3xx) and its transfers, as text for the registrar's script. Pure. */
export const forwardRoutes = `
# A call from the next hop, which would make the call that the phone sends on. A phone that calls makes it itself, with a
# login of its own.
route[RINGFENCE_TO_PHONE_FROM_OUTSIDE] {
	$avp(rf_sent_on) = "no";
	t_on_failure("RINGFENCE_NOT_SENT_ON");
	route(RINGFENCE_TO_PHONE);
}

# A phone's 3xx. Of an extension with several phones one that sends the call where it may not is enough.
route[RINGFENCE_SENDS_ON] {
	if ($avp(rf_sent_on) == $null || $avp(rf_sent_on) == "not allowed") return;
	$avp(rf_sent_on) = "not allowed";
	$var(rf_extension) = $dlg_var(rf_callee);
	route(RINGFENCE_SENT_ON);
	route(RINGFENCE_ELSEWHERE);
	if ($var(rf_ok) != 1) return;
	route(RINGFENCE_HOP);
	$var(rf_place) = $var(rf_hop);
	route(RINGFENCE_PASS_ON);
	if ($var(rf_ok) != 1) return;
	$avp(rf_sent_on) = "allowed";
}

failure_route[RINGFENCE_NOT_SENT_ON] {
	if ($avp(rf_sent_on) == "not allowed") t_reply("480", "Temporarily Unavailable");
}

# A REFER inside a call, after a login, whoever the other end is: a colleague's phone would dial with a wider class.
route[RINGFENCE_TRANSFER] {
	route(RINGFENCE_REFER_TO);
	route(RINGFENCE_ELSEWHERE);
	if ($var(rf_ok) != 1) {
		sl_send_reply("403", "Not Allowed");
		exit;
	}
	route(RINGFENCE_HOP);
	$var(rf_place) = $var(rf_hop);
	# A colleague's phone calls by way of us.
	if (($ft == $dlg(from_tag) && $dlg_var(rf_callee) != $null) || ($ft != $dlg(from_tag) && $dlg_var(rf_caller) != $null))
		$var(rf_place) = $(RAut{s.strip,4});
	route(RINGFENCE_PASS_REFER);
	if ($var(rf_ok) != 1) {
		sl_send_reply("403", "Not Allowed");
		exit;
	}
}

# See kamailio-transfers.ts.
route[RINGFENCE_CLASS] {
	$var(rf_ok) = 0;
	$var(rf_outside) = 0;
	$var(rf_policy) = "none";
	if (!sql_query("ringfence", "select policy from ringfence_credential where extension = '$var(rf_extension)'", "theirs"))
		return;
	if ($dbr(theirs=>rows) > 0) $var(rf_policy) = $dbr(theirs=>[0,0]);
	sql_result_free("theirs");
	if ($var(rf_policy) == "none") {
		$var(rf_ok) = 1;
		return;
	}
	route(RINGFENCE_PLAN);
	$var(rf_internal) = 0;
	if ($var(rf_dialled) =~ "^[0-9]+$") {
		sql_query("ringfence", "select 1 from ringfence_credential where extension = '$var(rf_dialled)'", "held");
		if ($dbr(held=>rows) > 0) $var(rf_internal) = 1;
		sql_result_free("held");
	}
	route(RINGFENCE_CLASSIFY);
	if (!route(RINGFENCE_MAY_DIAL)) return;
	if (!($var(rf_kind) =~ "^(internal|emergency|perhaps)$")) $var(rf_outside) = 1;
	$var(rf_ok) = 1;
}

# The dial plan, from the database at each call, so that a change needs no word to Kamailio.
route[RINGFENCE_PLAN] {
	$var(rf_plan) = "";
	if (!sql_query("ringfence", "select plan from ringfence_plan where id = 1", "plan")) return;
	if ($dbr(plan=>rows) > 0) $var(rf_plan) = $dbr(plan=>[0,0]);
	sql_result_free("plan");
}
`
