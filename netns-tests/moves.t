#!/bin/bash
# What happens to interfaces beyond going and coming: they are renamed, change
# names, gateways, metrics and MTUs, move to other namespaces, come back with
# another index; a link flaps, and events storm.  A download and a ping go on
# through all of it.
#
# FLAPS and FLAP_EVERY (seconds) say how often one link flaps, and how fast: as
# many times as in five minutes of twenty a minute, but faster.  Those minutes:
# FLAPS=100 FLAP_EVERY=3 bash netns-tests/moves.t

. "$(dirname "$0")/tunnel.sh"
needs curl jq
topology 3
ns_add elsewhere
CLIENT_MORE=$'[link lte0]\nweight = 7' tunnel_files
mkdir "$T/www"
make_file "$T/www/file" 4G
http_serve host "$T/www" 80
shape() { in_inet tc qdisc add dev "w$1" root tbf rate 20mbit burst 32k latency 50ms; } # shape N
for n in 0 1 2; do shape $n; done
in_client sysctl -qw net.ipv4.conf.wan1.rp_filter=1	# in the way, so it is changed
in_inet sysctl -qw net.ipv4.conf.all.promote_secondaries=1

# What must be there again; interfaces have other indexes by then.
traces() {
	local family
	for family in -4 -6; do in_client ip $family rule; in_client ip $family route show table all | grep -E 'proto 84|table 74'; done
	in_client nft list tables
	settings_of client
	in_client cat /etc/resolv.conf
}
before=$(traces)

uses() { # uses "wan0 wan1": exactly these carry data
	[ "$(status_of client '[.peers[0].paths[] | select(.state == "up") | .link] | unique | join(" ")')" = "$1" ]
}
field() { status_of client "[.peers[0].paths[] | select(.link == \"$1\" and .state == \"up\") | .$2] | join(\" \")"; } # field WAN NAME
field_is() { [ "$(field "$1" "$2")" = "$3" ]; }
# The client's ports, as the server sees them, in the order of its addresses: a path that is opened anew has another.
ports() { status_of server '[.peers[0].paths[] | select(.state == "up") | .remote] | sort | join(" ")'; }
received() { rx_bytes client ttt0; }
more_than() { [ "$(received)" -gt "$1" ]; }
goes_on() { within "$1" more_than "$(($(received) + 200000))"; }
link_more_than() { [ "$(rx_bytes client "$1")" -gt "$2" ]; }
carries() { within 5 link_more_than "$1" "$(($(rx_bytes client "$1") + 200000))"; }
c() { ip -n "$(ns_name client)" "$@"; }

ok "both ends come up" both_up || exit
ok "all links carry data" within 5 uses "wan0 wan1 wan2"
spawn_in client curl -sS --max-time 600 -o /dev/null "http://$HOST4/file"
download=$SPAWNED
spawn_in client ping -i 0.02 -W 2 "$HOST4"
ping=$SPAWNED ping_log=$SPAWN_LOG
ok "a download runs" goes_on 5

# ---- names ----

was=$(ports)
ok "a link is renamed while it carries" c link set dev wan1 name lte0
ok "it carries on under its new name" within 3 uses "lte0 wan0 wan2"
ok "as its section says" within 2 field_is lte0 weight 7
is "its path is the same one" "$(ports)" "$was"
ok "really" carries lte0
like "its rule names it" "$(in_client ip rule | grep 'fwmark 0x7474')" "from 10.71.1.2 fwmark 0x7474/0xffff oif lte0 lookup"
is "its setting moved along" "$(in_client cat /proc/sys/net/ipv4/conf/lte0/rp_filter)" 2
ok "another one gets the name that is free" c link set dev wan2 name wan1
ok "and carries under it" within 3 uses "lte0 wan0 wan1"
is "all paths are the same ones" "$(ports)" "$was"
ok "really" carries wan1
c link set dev lte0 name swap
c link set dev wan1 name lte0
c link set dev swap name wan1
ok "two have changed their names" within 3 uses "lte0 wan0 wan1"
ok "the section is the other's" within 2 field_is lte0 weight 7
is "and only the other's" "$(field wan1 weight)" 1
is "lte0 has the address that was wan2's" "$(field lte0 local)" 10.71.2.2
is "all paths are the same ones" "$(ports)" "$was"
ok "it is renamed as udev does it: down, and up again" c link set dev lte0 down
ok "it leaves" within 2 uses "wan0 wan1"
c link set dev lte0 name wan2
c link set dev wan2 up
route client default via "$(gw4 wan2)" dev wan2 metric 102
ok "with its route back it joins under the new name" within 3 uses "wan0 wan1 wan2"
ok "the download goes on" goes_on 5

# ---- gateway, metric, MTU ----

table_of() { in_client ip rule | sed -nE "s/.*oif $1 lookup (74[0-9]+).*/\1/p"; } # table_of WAN
gateway_is() { in_client ip route show table "$(table_of "$1")" | grep -q "default via $2 "; }
was=$(ports)
in_inet ip addr add 10.71.0.254/24 dev w0
c route replace default via 10.71.0.254 dev wan0 metric 100
ok "another gateway is used" within 2 gateway_is wan0 10.71.0.254
in_inet ip addr del 10.71.0.1/24 dev w0
ok "alone" carries wan0
c route add default via 10.71.0.254 dev wan0 metric 700
c route del default via 10.71.0.254 dev wan0 metric 100
ok "another metric changes nothing" carries wan0
is "all paths are the same ones" "$(ports)" "$was"
ok "a link's MTU shrinks" c link set dev wan0 mtu 1300
ok "its path follows" within 3 field_is wan0 mtu 1300
ok "and carries" carries wan0
c link set dev wan0 mtu 1500
ok "and grows again" within 5 field_is wan0 mtu 1500
is "all paths are the same ones" "$(ports)" "$was"

# ---- another index ----

index() { in_client cat "/sys/class/net/$1/ifindex"; }
was=$(index wan2)
c link del dev wan2 && add_wan 2
shape 2
ok "an interface is re-plugged at once, with its name and address" within 3 uses "wan0 wan1 wan2"
is "but another index" "$([ "$(index wan2)" = "$was" ] || echo another)" another
ok "really" carries wan2
unused_or_not_there() { ! client status --json | jq -r '.unused[].link, .peers[0].paths[].link' | grep -q "$1"; }
ok "an interface moves to another namespace" c link set dev wan2 netns "$(ns_name elsewhere)"
ok "it leaves" within 2 uses "wan0 wan1"
ok "and is not spoken of" unused_or_not_there wan2
ok "the download goes on" goes_on 5
ip -n "$(ns_name elsewhere)" link set dev wan2 netns "$(ns_name client)"
set_up client wan2 "$(wan4 wan2)/24" "$(wan6 wan2)/64"
route client default via "$(gw4 wan2)" dev wan2 metric 102
ok "it comes back, and joins" within 3 uses "wan0 wan1 wan2"
ok "really" carries wan2

# ---- a link that flaps ----

# A link's carrier, another one's address.
flap() { # flap COUNT SECONDS
	local n
	for ((n = 0; n < $1; n++)); do
		link_down wan2
		c addr del "$(wan4 wan1)/24" dev wan1
		sleep "$(half "$2")"
		link_up wan2
		c addr add "$(wan4 wan1)/24" dev wan1
		c route add default via "$(gw4 wan1)" dev wan1 metric 101
		sleep "$(half "$2")"
	done
}
half() { awk -v s="$1" 'BEGIN { print s / 2 }'; }
count() { grep -c 'bytes from' "$ping_log"; }
was=$(count) begin=$(microseconds) had=$(received)
ok "two of three links flap ${FLAPS:=100} times" flap "$FLAPS" "${FLAP_EVERY:=0.1}"
diag "$(($(count) - was)) pings in $((($(microseconds) - begin) / 1000)) ms, $((($(received) - had) / 1000)) kB"
ok "meanwhile the download went on" more_than $((had + 1000000 * FLAPS / 20))
ok "afterwards all carry data again" within 3 uses "wan0 wan1 wan2"
ok "really" carries wan1
ok "and" carries wan2
# What came late of a path that was gone already is asked for an answer, for a minute.
at_most() { [ "$(status_of server '[.peers[0].paths[] | select(.state != "validating")] | length')" -le "$1" ]; }
ok "the server keeps no path of the past" within 5 at_most 3

# ---- a storm of events ----

veth client noise elsewhere noise
supervisor=$(status_of client .supervisor_pid)
storm() { # storm COUNT: as many addresses come and go
	local n
	for ((n = 0; n < $1; n++)); do
		echo "addr add 192.0.2.1/32 dev noise"
		echo "addr del 192.0.2.1/32 dev noise"
	done | ip -n "$(ns_name client)" -batch -
}
# The socket of the supervisor that hears events: messages that found no room.
overruns() { in_client awk -v pid="$supervisor" '$2 == 0 && $3 % 4194304 == pid && $4 != "00000000" { n += $9 } END { print n + 0 }' /proc/net/netlink; }
is "no event was lost so far" "$(overruns)" 0
kill -STOP "$supervisor"
storm 3000
c addr del "$(wan4 wan2)/24" dev wan2
c addr add 10.71.2.77/24 dev wan2
c route replace default via "$(gw4 wan2)" dev wan2 metric 102
c link set dev wan1 down
ok "more events than the socket holds" between "$(overruns)" 1 999999
ok "meanwhile the download goes on" goes_on 5
kill -CONT "$supervisor"
ok "what became of links is found out all the same" within 3 uses "wan0 wan2"
ok "each detail of it" within 3 field_is wan2 local 10.71.2.77
ok "really" carries wan2
c link set dev wan1 up
route client default via "$(gw4 wan1)" dev wan1 metric 101
storm 3000 &
track $!
storm=$!
ok "in another storm a link joins" within 5 uses "wan0 wan1 wan2"
ok "and the download goes on" goes_on 5
wait "$storm"
ok "status answers afterwards" within 3 uses "wan0 wan1 wan2"
ok "really" carries wan1

# ---- the witnesses ----

ok "the download is still the same one" is_alive "$download"
ok "and goes on" goes_on 5
is "the worker was never restarted" "$(status_of client .worker_restarts)" 0
kill -INT "$ping"
wait "$ping" 2>/dev/null
diag "$(grep 'packets transmitted' "$ping_log")"
# The last one may have been under way when the ping was ended.
lost=$(sed -nE 's/.*bytes from.*icmp_seq=([0-9]+).*/\1/p' "$ping_log" | sort -n | awk '{ n += $1 - last - 1; last = $1 } END { print n + 0 }')
ok "the ping has lost one at most" between "$lost" 0 1

c link del dev noise
both_down
is "after down all is as it was" "$(traces)" "$before"

# ---- a crash between one name and the next ----

both_up
c link set dev wan1 name lte0
ok "a link is renamed" within 3 uses "lte0 wan0 wan2"
kill -KILL "$(status_of client .supervisor_pid)"
c link set dev lte0 name lte1
both_down
c link set dev lte1 name wan1
is "after a crash and another name, down finds all of it" "$(traces)" "$before"
done_testing
