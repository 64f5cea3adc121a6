#!/bin/bash
# Both families of addresses: a link has one of them or both, the server both or
# one, and some do not work.  Of the families of a link the one that works
# carries; a broken one delays nothing.
#
#	wan0 IPv4 only
#	wan1 IPv6 only: address and gateway from a router advertisement, the
#	     gateway's address is link-local
#	wan2 both; inet drops IPv4
#	wan3 both; inet drops IPv6
#	wan4 both; both work

. "$(dirname "$0")/tunnel.sh"
needs curl dnsmasq jq

topology 5
mkdir "$T/www"
make_file "$T/www/file" 800M
http_serve host "$T/www" 80
for n in 0 1 2 3 4; do in_inet tc qdisc add dev "w$n" root tbf rate 20mbit burst 32k latency 50ms; done

ip -n "$(ns_name client)" -6 addr flush dev wan0 scope global
ip -n "$(ns_name client)" -4 addr flush dev wan1
ip -n "$(ns_name client)" -6 addr flush dev wan1 scope global
ip -n "$(ns_name client)" -6 route flush dev wan1 proto boot
advertise() { # advertise LIFETIME: of the default route
	spawn_in inet dnsmasq --no-daemon --conf-file=/dev/null --port=0 --no-hosts --no-resolv --user=root --pid-file= \
		--interface=w1 --enable-ra --dhcp-range=2001:db8:a1::,ra-only --ra-param=w1,4,"$1"
	router=$SPAWNED
}
advertise 600
breaks() { # breaks WAN v4|v6: inet takes nothing of that family from there, nor sends any
	local type=ip
	[ "$2" = v4 ] || type=ip6
	in_inet nft -f - <<-RULES
		table netdev $1-$2 {
			chain in { type filter hook ingress device w${1#wan} priority 0; meta protocol $type drop; }
			chain out { type filter hook egress device w${1#wan} priority 0; meta protocol $type drop; }
		}
	RULES
}
mends() { in_inet nft delete table netdev "$1-$2"; } # mends WAN v4|v6
breaks wan2 v4
breaks wan3 v6

advertised() { in_client ip -6 route show default dev wan1 | grep -q 'via fe80:.*proto ra'; }
ok "a router advertisement gives a link its address and gateway" within 5 advertised

# ---- who carries ----

# The remote address, by its family, of what may carry data there.
carriers() { # carriers WAN
	status_of client "[.peers[0].paths[] | select(.link == \"$1\" and .eligible and .state == \"up\") | .remote] | join(\" \")" |
		sed -E 's/(^| )\[?[0-9a-f:]*::[0-9a-f]*(\]:[0-9]+)?/\1v6/g; s/[0-9]+(\.[0-9]+){3}(:[0-9]+)?/v4/g'
}
carried_by() { [ "$(carriers "$1")" = "$2" ]; } # carried_by WAN v4|v6|"": by that one only
one_carries() { [[ $(carriers "$1") =~ ^v[46]$ ]]; }
paths() { status_of client "[.peers[0].paths[] | select(.link == \"$1\")] | length"; }
received() { rx_bytes client ttt0; }
more_than() { [ "$(received)" -gt "$1" ]; }
goes_on() { within "$1" more_than "$(($(received) + 200000))"; }
link_more_than() { [ "$(rx_bytes client "$1")" -gt "$2" ]; }
carries() { within 5 link_more_than "$1" "$(($(rx_bytes client "$1") + 200000))"; }

mkdir -p "/etc/netns/$(ns_name client)"
printf '127.0.0.1 localhost\n%s vpn.test\n%s vpn.test\n' "$SERVER6" "$SERVER4" >"/etc/netns/$(ns_name client)/hosts"
ENDPOINT=vpn.test tunnel_files
settings=$(settings_of client)
server up
begin=$(microseconds)
ok "the tunnel comes up, over a name with both families" client up
ok "and the broken ones did not delay it" between $((($(microseconds) - begin) / 1000)) 0 1500
spawn_in client curl -sS --max-time 120 -o /dev/null "http://$HOST4/file"
download=$SPAWNED
ok "a download runs" goes_on 5

ok "a link with IPv4 only carries" within 5 carried_by wan0 v4
ok "a link with IPv6 only carries" within 5 carried_by wan1 v6
ok "its gateway is link-local" grep -qE 'default via fe80:[^ ]* dev wan1 .*table 74|default via fe80:' <(in_client ip -6 route show table all | grep 'dev wan1.*proto 84')
ok "where IPv4 is broken IPv6 carries" within 5 carried_by wan2 v6
ok "where IPv6 is broken IPv4 carries" within 5 carried_by wan3 v4
ok "where both work one carries" within 5 one_carries wan4
is "and the other one is there" "$(paths wan4)" 2
for wan in wan0 wan1 wan2 wan3 wan4; do ok "data comes over $wan" carries $wan; done

# ---- changes ----

now=$(carriers wan4)
other=v4
[ "$now" = v6 ] || other=v6
breaks wan4 "$now"
ok "the family in use falls silent, and the other carries" within 5 carried_by wan4 "$other"
ok "really" carries wan4
mends wan4 "$now"
breaks wan4 "$other"
ok "and the other way round" within 30 carried_by wan4 "$now"
ok "really" carries wan4
mends wan4 "$other"
ok "the download is still the same one" is_alive "$download"

# The prefix changes: another address, the old one is deprecated, at once.
source_is() { # source_is WAN PREFIX
	[[ $(status_of client "[.peers[0].paths[] | select(.link == \"$1\" and .state == \"up\") | .local] | join(\" \")") =~ ^\[?$2 ]]
}
old=$(in_client ip -6 -o addr show dev wan1 scope global | awk '{ print $4 }')
in_client ip -6 addr add 2001:db8:a1::77/64 dev wan1 nodad
in_client ip -6 addr change "$old" dev wan1 valid_lft 100 preferred_lft 0
ok "an address is deprecated, and its link goes on from another" within 3 source_is wan1 2001:db8:a1::77
ok "really" carries wan1

ok "a link loses the family that it did not use" ip -n "$(ns_name client)" -4 addr flush dev wan2
one_path() { [ "$(paths wan2)" = 1 ]; }
ok "the path of that goes" within 3 one_path
ok "and the link carries on" within 3 carried_by wan2 v6
ok "really" carries wan2

# The router resigns: an advertisement with a lifetime of 0.
kill "$router"
ok "the router is gone" within 5 not is_alive "$router"
advertise 0
ok "a router resigns, and its link leaves" within 5 carried_by wan1 ""
like "status says why" "$(client status)" "unused wan1: no default route"
kill "$router"
ok "the router is gone" within 5 not is_alive "$router"
advertise 600
ok "another one comes, and the link joins" within 8 carried_by wan1 v6
ok "really" carries wan1
is "the worker was never restarted" "$(status_of client .worker_restarts)" 0
ok "the download goes on" goes_on 5
client down
server down

# ---- alone: nobody else fills in ----

for n in 0 1 2 3; do link_down "wan$n"; done
server up
ok "with one link the tunnel comes up" client up
ok "one of its families carries" within 5 one_carries wan4
now=$(carriers wan4)
spawn_in client ping -i 0.02 -D -O "$HOST4"
pings=$SPAWNED log=$SPAWN_LOG
answers() { [ "$(grep -c 'bytes from' "$log")" -ge "$1" ]; }
ok "a ping runs" within 5 answers 50
breaks wan4 "$now"
had=$(grep -c 'bytes from' "$log")
ok "its family falls silent, and the ping goes on" within 5 answers $((had + 100))
kill -INT "$pings"
wait "$pings" 2>/dev/null
gap=$(sed -nE 's/^\[([0-9.]+)\].*bytes from.*/\1/p' "$log" | awk 'NR > 1 && $1 - last > max { max = $1 - last } { last = $1 } END { print int(max * 1000) }')
ok "without a gap of more than 300 ms" between "$gap" 0 300
diag "gap $gap ms"
mends wan4 "$now"
client down

# ---- a server with one family ----

for n in 0 1 2 3; do link_up "wan$n"; done
ENDPOINT=$SERVER4 tunnel_files
client up
within 5 carried_by wan0 v4
ok "with an IPv4 server, a link with IPv6 only says why it is idle" within 3 eval \
	'client status | grep -q "^idle wan1: has only IPv6, and the server only an IPv4 address$"'
client down
ENDPOINT="[$SERVER6]" tunnel_files
client up
within 5 carried_by wan1 v6
ok "with an IPv6 server, so does a link with IPv4 only" within 3 eval \
	'client status | grep -q "^idle wan0: has only IPv4, and the server only an IPv6 address$"'
both_down
rules() { for family in -4 -6; do in_client ip $family rule; in_client ip $family route show table all; done; }
is "after down no rule and no route is left" "$(rules | grep -cE 'proto 84|7474|table 74')" 0
is "and settings are as they were" "$(settings_of client)" "$settings"
done_testing
