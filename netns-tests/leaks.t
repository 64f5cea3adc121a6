#!/bin/bash
# Nothing leaves in clear, whatever is killed: what comes from the client over
# its links is captured behind each of them while workers, supervisors and the
# server are killed at random, for LEAK_SECONDS (12).  It is the tunnel, or what
# neighbours say to each other; also from sockets that are bound to a link's device.
#
# inet answers ARP for the whole world: where Linux takes all hosts for a bound
# socket's neighbours, they are.

. "$(dirname "$0")/tunnel.sh"

needs ping tcpdump curl perl

seconds=${LEAK_SECONDS:-12}
topology 2
in_inet sysctl -qw net.ipv4.conf.all.proxy_arp=1
in_client sysctl -qw net.ipv4.conf.all.rp_filter=2	# loose, as it is on many hosts
tunnel_files
remember client server

# ---- what is captured ----

# But for the tunnel, and neighbours among each other: what goes to a link's own
# network (of ARP that is asked for there, too), neighbour discovery and MLD; what a link's router hears of a worker that is gone.
clear="not udp port 7474 and not dst net 10.71.0.0/16 and not dst net 2001:db8:a0::/44 and not (icmp6 and ip6[40] >= 133 and ip6[40] <= 136)
	and not (ip6 and ip6[6] = 0) and not icmp[icmptype] = icmp-unreach and not (icmp6 and ip6[40] = 1)"
captures=()
capture() { # capture DEVICE...: of inet
	local device
	for device; do
		spawn_in inet tcpdump --immediate-mode -tt -p -n -l -i "$device" -Q in "$clear"
		captures+=("$SPAWN_LOG")
		within 5 grep -q "listening on" "$SPAWN_LOG"
	done
}
since=0
leaks() { # those that came after the last forget_leaks
	cat "${captures[@]}" | awk -v since="$since" '/^[0-9]+\./ && $1 > since'
}
no_leaks() { ! leaks | head -20 | grep .; }
forget_leaks() { since=$EPOCHREALTIME; }
seen() { leaks | grep -qE "$1"; }

# ---- what would leak ----

# Sends to both hosts from a socket of that device, and from one that is not bound.
# shellcheck disable=SC2016
sender='use Socket; use Time::HiRes "sleep"; my ($device, @to) = @ARGV; $SIG{PIPE} = "IGNORE";
	sub try { my $a = shift; my $v6 = $a =~ /:/;
		socket(my $s, $v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, 0) or die;
		if ($device ne "-") { setsockopt($s, SOL_SOCKET, 25, $device) or return; }
		my $at = $v6 ? Socket::pack_sockaddr_in6(9, Socket::inet_pton(AF_INET6, $a))
			     : pack_sockaddr_in(9, inet_aton($a));
		send($s, "inner", 0, $at); }
	while (1) { try($_) for @to; sleep 0.005; }'
streams=()
stream() { spawn_in client "$@"; streams+=("$SPAWNED"); }
inner_streams() {
	local device
	for device in - wan0 wan1; do stream perl -e "$sender" "$device" "$HOST4" "$HOST6"; done
	for device in wan0 wan1; do
		stream ping -q -i 0.02 -I "$device" "$HOST4"
		stream ping -q -i 0.02 -I "$device" "$HOST6"
	done
	stream bash -c "while :; do curl -s -m 0.2 --interface wan0 http://$HOST4/; curl -s -m 0.2 http://$HOST4/; done"
	# an end that has its socket from before, and keeps it
	stream ping -q -i 0.01 "$HOST4"
	stream ping -q -i 0.01 "$HOST6"
}
end_streams() {
	{ kill "${streams[@]}"; wait "${streams[@]}"; } 2>/dev/null
	within 2 no_curl
}
no_curl() { ! ip netns pids "$(ns_name client)" | xargs -I{} cat /proc/{}/comm 2>/dev/null | grep -qx curl; }

reaches_host() { in_client ping -q -c 1 -W 1 "$HOST4" && in_client ping -q -c 1 -W 1 "$HOST6"; }
nobody_bound_gets_out() { ! in_client ping -c 1 -W 0.2 -I "$1" "$HOST4" && ! in_client ping -c 1 -W 0.2 -I "$1" "$HOST6"; }

capture w0 w1
inner_streams
for what in "IP 10.71.0.2.* > $HOST4.9: UDP" "IP6 2001:db8:a0::2.* > $HOST6.9: UDP" "IP 10.71.1.2 > $HOST4: ICMP" \
	"IP6 2001:db8:a1::2 > $HOST6: ICMP6" "> $HOST4.80: Flags"; do
	ok "without a tunnel it is seen: $what" within 3 seen "$what"
done

# ---- killed at random ----

ok "both ends come up" both_up
in_client ping -q -c 1 -W 2 "$HOST4" >"$T/ping"	# what was under way has arrived
forget_leaks
supervisor_of() { status_of "$1" .supervisor_pid; }
worker_of() { status_of "$1" .worker_pid; }
pick() { echo $((RANDOM % $1)); }
pause() { sleep "0.$(printf %03d "$(pick 400)")"; }
kill_one() { # kill_one END WHAT
	local pid
	pid=$("$2_of" "$1" 2>/dev/null)
	[ "${pid:-0}" -gt 1 ] && kill -KILL "$pid"
}
RANDOM=${LEAK_SEED:-74}
kills=0 up_again=0 end=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt $end ]; do
	who=client
	[ "$(pick 4)" = 0 ] && who=server
	what=supervisor
	[ "$(pick 3)" = 0 ] && what=worker
	kill_one $who $what && kills=$((kills + 1))
	pause
	if [ $what = supervisor ]; then
		$who up 2>>"$T/ups" && up_again=$((up_again + 1))
	fi
	[ "$(pick 2)" = 0 ] && within 3 reaches_host >"$T/reach"
done
ok "in $seconds s much was killed, and came up again: $kills, $up_again" \
	eval '[ $((kills * TTT_PATIENCE)) -ge $((seconds / 3)) ] && [ $((up_again * TTT_PATIENCE)) -ge $((seconds / 5)) ]'
ok "not one packet left in clear" no_leaks
ok "and the tunnel carries data again" within 10 reaches_host

# ---- between a crash and the next up ----

in_client nft list table inet ttt-ttt0-closed >"$T/table" 2>&1
kill_one client supervisor
ok "without a daemon nobody who is bound to a device gets out" nobody_bound_gets_out wan0
ok "the kill switch's table has outlived it" in_client nft list table inet ttt-ttt0-closed
ok "the LAN is reached as before" in_client ping -c 1 -W 1 "$(gw4 wan0)"
ok "over IPv6, too" in_client ping -c 1 -W 1 "$(gw6 wan0)"
add_wan 2
capture w2
ok "nor out of an interface that came meanwhile" nobody_bound_gets_out wan2
server down
spawn_in client "$TTT" up -c "$T/client.conf" -r "$T/run-client"
ok "an up that waits for its server" within 5 eval 'in_client ip rule | grep -q "from 10.71.2.2"'
ok "lets nobody out" nobody_bound_gets_out wan1
ok "nor when it has been interrupted" eval "kill -INT $SPAWNED; wait $SPAWNED; nobody_bound_gets_out wan1"
like "it says so" "$(cat "$SPAWN_LOG")" "stopped before the tunnel was up; the kill switch stays: .*\`ttt down\` opens the host"
for n in 0 1 2; do in_client ip link set dev "wan$n" down; done
ok "nor does an up that fails" refuses 1 "no link: .*; the kill switch stays" client up
for n in 0 1 2; do
	in_client ip link set dev "wan$n" up
	route client default via "$(gw4 "wan$n")" dev "wan$n" metric "$((100 + n))"
	ip -n "$(ns_name client)" -6 route replace default via "$(gw6 "wan$n")" dev "wan$n" metric "$((100 + n))"
done
ok "with the links back it is still closed" nobody_bound_gets_out wan2
end_streams
ok "all that time not one packet left in clear" no_leaks
ok "down opens the host" client down
ok "which is reached without a tunnel then" within 3 in_client ping -c 1 -W 1 -I wan0 "$HOST4"
in_client ip link del dev wan2
unchanged "after that" client server
done_testing
