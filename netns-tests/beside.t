#!/bin/bash
# Beside others: bridges and their ports are no links, another VPN's rules, tables
# and marks stay, and what somebody's firewall drops of the tunnel is told: which
# chain of which table.

. "$(dirname "$0")/tunnel.sh"

needs ping curl

topology 2
tunnel_files
reaches_host() { in_client ping -c 1 -W 1 "$HOST4"; }
why() { client status | sed -n "s/^unused $1: //p"; }
links_used() { status_of client '[.peers[0].paths[] | select(.state == "up") | .link] | unique | join(" ")'; }
uses() { [ "$(links_used)" = "$1" ]; }

# ---- as Docker has it ----

# A bridge with an address of its own, a container on it, masqueraded.
ns_add container
ip -n "$(ns_name client)" link add docker0 type bridge
set_up client docker0 172.17.0.1/16
veth client vethc0 container eth0
ip -n "$(ns_name client)" link set dev vethc0 master docker0 up
set_up container eth0 172.17.0.2/16
route container default via 172.17.0.1
in_client sysctl -qw net.ipv4.ip_forward=1
in_client nft -f - <<-RULES
	table ip nat {
		chain POSTROUTING { type nat hook postrouting priority srcnat; ip saddr 172.17.0.0/16 oifname != "docker0" masquerade; }
	}
	table ip filter {
		chain FORWARD { type filter hook forward priority filter; policy drop;
			iifname "docker0" oifname != "docker0" accept
			oifname "docker0" ct state established,related accept
		}
	}
RULES
# A bridge that is the way out: the port's network is the bridge's.
ip -n "$(ns_name client)" link add br0 type bridge
ip -n "$(ns_name client)" link set dev wan1 master br0
ip -n "$(ns_name client)" addr flush dev wan1 scope global
ip -n "$(ns_name client)" -6 route del default dev wan1
set_up client br0 "$(wan4 wan1)/24" "$(wan6 wan1)/64"
route client default via "$(gw4 wan1)" dev br0 metric 101
route client default via "$(gw6 wan1)" dev br0 metric 101

# ---- as wg-quick has it ----

mark=51820
ip -n "$(ns_name client)" link add wg0 type wireguard 2>/dev/null ||
	ip -n "$(ns_name client)" tuntap add dev wg0 mode tun
set_up client wg0 10.66.0.2/24
route client default dev wg0 table $mark
for family in -4 -6; do
	in_client ip $family rule add not fwmark $mark table $mark pref 30001
	in_client ip $family rule add table main suppress_prefixlength 0 pref 30000
done
in_client nft -f - <<-RULES
	table ip wg-quick-wg0 {
		chain postmangle { type filter hook postrouting priority -150; meta l4proto udp meta mark $mark ct mark set meta mark; }
		chain premangle { type filter hook prerouting priority -150; meta l4proto udp meta mark set ct mark; }
	}
RULES
others() { # what is not ours
	for family in -4 -6; do
		in_client ip $family rule | grep -v 'proto 84'
		in_client ip $family route show table $mark
	done
	for table in "ip nat" "ip filter" "ip wg-quick-wg0"; do
		# shellcheck disable=SC2086
		in_client nft -s list table $table
	done
	in_client ip -br addr show dev wg0
}
remember client server
others_were=$(others)

server up
ok "between bridges and another VPN the client comes up" client up
ok "it uses its link, and the bridge that leads out" within 5 uses "br0 wan0"
like "a port is none" "$(why wan1)" "is a port of a bridge"
like "a container's port is none" "$(why vethc0)" "is a port of a bridge"
like "its bridge leads nowhere" "$(why docker0)" "no default route"
like "another VPN is none" "$(why wg0)" "is a tunnel itself"
ok "the host is reached" within 3 reaches_host
ok "the container reaches it, too" in_ns container ping -c 1 -W 1 "$HOST4"
ok "through the tunnel" in_ns container ping -c 1 -W 1 "$INNER_SERVER4"
ok "the host reaches the container" in_client ping -c 1 -W 1 172.17.0.2
is "rules, tables and addresses of others are as they were" "$(others)" "$others_were"
kill -9 "$(status_of client .supervisor_pid)"
ok "with the daemon killed the container is still reached" in_client ping -c 1 -W 1 172.17.0.2
ok "and gets out no more than the host" not in_ns container ping -c 1 -W 0.3 "$HOST4"
is "what is others' stays" "$(others)" "$others_were"
client down
unchanged "after down" client

# ---- a firewall ----

notes() { status_of "$1" '.notes[]'; }
says() { notes "$1" | grep -E "$2"; }

in_server nft -f - <<-RULES
	table inet shield { chain incoming { type filter hook input priority filter; policy drop; iifname "lo" accept; icmpv6 type >= 133 accept; }; }
RULES
spawn_in client "$TTT" up -c "$T/client.conf" -r "$T/run-client"
up=$SPAWNED
ok "a server says which chain keeps its clients out" within 5 \
	says server "^table inet shield, chain incoming: its policy drops the clients' datagrams$"
in_server nft insert rule inet shield incoming udp dport 7474 accept
ok "once that lets them in, the tunnel comes up" wait "$up"
in_server nft -f - <<-RULES
	table ip shield { chain forwarded { type filter hook forward priority filter; policy accept; iifname "ttt0" drop; }; }
RULES
spawn_in client ping -q -i 0.1 "$HOST4"
pings=$SPAWNED
ok "a server says which chain keeps the clients' packets in" within 5 \
	says server "^table ip shield, chain forwarded: a rule drops the clients' packets$"
kill "$pings"
in_server nft delete table ip shield
ok "without it they get out" within 3 reaches_host
client down
in_client nft -f - <<-RULES
	table inet shield { chain outgoing { type filter hook output priority filter; policy drop; oifname "lo" accept; icmpv6 type >= 133 accept; }; }
RULES
ok "a client that is kept in says so" refuses 1 \
	"vps: no answer .*; table inet shield, chain outgoing: its policy drops what the tunnel sends" client up
in_client nft delete table inet shield
server down
in_server nft delete table inet shield
unchanged "after all of it" client server
done_testing
