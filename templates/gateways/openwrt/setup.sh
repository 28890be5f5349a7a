#!/bin/sh
# Ringfence: makes this OpenWrt router (GL.iNet too) the home gateway of desk phones. Run it there as root: sh FILE
#
# It may be run again: it replaces what it made itself (sections that begin with rf_) and touches nothing else.
# It holds secrets. Delete it when the phones work.
{%- assign network = phoneNetworks[0] %}
set -eu

# Where the phones are plugged in: VLAN 66 on the home bridge, or a port that was taken off the bridge (lan4).
PHONES_DEVICE="${PHONES_DEVICE:-br-lan.66}"
# The firewall zone that leads to the Internet and masquerades.
WAN_ZONE="${WAN_ZONE:-wan}"

stop() {
  printf 'ringfence: %s\nNothing was changed.\n' "$1" >&2
  exit 1
}
{% if pbx.address == null or pbx.sipAddress == null %}
stop 'the PBX has no IPv4 address yet (RINGFENCE_PBX_ADDRESS): ask for this file again when it has one'
{%- elsif door.addresses.size == 0 %}
stop 'the name of the phone door led to no IPv4 address: ask for this file again when it does'
{%- else %}
case "$PHONES_DEVICE$WAN_ZONE" in *[!A-Za-z0-9._-]*) stop 'PHONES_DEVICE or WAN_ZONE has a character that no name has' ;; esac
command -v uci >/dev/null || stop 'this is no OpenWrt: there is no uci'
command -v wg >/dev/null ||
  stop 'WireGuard is missing: opkg update && opkg install wireguard-tools (newer releases: apk update && apk add wireguard-tools)'
for config in network dhcp firewall; do
  [ -z "$(uci changes "$config")" ] || stop "there are unsaved changes to $config: apply or revert them first"
done
trap 'for config in network dhcp firewall; do uci -q revert "$config" || true; done' EXIT

# The private key never leaves the router. It is kept as long as the preshared key says that this is the same enrolment.
PRESHARED_KEY='{{ presharedKey }}'
private_key="$(uci -q get network.rf_tunnel.private_key || true)"
[ -n "$private_key" ] && [ "$(uci -q get network.rf_hub.preshared_key || true)" = "$PRESHARED_KEY" ] ||
  private_key="$(wg genkey)"
public_key="$(printf '%s\n' "$private_key" | wg pubkey)"

for config in network dhcp firewall; do
  uci -q show "$config" | sed -n "s/^\($config\.rf_[A-Za-z0-9_]*\)=.*/delete \1/p" | uci batch
done

# uci batch goes on after a mistake and always ends with 0: what it says tells.
problems="$(uci batch 2>&1 <<UCI
set network.rf_tunnel=interface
set network.rf_tunnel.proto='wireguard'
set network.rf_tunnel.private_key='$private_key'
{%- for address in tunnelAddresses %}
add_list network.rf_tunnel.addresses='{{ address }}'
{%- endfor %}
set network.rf_tunnel.mtu='1420'
set network.rf_hub=wireguard_rf_tunnel
set network.rf_hub.public_key='{{ hub.publicKey }}'
set network.rf_hub.preshared_key='$PRESHARED_KEY'
{%- for prefix in allowedIps %}
add_list network.rf_hub.allowed_ips='{{ prefix }}'
{%- endfor %}
set network.rf_hub.route_allowed_ips='1'
set network.rf_hub.endpoint_host='{{ hub.host }}'
set network.rf_hub.endpoint_port='{{ hub.port }}'
set network.rf_hub.persistent_keepalive='25'
set network.rf_phones=interface
set network.rf_phones.proto='static'
set network.rf_phones.device='$PHONES_DEVICE'
set network.rf_phones.ipaddr='{{ network.gatewayAddress }}'
set network.rf_phones.netmask='{{ network.netmask }}'
set dhcp.rf_phones=dhcp
set dhcp.rf_phones.interface='rf_phones'
set dhcp.rf_phones.start='2'
set dhcp.rf_phones.limit='1'
set dhcp.rf_phones.dynamicdhcp='0'
set dhcp.rf_phones.leasetime='12h'
set dhcp.rf_phones.ra='disabled'
set dhcp.rf_phones.dhcpv6='disabled'
add_list dhcp.rf_phones.dhcp_option='66,{{ door.phonesUrl }}'
add_list dhcp.rf_phones.dhcp_option='160,{{ door.phonesUrl }}'
{%- if timeServer %}
add_list dhcp.rf_phones.dhcp_option='42,{{ timeServer }}'
{%- endif %}
{%- for phone in reservations %}
set dhcp.rf_host_{{ phone.mac }}=host
set dhcp.rf_host_{{ phone.mac }}.mac='{{ phone.macColons }}'
set dhcp.rf_host_{{ phone.mac }}.ip='{{ phone.address }}'
{%- endfor %}
{%- for entry in staticNames %}
set dhcp.rf_name_{{ forloop.index }}=domain
set dhcp.rf_name_{{ forloop.index }}.name='{{ entry.name }}'
set dhcp.rf_name_{{ forloop.index }}.ip='{{ entry.address }}'
{%- endfor %}
set firewall.rf_phones=zone
set firewall.rf_phones.name='rf_phones'
add_list firewall.rf_phones.network='rf_phones'
set firewall.rf_phones.input='REJECT'
set firewall.rf_phones.output='ACCEPT'
set firewall.rf_phones.forward='REJECT'
set firewall.rf_tunnel=zone
set firewall.rf_tunnel.name='rf_tunnel'
add_list firewall.rf_tunnel.network='rf_tunnel'
set firewall.rf_tunnel.input='REJECT'
set firewall.rf_tunnel.output='ACCEPT'
set firewall.rf_tunnel.forward='REJECT'
set firewall.rf_tunnel.mtu_fix='1'
set firewall.rf_dhcp=rule
set firewall.rf_dhcp.name='Phones: DHCP'
set firewall.rf_dhcp.family='ipv4'
set firewall.rf_dhcp.src='rf_phones'
set firewall.rf_dhcp.proto='udp'
set firewall.rf_dhcp.dest_port='67'
set firewall.rf_dhcp.target='ACCEPT'
set firewall.rf_dns=rule
set firewall.rf_dns.name='Phones: DNS'
set firewall.rf_dns.family='ipv4'
set firewall.rf_dns.src='rf_phones'
set firewall.rf_dns.proto='tcp udp'
set firewall.rf_dns.dest_port='53'
set firewall.rf_dns.target='ACCEPT'
set firewall.rf_sip=rule
set firewall.rf_sip.name='Phones to PBX: calls'
set firewall.rf_sip.family='ipv4'
set firewall.rf_sip.src='rf_phones'
set firewall.rf_sip.dest='rf_tunnel'
set firewall.rf_sip.dest_ip='{{ pbx.sipAddress }}'
set firewall.rf_sip.proto='tcp'
set firewall.rf_sip.dest_port='{% for port in pbx.ports %}{{ port }}{% unless forloop.last %} {% endunless %}{% endfor %}'
set firewall.rf_sip.target='ACCEPT'
set firewall.rf_rtp=rule
set firewall.rf_rtp.name='Phones to PBX: speech'
set firewall.rf_rtp.family='ipv4'
set firewall.rf_rtp.src='rf_phones'
set firewall.rf_rtp.dest='rf_tunnel'
set firewall.rf_rtp.dest_ip='{{ pbx.address }}'
set firewall.rf_rtp.proto='udp'
set firewall.rf_rtp.dest_port='{{ pbx.rtpFrom }}-{{ pbx.rtpTo }}'
set firewall.rf_rtp.target='ACCEPT'
{%- if timeServer %}
set firewall.rf_time=rule
set firewall.rf_time.name='Phones: time'
set firewall.rf_time.family='ipv4'
set firewall.rf_time.src='rf_phones'
set firewall.rf_time.dest='rf_tunnel'
set firewall.rf_time.dest_ip='{{ timeServer }}'
set firewall.rf_time.proto='udp'
set firewall.rf_time.dest_port='123'
set firewall.rf_time.target='ACCEPT'
{%- endif %}
set firewall.rf_door=rule
set firewall.rf_door.name='Phones to their settings'
set firewall.rf_door.family='ipv4'
set firewall.rf_door.src='rf_phones'
set firewall.rf_door.dest='$WAN_ZONE'
{%- for address in door.addresses %}
add_list firewall.rf_door.dest_ip='{{ address }}'
{%- endfor %}
set firewall.rf_door.proto='tcp'
set firewall.rf_door.dest_port='{{ door.port }}'
set firewall.rf_door.target='ACCEPT'
set firewall.rf_pbx=rule
set firewall.rf_pbx.name='PBX to phones'
set firewall.rf_pbx.family='ipv4'
set firewall.rf_pbx.src='rf_tunnel'
set firewall.rf_pbx.src_ip='{{ pbx.address }}'
set firewall.rf_pbx.dest='rf_phones'
set firewall.rf_pbx.proto='all'
set firewall.rf_pbx.target='ACCEPT'
{%- if pbx.sipAddress != pbx.address %}
set firewall.rf_edge=rule
set firewall.rf_edge.name='SIP edge to phones'
set firewall.rf_edge.family='ipv4'
set firewall.rf_edge.src='rf_tunnel'
set firewall.rf_edge.src_ip='{{ pbx.sipAddress }}'
set firewall.rf_edge.dest='rf_phones'
set firewall.rf_edge.proto='all'
set firewall.rf_edge.target='ACCEPT'
{%- endif %}
UCI
)"
[ -z "$problems" ] || stop "uci did not take the settings: $problems"

# Handed over while the connection is surely there. curl reads the address from its standard input, where no other program
# sees it; the router's own wget takes it on its command line only.
KEY_URL='{{ keyUrl }}'
hand_over() {
  if command -v curl >/dev/null; then
    printf 'url = "%s"\ndata-urlencode = "publicKey=%s"\n' "$KEY_URL" "$public_key" | curl -fsS -m 30 -o /dev/null -K -
  else
    encoded="$(printf '%s' "$public_key" | sed 's/+/%2B/g; s/\//%2F/g; s/=/%3D/g')"
    wget -q -T 30 -O /dev/null --post-data="publicKey=$encoded" "$KEY_URL"
  fi
}
handed_over=yes
hand_over || handed_over=no

for config in network dhcp firewall; do uci commit "$config"; done
trap - EXIT
reload_config

echo "ringfence: the phones' network is {{ network.subnet }} on $PHONES_DEVICE."
if [ "$handed_over" = no ]; then
  echo 'ringfence: the public key could not be handed over. If the tunnel has worked before, all is well. If not, tell your'
  echo "administrator this key, for the command ringfence gateway key: $public_key"
fi
{%- endif %}
