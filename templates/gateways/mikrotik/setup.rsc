# Ringfence: makes this MikroTik router (RouterOS 7) the home gateway of desk phones. Read it, then: /import file-name=FILE
#
# It may be run again: it removes what it made itself (comment=ringfence, names that begin with ringfence) and makes it anew.
# The outermost braces make RouterOS read all of it first: a line that it does not know stops it before anything changes.
# It holds secrets. Delete it when the phones work.
{%- assign network = phoneNetworks[0] %}
{
# Where the phones are plugged in: made on the bridge if there is no interface of this name. Where bridge VLAN filtering is
# on, the bridge itself and the phones' port must be members of the VLAN: that differs from router to router.
:local phones "vlan66"
:local vlanId 66
:local vlanOn "bridge"
{% if pbx.address == null or pbx.sipAddress == null %}
:error "ringfence: the PBX has no IPv4 address yet (RINGFENCE_PBX_ADDRESS): ask for this file again when it has one. Nothing was changed."
{%- elsif door.addresses.size == 0 %}
:error "ringfence: the name of the phone door led to no IPv4 address: ask for this file again when it does. Nothing was changed."
{%- else %}
# The phones ask this router for names. Opening that service is left to its owner: without a rule that drops questions from
# the Internet it would answer everybody.
:if ([/ip dns get allow-remote-requests] = false) do={
  :error "ringfence: /ip dns set allow-remote-requests=yes is needed, with questions from the Internet dropped. Nothing was changed."
}

# The private key never leaves the router, which makes it. It is kept as long as the preshared key says that this is the same
# enrolment.
:local presharedKey "{{ presharedKey }}"
:local sameEnrolment ([:len [/interface wireguard peers find comment="ringfence" preshared-key=$presharedKey]] > 0)

/ip firewall filter remove [find comment="ringfence"]
/ip firewall nat remove [find comment="ringfence"]
/ipv6 firewall filter remove [find comment="ringfence"]
/ip dns static remove [find comment="ringfence"]
/ip dhcp-server lease remove [find comment="ringfence"]
/ip dhcp-server network remove [find comment="ringfence"]
/ip dhcp-server remove [find name="ringfence"]
/ip dhcp-server option remove [find name~"^ringfence-"]
/ip route remove [find comment="ringfence"]
/ip address remove [find comment="ringfence"]
/interface wireguard peers remove [find comment="ringfence"]
:if (!$sameEnrolment) do={ /interface wireguard remove [find comment="ringfence"] }
/interface vlan remove [find comment="ringfence"]

:if ([:len [/interface wireguard find comment="ringfence"]] = 0) do={
  /interface wireguard add name="ringfence" mtu=1420 comment="ringfence"
}
:if ([:len [/interface find name=$phones]] = 0) do={
  /interface vlan add name=$phones vlan-id=$vlanId interface=$vlanOn comment="ringfence"
}

# The firewall before anything that it guards. Its rules stand in chains of their own, in order; the jumps are exclusive of each
# other, so that their order does not matter, and are moved before all other rules.
/ip firewall filter add chain=ringfence-phones out-interface=ringfence dst-address={{ pbx.address }} connection-state=established,related action=accept comment="ringfence"
{%- if pbx.sipAddress != pbx.address %}
/ip firewall filter add chain=ringfence-phones out-interface=ringfence dst-address={{ pbx.sipAddress }} connection-state=established,related action=accept comment="ringfence"
{%- endif %}
/ip firewall filter add chain=ringfence-phones out-interface=ringfence dst-address={{ pbx.sipAddress }} protocol=tcp dst-port={% for port in pbx.ports %}{{ port }}{% unless forloop.last %},{% endunless %}{% endfor %} action=accept comment="ringfence"
/ip firewall filter add chain=ringfence-phones out-interface=ringfence dst-address={{ pbx.address }} protocol=udp dst-port={{ pbx.rtpFrom }}-{{ pbx.rtpTo }} action=accept comment="ringfence"
{%- if timeServer %}
/ip firewall filter add chain=ringfence-phones out-interface=ringfence dst-address={{ timeServer }} protocol=udp dst-port=123 action=accept comment="ringfence"
{%- endif %}
{%- for address in door.addresses %}
/ip firewall filter add chain=ringfence-phones out-interface=!ringfence dst-address={{ address }} protocol=tcp dst-port={{ door.port }} action=accept comment="ringfence"
{%- endfor %}
/ip firewall filter add chain=ringfence-phones action=drop comment="ringfence"
/ip firewall filter add chain=ringfence-tunnel out-interface=$phones src-address={{ pbx.address }} action=accept comment="ringfence"
{%- if pbx.sipAddress != pbx.address %}
/ip firewall filter add chain=ringfence-tunnel out-interface=$phones src-address={{ pbx.sipAddress }} action=accept comment="ringfence"
{%- endif %}
{%- if timeServer %}
/ip firewall filter add chain=ringfence-tunnel out-interface=$phones src-address={{ timeServer }} connection-state=established action=accept comment="ringfence"
{%- endif %}
/ip firewall filter add chain=ringfence-tunnel out-interface=$phones protocol=icmp connection-state=related action=accept comment="ringfence"
/ip firewall filter add chain=ringfence-tunnel action=drop comment="ringfence"
{%- for address in door.addresses %}
/ip firewall filter add chain=ringfence-home out-interface=$phones src-address={{ address }} protocol=tcp src-port={{ door.port }} connection-state=established action=accept comment="ringfence"
{%- endfor %}
/ip firewall filter add chain=ringfence-home action=drop comment="ringfence"
/ip firewall filter add chain=ringfence-input in-interface=$phones protocol=udp dst-port=53,67 action=accept comment="ringfence"
/ip firewall filter add chain=ringfence-input in-interface=$phones protocol=tcp dst-port=53 action=accept comment="ringfence"
/ip firewall filter add chain=ringfence-input action=drop comment="ringfence"

:local forwardRules [/ip firewall filter find chain=forward dynamic=no]
/ip firewall filter add chain=forward in-interface=$phones action=jump jump-target=ringfence-phones comment="ringfence"
/ip firewall filter add chain=forward in-interface=ringfence action=jump jump-target=ringfence-tunnel comment="ringfence"
/ip firewall filter add chain=forward in-interface=!ringfence out-interface=$phones action=jump jump-target=ringfence-home comment="ringfence"
/ip firewall filter add chain=forward in-interface=!$phones out-interface=ringfence action=jump jump-target=ringfence-home comment="ringfence"
:if ([:len $forwardRules] > 0) do={
  /ip firewall filter move [find chain=forward comment="ringfence"] destination=[:pick $forwardRules 0]
}
:local inputRules [/ip firewall filter find chain=input dynamic=no]
/ip firewall filter add chain=input in-interface=$phones action=jump jump-target=ringfence-input comment="ringfence"
/ip firewall filter add chain=input in-interface=ringfence action=jump jump-target=ringfence-input comment="ringfence"
:if ([:len $inputRules] > 0) do={
  /ip firewall filter move [find chain=input comment="ringfence"] destination=[:pick $inputRules 0]
}

# Into the tunnel with the phone's own address, to the Internet with the home's.
:local natRules [/ip firewall nat find chain=srcnat dynamic=no]
/ip firewall nat add chain=srcnat out-interface=ringfence action=accept comment="ringfence"
/ip firewall nat add chain=srcnat src-address={{ network.subnet }} out-interface=!ringfence action=masquerade comment="ringfence"
:if ([:len $natRules] > 0) do={
  /ip firewall nat move [find chain=srcnat comment="ringfence"] destination=[:pick $natRules 0]
}

# The phones have no IPv6.
:foreach chain in={"input"; "forward"} do={
  :local ipv6Rules [/ipv6 firewall filter find chain=$chain dynamic=no]
  /ipv6 firewall filter add chain=$chain in-interface=$phones action=drop comment="ringfence"
  /ipv6 firewall filter add chain=$chain in-interface=ringfence action=drop comment="ringfence"
  :if ([:len $ipv6Rules] > 0) do={
    /ipv6 firewall filter move [find chain=$chain comment="ringfence"] destination=[:pick $ipv6Rules 0]
  }
}
/ipv6 firewall filter add chain=forward out-interface=$phones action=drop comment="ringfence"

/interface wireguard peers add interface=ringfence public-key="{{ hub.publicKey }}" preshared-key=$presharedKey \
  endpoint-address={{ hub.host }} endpoint-port={{ hub.port }} persistent-keepalive=25s \
  allowed-address={% for prefix in allowedIps %}{{ prefix }}{% unless forloop.last %},{% endunless %}{% endfor %} comment="ringfence"
{%- for address in tunnelAddresses %}
/ip address add address={{ address }} interface=ringfence comment="ringfence"
{%- endfor %}
{%- for prefix in allowedIps %}
/ip route add dst-address={{ prefix }} gateway=ringfence comment="ringfence"
{%- endfor %}

/ip address add address={{ network.gatewayAddress }}/{{ network.length }} interface=$phones comment="ringfence"
/ip dhcp-server option add name="ringfence-66" code=66 value="'{{ door.phonesUrl }}'"
/ip dhcp-server option add name="ringfence-160" code=160 value="'{{ door.phonesUrl }}'"
/ip dhcp-server add name="ringfence" interface=$phones address-pool=static-only disabled=no
/ip dhcp-server network add address={{ network.subnet }} gateway={{ network.gatewayAddress }} dns-server={{ network.gatewayAddress }} \
  {% if timeServer %}ntp-server={{ timeServer }} {% endif %}dhcp-option=ringfence-66,ringfence-160 comment="ringfence"
{%- for phone in reservations %}
/ip dhcp-server lease add server="ringfence" mac-address={{ phone.macColons }} address={{ phone.address }} comment="ringfence"
{%- endfor %}
{%- for entry in staticNames %}
/ip dns static add name="{{ entry.name }}" address={{ entry.address }} comment="ringfence"
{%- endfor %}

# A form field: what means something else there is written as its code.
:local publicKey [/interface wireguard get [find name="ringfence"] public-key]
:local encoded ""
:for index from=0 to=([:len $publicKey] - 1) do={
  :local letter [:pick $publicKey $index ($index + 1)]
  :if ($letter = "+") do={ :set letter "%2B" }
  :if ($letter = "/") do={ :set letter "%2F" }
  :if ($letter = "=") do={ :set letter "%3D" }
  :set encoded ($encoded . $letter)
}
:put "ringfence: the phones' network is {{ network.subnet }} on $phones."
:do {
  /tool fetch url="{{ keyUrl }}" http-method=post http-data=("publicKey=" . $encoded) http-header-field="Content-Type: application/x-www-form-urlencoded" check-certificate=yes-without-crl output=none
} on-error={
  :put "ringfence: the public key could not be handed over. If the tunnel has worked before, all is well. If not, tell your"
  :put "administrator this key, for the command ringfence gateway key: $publicKey"
}
{%- endif %}
}
