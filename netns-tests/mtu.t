#!/bin/bash
# Links whose routers carry less than the links promise, and say so or not; and
# less of a sudden, in the middle of a transfer.  What is inside never notices:
# the TUN's MTU stays, packets of that size arrive, and no byte is lost.
#
# The router is inet: a locked MTU on the route makes it answer "too big" to what
# is larger, as one with a narrower link behind it does.  From a link to the
# server that is a route which only what came in by this link takes.
. "$(dirname "$0")/tunnel.sh"
needs busybox curl ethtool iperf3 perl ping tcpdump

FULL=1420	# of the TUN

# ---- the router ------------------------------------------------------------------

carries_at_most() { # carries_at_most WAN MTU: both families, both directions
	local n w f server
	n=$(wan_number "$1") w=w$(wan_number "$1")
	in_inet ip route replace "10.71.$n.0/24" dev "$w" src "$(gw4 "$1")" mtu lock "$2"
	in_inet ip -6 route replace "2001:db8:a$n::/64" dev "$w" metric 1 mtu lock "$2"
	for f in -4 -6; do
		[ "$f" = -4 ] && server=198.51.100.0/24 || server=2001:db8:51::/64
		in_inet ip "$f" rule show pref $((100 + n)) | grep -q . ||
			in_inet ip "$f" rule add pref $((100 + n)) iif "$w" lookup $((100 + n))
		in_inet ip "$f" route replace table $((100 + n)) "$server" dev s0 mtu lock "$2"
	done
}

# A black hole: the router keeps to itself what it does not carry.
router_is_silent() {
	in_inet nft -f - <<-RULES
		table inet silence {
			chain out {
				type filter hook output priority 0;
				icmp type destination-unreachable icmp code frag-needed counter drop
				icmpv6 type packet-too-big counter drop
			}
		}
	RULES
}
router_speaks() { in_inet nft delete table inet silence; }
kept_silent() { in_inet nft -j list table inet silence | jq -e '[.. | .counter? // empty | .packets] | add > 0'; }

too_big_sent() { # by the router, so far
	in_inet nstat -asz IcmpOutDestUnreachs Icmp6OutPktTooBigs | awk 'NR > 1 { n += $2 } END { print n }'
}

# ---- what is seen of it ------------------------------------------------------------

mtu_of() { # mtu_of NAME WAN: what that end sends there, in one piece
	if [ "$1" = client ]; then status_of client ".peers[0].paths[] | select(.link == \"$2\") | .mtu"
	else status_of server ".peers[0].paths[] | select(.remote | test(\"$(wan4 "$2" | sed 's/\./[.]/g'):|$(wan6 "$2")\")) | .mtu"
	fi
}
both_find() { # both_find WAN MTU: while there is traffic, for else nobody asks
	in_client ping -q -c 5 -i 0.02 -W 1 -s $((FULL - 28)) "$HOST4" >/dev/null
	echo "$(mtu_of client "$1") $(mtu_of server "$1")"
	[ "$(mtu_of client "$1") $(mtu_of server "$1")" = "$2 $2" ]
}
tun_mtus() { echo "$(in_client cat /sys/class/net/ttt0/mtu) $(in_server cat /sys/class/net/ttt0/mtu)"; }
given_up() { # inner packets that never came, at either end, so far
	echo $(($(status_of client '.peers[0].holes') + $(status_of server '.peers[0].holes')))
}

# ---- transfers ---------------------------------------------------------------------

# Says how many bytes came, their checksum, and the longest time without any, in ms.
cat >"$T/receive" <<'PERL'
use strict; use warnings; use IO::Socket::INET; use Digest::MD5; use Time::HiRes 'time';
my ($host, $port) = @ARGV;
my $s = defined $port ? IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port)
	: IO::Socket::INET->new(LocalPort => $host, Listen => 1, ReuseAddr => 1)->accept;
die "no connection: $!" unless $s;
my ($sum, $bytes, $gap, $last) = (Digest::MD5->new, 0, 0, time);
while (my $n = sysread $s, my $b, 65536) {
	my $now = time;
	$gap = $now - $last if $now - $last > $gap;
	$last = $now; $bytes += $n; $sum->add($b);
}
printf "%d %s %.0f\n", $bytes, $sum->hexdigest, 1000 * $gap;
PERL

port=9000
# One TCP connection, from host to client (down) or the other way (up).
transfer() { # transfer up|down
	port=$((port + 1)) received=/dev/null
	if [ "$1" = down ]; then
		spawn_in host timeout 60 busybox sh -c "busybox nc -l -p $port <'$T/file'"
		within 3 is_listening host "$port"
		spawn_in client timeout 60 perl "$T/receive" "$HOST4" "$port"
	else
		spawn_in host timeout 60 perl "$T/receive" "$port"
		within 3 is_listening host "$port"
		local log=$SPAWN_LOG pid=$SPAWNED
		spawn_in client timeout 60 busybox sh -c "busybox nc $HOST4 $port <'$T/file'"
		SPAWN_LOG=$log SPAWNED=$pid
	fi
	receiver=$SPAWNED received=$SPAWN_LOG
	takes=$([ "$1" = down ] && echo client || echo server)
	begun=$(rx_bytes "$takes" ttt0)
}
has_come() { # has_come BYTES
	[ $(($(rx_bytes "$takes" ttt0) - begun)) -gt "$1" ]
}
is_over() { not is_alive "$receiver"; }
# arrived MS: whole, and never stood still for longer
arrived() {
	within 30 is_over || return
	read -r bytes sum gap <"$received"
	echo "$bytes bytes, $sum, longest gap $gap ms"
	[ "$bytes $sum" = "$size $checksum" ] && [ "$gap" -le "$1" ]
}

# ---- what is asked of them -----------------------------------------------------------

make_file "$T/file" 8M random
size=$(stat -c %s "$T/file") checksum=$(md5sum <"$T/file" | cut -d ' ' -f 1)

full_pings() { # full_pings NAME ADDRESS COUNT: none may be lost, nor cut to pieces inside
	local headers=28
	[[ $2 != *:* ]] || headers=48
	in_ns "$1" ping -q -M "do" -s $((FULL - headers)) -c "$3" -i 0.01 -W 2 "$2" | tee "$T/pings"
	grep -q " 0% packet loss" "$T/pings"
}
all_full_pings() {
	full_pings client "$HOST4" 50 && full_pings client "$HOST6" 50 &&
		full_pings server "$INNER_CLIENT4" 50 && full_pings server "$INNER_CLIENT6" 50
}
datagrams() { # datagrams BYTES [-R]: 4 Mbit/s of them, none may be lost
	spawn_in host iperf3 -s -1
	within 5 is_listening host 5201
	in_client timeout 20 iperf3 -J -u -b 4M -t 1 -l "$1" "${@:2}" -c "$HOST4" >"$T/iperf" || return
	jq -c .end.sum "$T/iperf"
	jq -e '.end.sum | .lost_packets == 0 and .packets > 50' "$T/iperf"
}

# Its path is a new one then, of which nothing is known.
plug_in_again() { # plug_in_again WAN
	link_down "$1"
	within 3 paths_up 0
	carries_at_most "$1" 1500
	link_up "$1"
	within 5 paths_up 1
}

# shrinks WHAT WAY MTU MS GIVEN-UP: wan0, in the middle of a transfer, which may stand
# still for so long; so many inner packets may have to be sent again by TCP
shrinks() {
	local was
	ok "$1: a link that is plugged in again" plug_in_again wan0
	ok "carries full packets" within 5 both_find wan0 1500
	was=$(given_up)
	transfer "$2"
	ok "a transfer is under way" within 10 has_come 2000000
	carries_at_most wan0 "$3"
	ok "less passes: all arrives, without a long gap" arrived "$4"
	ok "of its packets hardly any was given up" between "$(($(given_up) - was))" 0 "$5"
	ok "what passes is known to both ends" within 5 both_find wan0 "$3"
}

# ---- a router that says so -------------------------------------------------------------

topology 2 netem
for n in 0 1; do link_shape wan$n "delay 10ms rate 30mbit limit 150"; done
in_client ip link set dev wan1 down
carries_at_most wan0 1390
tunnel_files
ok "both ends come up over a link that carries less than it promises" both_up
ok "the path carries data" within 5 paths_up 1
# no size that is tried by itself: the router must have named it
ok "what the router names is found by both ends" within 5 both_find wan0 1390
like "status shows it" "$(client status)" "path wan0 up .*  mtu 1390"
is "the tunnel's own MTU is what it was" "$(tun_mtus)" "$FULL $FULL"
before=$(too_big_sent)
ok "packets of that size go through, both ways" all_full_pings
is "and nothing that the link cannot carry is sent any more" "$(too_big_sent)" "$before"

shrinks "a router says so, down" down 1390 500 20
shrinks "a router says so, up" up 1280 500 20
ok "the router has said so" between "$(($(too_big_sent) - before))" 2 5000

# ---- one that does not ------------------------------------------------------------------

router_is_silent
shrinks "a black hole, down" down 1400 1000 60
shrinks "a black hole, up" up 1280 1000 60
ok "a link that is plugged in again" plug_in_again wan0
ok "carries full packets" within 5 both_find wan0 1500
spawn_in client ping -q -M "do" -s $((FULL - 28)) -c 300 -i 0.01 -W 2 "$HOST4"
pings=$SPAWNED pings_log=$SPAWN_LOG takes=client begun=$(rx_bytes client ttt0)
within 3 has_come 100000
carries_at_most wan0 1400
ok "a black hole beside a steady flow: pings end" within 10 not is_alive "$pings"
like "and not one was lost" "$(cat "$pings_log")" " 0% packet loss"
ok "the router kept to itself what it dropped" kept_silent
is "the tunnel's own MTU is what it was" "$(tun_mtus)" "$FULL $FULL"

was=$(given_up)
ok "packets of the tunnel's size go through, both ways" all_full_pings
ok "so do large datagrams" datagrams $((FULL - 28))
ok "and those that come back" datagrams $((FULL - 28)) -R
ok "and such as are fragments inside" datagrams 8000
ok "and such as come back" datagrams 8000 -R
is "nothing was given up" "$(($(given_up) - was))" 0

# ---- the ends' own links ------------------------------------------------------------------

ok "the client's link itself gets another MTU" in_client ip link set dev wan0 mtu 1330
ok "which is obeyed" within 3 both_find wan0 1330
carries_at_most wan0 1492
ok "the link's MTU grows back" in_client ip link set dev wan0 mtu 1500
ok "and what the path carries is searched for anew" within 5 both_find wan0 1492
server_finds() { # server_finds MTU
	in_server ping -q -c 5 -i 0.02 -W 1 -s $((FULL - 28)) "$INNER_CLIENT4" >/dev/null
	[ "$(mtu_of server wan0)" = "$1" ]
}
ok "the server's link gets another MTU" in_server ip link set dev eth0 mtu 1350
ok "which its kernel names" within 5 server_finds 1350
ok "and packets of the tunnel's size go through" within 5 full_pings server "$INNER_CLIENT4" 50
in_server ip link set dev eth0 mtu 1500

# ---- two unequal links ---------------------------------------------------------------------

carries_at_most wan0 1280
in_client ip link set dev wan1 up
route client default via "$(gw4 wan1)" dev wan1 metric 101
ok "the client goes down" client down
ok "it comes up over two links" client up
ok "both carry data" within 5 paths_up 2
carried() { if [ "$takes" = client ]; then rx_bytes client "$1"; else tx_bytes client "$1"; fi; }
for way in down up; do
	was=$(given_up)
	transfer $way
	was0=$(carried wan0) was1=$(carried wan1)
	ok "$way, over links of 1280 and 1500, a transfer arrives whole" arrived 1000
	ok "$way, the narrow link carried a good part of it" between "$(($(carried wan0) - was0))" 2000000 7000000
	ok "$way, and so did the other" between "$(($(carried wan1) - was1))" 2000000 7000000
	is "$way, nothing was given up" "$(($(given_up) - was))" 0
done
ok "the narrow one is known" within 5 both_find wan0 1280
is "the other is a wide one" "$(mtu_of client wan1) $(mtu_of server wan1)" "1500 1500"

# ---- segments -----------------------------------------------------------------------------

# mss_of NAME DEVICE FILTER COMMAND...: of the first SYN that is seen there while the command runs
mss_of() {
	local log
	in_host ip route flush cache	# what it knows of the tunnel by ICMP
	spawn_in "$1" timeout 10 tcpdump -n -l -i "$2" -c 1 "$3"
	log=$SPAWN_LOG
	within 5 grep -q "listening on" "$log" && "${@:4}" >/dev/null && within 5 grep -q 'mss ' "$log"
	sed -nE 's/.*mss ([0-9]+).*/\1/p' "$log"
}
asks() { in_ns "$1" curl -sS --max-time 5 "http://$2/file"; }
syn4='tcp[tcpflags] & tcp-syn != 0' syn6='ip6[53] & 2 != 0'
mkdir "$T/www"
make_file "$T/www/file" 300K
http_serve host "$T/www" 80
is "the other side is heard to take no larger segments than fit the tunnel" \
	"$(mss_of client ttt0 "tcp src port 80 and $syn4" asks client "$HOST4")" $((FULL - 40))
is "over IPv6 as well" \
	"$(mss_of client ttt0 "ip6 and tcp src port 80 and $syn6" asks client "[$HOST6]")" $((FULL - 60))
# Behind the client, somebody who knows of no tunnel.
ns_add lan
veth lan eth0 client lan0
set_up client lan0 192.168.7.1/24
set_up lan eth0 192.168.7.2/24
route lan default via 192.168.7.1
in_client sysctl -qw net.ipv4.ip_forward=1
in_client nft 'table ip lan { chain out { type nat hook postrouting priority 100; oifname "ttt0" masquerade; }; }'
is "a connection from behind the client fits, too" \
	"$(mss_of host eth0 "tcp dst port 80 and $syn4" asks lan "$HOST4")" $((FULL - 40))
is "in both directions" \
	"$(mss_of lan eth0 "tcp src port 80 and $syn4" asks lan "$HOST4")" $((FULL - 40))
ok "the client goes down" client down

# ---- IPv6 outside ----------------------------------------------------------------------------

router_speaks
in_client ip link set dev wan1 down
carries_at_most wan0 1390
ENDPOINT=$SERVER6 tunnel_files
ok "the client comes up over IPv6" client up
ok "the path carries data" within 5 paths_up 1
ok "what the router names is found by both ends" within 5 both_find wan0 1390
shrinks "IPv6, a router says so" down 1280 500 20
router_is_silent
shrinks "IPv6, a black hole" up 1280 1000 60
ok "the router kept to itself what it dropped" kept_silent
ok "packets of the tunnel's size go through, both ways" all_full_pings
is "the tunnel's own MTU is what it was" "$(tun_mtus)" "$FULL $FULL"
ok "both ends go down" both_down
done_testing
