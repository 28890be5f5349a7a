/** What a REFER may ask the other end of a call to dial, as text for a Kamailio script; after a login. Pure. */
export const kamailioTransfers = `
# Judged as if this phone called there. How long that call lasts nobody sees here, so whoever has a limit can send nobody
# outside.
route[RINGFENCE_TRANSFER] {
	$var(rf_dialled) = "";
	if ($hdrc(Refer-To) == 1 && $rt != $null) $var(rf_dialled) = "" + $(rt{uri.user});
	$var(rf_internal) = 0;
	if ($var(rf_dialled) =~ "^[0-9]+$") {
		sql_query("ringfence", "select 1 from ringfence_credential where extension = '$var(rf_dialled)'", "held");
		if ($dbr(held=>rows) > 0) $var(rf_internal) = 1;
		sql_result_free("held");
	}
	route(RINGFENCE_CLASSIFY);
	$var(rf_limited) = 0;
	if (!($var(rf_kind) =~ "^(internal|emergency)$") && $var(rf_policy) =~ " (calls|minutes)") $var(rf_limited) = 1;
	if (!route(RINGFENCE_MAY_DIAL) || $var(rf_limited) == 1) {
		sl_send_reply("403", "Not Allowed");
		exit;
	}
}
`
