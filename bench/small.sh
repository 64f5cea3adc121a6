#!/bin/bash
# How many small UDP packets a second one flow brings through the tunnel when no
# link limits it (plain veth): 64 bytes of payload, as fast as iperf3 sends them,
# so what the tunnel does not carry is lost.  They are counted where the tunnel
# hands them over, since iperf3 loses most of what it gets at such a pace.  And what
# a million of them costs client and server.  The load generator shares the processors.

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/processes.sh"

RUNS=${RUNS:-3} SECONDS_EACH=${SECONDS_EACH:-4} PAYLOAD=${PAYLOAD:-64}

# Inner packets that came out of the tunnel, and datagrams that carried what goes that way.
delivered() { # delivered up|down
	status_of "$([ "$1" = up ] && echo server || echo client)" '.peers[0].rx_packets'
}

datagrams() { # datagrams up|down
	status_of "$([ "$1" = up ] && echo server || echo client)" '[.peers[0].paths[].rx_packets] | add'
}

measure_way() { # measure_way up|down
	local end way=() packets had
	declare -A before=()
	[ "$1" = up ] || way=(-R)
	for end in client server; do before[$end]=$(cpu_seconds "$end"); done
	packets=$(delivered "$1") had=$(datagrams "$1")
	in_client timeout -k 2 $((SECONDS_EACH + 15)) iperf3 -u -b 0 -l "$PAYLOAD" -c "$HOST4" \
		-t "$SECONDS_EACH" "${way[@]}" >"$T/flow"
	packets=$(($(delivered "$1") - packets))
	sample packets/s "$PAYLOAD bytes, $1" "$(calculate %.0f "$packets / $SECONDS_EACH")"
	sample packets "$PAYLOAD bytes, $1, in a datagram" "$(calculate %.1f "$packets / ($(datagrams "$1") - $had)")"
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
