#!/bin/bash
# How many small UDP packets a second one flow brings through the tunnel when no
# link limits it (plain veth): 64 bytes of payload, as fast as iperf3 sends them,
# so what the tunnel does not carry is lost.  And what a million of those that
# arrive costs client and server.  The load generator shares the processors.

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/processes.sh"

RUNS=${RUNS:-3} SECONDS_EACH=${SECONDS_EACH:-4} PAYLOAD=${PAYLOAD:-64}

packets_arrived() {
	jq '.end.sum | .packets - .lost_packets' "$T/flow"
}

# Of the path's datagrams, client to server, or back.
datagrams() { # datagrams up|down
	local counter=tx_packets
	[ "$1" = up ] || counter=rx_packets
	status_of client "[.peers[0].paths[].$counter] | add"
}

measure_way() { # measure_way up|down
	local end way=() packets sent
	declare -A before=()
	[ "$1" = up ] || way=(-R)
	for end in client server; do before[$end]=$(cpu_seconds "$end"); done
	sent=$(datagrams "$1")
	in_client timeout -k 2 $((SECONDS_EACH + 15)) iperf3 -J -u -b 0 -l "$PAYLOAD" -c "$HOST4" \
		-t "$SECONDS_EACH" "${way[@]}" >"$T/flow"
	packets=$(packets_arrived)
	sample packets/s "$PAYLOAD bytes, $1" "$(calculate %.0f "$packets / $SECONDS_EACH")"
	sample packets "$PAYLOAD bytes, $1, in a datagram" "$(calculate %.1f "$packets / ($(datagrams "$1") - $sent)")"
	for end in client server; do
		sample "CPU s/million" "$PAYLOAD bytes, $1, $end" "$(calculate %.2f \
			"($(cpu_seconds "$end") - ${before[$end]}) / ($packets / 1e6)")"
	done
}

topology 1 || exit
tunnel_files
load_server || exit
both_up || { failed "small packets"; exit; }
find_processes
for ((run = 0; run < RUNS; run++)); do
	for way in up down; do measure_way "$way"; done
done
figures
both_down
