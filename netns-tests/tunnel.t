#!/bin/bash
# The main job: a client with two links, a server, a host behind it.  Traffic
# crosses both links encrypted, comes out with the server's address, and comes
# back; IPv4 and IPv6, inside and outside.
. "$(dirname "$0")/tunnel.sh"
needs curl tcpdump
topology 2
tunnel_files

mkdir "$T/www"
make_file "$T/www/file" 20M random
http_serve host "$T/www" 80
# one link alone would do, and so would carry all: each gets less than the machine could send
for n in 0 1; do in_inet tc qdisc add dev "w$n" root tbf rate 60mbit burst 64k latency 50ms; done

# --- carrying -------------------------------------------------------------------

ok "both ends come up" both_up
ok "both links carry the tunnel" within 5 paths_up 2
like "the device takes what an inner TCP sends at once" "$(in_client ip link show dev ttt0)" "qlen 1024"
ok "the host answers over IPv4" in_client ping -c 3 -i 0.05 -W 2 "$HOST4"
ok "the host answers over IPv6" in_client ping -c 3 -i 0.05 -W 2 "$HOST6"
ok "the server's inner addresses answer" in_client ping -c 1 -W 2 "$INNER_SERVER4"
ok "the client's inner address answers the server" in_server ping -c 1 -W 2 "$INNER_CLIENT6"

fetch() { in_client curl -sS --max-time 30 -o "$T/got" "http://$1/file" && cmp "$T/got" "$T/www/file"; }

before0=$(rx_bytes client wan0) before1=$(rx_bytes client wan1)
ok "a file arrives whole over IPv4" fetch "$HOST4"
grew() { between "$(($(rx_bytes client "wan$1") - $2))" 5000000 20000000; }
ok "a good part of it came over wan0" grew 0 "$before0"
ok "a good part of it came over wan1" grew 1 "$before1"
ok "a file arrives whole over IPv6" fetch "[$HOST6]"

# --- what the outside sees --------------------------------------------------------

# Names the peer of one TCP connection, as the host sees it.
who_asks() { # who_asks HOST-ADDRESS
	spawn_in host timeout 20 tcpdump -n -l -i eth0 -c 1 "tcp dst port 80"
	local log=$SPAWN_LOG
	within 5 grep -q "listening on" "$log"
	in_client curl -sS --max-time 10 -o /dev/null "http://$1/file"
	within 5 grep -q ' IP' "$log"
	sed -nE 's/.* IP6? ([0-9a-f.:]+)\.[0-9]+ > .*/\1/p' "$log"
}
is "the outside sees the server's IPv4 address" "$(who_asks "$HOST4")" "$SERVER4"
is "the outside sees the server's IPv6 address" "$(who_asks "[$HOST6]")" "$SERVER6"

# --- what the links see -----------------------------------------------------------

# Everything but the tunnel's own datagrams and what a link needs by itself, on both.
foreign='not (udp port 7474) and not arp and not icmp6 and not (ip proto 2)'
watch_links() {
	local n
	watched=()
	for n in 0 1; do
		spawn_in inet tcpdump -n -l -i "w$n" "$1"
		watched+=("$SPAWN_LOG")
		within 5 grep -q "listening on" "$SPAWN_LOG" || return 1
	done
}
seen() { grep -h ' IP' "${watched[@]}"; }

ok "the links are watched" watch_links "$foreign"
ok "a file arrives once more" fetch "$HOST4"
is "nothing but the tunnel's datagrams was on the links" "$(seen)" ""

ok "the links are watched again" watch_links "udp port 7474"
ok "pings go through" in_client ping -c 20 -i 0.02 -W 2 "$HOST4"
own() { # own N: what came in there has the address of that link, both ways
	grep ' IP' "${watched[$1]}" | grep -v -e "$(wan4 "wan$1")\." -e "$(wan6 "wan$1")\."
}
has() { grep -q "$(wan4 "wan$1")\.[0-9]* > $SERVER4.7474" "${watched[$1]}"; }
ok "the socket of wan0 leaves by wan0" within 2 has 0
ok "the socket of wan1 leaves by wan1" within 2 has 1
is "nothing else is on wan0" "$(own 0)" ""
is "nothing else is on wan1" "$(own 1)" ""
pattern() { # a ping filled with it can be found in clear text, and only there
	in_client ping -c 5 -i 0.02 -W 2 -p 7474deadbeef "$HOST4" >/dev/null
}
clear() { tcpdump -n -r "$T/pcap$1" -x 2>/dev/null | tr -d ' \n' | grep -c deadbeef7474; }
for n in 0 1; do
	spawn_in inet tcpdump -n -U -i "w$n" -w "$T/pcap$n"
	within 5 test -s "$T/pcap$n"
done
pattern
within 3 test "$(stat -c %s "$T/pcap0")" -gt 500 >/dev/null
is "what crosses the links is encrypted" "$(clear 0) $(clear 1)" "0 0"

# --- the outside over IPv6, and the strategies --------------------------------------

ok "the client goes down" client down
ENDPOINT=$SERVER6 tunnel_files
ok "it comes up over IPv6" client up
ok "both links carry the tunnel over IPv6" within 5 paths_up 2
is "by their IPv6 addresses" "$(status_of client '[.peers[0].paths[].local ] | sort | join(" ")')" \
	"$(wan6 wan0) $(wan6 wan1)"
ok "a file arrives whole, IPv4 inside IPv6" fetch "$HOST4"
ok "a file arrives whole, IPv6 inside IPv6" fetch "[$HOST6]"

for strategy in weighted round-robin failover redundant; do
	ok "$strategy is taken" client strategy "$strategy"
	ok "a file arrives whole with $strategy" fetch "$HOST4"
	is "and shown" "$(status_of client .strategy)" "$strategy"
done
client strategy failover
# A machine that was elsewhere for 10 ms makes a path overdue, which is then left, as it should be.
leaves_wan1_alone() {
	local before
	before=$(tx_bytes client wan1)
	in_client ping -c 200 -i 0.005 -s 1000 -W 2 "$HOST4" >/dev/null
	between "$(($(tx_bytes client wan1) - before))" 0 20000
}
ok "failover leaves the second link alone" within 8 leaves_wan1_alone

# --- who reaches the client from outside ----------------------------------------------

echo hello >"$T/www/hello"
http_serve client "$T/www" 8022
route host default via 203.0.113.1
asks() { [ "$(in_ns "$1" curl -sS --max-time 2 "http://$2:8022/hello")" = hello ]; }
ok "who is on the link itself is answered" within 3 asks inet "$(wan4 wan1)"
ok "who reaches wan0 from afar is answered by wan0" within 3 asks host "$(wan4 wan0)"
ok "who reaches wan1 from afar over IPv6 is answered by wan1" within 3 asks host "[$(wan6 wan1)]"
ok "who reaches wan1 from afar is answered by wan1" within 3 asks host "$(wan4 wan1)"

ok "both ends go down" both_down
done_testing
