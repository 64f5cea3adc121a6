#!/bin/bash
# Bytes that a packet of the inner MTU costs on the wire over IPv4, beyond itself:
# from what was captured behind the link, before the server: total lengths of IP.
# One link, since over two a flow that does not fill them has copies; of 100 Mbit/s,
# since where the CPU is what is short no header is left out.
# Every inner packet is a UDP datagram of known size, so that they can be counted;
# then the same for segments of a TCP flow, which go in shorthand.

. "$(dirname "$0")/figures.sh"

needs tcpdump iperf3 ethtool ping

INNER=1420 PACKETS=5000
captured=$T/captured
declare -A back_of=([up]=down [down]=up)

# Packets as the wire would have them: no segments that are cut up later.
topology_without_offloads() {
	topology 1 netem && link_shape wan0 "delay 1ms rate 100mbit limit 1000" || return
	box_quiet_offloads client wan0
	box_quiet_offloads server eth0
}

capture_begin() {
	spawn_in inet tcpdump -i s0 --immediate-mode -Z root -s 96 -B 8192 -U -w "$captured" udp port 7474
	capturing=$SPAWNED capture_log=$SPAWN_LOG
	within 5 grep -q "listening on" "$capture_log"
}

capture_end() {
	kill -INT "$capturing"
	within 5 not is_alive "$capturing"
	grep -q "^0 packets dropped by kernel" "$capture_log" || failed "the capture is complete"
}

# A line for each datagram: its length.  up goes to the server's port.
lengths() { # lengths up|down
	local port=dst
	[ "$1" = up ] || port=src
	tcpdump -nnvr "$captured" "$port" port 7474 2>/dev/null |
		sed -n 's/^[0-9].* IP (.*, length \([0-9]*\))$/\1/p'
}

most_frequent() { sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }'; }

sum() { awk '{ s += $1 } END { print s + 0 }'; }

send() { # send up|down: PACKETS of them, at 40 Mbit/s
	local way=()
	[ "$1" = up ] || way=(-R)
	in_client timeout -k 2 20 iperf3 -J -u -c "$HOST4" -b 40M -l $((INNER - 28)) \
		-k "$PACKETS" "${way[@]}" >"$T/sent" 2>/dev/null
}

measure() { # measure up|down
	local sent lengths back
	capture_begin || { failed "$1"; return; }
	send "$1"
	capture_end
	sent=$(jq .end.sum.packets "$T/sent")
	lengths=$(lengths "$1")
	back=$(lengths "${back_of[$1]}" | sum)
	[ "$(wc -l <<<"$lengths")" -ge "$sent" ] || { failed "$1"; return; }
	sample bytes "a packet of $INNER $1" "$(calculate %d "$(most_frequent <<<"$lengths") - $INNER")"
	sample bytes "a packet of $INNER $1, with all else of its direction" \
		"$(calculate %.2f "$(sum <<<"$lengths") / $sent - $INNER")"
	sample bytes "what goes back for a packet $1" "$(calculate %.2f "$back / $sent")"
}

# Segments of one TCP flow, all but the first few: their headers are left out.
measure_tcp() { # measure_tcp up|down
	local way=()
	[ "$1" = up ] || way=(-R)
	capture_begin || { failed "TCP $1"; return; }
	in_client timeout -k 2 20 iperf3 -J -c "$HOST4" -n 8M -b 40M "${way[@]}" >"$T/sent" 2>/dev/null
	capture_end
	sample bytes "a segment of $INNER $1" "$(calculate %d "$(lengths "$1" | most_frequent) - $INNER")"
}

topology_without_offloads || exit
spawn_in host iperf3 -s
within 5 is_listening host 5201 || exit
tunnel_files
both_up || exit
measure up
measure down
measure_tcp up
measure_tcp down
figures
