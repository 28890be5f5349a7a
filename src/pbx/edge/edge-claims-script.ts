/** What a phone may say of itself, of calls that it has, and of the way between it and the PBX: part of the edge's script. Pure. */
export const edgeClaimsScript = `
# A made-up To tag opens nothing: what belongs to no call is refused, and inside of one a phone is who it is outside, or
# whom the PBX called.
route[OWN_CALL] {
	if (is_method("REGISTER|PUBLISH")) route(REFUSE);
	if ($fU == $var(ext)) return;
	$var(call) = $ci + "|" + $var(id);
	$var(called) = "";
	if ($sht(called=>$var(call)) != $null) $var(called) = $sht(called=>$var(call));
	if ($var(called) == "" || $fU == $null || $fU != $var(called)) route(REFUSE);
}

# Called by another name than its own: noted only then, so that calls do not fill the memory.
route[CALLED] {
	if (has_totag() || $tU == $null || $tU == $var(ext)) return;
	$var(call) = $ci + "|" + $var(id);
	$sht(called=>$var(call)) = $tU;
}

# What the PBX might believe.
route[NO_CLAIMS] {
	remove_hf_re("^(P-Asserted-Identity|P-Preferred-Identity|Remote-Party-ID|Diversion|History-Info|Path|Route|Record-Route)$");
}
`
