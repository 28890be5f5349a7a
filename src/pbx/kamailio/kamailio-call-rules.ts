/**
 * What an extension may dial, as text for a Kamailio script; the registrar's script and the edge's are the same here. The
 * dial plan is no part of it but data, so that it can change while Kamailio runs.
 *
 * route(RINGFENCE_CLASSIFY) reads
 *   $var(rf_plan)       the dial plan in force (`planText`), empty where there is none
 *   $var(rf_dialled)    what was dialled, the user part of the request's URI
 *   $var(rf_internal)   1 where that is an extension here
 * and sets
 *   $var(rf_kind)       emergency, internal, local, national, international, unknown, or perhaps (see below)
 *   $var(rf_country)    country code of an international number, else empty
 *
 * route(RINGFENCE_MAY_DIAL) reads these and $var(rf_policy), a `policyText`, and returns 1 (it may) or -1.
 *
 * What is not understood is unknown, and unknown is refused for everybody who has a policy. Without a usable plan nobody
 * knows which numbers are those of the emergency services, so what could be one under any plan (two to six digits behind
 * an outside line of up to four) is `perhaps` and passes; all else is refused. Ringfence gives nobody a policy before the
 * plan is there, so this is for a plan that was lost.
 */
import { callClasses } from '../../domain/call-policy.ts'

/**
 * E.164 country codes are prefix-free: after these, one and two digits long, all others have three
 * (ITU-T E.164 annex, list of assigned country codes).
 */
const shortCountryCodes = '1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]'

const classify = `
# What a dialled number is. The fields of the plan: see planText.
route[RINGFENCE_CLASSIFY] {
	$var(rf_kind) = "unknown";
	$var(rf_country) = "";
	if (!($var(rf_plan) =~ "^[1-9][0-9]*[|][0-9]+[|][0-9]*[|][0-9]*[|][0-9]*[|][0-9]+(,[0-9]+)*$")) {
		if ($var(rf_dialled) =~ "^[0-9]{2,10}$") $var(rf_kind) = "perhaps";
		return;
	}
	$var(rf_line) = $(var(rf_plan){s.select,4,|});
	$var(rf_number) = $var(rf_dialled);
	if (route(RINGFENCE_EMERGENCY)) {
		$var(rf_kind) = "emergency";
		return;
	}
	$var(rf_prefix) = $var(rf_line);
	$var(rf_behind) = 0;
	if (route(RINGFENCE_BEGINS)) {
		$var(rf_number) = $var(rf_rest);
		$var(rf_behind) = 1;
		if (route(RINGFENCE_EMERGENCY)) {
			$var(rf_kind) = "emergency";
			return;
		}
	}
	if ($var(rf_internal) == 1) {
		$var(rf_kind) = "internal";
		return;
	}
	if (!($var(rf_dialled) =~ "^[+]?[0-9]+$")) return;
	# A number with a plus comes from a phone book, where nobody writes the outside line.
	if ($var(rf_dialled) =~ "^[+]") {
		$var(rf_number) = $(var(rf_dialled){s.strip,1});
		route(RINGFENCE_ABROAD);
		return;
	}
	if ($var(rf_behind) == 0) return;
	# The longer prefix decides: 00 is not 0 with something behind it.
	$var(rf_abroad) = 0;
	$var(rf_home) = 0;
	$var(rf_prefix) = $(var(rf_plan){s.select,1,|});
	if (route(RINGFENCE_BEGINS)) $var(rf_abroad) = $(var(rf_prefix){s.len});
	$var(rf_prefix) = $(var(rf_plan){s.select,2,|});
	if (route(RINGFENCE_BEGINS)) $var(rf_home) = $(var(rf_prefix){s.len});
	if ($var(rf_abroad) > 0 && $var(rf_abroad) >= $var(rf_home)) {
		$var(rf_number) = $(var(rf_number){s.strip,$var(rf_abroad)});
		route(RINGFENCE_ABROAD);
		return;
	}
	if ($var(rf_home) > 0) {
		$var(rf_number) = $(var(rf_number){s.strip,$var(rf_home)});
		route(RINGFENCE_AT_HOME);
		return;
	}
	# As reachesOperators has it: 0, 00 and 01 are operators of North America, who connect abroad.
	if ($(var(rf_plan){s.select,0,|}) == "1" && $var(rf_prefix) =~ "^1?$" && !($var(rf_number) =~ "^[2-9]")) return;
	# Where no prefix tells an area code from a subscriber's number, every number has its area code, if there are any.
	if ($var(rf_prefix) == "" && $(var(rf_plan){s.select,3,|}) != "") {
		route(RINGFENCE_AT_HOME);
		return;
	}
	$var(rf_kind) = "local";
}

# Whether $var(rf_number) is an emergency number as the plan has it.
route[RINGFENCE_EMERGENCY] {
	if (!($var(rf_number) =~ "^[0-9]{2,6}$")) return -1;
	$var(rf_wanted) = "(^|,)" + $var(rf_number) + "(,|$)";
	$var(rf_listed) = $(var(rf_plan){s.select,5,|});
	if ($var(rf_listed) =~ $var(rf_wanted)) return 1;
	return -1;
}

# Whether $var(rf_number) begins with $var(rf_prefix); $var(rf_rest) is what stands behind it.
route[RINGFENCE_BEGINS] {
	$var(rf_rest) = $var(rf_number);
	$var(rf_length) = $(var(rf_prefix){s.len});
	if ($var(rf_length) == 0) return 1;
	if ($var(rf_number) == "") return -1;
	$var(rf_start) = $(var(rf_number){s.substr,0,$var(rf_length)});
	if ($var(rf_start) != $var(rf_prefix)) return -1;
	$var(rf_rest) = $(var(rf_number){s.strip,$var(rf_length)});
	return 1;
}

# A number with its country's code, without what stands before it.
route[RINGFENCE_ABROAD] {
	$var(rf_prefix) = $(var(rf_plan){s.select,0,|});
	if (route(RINGFENCE_BEGINS)) {
		$var(rf_number) = $var(rf_rest);
		route(RINGFENCE_AT_HOME);
		return;
	}
	$var(rf_kind) = "international";
	if ($var(rf_number) == "") return;
	if ($var(rf_number) =~ "^(${shortCountryCodes})") {
		$var(rf_country) = $(var(rf_number){s.substr,0,1});
		if (!($var(rf_country) =~ "^[17]$")) $var(rf_country) = $(var(rf_number){s.substr,0,2});
		return;
	}
	$var(rf_country) = $(var(rf_number){s.substr,0,3});
}

# A number with its area code, without what stands before it.
route[RINGFENCE_AT_HOME] {
	$var(rf_kind) = "national";
	$var(rf_prefix) = $(var(rf_plan){s.select,3,|});
	if ($var(rf_prefix) == "") return;
	if (route(RINGFENCE_BEGINS)) $var(rf_kind) = "local";
}
`

/** Each class holds all before it; countries come on top of any class but `blocked`. */
const mayDial = `
# Whether the policy in $var(rf_policy) allows the kind in $var(rf_kind).
route[RINGFENCE_MAY_DIAL] {
	if ($var(rf_kind) == "emergency" || $var(rf_kind) == "perhaps") return 1;
	if ($var(rf_policy) == "none") return 1;
	$var(rf_may) = 0;
	$var(rf_is) = 9;
	$var(rf_class) = $(var(rf_policy){s.select,0, });
${callClasses.map((name, rank) => `	if ($var(rf_class) == "${name}") $var(rf_may) = ${rank};\n	if ($var(rf_kind) == "${name}") $var(rf_is) = ${rank};\n`).join('')}	if ($var(rf_is) <= $var(rf_may)) return 1;
	if ($var(rf_kind) != "international" || $var(rf_may) == 0) return -1;
	# As policyText writes it: \`local countries=43+44 callsAtOnce=2\`.
	$var(rf_wanted) = "[=+]" + $var(rf_country) + "([+ ]|$)";
	$var(rf_listed) = $(var(rf_policy){s.select,1, });
	if ($var(rf_listed) =~ "^countries=" && $var(rf_listed) =~ $var(rf_wanted)) return 1;
	return -1;
}
`

export const kamailioCallRules = `${classify}${mayDial}`
