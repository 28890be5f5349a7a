import { kamailioCallLimits } from '../kamailio/kamailio-call-limits.ts'
import { kamailioCallRules } from '../kamailio/kamailio-call-rules.ts'
import { kamailioTransfers, takesOver } from '../kamailio/kamailio-transfers.ts'

/**
 * Call classes and limits at the edge, as part of its script. Pure. Every phone is bound to one extension; what it dials
 * is judged by that extension's policy wherever it stands: in the URI of an INVITE, in the Refer-To of a REFER, inside a
 * call too, and in the Contact of a 3xx with which it sends a call on. All routes here set $var(rf_ok), which is 1 only when
 * they came to their end.
 *
 * What is passed on leads to `pbx`, what stands behind the @ in a URI at the PBX.
 *
 * Internal is what the tables name: extensions that Ringfence knows behind this edge, and what the setting adds.
 */
export const edgeCallsScript = (pbx: string) => `
# See kamailio-transfers.ts. $var(rf_extension) is $var(ext).
route[RINGFENCE_CLASS] {
	$var(rf_ok) = 0;
	$var(rf_outside) = 0;
	$var(rf_extension) = $var(ext);
	$var(rf_policy) = "none";
	if ($sht(policy=>$var(ext)) == $null || $sht(policy=>$var(ext)) == "none") {
		$var(rf_ok) = 1;
		return;
	}
	$var(rf_policy) = $sht(policy=>$var(ext));
	$var(rf_plan) = "";
	if ($sht(plan=>dial) != $null) $var(rf_plan) = $sht(plan=>dial);
	$var(rf_internal) = 0;
	if ($var(rf_dialled) != "" && $sht(policy=>$var(rf_dialled)) != $null) $var(rf_internal) = 1;
	if ($sht(plan=>internal) != $null) {
		$var(pattern) = $sht(plan=>internal);
		if ($var(rf_dialled) =~ $var(pattern)) $var(rf_internal) = 1;
	}
	route(RINGFENCE_CLASSIFY);
	if (!route(RINGFENCE_MAY_DIAL)) return;
	if (!($var(rf_kind) =~ "^(internal|emergency|perhaps)$")) $var(rf_outside) = 1;
	$var(rf_ok) = 1;
}

# An INVITE that begins a call.
route[CALL] {
	$var(rf_dialled) = "";
	if ($rU != $null) $var(rf_dialled) = $rU;
	route(RINGFENCE_CLASS);
	if ($var(rf_ok) != 1 || ${takesOver}) route(NOT_ALLOWED);
	# Only the number was judged: it is called at the PBX and nowhere else.
	if ($var(rf_policy) != "none" && (!is_myself("$ru") || $ru =~ "maddr")) $ru = "sip:" + $var(rf_dialled) + "@${pbx}";
	if ($var(rf_policy) != "none") t_on_reply("TAKEN");
	if ($var(rf_outside) != 1) return;
	$dlg_ctx(timeout_bye) = 1;
	dlg_manage();
	route(RINGFENCE_BEGIN);
	$var(rf_ok) = 0;
	if (route(RINGFENCE_WITHIN_LIMITS)) $var(rf_ok) = 1;
	if ($var(rf_ok) != 1) {
		sl_send_reply("403", "Too Many Calls");
		exit;
	}
	$var(counted) = 1;
	route(NOTE);
}

# Calls of phones with a class that the PBX takes part in, whoever began them: by Call-ID, its tag and the phone's,
# each as its hash: a phone chooses two of them, and no text between could not stand in one.
route[TAKE] {
	if (!is_method("INVITE") || $rs > 299 || $tt == $null) return;
	$var(call) = $(ci{s.sha256}) + $(tt{s.sha256}) + $(ft{s.sha256});
	$sht(taken=>$var(call)) = 1;
}

onreply_route[TAKEN] {
	route(TAKE);
}

# An INVITE inside of a call. Where the edge did not see that begin (a made-up To tag, or Kamailio was started anew) the PBX
# may take it for a new one (RFC 3261 section 12.2.2): so it is judged like a new one, where it has a number.
route[SAME_CALL] {
	$var(call) = $(ci{s.sha256}) + $(tt{s.sha256}) + $(ft{s.sha256});
	if ($sht(taken=>$var(call)) == $null && $rU != $null) route(JUDGE);
}

# The number of what the PBX may make a call of (Asterisk does so of a MESSAGE).
route[JUDGE] {
	$var(rf_dialled) = $rU;
	route(RINGFENCE_ELSEWHERE);
	if ($var(rf_ok) != 1) route(NOT_ALLOWED);
	if ($var(rf_outside) == 1 && is_method("MESSAGE")) route(NOTE);
}

# A REFER: whom the PBX shall call for this phone.
route[TRANSFER] {
	route(RINGFENCE_REFER_TO);
	route(RINGFENCE_ELSEWHERE);
	if ($var(rf_ok) != 1) route(NOT_ALLOWED);
	$var(rf_place) = "${pbx}";
	route(RINGFENCE_PASS_REFER);
	if ($var(rf_ok) != 1) route(NOT_ALLOWED);
	if ($var(rf_outside) == 1) route(NOTE);
}

# The PBX asks for the password first: that was no call yet.
route[NOTE] {
	$avp(counted_hour) = $var(rf_extension) + ":calls:" + $var(rf_hour);
	$avp(counted_day) = $var(rf_extension) + ":calls:" + $var(rf_day);
	t_on_reply("COUNTED");
}

onreply_route[COUNTED] {
	route(TAKE);
	if (is_method("INVITE") && $rs < 300 && $tt != $null) {
		$var(call) = $(ci{s.tolower});
		$var(end) = $(tt{s.tolower});
		$sht(counted=>$var(call)) = 1;
		$sht(counted=>$var(end)) = 1;
	}
	if ($rs != 401 && $rs != 407) return;
	$var(rf_spent) = $sht(ringfence_spent=>$avp(counted_hour));
	if ($var(rf_spent) > 0) $sht(ringfence_spent=>$avp(counted_hour)) = $var(rf_spent) - 1;
	$var(rf_spent) = $sht(ringfence_spent=>$avp(counted_day));
	if ($var(rf_spent) > 0) $sht(ringfence_spent=>$avp(counted_day)) = $var(rf_spent) - 1;
}

# An INVITE to a phone, whose extension is in $var(ext).
route[RINGING] {
	$avp(callee) = $var(ext);
	$avp(forwarded) = "no";
	t_on_reply("ANSWERED");
	t_on_failure("FORWARDED");
}

onreply_route[ANSWERED] {
	$var(ext) = $avp(callee);
	if ($rs < 300 && $tt != $null && $sht(policy=>$var(ext)) != $null && $sht(policy=>$var(ext)) != "none") {
		$var(call) = $(ci{s.sha256}) + $(ft{s.sha256}) + $(tt{s.sha256});
		$sht(taken=>$var(call)) = 1;
	}
	if ($rs < 300 || $rs > 399) return;
	$avp(forwarded) = "not allowed";
	route(RINGFENCE_SENT_ON);
	route(RINGFENCE_ELSEWHERE);
	if ($var(rf_ok) != 1) return;
	$var(rf_place) = "${pbx}";
	route(RINGFENCE_PASS_ON);
	if ($var(rf_ok) != 1) return;
	$avp(forwarded) = "allowed";
}

failure_route[FORWARDED] {
	if ($avp(forwarded) == "not allowed") t_reply("480", "Temporarily Unavailable");
}

route[NOT_ALLOWED] {
	sl_send_reply("403", "Not Allowed");
	exit;
}
${kamailioCallRules}${kamailioCallLimits}${kamailioTransfers}`
