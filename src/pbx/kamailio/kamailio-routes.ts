import { callEnds } from './kamailio-call-ends.ts'
import { isUnanswered } from './kamailio-call-limits.ts'
import { forwardRoutes } from './kamailio-forward-routes.ts'
import { login } from './kamailio-login.ts'
import { takesOver } from './kamailio-transfers.ts'
import { sipHeadIsPlain } from './sip-head.ts'

/** What the registrar does with a request, as text. Pure. */
export interface RouteSettings {
  readonly realm: string
  readonly mtlsPort: number
  readonly rpcPort: number
  /** SHA-256 of the Authorization header: the script need not know the secret itself. */
  readonly secretHash: string
}

export function registrarRoutes(settings: RouteSettings): string {
  return [requests(settings), login(settings), registering, calling, callEnds, forwardRoutes, questions(settings)].join(
    '\n',
  )
}

const requests = ({ rpcPort, mtlsPort }: RouteSettings) => `
request_route {
	# Questions come over HTTP; SIP has no business on their port.
	if ($Rp == ${rpcPort}) drop;
	route(RINGFENCE_CERTIFICATE);
	if ($pr == "tls" && !${sipHeadIsPlain}) {
		tcp_close_connection();
		exit;
	}
	if (!mf_process_maxfwd_header("10")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if (has_totag()) {
		route(RINGFENCE_IN_DIALOG);
		exit;
	}
	if (is_method("CANCEL")) {
		if (t_check_trans()) t_relay();
		exit;
	}
	if (is_method("ACK")) exit;
	t_check_trans();
	if (is_method("OPTIONS")) {
		sl_send_reply("200", "OK");
		exit;
	}
	if ($pr != "tls") {
		route(RINGFENCE_FROM_OUTSIDE);
		exit;
	}
	if (!is_method("REGISTER|INVITE")) {
		sl_send_reply("405", "Method Not Allowed");
		exit;
	}
	route(RINGFENCE_LOGIN);
	if (is_method("REGISTER")) route(RINGFENCE_REGISTER);
	else route(RINGFENCE_FROM_PHONE);
	exit;
}

# First of all: a certificate that was taken back. Its list is read at a handshake only, and a connection lives on.
route[RINGFENCE_CERTIFICATE] {
	if ($Rp != ${mtlsPort}) return;
	if ($sht(ringfence_denied=>$tls_peer_serial) != $null) {
		tcp_close_connection();
		exit;
	}
	$sht(ringfence_connection=>$conid) = $tls_peer_serial;
}

event_route[tcp:closed] {
	sht_rm("ringfence_connection", "$conid");
}

# A request inside a dialog needs no login, so it must belong to one that Kamailio has seen begin: a made-up To tag
# would else be a way to the next hop without a password.
route[RINGFENCE_IN_DIALOG] {
	if (!is_known_dlg() || ${isUnanswered}) {
		if (is_method("ACK")) {
			# For a refusal of our own.
			if (t_check_trans()) t_relay();
			exit;
		}
		sl_send_reply("481", "Call/Transaction Does Not Exist");
		exit;
	}
	if ($pr == "tls") {
		route(RINGFENCE_SAME_CALLER);
		if ($dlg_var(rf_outside) == "yes") route(RINGFENCE_COUNTED_CALL);
	}
	if (!loose_route()) {
		if (!is_method("ACK")) sl_send_reply("404", "Not Found");
		exit;
	}
	if (is_method("REFER") && $pr == "tls") {
		# With a login, so that it is sure whose transfer it is.
		route(RINGFENCE_LOGIN);
		route(RINGFENCE_TRANSFER);
	}
	if (is_method("INVITE|UPDATE")) {
		record_route();
		if ($pr == "tls") fix_nated_contact();
	}
	route(RINGFENCE_TO_OTHER_END);
}

# The other end of such a call is the next hop, where it answered from, and not the phone by the tags turned round.
route[RINGFENCE_COUNTED_CALL] {
	$var(rf_ok) = 0;
	if ($ft != $dlg(from_tag)) {
		if ($dlg_var(rf_hop_address) == $si) $var(rf_ok) = 1;
	} else if (is_method("ACK")) {
		$var(rf_ok) = 1;
	} else {
		route(RINGFENCE_IN_ORDER);
	}
	if ($var(rf_ok) == 1) return;
	if (!is_method("ACK")) sl_send_reply("481", "Call/Transaction Does Not Exist");
	exit;
}
`

/** The oldest goes: phones that change their network register anew before the old contact runs out. */
const registering = `
route[RINGFENCE_REGISTER] {
	fix_nated_register();
	$var(rf_full) = 1;
	while ($var(rf_full) == 1) {
		$var(rf_full) = 0;
		$var(rf_known) = 0;
		$var(rf_oldest) = -1;
		$var(rf_at) = 0;
		if (!reg_fetch_contacts("location", "$tu", "held")) break;
		$var(rf_i) = 0;
		$var(rf_count) = $(ulc(held=>count));
		while ($var(rf_i) < $var(rf_count)) {
			if ($(ulc(held=>addr)[$var(rf_i)]) == $(ct{nameaddr.uri})) $var(rf_known) = 1;
			$var(rf_seen) = $(ulc(held=>modified)[$var(rf_i)]);
			if ($var(rf_oldest) < 0 || $var(rf_seen) < $var(rf_at)) {
				$var(rf_oldest) = $var(rf_i);
				$var(rf_at) = $var(rf_seen);
			}
			$var(rf_i) = $var(rf_i) + 1;
		}
		if ($var(rf_known) == 0 && $var(rf_count) >= $var(rf_contacts) && $var(rf_oldest) >= 0) {
			$var(rf_ruid) = $(ulc(held=>ruid)[$var(rf_oldest)]);
			if (unregister("location", "$tu", "$var(rf_ruid)")) $var(rf_full) = 1;
		}
		reg_free_contacts("held");
	}
	$xavp(reg=>max_contacts) = $var(rf_contacts);
	if (!save("location")) sl_reply_error();
}
`

const calling = `
route[RINGFENCE_FROM_PHONE] {
	route(RINGFENCE_NO_CLAIMS);
	uac_replace_from("$var(rf_name)", "");
	record_route();
	fix_nated_contact();
	$dlg_ctx(timeout_bye) = 1;
	dlg_manage();
	route(RINGFENCE_BEGIN);
	$dlg_var(rf_name) = $var(rf_name);
	$dlg_var(rf_caller_address) = $si;
	route(RINGFENCE_NOTE_CALLER);
	route(RINGFENCE_GOAL);
	route(RINGFENCE_ALLOWED);
	if ($var(rf_goal) == "phone") {
		route(RINGFENCE_TO_PHONE);
		exit;
	}
	if ($var(rf_goal) == "away") {
		sl_send_reply("480", "Temporarily Unavailable");
		exit;
	}
	append_hf("P-Asserted-Identity: $var(rf_name) <sip:$var(rf_extension)@$fd>\\r\\n");
	route(RINGFENCE_TO_NEXT_HOP);
	exit;
}

# Calls that come in: from the next hop by its address, from nobody else.
route[RINGFENCE_FROM_OUTSIDE] {
#!ifdef RINGFENCE_NEXT_HOP_ADDRESS
	if ($si == RINGFENCE_NEXT_HOP_ADDRESS && is_method("INVITE")) {
		record_route();
		dlg_manage();
		route(RINGFENCE_WAY);
		$dlg_var(rf_caller_way) = $var(rf_back);
		route(RINGFENCE_NOTE_CALLER);
		route(RINGFENCE_GOAL);
		if ($var(rf_goal) == "phone") route(RINGFENCE_TO_PHONE_FROM_OUTSIDE);
		else if ($var(rf_goal) == "away") sl_send_reply("480", "Temporarily Unavailable");
		else sl_send_reply("404", "Not Found");
		exit;
	}
#!endif
	sl_send_reply("403", "Forbidden");
	exit;
}

# $var(rf_goal): phone (the request then has its targets), away (an extension without a phone), or outside.
route[RINGFENCE_GOAL] {
	$var(rf_goal) = "outside";
	$var(rf_dialled) = "";
	if ($rU != $null) $var(rf_dialled) = $rU;
	route(RINGFENCE_PLAN);
	$var(rf_internal) = 0;
	route(RINGFENCE_CLASSIFY);
	if ($var(rf_kind) == "emergency") return;
	if (!($rU =~ "^[0-9]+$")) return;
	if (lookup("location")) {
		$var(rf_goal) = "phone";
		return;
	}
	sql_query("ringfence", "select 1 from ringfence_credential where extension = '$rU'", "held");
	if ($dbr(held=>rows) > 0) $var(rf_goal) = "away";
	sql_result_free("held");
}

route[RINGFENCE_ALLOWED] {
	if ($var(rf_goal) != "outside") $var(rf_internal) = 1;
	route(RINGFENCE_CLASSIFY);
	if (!route(RINGFENCE_MAY_DIAL) || ${takesOver}) {
		sl_send_reply("403", "Not Allowed");
		exit;
	}
	if ($var(rf_goal) == "outside" && $var(rf_kind) != "emergency" && $var(rf_kind) != "perhaps") {
		if (!route(RINGFENCE_WITHIN_LIMITS)) {
			sl_send_reply("403", "Too Many Calls");
			exit;
		}
	}
}
`

const questions = ({ rpcPort, secretHash }: RouteSettings) => `
event_route[xhttp:request] {
	if ($Rp != ${rpcPort} || $(hdr(Authorization){s.sha256}) != "${secretHash}") {
		xhttp_reply("401", "Unauthorized", "text/plain", "");
		exit;
	}
	if ($hu == "/ringfence/rpc") {
		jsonrpc_dispatch();
		exit;
	}
	# The database as Kamailio sees it, the plan in it, the script that it runs, and what was noted since it started.
	if ($hu == "/ringfence/state") {
		$var(mark) = "";
		if (sql_query("ringfence", "select mark from ringfence_mark where id = 1", "mark")) {
			if ($dbr(mark=>rows) > 0) $var(mark) = $dbr(mark=>[0,0]);
			sql_result_free("mark");
		}
		$var(files) = "";
		if ($sht(ringfence_note=>files) != $null) $var(files) = $sht(ringfence_note=>files);
		route(RINGFENCE_PLAN);
		if ($var(rf_plan) != "") $var(rf_plan) = $(var(rf_plan){s.sha256});
		xhttp_reply("200", "OK", "text/plain", "RINGFENCE_SCRIPT $var(mark) $var(rf_plan) $var(files)");
		exit;
	}
	if ($hu =~ "^/ringfence/drop/[0-9]+$") {
		$var(connection) = $(hu{s.select,3,/}{s.int});
		tcp_close_connection("$var(connection)");
		xhttp_reply("200", "OK", "text/plain", "");
		exit;
	}
	xhttp_reply("404", "Not Found", "text/plain", "");
}
`
