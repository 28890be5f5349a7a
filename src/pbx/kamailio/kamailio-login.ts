import { sipHeadIsPlain } from './sip-head.ts'

/** Who a request comes from, as text for the registrar's script: the login says it, and nothing that the phone claims. Pure. */
export const login = ({ realm, mtlsPort }: { readonly realm: string; readonly mtlsPort: number }) => `
# Sets $var(rf_extension), $var(rf_name), $var(rf_contacts), $var(rf_policy), or ends the request.
route[RINGFENCE_LOGIN] {
	$var(rf_extension) = "";
	$var(rf_name) = "";
	$var(rf_contacts) = 1;
	$var(rf_policy) = "none";
	# Of several, Kamailio checks the one whose realm fits, and $au is the name in the first.
	if ($hdrc(Authorization) + $hdrc(Proxy-Authorization) > 1) {
		sl_send_reply("400", "More Than One Login");
		exit;
	}
	if (auth_check("${realm}", "ringfence_credential", "0") && $au =~ "^[A-Za-z0-9._-]+$") {
		sql_query("ringfence", "select extension, max_contacts, policy, display_name from ringfence_credential where username = '$au'", "mine");
		if ($dbr(mine=>rows) == 1) {
			$var(rf_extension) = $dbr(mine=>[0,0]);
			$var(rf_contacts) = $dbr(mine=>[0,1]);
			$var(rf_policy) = $dbr(mine=>[0,2]);
			if ($dbr(mine=>[0,3]) != "") $var(rf_name) = "\\"" + $dbr(mine=>[0,3]) + "\\"";
		}
		sql_result_free("mine");
	}
#!ifdef RINGFENCE_SUBSCRIBERS
	# Extensions that Ringfence did not make, until they are taken over. Their name is their extension.
	else if (auth_check(RINGFENCE_SUBSCRIBERS, "subscriber", "1")) {
		$var(rf_extension) = $au;
		$var(rf_contacts) = 10;
	}
#!endif
	if ($var(rf_extension) == "") {
		if (is_method("REGISTER")) www_challenge("${realm}", "1");
		else proxy_challenge("${realm}", "1");
		exit;
	}
	# A login speaks for its own extension only, a certificate too.
	$var(rf_claimed) = "" + $fU;
	if (has_totag()) route(RINGFENCE_OWN_END);
	if ($var(rf_claimed) != $var(rf_extension) || (is_method("REGISTER") && $tU != $var(rf_extension))) {
		sl_send_reply("403", "Not Your Extension");
		exit;
	}
	if ($Rp == ${mtlsPort} && $(tls_peer_san_uri{uri.user}) != $var(rf_extension)) {
		sl_send_reply("403", "Not Your Certificate");
		exit;
	}
	consume_credentials();
	# Longer than a registration, or calls would not reach the phone.
	tcp_set_connection_lifetime("3605");
}

# Whose end of a call a request comes from. From does not say it: whoever called wrote To, with any number.
route[RINGFENCE_OWN_END] {
	$var(rf_claimed) = "";
	if ($ft == $dlg(from_tag)) {
		if ($dlg_var(rf_caller) != $null) $var(rf_claimed) = $dlg_var(rf_caller);
	} else if ($dlg_var(rf_callee) != $null) {
		$var(rf_claimed) = $dlg_var(rf_callee);
	}
}

# What a phone says of itself beside its login.
route[RINGFENCE_NO_CLAIMS] {
	remove_hf_re("^(P-Asserted-Identity|P-Preferred-Identity|Remote-Party-ID|Diversion|History-Info)$");
	# Says yes also where nothing was removed: an answer whose route ends with a "no" would be dropped.
	return 1;
}

# Who is named anew in the middle of a call is shown by many phones, too.
route[RINGFENCE_SAME_CALLER] {
	route(RINGFENCE_NO_CLAIMS);
	$var(rf_name) = "";
	if ($ft == $dlg(from_tag) && $dlg_var(rf_name) != $null) $var(rf_name) = $dlg_var(rf_name);
	uac_replace_from("$var(rf_name)", "");
}

# So is who answers, in a form that nobody reads otherwise and to what was asked through here: any other answer Kamailio
# would pass on to whatever place stands in it, from whoever it is.
reply_route {
	if ($pr == "tls" && !${sipHeadIsPlain}) {
		tcp_close_connection();
		drop;
	}
	if (!t_check_trans()) drop;
	if ($pr == "tls") route(RINGFENCE_NO_CLAIMS);
}
`
