#!/bin/bash
# How many small UDP packets a second one flow brings through the tunnel, with small
# packets that share datagrams and, in turns, without (coalesce = no at both ends):
#
#   - where no link limits it (plain veth), as fast as iperf3 sends them, and what a
#     million of them costs client and server; the load generator shares the processors;
#   - over a link of 20 Mbit/s, Ethernet with its preamble and gap (24 bytes a frame
#     that netem does not see by itself), and ADSL's cells (53 bytes for 48; RFC 2684's
#     LLC and AAL5's end, 16 bytes a frame), with more than either carries.
#
# They are counted where the tunnel hands them over, since iperf3 loses most of what
# it gets at such a pace, and what the tunnel does not carry is lost.

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/processes.sh"

# LENGTH: of the inner packet, headers included.
RUNS=${RUNS:-3} SECONDS_EACH=${SECONDS_EACH:-4} LENGTH=${LENGTH:-64} WAYS=${WAYS:-up down}
LINKS=${LINKS:-unlimited ethernet adsl}

declare -A shape=(
	[ethernet]="delay 10ms rate 20mbit 24 limit 1000"
	[adsl]="delay 10ms rate 20mbit 16 48 5 limit 1000"
)
declare -A offered=([unlimited]=0 [ethernet]=30M [adsl]=30M)	# payload; 0: no limit

# Inner packets that came out of the tunnel, and datagrams that carried what goes that way.
delivered() { # delivered up|down
	status_of "$([ "$1" = up ] && echo server || echo client)" '.peers[0].rx_packets'
}

datagrams() { # datagrams up|down
	status_of "$([ "$1" = up ] && echo server || echo client)" '[.peers[0].paths[].rx_packets] | add'
}

# iperf3's server takes what still comes of a flow before for the next one's beginning.
has_drained() { # has_drained up|down
	local packets
	packets=$(delivered "$1")
	sleep 0.1
	[ "$(delivered "$1")" = "$packets" ]
}

measure_way() { # measure_way up|down LINK yes|no
	local end way=() packets had began name="$2, $1, $LENGTH bytes"
	declare -A before=()
	[ "$1" = up ] || way=(-R)
	[ "$3" = yes ] || name+=", not coalesced"
	for end in client server; do before[$end]=$(cpu_seconds "$end"); done
	packets=$(delivered "$1") had=$(datagrams "$1")
	began=$(microseconds)
	in_client timeout -k 2 $((SECONDS_EACH + 15)) iperf3 -u -b "${offered[$2]}" -l $((LENGTH - 28)) -c "$HOST4" \
		-t "$SECONDS_EACH" "${way[@]}" >"$T/flow"
	packets=$(($(delivered "$1") - packets))
	rate=$(calculate %.0f "$packets * 1e6 / ($(microseconds) - $began)")
	sample packets/s "$name" "$rate"
	sample packets "$name: in a datagram" "$(calculate %.1f "$packets / ($(datagrams "$1") - $had)")"
	for end in client server; do
		sample "CPU s/million" "$name: $end" "$(calculate %.2f \
			"($(cpu_seconds "$end") - ${before[$end]}) / ($packets / 1e6)")"
	done
	within 5 has_drained "$1"
}

measure_turns() { # measure_turns LINK: one run with, one without
	local coalesce way
	declare -A with=() without=()
	for coalesce in yes no; do
		CLIENT_TUNNEL="coalesce = $coalesce" SERVER_TUNNEL="coalesce = $coalesce" tunnel_files
		both_up || { failed "$1"; return; }
		find_processes
		for way in $WAYS; do
			measure_way "$way" "$1" "$coalesce"
			if [ "$coalesce" = yes ]; then with[$way]=$rate; else without[$way]=$rate; fi
		done
		both_down
	done
	for way in $WAYS; do
		sample x "$1, $way, $LENGTH bytes, coalesced of not" "$(calculate %.2f "${with[$way]} / ${without[$way]}")"
	done
}

measure_link() { # measure_link LINK
	local run
	if [ "$1" = unlimited ]; then topology 1; else topology 1 netem && link_shape wan0 "${shape[$1]}"; fi || return
	load_server || return
	for ((run = 0; run < RUNS; run++)); do measure_turns "$1"; done
}

for link in $LINKS; do measure_link "$link" || failed "$link"; done
figures
