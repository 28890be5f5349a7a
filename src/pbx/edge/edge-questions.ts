import type { EdgeOptions } from './edge-options.ts'

/** What Ringfence asks the edge and has it do, over HTTPS with its key: part of the edge's script. Pure. */
export const edgeQuestions = ({ rpc, rpcKeyHash }: EdgeOptions, fingerprint: string) => `
event_route[xhttp:request] {
	if ($Rp != ${rpc.port}) {
		tcp_close_connection();
		exit;
	}
	if ($(hdr(Authorization){s.sha256}) != "${rpcKeyHash}") {
		xhttp_reply("404", "Not Found", "", "");
		exit;
	}
	if ($hu == "/ringfence/rpc") {
		jsonrpc_dispatch();
		exit;
	}
	if ($hu == "/ringfence/configuration") {
		xhttp_reply("200", "OK", "text/plain", "${fingerprint}");
		exit;
	}
	if ($hu == "/ringfence/cut") {
		route(CUT);
		xhttp_reply("200", "OK", "text/plain", "$var(cut)");
		exit;
	}
	xhttp_reply("404", "Not Found", "", "");
}

# Ends the connections of all phones that were taken back, and of no other.
route[CUT] {
	$var(cut) = 0;
	sht_iterator_start("each", "conn");
	while (sht_iterator_next("each")) {
		$var(end) = 0;
		$var(id) = $shtitval(each);
		if ($sht(deny=>$var(id)) != $null) $var(end) = 1;
		if ($var(id) =~ "^a") {
			$var(from) = $(var(id){s.strip,1}{s.replace,_,:});
			if ($sht(source=>$var(from)) == $null) $var(end) = 1;
		}
		if ($var(end) == 1) {
			$var(connection) = $(shtitkey(each){s.int});
			tcp_close_connection("$var(connection)");
			$var(cut) = $var(cut) + 1;
		}
	}
	sht_iterator_end("each");
}
`
