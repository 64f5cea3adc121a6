#!/bin/bash
# Links as they are: addresses from real DHCP, renewed with another one; two
# identical routers; two interfaces in one network.  A download goes on through
# all of it.
#
#	wan0 192.168.8.100 --- twin0 (192.168.8.1, NAT) --- inet
#	wan1 192.168.8.100 --- twin1 (192.168.8.1, NAT, the same MAC address) --- inet
#	wan2 192.168.30.x --- relay (no NAT; its DHCP server is inet) --- inet
#	wan3, wan4 192.168.50.x --- home (192.168.50.1, NAT) --- inet

. "$(dirname "$0")/isp.sh"
needs curl

topology 0
isp twin0 0 192.168.8
isp twin1 1 192.168.8
isp relay 2 192.168.30 no-nat
isp home 3 192.168.50
plug wan4 home
mkdir "$T/www"
make_file "$T/www/file" 800M
http_serve host "$T/www" 80
for n in 0 1 2 3; do in_inet tc qdisc add dev "u$n" root tbf rate 20mbit burst 32k latency 50ms; done

dhcp_serve twin0 192.168.8.100,192.168.8.100 --interface=lan
twin0=$SPAWNED
dhcp_serve twin1 192.168.8.100,192.168.8.100 --interface=lan
dhcp_serve home 192.168.50.10,192.168.50.19 --interface=lan
# The relay knows nothing but where to ask.
spawn_in relay dnsmasq --no-daemon --conf-file=/dev/null --port=0 --no-hosts --no-resolv --user=root --pid-file= \
	--log-dhcp --dhcp-relay=192.168.30.1,10.72.2.1
relay=$SPAWNED
dhcp_serve inet 192.168.30.50,192.168.30.59,255.255.255.0 --interface=u2 --dhcp-option=option:router,192.168.30.1
far_log=$SPAWN_LOG

tunnel_files
remember client
leases() { # leases ADDRESS-OR-PREFIX WAN...: each has one
	local wan
	for wan in "${@:2}"; do has_address "$wan" "$1" || return; done
}
for wan in wan0 wan1 wan2 wan3 wan4; do dhcp_client $wan; done
ok "two identical routers give the same address" within 8 leases 192.168.8.100 wan0 wan1
ok "a far server gives one through a relay" within 8 leases "192.168.30.[0-9]*" wan2
ok "one network gives one to each of two interfaces" within 8 leases "192.168.50.[0-9]*" wan3 wan4
with_leases() { # what must be there again; addresses and routes are the DHCP clients', and may be others by then
	in_client ip rule; in_client ip -6 rule
	in_client ip route show table all | grep -E "proto 84|table 74"
	in_client nft list tables
	settings_of client
}
before=$(with_leases)

uses() { # uses "wan0 wan1": exactly these carry data
	[ "$(status_of client '[.peers[0].paths[] | select(.state == "up") | .link] | unique | join(" ")')" = "$1" ]
}
source_is() { # source_is WAN ADDRESS
	[ "$(status_of client "[.peers[0].paths[] | select(.link == \"$1\" and .state == \"up\") | .local] | join(\" \")")" = "$2" ]
}
received() { rx_bytes client ttt0; }
more_than() { [ "$(received)" -gt "$1" ]; }
goes_on() { within "$1" more_than "$(($(received) + 200000))"; }
on_link() { rx_bytes client "$1"; }
link_more_than() { [ "$(on_link "$1")" -gt "$2" ]; }
carries() { # carries WAN: a good deal more comes there soon
	within 5 link_more_than "$1" "$(($(on_link "$1") + 200000))"
}

# Both answered for each other so far, so the router may believe anything, and the
# client knows where that is and need not ask.
mac() { in_client cat "/sys/class/net/$1/address"; }
address() { in_client ip -4 -o addr show dev "$1" | sed -E 's/.* inet ([0-9.]+).*/\1/'; }
for wan in wan3 wan4; do in_client ping -q -c 1 -W 1 -I $wan 192.168.50.1 >/dev/null; done
in_ns home ip neigh replace "$(address wan4)" lladdr "$(mac wan3)" dev lan nud reachable
ok "both ends come up" both_up || exit
ok "all five links carry data" within 5 uses "wan0 wan1 wan2 wan3 wan4"
spawn_in client curl -sS --max-time 120 -o /dev/null "http://$HOST4/file"
download=$SPAWNED
ok "a download runs" goes_on 5

# ---- two identical routers ----

ok "data comes by the one of two identical routers" carries wan0
ok "and by the other" carries wan1
is "they have different tables for the same address" "$(in_client ip rule | grep -c 'from 192.168.8.100 fwmark 0x7474/0xffff oif wan[01] lookup')" 2

dhcp_end wan1
ok "the one of them is pulled out" unplug wan1 twin1
ok "its link leaves" within 2 uses "wan0 wan2 wan3 wan4"
ok "the other is not disturbed" carries wan0
ok "it is plugged in again, and has another index" plug wan1 twin1
dhcp_client wan1
ok "its DHCP gives it the same address, and it joins" within 8 uses "wan0 wan1 wan2 wan3 wan4"
ok "and carries" carries wan1

# ---- two interfaces in one network ----

arp() { in_client cat /proc/sys/net/ipv4/conf/wan{3,4}/arp_{ignore,announce} | tr -d '\n'; }
is "each answers for its own address only" "$(arp)" 1212
knows_both() { # the router asks anew, and hears each from its own interface
	local wan
	in_ns home ip neigh flush dev lan
	for wan in wan3 wan4; do
		in_ns home ping -q -c 1 -W 1 "$(address $wan)" >/dev/null
		in_ns home ip neigh show to "$(address $wan)" dev lan | grep -q "$(mac $wan)" || return
	done
}
for n in 1 2 3; do ok "the router finds each by its own MAC address ($n)" knows_both; done
far() { ip -n "$(ns_name home)" link set dev "to-$1" "$2"; } # far WAN up|down: the other end of its cable
far wan3 down
ok "the one of two interfaces in one network loses carrier" within 2 uses "wan0 wan1 wan2 wan4"
is "the other need not be careful any more" "$(arp)" 0000
ok "and carries" carries wan4
far wan3 up
ok "the one is back" within 3 uses "wan0 wan1 wan2 wan3 wan4"
is "both are careful" "$(arp)" 1212
far wan4 down
ok "the other loses carrier" within 2 uses "wan0 wan1 wan2 wan3"
ok "and the one carries" carries wan3
far wan4 up
ok "the other is back" within 3 uses "wan0 wan1 wan2 wan3 wan4"

# ---- renewal ----

renewed() { # renewed WAN COUNT: times that it got a lease
	[ "$(grep -cE '^(bound|renew)' "${dhcp_log[$1]}")" -ge "$2" ]
}
wan2=$(address wan2)
asked_far() { [ "$(grep -c "DHCPREQUEST(u2) $wan2" "$far_log")" -ge 2 ]; }
kill "$relay"	# who has a lease asks the server itself
ok "the relay is gone" within 5 not is_alive "$relay"
dhcp_renew wan2
ok "a lease of a far server is renewed outside the tunnel" within 5 renewed wan2 2
ok "by that server" asked_far
is "with the same address its path stays" "$(status_of client '[.peers[0].paths[] | select(.link == "wan2")] | length')" 1
dhcp_renew wan4
ok "so is one of a near server" within 5 renewed wan4 2
goes_on 5

# The router has got other ideas.
kill "$twin0"
ok "the DHCP server is gone" within 5 not is_alive "$twin0"
dhcp_serve twin0 192.168.8.150,192.168.8.150 --interface=lan
dhcp_renew wan0
ok "a renewal gives another address" within 8 has_address wan0 192.168.8.150
ok "the link carries data from there" within 5 source_is wan0 192.168.8.150
ok "really" carries wan0
ok "the other identical router's link was not disturbed" source_is wan1 192.168.8.100
ok "the download goes on" goes_on 5

# The client dies, and nobody renews: the kernel takes the address away, without an event of the link.
dhcp_end wan1
in_client ip addr change 192.168.8.100/24 dev wan1 valid_lft 1 preferred_lft 1
ok "a lease ends, and its link leaves" within 4 uses "wan0 wan2 wan3 wan4"
like "status says why" "$(client status)" "unused wan1: no address"
dhcp_client wan1
ok "a new DHCP client brings it back" within 8 uses "wan0 wan1 wan2 wan3 wan4"

# A lease without a gateway, as some give: the interface is in its network, and no link.
dhcp_end wan3
in_client ip addr flush dev wan3
in_client ip addr add 192.168.50.77/24 dev wan3
like "an address without a route is no link" "$(within 2 client status; client status)" "unused wan3: no default route"
route client default via 192.168.50.1 dev wan3 metric 103
ok "a default route that comes later makes it one" within 3 uses "wan0 wan1 wan2 wan3 wan4"

ok "the download is still the same one" is_alive "$download"
ok "and goes on" goes_on 5
is "the worker was never restarted" "$(status_of client .worker_restarts)" 0

both_down
is "after down rules, tables and settings are as they were" "$(with_leases)" "$before"
for wan in wan0 wan1 wan2 wan4; do kill "${dhcp_pid[$wan]}"; done
done_testing
