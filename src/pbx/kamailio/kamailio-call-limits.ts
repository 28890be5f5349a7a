/**
 * Whether the call that Kamailio knows is one that ended before an answer, as a condition: until its refusal is acknowledged
 * it fits every tag of the other end, and would stand for a later call with the same Call-ID.
 */
export const isUnanswered = '($dlg(state) == 5 && !($dlg(to_tag) =~ "."))'

/**
 * How much an extension may call outside, as text for a Kamailio script. Pure, and the same for every site.
 *
 * route(RINGFENCE_BEGIN) stands behind dlg_manage() (with $dlg_ctx(timeout_bye) set before it) and makes the call that of
 * $var(rf_extension), or ends the request. Then route(RINGFENCE_WITHIN_LIMITS) reads $var(rf_policy), a `policyText`, and
 * returns 1 (the call is counted, and ends by itself when its minutes are used up) or -1. Emergency calls never come here.
 *
 * route(RINGFENCE_IN_ORDER) is for what the caller's phone says inside of a call whose $dlg_var(rf_outside) is "yes", before
 * loose_route(): the module believes it, whatever the other end makes of it. It sets $var(rf_ok) to 1 where it may go on.
 *
 * route(RINGFENCE_CALLS_LEFT) and route(RINGFENCE_COUNT_CALL) are the part of it that needs no dialog: calls per hour and
 * day. The first returns 1 (another call is left) or -1.
 *
 * Hours and days are those of the clock (UTC). Counts live in Kamailio's memory, and begin with what `table` holds. Minutes are
 * reserved when a call begins, in the hour and day of that moment, and what it did not use comes back: what is left is
 * shared out among the calls that may run at once, which without a limit of those is one.
 *
 * It needs module textops, and `kamailioCallParameters` behind the modules.
 */
export const kamailioCallLimits = `
# Generated: sets $var(rf_limit), -1 where the policy has no $var(rf_measure).
route[RINGFENCE_LIMIT] {
	$var(rf_limit) = -1;
	$var(rf_list) = $(var(rf_policy){re.subst,/ /;/g});
	$var(rf_value) = $(var(rf_list){param.value,$var(rf_measure)});
	if ($var(rf_value) =~ "^[0-9]+$") $var(rf_limit) = $(var(rf_value){s.int});
}

# Generated: what was spent of $var(rf_unit) in the hour or day of $var(rf_span).
route[RINGFENCE_SPENT] {
	$var(rf_key) = $var(rf_extension) + ":" + $var(rf_unit) + ":" + $var(rf_span);
	$var(rf_spent) = 0;
	if ($sht(ringfence_spent=>$var(rf_key)) != $null) $var(rf_spent) = $sht(ringfence_spent=>$var(rf_key));
}

route[RINGFENCE_SPANS] {
	# Now, and not when some message came: a call that timed out has none.
	$var(rf_now) = $(TV(sn){s.select,0,.}{s.int});
	$var(rf_number) = $var(rf_now) / 3600;
	$var(rf_hour) = "h" + $var(rf_number);
	$var(rf_number) = $var(rf_now) / 86400;
	$var(rf_day) = "d" + $var(rf_number);
}

route[RINGFENCE_CALLS_LEFT] {
	route(RINGFENCE_SPANS);
	if ($var(rf_policy) != "none") {
${limit('callsPerHour', 'calls', 'rf_hour', 'if ($var(rf_spent) >= $var(rf_limit)) return -1;')}
${limit('callsPerDay', 'calls', 'rf_day', 'if ($var(rf_spent) >= $var(rf_limit)) return -1;')}
	}
	return 1;
}

route[RINGFENCE_COUNT_CALL] {
	$var(rf_unit) = "calls";
	$var(rf_span) = $var(rf_hour);
	route(RINGFENCE_SPENT);
	$sht(ringfence_spent=>$var(rf_key)) = $var(rf_spent) + 1;
	$var(rf_span) = $var(rf_day);
	route(RINGFENCE_SPENT);
	$sht(ringfence_spent=>$var(rf_key)) = $var(rf_spent) + 1;
}

route[RINGFENCE_WITHIN_LIMITS] {
	if (!route(RINGFENCE_CALLS_LEFT)) return -1;
	$var(rf_seconds) = 43200;
	$var(rf_reserved) = 0;
	if ($var(rf_policy) != "none") {
		$var(rf_running) = 0;
		get_profile_size("ringfence_outside", "$var(rf_extension)", "$var(rf_running)");
		$var(rf_measure) = "callsAtOnce";
		route(RINGFENCE_LIMIT);
		if ($var(rf_limit) >= 0 && $var(rf_running) >= $var(rf_limit)) return -1;
		if ($var(rf_limit) < 0) $var(rf_limit) = 1;
		$var(rf_free) = $var(rf_limit) - $var(rf_running);
${limit('minutesPerHour', 'seconds', 'rf_hour', remaining())}
${limit('minutesPerDay', 'seconds', 'rf_day', remaining())}
	}
	route(RINGFENCE_COUNT_CALL);
	set_dlg_profile("ringfence_outside", "$var(rf_extension)");
	$dlg_var(rf_outside) = "yes";
	$dlg_var(rf_hour) = $var(rf_hour);
	$dlg_var(rf_day) = $var(rf_day);
	$dlg_var(rf_reserved) = $var(rf_reserved);
	$var(rf_change) = $var(rf_reserved);
	route(RINGFENCE_SPEND);
	dlg_set_timeout("$var(rf_seconds)");
	return 1;
}

# Several INVITEs with one Call-ID, before the first is answered, the module takes for one call.
route[RINGFENCE_BEGIN] {
	if ($dlg_var(rf_caller) != $null) {
		sl_send_reply("482", "Loop Detected");
		exit;
	}
	# The BYE that ends the call has the next number, which must be below 2^31 (RFC 3261 section 8.1.1.5) to its end.
	if (!($cs =~ "^(1?[0-9]{1,9}|20[0-9]{8}|21[0-3][0-9]{7})$")) {
		sl_send_reply("400", "CSeq Too High");
		exit;
	}
	$dlg_var(rf_caller) = $var(rf_extension);
	$dlg_var(rf_cseq) = $cs;
}

# A number that is not above the last one is refused by the other end (RFC 3261 section 12.2.2), and so would be our BYE after
# a number that leaps. A BYE that the other end refuses ends the call here only: so it is ours that goes there.
route[RINGFENCE_IN_ORDER] {
	$var(rf_ok) = 0;
	$var(rf_last) = $(dlg_var(rf_cseq){s.int});
	if (!($cs =~ "^[0-9]{1,10}$") || $(cs{s.int}) <= $var(rf_last) || $(cs{s.int}) > $var(rf_last) + 100) {
		sl_send_reply("500", "Out Of Order");
		exit;
	}
	$dlg_var(rf_cseq) = $cs;
	# 3 and 4: answered, without and with the ACK. Before that a BYE ends nothing here.
	$var(rf_ok) = 1;
	if (!is_method("BYE") || !($dlg(state) == 3 || $dlg(state) == 4)) return;
	if (!dlg_get("$ci", "$ft", "$tt") || !dlg_bye("callee")) {
		sl_send_reply("481", "Call/Transaction Does Not Exist");
		exit;
	}
	sl_send_reply("200", "OK");
	exit;
}

# Adds $var(rf_change) to the seconds of $var(rf_hour) and $var(rf_day).
route[RINGFENCE_SPEND] {
	$var(rf_unit) = "seconds";
	$var(rf_span) = $var(rf_hour);
	route(RINGFENCE_SPENT);
	$sht(ringfence_spent=>$var(rf_key)) = $var(rf_spent) + $var(rf_change);
	$var(rf_span) = $var(rf_day);
	route(RINGFENCE_SPENT);
	$sht(ringfence_spent=>$var(rf_key)) = $var(rf_spent) + $var(rf_change);
}

# A call that is over took $var(rf_lasted) seconds, and not what was reserved for it.
route[RINGFENCE_SETTLE] {
	$var(rf_extension) = $dlg_var(rf_caller);
	$var(rf_hour) = $dlg_var(rf_hour);
	$var(rf_day) = $dlg_var(rf_day);
	$var(rf_change) = $var(rf_lasted) - $(dlg_var(rf_reserved){s.int});
	route(RINGFENCE_SPEND);
}

event_route[dialog:end] {
	if ($dlg_var(rf_outside) != "yes") return;
	# Once, although both ends may hang up.
	$dlg_var(rf_outside) = "over";
	route(RINGFENCE_SPANS);
	$var(rf_lasted) = $var(rf_now) - $dlg(start_ts);
	route(RINGFENCE_SETTLE);
}

event_route[dialog:failed] {
	if ($dlg_var(rf_outside) != "yes") return;
	$dlg_var(rf_outside) = "over";
	$var(rf_lasted) = 0;
	route(RINGFENCE_SETTLE);
}
`

function limit(name: string, unit: string, span: string, then: string): string {
  return `		$var(rf_measure) = "${name}";
		route(RINGFENCE_LIMIT);
		if ($var(rf_limit) >= 0) {
			$var(rf_unit) = "${unit}";
			$var(rf_span) = $var(${span});
			route(RINGFENCE_SPENT);
			${then}
		}`
}

function remaining(): string {
  return `if ($var(rf_free) <= 0) return -1;
			$var(rf_share) = ($var(rf_limit) * 60 - $var(rf_spent)) / $var(rf_free);
			if ($var(rf_share) <= 0) return -1;
			if ($var(rf_share) < $var(rf_seconds)) $var(rf_seconds) = $var(rf_share);
			$var(rf_reserved) = $var(rf_seconds);`
}

/** `table`: of the database of module htable; empty for none. */
export const kamailioCallParameters = (table: string) => `modparam("dialog", "db_mode", 0)
modparam("dialog", "enable_stats", 1)
modparam("dialog", "default_timeout", 43200)
# What is said within a call puts its end off else.
modparam("dialog", "timeout_noreset", 1)
modparam("dialog", "profiles_with_value", "ringfence_outside")
# Outside calls: calls and seconds of an extension in an hour or day.
modparam("htable", "htable", "ringfence_spent=>size=10;autoexpire=90000;${table && `dbtable=${table};`}")
`
