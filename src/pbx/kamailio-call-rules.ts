/**
 * What an extension may dial, as text for a Kamailio script; the registrar's script and the edge's use the same. Pure.
 *
 * route(RINGFENCE_CLASSIFY) reads
 *   $var(rf_dialled)    what was dialled, the user part of the request's URI
 *   $var(rf_internal)   1 where that is an extension here
 * and sets
 *   $var(rf_kind)       emergency, internal, local, national, international or unknown
 *   $var(rf_country)    country code of an international number, else empty
 *
 * route(RINGFENCE_MAY_DIAL) reads these and $var(rf_policy), a `policyText`, and returns 1 (it may) or -1.
 *
 * What is not understood is unknown, and unknown is refused for everybody who has a policy.
 */
import { callClasses, type DialPlan } from '../domain/call-policy.ts'
import { reachesOperators } from '../domain/dialled-number.ts'
import { AppError } from '../errors.ts'

export function kamailioCallRules(plan: DialPlan): string {
  requireUsable(plan)
  return `${classify(plan)}\n${mayDial}`
}

/**
 * E.164 country codes are prefix-free: after these, one and two digits long, all others have three
 * (ITU-T E.164 annex, list of assigned country codes).
 */
const shortCountryCodes = '1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]'

function classify(plan: DialPlan): string {
  const { countryCode, outsideLine, areaCode } = plan
  const emergencies = plan.emergencyNumbers.flatMap((number) => [number, `${outsideLine}${number}`])
  const line = outsideLine === '' ? '' : leaveOutsideLine(outsideLine)
  return `# Generated: what a dialled number is. Country ${countryCode}, area ${areaCode ?? 'not given'}.
route[RINGFENCE_CLASSIFY] {
	$var(rf_kind) = "unknown";
	$var(rf_country) = "";
	if ($var(rf_dialled) =~ "^(${[...new Set(emergencies)].map(pattern).join('|')})$") {
		$var(rf_kind) = "emergency";
		return;
	}
	if ($var(rf_internal) == 1) {
		$var(rf_kind) = "internal";
		return;
	}
	if (!($var(rf_dialled) =~ "^[+]?[0-9]+$")) return;
	$var(rf_number) = $var(rf_dialled);
${line}${byPrefix(plan)}
}

# Generated: a number with its country's code, without what stands before it.
route[RINGFENCE_ABROAD] {
	if ($var(rf_number) =~ "^${countryCode}") {
		$var(rf_number) = $(var(rf_number){s.strip,${countryCode.length}});
		route(RINGFENCE_AT_HOME);
		return;
	}
	$var(rf_kind) = "international";
	if ($var(rf_number) =~ "^(${shortCountryCodes})") {
		$var(rf_country) = $(var(rf_number){s.substr,0,1});
		if (!($var(rf_country) =~ "^[17]$")) $var(rf_country) = $(var(rf_number){s.substr,0,2});
		return;
	}
	$var(rf_country) = $(var(rf_number){s.substr,0,3});
}

# Generated: a number with its area code, without what stands before it.
route[RINGFENCE_AT_HOME] {
	$var(rf_kind) = "national";
${areaCode === null ? '' : `\tif ($var(rf_number) =~ "^${areaCode}") $var(rf_kind) = "local";\n`}}
`
}

/** A number with a plus comes from a phone book, where nobody writes the outside line. */
function leaveOutsideLine(outsideLine: string): string {
  return `	if (!($var(rf_number) =~ "^[+]")) {
		if (!($var(rf_number) =~ "^${pattern(outsideLine)}")) return;
		$var(rf_number) = $(var(rf_number){s.strip,${outsideLine.length}});
	}
`
}

/** The longest prefix decides: 00 is not 0 with something behind it. */
function byPrefix(plan: DialPlan): string {
  const { internationalPrefix, nationalPrefix, areaCode } = plan
  const prefixes = [
    { prefix: '+', goal: 'route(RINGFENCE_ABROAD);' },
    { prefix: internationalPrefix, goal: 'route(RINGFENCE_ABROAD);' },
    ...(nationalPrefix === '' ? [] : [{ prefix: nationalPrefix, goal: 'route(RINGFENCE_AT_HOME);' }]),
  ].sort((one, other) => other.prefix.length - one.prefix.length)
  const steps = prefixes.map(
    ({ prefix, goal }) => `	if ($var(rf_number) =~ "^${pattern(prefix)}") {
		$var(rf_number) = $(var(rf_number){s.strip,${prefix.length}});
		${goal}
		return;
	}
`,
  )
  // Where no prefix tells an area code from a subscriber's number, every number has its area code, if there are any.
  const bare = nationalPrefix === '' && areaCode !== null ? 'route(RINGFENCE_AT_HOME);' : '$var(rf_kind) = "local";'
  const operators = reachesOperators(plan) ? '	if ($var(rf_number) =~ "^[01]") return;\n' : ''
  return `${steps.join('')}${operators}	${bare}`
}

/** Each class holds all before it; countries come on top of any class but `blocked`. */
const mayDial = `# Generated: whether the policy in $var(rf_policy) allows the kind in $var(rf_kind).
route[RINGFENCE_MAY_DIAL] {
	if ($var(rf_kind) == "emergency") return 1;
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

function requireUsable(plan: DialPlan): void {
  const faults = [
    !/^[1-9][0-9]{0,2}$/.test(plan.countryCode) && 'the country code',
    !/^[0-9*#]{0,4}$/.test(plan.outsideLine) && 'the outside line',
    !/^[0-9]{1,5}$/.test(plan.internationalPrefix) && 'the international prefix',
    !/^[0-9]{0,3}$/.test(plan.nationalPrefix) && 'the national prefix',
    plan.areaCode !== null && !/^[0-9]{1,6}$/.test(plan.areaCode) && 'the area code',
    (plan.emergencyNumbers.length === 0 || plan.emergencyNumbers.some((one) => !/^[0-9]{2,6}$/.test(one))) &&
      'the emergency numbers',
  ].filter((fault) => fault !== false)
  if (faults.length === 0) return
  throw new AppError('CONFIG_INVALID', `${faults.join(', ')} of the dial plan cannot be used`, {
    hint: 'digits only, without plus, blanks or dashes; at least one emergency number',
  })
}

/** Digits, `*`, `#` and `+` as a regular expression that means just them. */
function pattern(dialled: string): string {
  return dialled.replace(/[*+]/g, '[$&]')
}
