#!/bin/sh
# Ringfence: makes this Debian or Raspberry Pi OS computer the home gateway of desk phones. Run it there as root: sh FILE
#
# It may be run again: it replaces its own files, all named ringfence, and touches nothing else. With ROOT=/some/folder it
# writes them there and activates nothing. It holds secrets. Delete it when the phones work.
{%- assign network = phoneNetworks[0] %}
set -eu
umask 077

# The port that the phones (or a switch for them) are plugged into. It must not be the one that leads to the home's router.
PHONES_PORT="${PHONES_PORT:-eth1}"
# Empty: the whole port is the phones'. A number: only this VLAN of it.
PHONES_VLAN="${PHONES_VLAN:-}"
TUNNEL="${TUNNEL:-ringfence0}"
ROOT="${ROOT:-}"

stop() {
  printf 'ringfence: %s\nNothing was changed.\n' "$1" >&2
  exit 1
}
{% if pbx.address == null or pbx.sipAddress == null %}
stop 'the PBX has no IPv4 address yet (RINGFENCE_PBX_ADDRESS): ask for this file again when it has one'
{%- elsif door.addresses.size == 0 %}
stop 'the name of the phone door led to no IPv4 address: ask for this file again when it does'
{%- else %}
case "$PHONES_PORT$TUNNEL" in *[!A-Za-z0-9._-]*) stop 'PHONES_PORT or TUNNEL has a character that no name has' ;; esac
case "$PHONES_VLAN" in *[!0-9]*) stop 'PHONES_VLAN is no number' ;; esac
command -v wg >/dev/null || stop 'WireGuard is missing: apt install wireguard-tools'
if [ -z "$ROOT" ]; then
  [ "$(id -u)" = 0 ] || stop 'run it as root'
  for program in nft dnsmasq curl networkctl systemctl; do
    command -v "$program" >/dev/null || stop "$program is missing: apt install nftables dnsmasq-base curl systemd"
  done
  case " $(ip -4 route show default) " in
    *" dev $PHONES_PORT "*) stop "$PHONES_PORT leads to the home's own network: set PHONES_PORT to the phones' port" ;;
  esac
fi
PHONES="$PHONES_PORT${PHONES_VLAN:+.$PHONES_VLAN}"

# Takes a file from its standard input. Written beside and renamed, so that a half-written one is never read; networkd reads
# its own as a user of its own.
put() {
  mkdir -p "$(dirname "$ROOT$1")"
  cat >"$ROOT$1.new"
  chmod "$2" "$ROOT$1.new"
  if [ "$2" = 640 ] && [ -z "$ROOT" ]; then chgrp systemd-network "$ROOT$1.new"; fi
  mv "$ROOT$1.new" "$ROOT$1"
}

# The private key never leaves this computer. It is kept as long as the preshared key says that this is the same enrolment.
PRESHARED_KEY='{{ presharedKey }}'
key_file=/etc/systemd/network/ringfence.key
preshared_file=/etc/systemd/network/ringfence.preshared
if [ ! -s "$ROOT$key_file" ] || [ "$(cat "$ROOT$preshared_file" 2>/dev/null)" != "$PRESHARED_KEY" ]; then
  wg genkey | put "$key_file" 640
fi
printf '%s\n' "$PRESHARED_KEY" | put "$preshared_file" 640
public_key="$(wg pubkey <"$ROOT$key_file")"

put /etc/systemd/network/60-ringfence-tunnel.netdev 640 <<FILE
[NetDev]
Name=$TUNNEL
Kind=wireguard
MTUBytes=1420

[WireGuard]
PrivateKeyFile=$key_file

[WireGuardPeer]
PublicKey={{ hub.publicKey }}
PresharedKeyFile=$preshared_file
{%- for prefix in allowedIps %}
AllowedIPs={{ prefix }}
{%- endfor %}
Endpoint={{ hubEndpoint }}
PersistentKeepalive=25
FILE

put /etc/systemd/network/60-ringfence-tunnel.network 644 <<FILE
[Match]
Name=$TUNNEL

[Network]
{%- for address in tunnelAddresses %}
Address={{ address }}
{%- endfor %}
LinkLocalAddressing=no
IPv6AcceptRA=no
{%- for prefix in allowedIps %}

[Route]
Destination={{ prefix }}
Scope=link
{%- endfor %}
FILE

put /etc/systemd/network/60-ringfence-phones.network 644 <<FILE
[Match]
Name=$PHONES

[Link]
RequiredForOnline=no

[Network]
Address={{ network.gatewayAddress }}/{{ network.length }}
ConfigureWithoutCarrier=yes
LinkLocalAddressing=no
IPv6AcceptRA=no
FILE

rm -f "$ROOT/etc/systemd/network/60-ringfence-vlan.netdev" "$ROOT/etc/systemd/network/60-ringfence-vlan.network"
if [ -n "$PHONES_VLAN" ]; then
  put /etc/systemd/network/60-ringfence-vlan.netdev 644 <<FILE
[NetDev]
Name=$PHONES
Kind=vlan

[VLAN]
Id=$PHONES_VLAN
FILE
  put /etc/systemd/network/60-ringfence-vlan.network 644 <<FILE
[Match]
Name=$PHONES_PORT

[Link]
RequiredForOnline=no

[Network]
VLAN=$PHONES
LinkLocalAddressing=no
IPv6AcceptRA=no
FILE
fi

# NetworkManager, which Raspberry Pi OS has, must leave these alone.
if [ -n "$ROOT" ] || [ -d /etc/NetworkManager ]; then
  put /etc/NetworkManager/conf.d/ringfence.conf 644 <<FILE
[keyfile]
unmanaged-devices+=interface-name:$TUNNEL;interface-name:$PHONES_PORT;interface-name:$PHONES
FILE
fi

# A table of its own, put in place in one step. Another table's rules apply as well: what one drops stays dropped.
put /etc/ringfence/firewall.nft 600 <<FILE
table inet ringfence_gateway
delete table inet ringfence_gateway
table inet ringfence_gateway {
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "$TUNNEL" tcp flags syn tcp option maxseg size set rt mtu
    oifname "$TUNNEL" tcp flags syn tcp option maxseg size set rt mtu
    iifname "$PHONES" goto from_phones
    iifname "$TUNNEL" goto from_tunnel
    oifname "$PHONES" ct state established ip saddr { {% for address in door.addresses %}{{ address }}{% unless forloop.last %}, {% endunless %}{% endfor %} } tcp sport {{ door.port }} accept
    oifname { "$PHONES", "$TUNNEL" } drop
  }
  chain from_phones {
    oifname "$TUNNEL" ip daddr {{ pbx.sipAddress }} tcp dport { {% for port in pbx.ports %}{{ port }}{% unless forloop.last %}, {% endunless %}{% endfor %} } accept
    oifname "$TUNNEL" ip daddr {{ pbx.address }} udp dport {{ pbx.rtpFrom }}-{{ pbx.rtpTo }} accept
    oifname "$TUNNEL" ip daddr {{ pbx.address }} ct state established,related accept
{%- if pbx.sipAddress != pbx.address %}
    oifname "$TUNNEL" ip daddr {{ pbx.sipAddress }} ct state established,related accept
{%- endif %}
{%- if timeServer %}
    oifname "$TUNNEL" ip daddr {{ timeServer }} udp dport 123 accept
{%- endif %}
    oifname != "$TUNNEL" ip daddr { {% for address in door.addresses %}{{ address }}{% unless forloop.last %}, {% endunless %}{% endfor %} } tcp dport {{ door.port }} accept
    drop
  }
  chain from_tunnel {
    oifname "$PHONES" ip saddr {{ pbx.address }} accept
{%- if pbx.sipAddress != pbx.address %}
    oifname "$PHONES" ip saddr {{ pbx.sipAddress }} accept
{%- endif %}
{%- if timeServer %}
    oifname "$PHONES" ip saddr {{ timeServer }} udp sport 123 ct state established accept
{%- endif %}
    ct state related meta l4proto icmp accept
    drop
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname "$PHONES" udp dport { 53, 67 } accept
    iifname "$PHONES" tcp dport 53 accept
    iifname { "$PHONES", "$TUNNEL" } drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr {{ network.subnet }} oifname != { "$PHONES", "$TUNNEL" } masquerade
  }
}
FILE

# Forwarding is switched on only when the rules are in place.
put /etc/systemd/system/ringfence-firewall.service 644 <<FILE
[Unit]
Description=Firewall of the phones behind this home gateway
Wants=network-pre.target
Before=network-pre.target
After=nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/ringfence/firewall.nft
ExecStart=/usr/sbin/sysctl -q -w net.ipv4.ip_forward=1
ExecReload=/usr/sbin/nft -f /etc/ringfence/firewall.nft

[Install]
WantedBy=multi-user.target
FILE

# Addresses and names for the phones: those in this file and no others.
put /etc/ringfence/dnsmasq.conf 600 <<FILE
interface=$PHONES
except-interface=lo
bind-dynamic
no-resolv
no-hosts
pid-file=
log-facility=-
dhcp-leasefile=/run/ringfence-dnsmasq.leases
dhcp-authoritative
dhcp-range={{ network.address }},static,{{ network.netmask }},12h
dhcp-option=66,"{{ door.phonesUrl }}"
dhcp-option=160,"{{ door.phonesUrl }}"
{%- if timeServer %}
dhcp-option=42,{{ timeServer }}
{%- endif %}
{%- for phone in reservations %}
dhcp-host={{ phone.macColons }},{{ phone.address }}
{%- endfor %}
{%- for entry in staticNames %}
host-record={{ entry.name }},{{ entry.address }}
{%- endfor %}
FILE

put /etc/systemd/system/ringfence-dnsmasq.service 644 <<FILE
[Unit]
Description=Addresses and names for the phones behind this home gateway
Requires=ringfence-firewall.service
After=ringfence-firewall.service systemd-networkd.service

[Service]
ExecStart=/usr/sbin/dnsmasq --keep-in-foreground --conf-file=/etc/ringfence/dnsmasq.conf
Restart=on-failure

[Install]
WantedBy=multi-user.target
FILE

if [ -n "$ROOT" ]; then
  echo "ringfence: the files are under $ROOT, nothing was activated. Public key: $public_key"
  exit 0
fi

# Handed over while the connection is surely there. curl reads the address from its standard input, where nobody else sees it.
KEY_URL='{{ keyUrl }}'
handed_over=yes
printf 'url = "%s"\ndata-urlencode = "publicKey=%s"\n' "$KEY_URL" "$public_key" |
  curl -fsS -m 30 -o /dev/null -K - || handed_over=no

systemctl daemon-reload
systemctl enable -q systemd-networkd.service ringfence-firewall.service ringfence-dnsmasq.service
systemctl restart ringfence-firewall.service
if [ -d /etc/NetworkManager ]; then systemctl -q is-active NetworkManager && systemctl reload NetworkManager || true; fi
# networkd sets a tunnel up when it makes it, and leaves one that is there as it is.
ip link delete "$TUNNEL" 2>/dev/null || true
systemctl restart systemd-networkd.service
systemctl restart ringfence-dnsmasq.service

echo "ringfence: the phones' network is {{ network.subnet }} on $PHONES."
if [ "$handed_over" = no ]; then
  echo 'ringfence: the public key could not be handed over. If the tunnel has worked before, all is well. If not, tell your'
  echo "administrator this key, for the command ringfence gateway key: $public_key"
fi
{%- endif %}
