/**
 * How much an extension may call outside, as text for a Kamailio script. Pure, and the same for every site.
 *
 * route(RINGFENCE_WITHIN_LIMITS) reads $var(rf_extension) and $var(rf_policy), a `policyText`, after dlg_manage() (with
 * $dlg_ctx(timeout_bye) set before it, and $dlg_var(rf_caller) the extension), and returns 1 (the call is counted, and ends by itself when its minutes are used up) or -1. Emergency calls never come here.
 *
 * route(RINGFENCE_CALLS_LEFT) and route(RINGFENCE_COUNT_CALL) are the part of it that needs no dialog: calls per hour and
 * day. The first returns 1 (another call is left) or -1.
 *
 * Hours and days are those of the clock (UTC). Counts live in Kamailio's memory: its restart begins them anew. Calls that
 * run at the same time each get what is left when they begin, so together they may use more than that.
 *
 * It needs module textops, the dialog profile `ringfence_outside` and the htable `ringfence_spent` (autoexpire above a day).
 */
export const kamailioCallLimits = `
# Generated: sets $var(rf_limit), -1 where the policy has no $var(rf_name).
route[RINGFENCE_LIMIT] {
	$var(rf_limit) = -1;
	$var(rf_list) = $(var(rf_policy){re.subst,/ /;/g});
	$var(rf_value) = $(var(rf_list){param.value,$var(rf_name)});
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
	if ($var(rf_policy) != "none") {
		$var(rf_name) = "callsAtOnce";
		route(RINGFENCE_LIMIT);
		if ($var(rf_limit) >= 0) {
			$var(rf_running) = 0;
			get_profile_size("ringfence_outside", "$var(rf_extension)", "$var(rf_running)");
			if ($var(rf_running) >= $var(rf_limit)) return -1;
		}
${limit('minutesPerHour', 'seconds', 'rf_hour', remaining())}
${limit('minutesPerDay', 'seconds', 'rf_day', remaining())}
	}
	route(RINGFENCE_COUNT_CALL);
	set_dlg_profile("ringfence_outside", "$var(rf_extension)");
	$dlg_var(rf_outside) = "yes";
	dlg_set_timeout("$var(rf_seconds)");
	return 1;
}

event_route[dialog:end] {
	if ($dlg_var(rf_outside) != "yes") return;
	$var(rf_extension) = $dlg_var(rf_caller);
	$var(rf_unit) = "seconds";
	route(RINGFENCE_SPANS);
	$var(rf_lasted) = $var(rf_now) - $dlg(start_ts);
	$var(rf_span) = $var(rf_hour);
	route(RINGFENCE_SPENT);
	$sht(ringfence_spent=>$var(rf_key)) = $var(rf_spent) + $var(rf_lasted);
	$var(rf_span) = $var(rf_day);
	route(RINGFENCE_SPENT);
	$sht(ringfence_spent=>$var(rf_key)) = $var(rf_spent) + $var(rf_lasted);
}
`

function limit(name: string, unit: string, span: string, then: string): string {
  return `		$var(rf_name) = "${name}";
		route(RINGFENCE_LIMIT);
		if ($var(rf_limit) >= 0) {
			$var(rf_unit) = "${unit}";
			$var(rf_span) = $var(${span});
			route(RINGFENCE_SPENT);
			${then}
		}`
}

function remaining(): string {
  return `$var(rf_left) = $var(rf_limit) * 60 - $var(rf_spent);
			if ($var(rf_left) <= 0) return -1;
			if ($var(rf_left) < $var(rf_seconds)) $var(rf_seconds) = $var(rf_left);`
}
