import { createHash } from 'node:crypto'
import { sipHeadIsPlain } from '../kamailio/sip-head.ts'
import { edgeCallsScript } from './edge-calls-script.ts'
import { edgeClaimsScript } from './edge-claims-script.ts'
import { type EdgeOptions, socketText } from './edge-options.ts'
import { edgeQuestions } from './edge-questions.ts'
import { edgeToPbx } from './edge-to-pbx.ts'

/**
 * What the edge does with each message, as the routing part of kamailio.cfg. Pure.
 *
 * Two sides, told apart by the port: phones and the PBX. A phone is known by its certificate's serial (port for client
 * certificates) or, where it can hold none, by its tunnel address alone; each is bound to one extension by a table that
 * Ringfence writes, and whoever is not in it may do nothing. Requests of phones go to the PBX and nowhere else; requests
 * of the PBX go to the live connection of the phone that is named in its Path, and no new connection to a phone is ever
 * made.
 */
export function edgeScript(options: EdgeOptions, fingerprint: string): string {
  const { address, port, mtlsPort, pbxPort, pbx } = options
  const socket = (at: number) => `tls:${socketText(address, at)}`
  return `request_route {
	if ($Rp == ${pbxPort}) route(FROM_PBX);
	if ($Rp == ${port} || $Rp == ${mtlsPort}) route(FROM_PHONE);
	exit;
}

# Sets $var(id), the phone's name in all tables, and $var(ext), the extension that it may speak for. Ends the connection of
# a phone that was taken back; to everybody else who may not speak it says one and the same. Kamailio leaves a route at an
# error and goes on behind it, so only $var(known), which is set last, opens the way.
route[WHO] {
	$var(known) = 0;
	if ($Rp == ${mtlsPort}) {
		$var(id) = $tls_peer_serial;
		if ($var(id) == $null || $var(id) == "") route(GO);
		route(NOTE_CONNECTION);
		if ($sht(deny=>$var(id)) != $null) route(GO);
		$var(bound) = $sht(bind=>$var(id));
		if ($var(bound) == $null) route(REFUSE);
		$var(ext) = $(var(bound){s.select,0,|});
		$var(nets) = $(var(bound){s.select,1,|});
		if (!is_in_subnet("$si", "$var(nets)")) route(REFUSE);
	} else {
		$var(id) = "a" + $(si{s.replace,:,_});
		$var(ext) = $sht(source=>$si);
		route(NOTE_CONNECTION);
		if ($var(ext) == $null) route(REFUSE);
	}
	# It outlives the longest registration (an hour), or calls would not reach the phone.
	tcp_set_connection_lifetime("3900");
	if ($sht(live=>$var(id)) != $su) $sht(former=>$var(id)) = $sht(live=>$var(id));
	$sht(live=>$var(id)) = $su;
	$var(known) = 1;
}

# Whose connection it is, by its number and by its place: when it ends Kamailio 5.6.3 tells its place alone, and what is over goes
# from the table of numbers at the next look of Ringfence.
route[NOTE_CONNECTION] {
	$sht(conn=>$conid) = $var(id);
	$sht(owner=>$su) = $var(id);
}

route[FROM_PHONE] {
	if (!${sipHeadIsPlain}) route(GO);
	if ($ua =~ "${scanners}") route(GO);
	if (!pike_check_req()) route(GO);
	route(WHO);
	if ($var(known) != 1) route(REFUSE);
	if (!mf_process_maxfwd_header("16")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if (!sanity_check("17895", "7")) exit;
	$fs = "${socket(pbxPort)}";
	$var(counted) = 0;

	if (is_method("CANCEL")) {
		if (t_check_trans()) t_relay();
		exit;
	}
	# Credentials of another extension are worth nothing here, inside of a dialog neither.
	$var(own) = "^" + $var(ext) + "(-|@|$)";
	if ($au != $null && !($au =~ $var(own))) route(REFUSE);
	if ($aU != $null && !($aU =~ $var(own))) route(REFUSE);
	# Of several logins the PBX may take another one than was looked at.
	if ($hdrc(Authorization) + $hdrc(Proxy-Authorization) > 1) route(REFUSE);
	if (has_totag()) {
		route(OWN_CALL);
		route(COUNTED_CALL);
		if (loose_route()) {
			if (is_method("INVITE|MESSAGE")) route(SAME_CALL);
			if (is_method("REFER")) route(TRANSFER);
			route(NO_CLAIMS);
			route(TO_PBX);
		}
		if (is_method("ACK")) {
			if (t_check_trans()) t_relay();
			exit;
		}
		route(REFUSE);
	}
	t_check_trans();

	# Whoever it says it is: only what its certificate is bound to.
	if ($fU != $var(ext)) route(REFUSE);
	if (is_method("REGISTER") && $tU != $var(ext)) route(REFUSE);
	route(NO_CLAIMS);
	if (is_method("INVITE")) route(CALL);
	if (is_method("REFER")) route(TRANSFER);
	if (is_method("MESSAGE") && $rU != $null) route(JUDGE);
	if (is_method("REGISTER")) {
		route(REGISTER);
	} else {
		# Counted calls are ended from here when their minutes are over, so the contact must lead to the connection.
		if ($ct != $null && ($var(counted) == 1 || $(ct{nameaddr.uri}{uri.host}) != $si)) fix_nated_contact();
		add_rr_param(";rf=$var(id)");
		record_route();
	}
	route(TO_PBX);
}
${edgeToPbx(pbx)}
# The PBX learns the phone's true address and its extension (Asterisk uses the Path only where the user of the contact is
# the name of the AOR), the phone sees its own contact again in the answer.
route[REGISTER] {
	remove_hf("Supported");
	append_hf("Supported: path\\r\\n");
	append_hf("Path: <sip:$var(id)@${socketText(address, pbxPort)};transport=tls;lr>\\r\\n");
	if ($ct == $null || $ct == "*") return;
	$avp(told) = $(ct{nameaddr.uri});
	$avp(ours) = "sip:" + $var(ext) + "@" + $(su{s.strip,4});
	$sht(contact=>$var(id)) = $avp(told);
	$var(params) = $(ct{tobody.params});
	$var(expires) = "";
	if ($var(params) =~ "expires=") $var(expires) = $(var(params){param.value,expires});
	remove_hf("Contact");
	if ($var(expires) =~ "^[0-9]+$") append_hf("Contact: <$avp(ours)>;expires=$var(expires)\\r\\n");
	else append_hf("Contact: <$avp(ours)>\\r\\n");
	t_on_reply("REGISTERED");
}

onreply_route[REGISTERED] {
	replace_hdrs_str("<$avp(ours)>", "<$avp(told)>", "a");
}

route[FROM_PBX] {
	if ($si != "${pbx.address}") route(GO);
	tcp_set_connection_lifetime("3900");
	if (!mf_process_maxfwd_header("16")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if (is_method("CANCEL")) {
		if (t_check_trans()) t_relay();
		exit;
	}
	if (has_totag()) {
		$var(id) = $(route_uri{uri.param,rf});
		if (!loose_route()) {
			if (is_method("ACK") && t_check_trans()) t_relay();
			else if (!is_method("ACK")) sl_send_reply("481", "Call/Transaction Does Not Exist");
			exit;
		}
		route(TO_PHONE);
		exit;
	}
	t_check_trans();
	if ($route_uri == $null) {
		if (is_method("OPTIONS")) sl_send_reply("200", "OK");
		else sl_send_reply("404", "Not Found");
		exit;
	}
	$var(id) = $(route_uri{uri.user});
	loose_route();
	$var(contact) = $sht(contact=>$var(id));
	if ($var(contact) != $null) $ru = $var(contact);
	add_rr_param(";rf=$var(id)");
	record_route();
	route(TO_PHONE);
}

# Only over the connection that the phone itself has open, and only to one that may have it.
route[TO_PHONE] {
	$var(target) = $sht(live=>$var(id));
	if ($var(target) == $null) route(AWAY);
	if ($var(id) =~ "^[0-9]+$") {
		if ($sht(deny=>$var(id)) != $null || $sht(bind=>$var(id)) == $null) route(AWAY);
		$var(bound) = $sht(bind=>$var(id));
		$var(ext) = $(var(bound){s.select,0,|});
		$fs = "${socket(mtlsPort)}";
	} else {
		$var(from) = $(var(id){s.strip,1}{s.replace,_,:});
		if ($sht(source=>$var(from)) == $null) route(AWAY);
		$var(ext) = $sht(source=>$var(from));
		$fs = "${socket(port)}";
	}
	route(CALLED);
	$du = $var(target);
	if (is_method("INVITE") && !has_totag()) route(RINGING);
	else t_on_failure("RINGFENCE_STAYS");
	set_forward_no_connect();
	route(RELAY);
}

route[RELAY] {
	if (!t_relay()) sl_reply_error();
	exit;
}

route[AWAY] {
	if (!is_method("ACK")) sl_send_reply("480", "Temporarily Unavailable");
	exit;
}

route[REFUSE] {
	if (!is_method("ACK")) sl_send_reply("403", "Forbidden");
	exit;
}

# Without an answer.
route[GO] {
	tcp_close_connection();
	exit;
}

# An answer of a phone that was taken back is worth nothing either, nor one that could be read in two ways.
reply_route {
	if ($Rp == ${mtlsPort} && $sht(deny=>$tls_peer_serial) != $null) {
		tcp_close_connection();
		drop;
	}
	if ($si != "${pbx.address}" && !${sipHeadIsPlain}) {
		tcp_close_connection();
		drop;
	}
	# To what was asked through here: any other Kamailio would pass on to whatever place stands in it, from whoever it is.
	if (!t_check_trans()) drop;
	# Not by the port: over a connection that the edge opened itself Kamailio takes the first one that it listens on.
	if ($si == "${pbx.address}") tcp_set_connection_lifetime("3900");
	else route(OWN_WAY);
}

event_route[tcp:closed] {
	route(CONNECTION_ENDED);
}

event_route[tcp:timeout] {
	route(CONNECTION_ENDED);
}

event_route[tcp:reset] {
	route(CONNECTION_ENDED);
}

# A phone may open a second connection and end it first: calls then go over the one of before. The table of connections is
# not touched here, in the process that owns them all: whoever cuts goes through it row by row while it waits for that one.
route[CONNECTION_ENDED] {
	$var(id) = "" + $sht(owner=>$su);
	$sht(owner=>$su) = $null;
	if ($sht(live=>$var(id)) == $su) {
		$sht(live=>$var(id)) = $sht(former=>$var(id));
		$sht(former=>$var(id)) = $null;
	} else if ($sht(former=>$var(id)) == $su) {
		$sht(former=>$var(id)) = $null;
	}
}
${edgeQuestions(options, fingerprint)}${edgeClaimsScript(options)}${edgeCallsScript(`${socketText(pbx.address, pbx.port)};transport=tls`)}`
}

/**
 * User-Agents of scanners: those that Kamailio's own default configuration drops (etc/kamailio.cfg of 5.6, "silent drop
 * for scanners"). "friendly-scanner" is what SIPVicious calls itself.
 */
const scanners = 'friendly|scanner|sipcli|sipvicious|VaxSIPUserAgent|pplsip'

/** Tells whether a running edge has the configuration that the settings give now. */
export function fingerprintOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
