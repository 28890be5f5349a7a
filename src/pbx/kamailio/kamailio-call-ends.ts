/**
 * Where the two ends of a call are, as text for the registrar's script. Pure.
 *
 * Each end is noted when it speaks itself: a phone by its connection, the next hop by its contact and the proxies that it
 * wants to stay on the way. What is said inside the call goes there, whatever URI and Route the request has: these are the
 * other end's words, and anybody's host could stand in them.
 *
 * A phone's end has $dlg_var(rf_caller) or $dlg_var(rf_callee), the extension; the next hop's has neither.
 */
export const callEnds = `
# For a request that begins a call or moves its sender; and for the answer to one, where the sides are the other way round.
route[RINGFENCE_NOTE_CALLER] {
	if ($dlg_var(rf_caller) != $null) $dlg_var(rf_caller_at) = $su;
	else if ($ct != $null) $dlg_var(rf_caller_uri) = $(ct{nameaddr.uri});
}

route[RINGFENCE_NOTE_CALLEE] {
	if ($dlg_var(rf_callee) != $null) $dlg_var(rf_callee_at) = $su;
	else if ($ct != $null) $dlg_var(rf_callee_uri) = $(ct{nameaddr.uri});
}

# The proxies of the next hop that want to stay, without ourselves: $var(rf_way) as the caller's request has to pass them,
# $var(rf_back) as the callee's.
route[RINGFENCE_WAY] {
	$var(rf_all) = "";
	$var(rf_i) = 0;
	while ($(hdr(Record-Route)[$var(rf_i)]) != $null) {
		$var(rf_all) = $var(rf_all) + $(hdr(Record-Route)[$var(rf_i)]) + ",";
		$var(rf_i) = $var(rf_i) + 1;
	}
	$var(rf_way) = "";
	$var(rf_back) = "";
	$var(rf_i) = 0;
	$var(rf_one) = $(var(rf_all){s.select,0,,});
	while ($var(rf_one) != "") {
		$var(rf_uri) = $(var(rf_one){nameaddr.uri});
		if (!is_myself("$var(rf_uri)")) {
			$var(rf_way) = "<" + $var(rf_uri) + ">," + $var(rf_way);
			$var(rf_back) = $var(rf_back) + "<" + $var(rf_uri) + ">,";
		}
		$var(rf_i) = $var(rf_i) + 1;
		$var(rf_one) = $(var(rf_all){s.select,$var(rf_i),,});
	}
}

# Sends what is said inside a call to its other end.
route[RINGFENCE_TO_OTHER_END] {
	remove_hf("Route");
	$var(rf_at) = "";
	$var(rf_uri) = "";
	$var(rf_way) = "";
	if ($ft == $dlg(from_tag)) {
		if ($dlg_var(rf_callee_at) != $null) $var(rf_at) = $dlg_var(rf_callee_at);
		if ($dlg_var(rf_callee_uri) != $null) $var(rf_uri) = $dlg_var(rf_callee_uri);
		if ($dlg_var(rf_callee_way) != $null) $var(rf_way) = $dlg_var(rf_callee_way);
		if (is_method("INVITE|UPDATE")) route(RINGFENCE_NOTE_CALLER);
	} else {
		if ($dlg_var(rf_caller_at) != $null) $var(rf_at) = $dlg_var(rf_caller_at);
		if ($dlg_var(rf_caller_uri) != $null) $var(rf_uri) = $dlg_var(rf_caller_uri);
		if ($dlg_var(rf_caller_way) != $null) $var(rf_way) = $dlg_var(rf_caller_way);
		if (is_method("INVITE|UPDATE")) route(RINGFENCE_NOTE_CALLEE);
	}
	if ($var(rf_at) != "") {
		$du = $var(rf_at);
	} else if ($var(rf_uri) != "") {
		$ru = $var(rf_uri);
		$du = $null;
		if ($var(rf_way) != "") {
			$var(rf_one) = $(var(rf_way){s.select,0,,});
			$du = $(var(rf_one){nameaddr.uri});
			$var(rf_way) = $(var(rf_way){s.striptail,1});
			append_hf("Route: $var(rf_way)\\r\\n");
		}
	} else {
		if (!is_method("ACK")) sl_send_reply("481", "Call/Transaction Does Not Exist");
		exit;
	}
	t_on_reply("RINGFENCE_ANSWER");
	t_on_failure("RINGFENCE_STAYS");
	t_relay();
}

route[RINGFENCE_TO_PHONE] {
	$dlg_var(rf_callee) = $var(rf_dialled);
	remove_hf("Route");
	t_on_reply("RINGFENCE_ANSWER");
	if (!t_relay()) sl_reply_error();
}

# Sets $var(rf_hop), the next hop's own name.
route[RINGFENCE_HOP] {
	$var(rf_hop) = "invalid";
#!ifdef RINGFENCE_NEXT_HOP
	$var(rf_hop) = RINGFENCE_NEXT_HOP;
	$var(rf_hop) = $(var(rf_hop){re.subst,/^sips?:([^;]*).*$/\\1/});
#!endif
}

# To the next hop by its own name, without what a phone wrote around the number.
route[RINGFENCE_TO_NEXT_HOP] {
#!ifdef RINGFENCE_NEXT_HOP
	remove_hf("Route");
	$du = RINGFENCE_NEXT_HOP;
	route(RINGFENCE_HOP);
	$ru = "sip:" + $rU + "@" + $var(rf_hop);
	t_on_reply("RINGFENCE_ANSWER");
	if (!t_relay()) sl_reply_error();
#!else
	sl_send_reply("404", "Not Found");
#!endif
}

onreply_route[RINGFENCE_ANSWER] {
	if ($pr == "tls" && $rs >= 300 && $rs <= 399) {
		route(RINGFENCE_SENDS_ON);
		return;
	}
	if ($pr == "tls") fix_nated_contact();
	if (!is_method("INVITE|UPDATE") || $rs < 180 || $rs > 299) return;
	if ($ft != $dlg(from_tag)) {
		route(RINGFENCE_NOTE_CALLER);
		return;
	}
	route(RINGFENCE_NOTE_CALLEE);
	if (!is_method("INVITE")) return;
	if ($dlg_var(rf_callee) != $null) {
		$dlg_var(rf_callee_address) = $si;
		return;
	}
	$dlg_var(rf_hop_address) = $si;
	if ($dlg_var(rf_callee_way) == $null) {
		route(RINGFENCE_WAY);
		$dlg_var(rf_callee_way) = $var(rf_way);
	}
}
`
