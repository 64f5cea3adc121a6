#!/bin/bash
# The failover table: what a stream of 1000 UDP packets a second each way, and a
# download, notice of nine faults.  One link of 20 ms round trip and 40 Mbit/s,
# one of 60 ms and 20 Mbit/s, nothing configured but the two ends (and
# max-latency, for the last).  Of each: the bar, the median of RUNS, the smallest,
# the largest, packets lost in all of them, and whether every run has reached it.
# What is measured how is in ../netns-tests/faults.sh.
#
#	bash bench/failover.sh [ROW...]		# VERBOSE=yes: each run, too

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/../netns-tests/faults.sh"

RUNS=${RUNS:-5} GONE=${GONE:-30} VERBOSE=${VERBOSE:-}

declare -A figures_of=() lost_of=()

# 1: nothing may be lost; 0: that is not asked for
ROWS="
carrier        80   1 carrier lost on the busiest link (20 ms + 60 ms)
carrier-back   1000 0 its carrier comes back
hole           100  1 black hole of the busiest link, both directions
hole-back      1000 0 it carries again
hole-up        100  1 black hole of what the client sends there
hole-down      100  1 black hole of what the client gets there
new            2000 0 a new link appears
gone           1000 0 all links gone for $GONE s, then one back
rebinding      500  1 NAT rebinding of both paths at once
restart        2000 0 the server is restarted: session
restart-tcp    2000 0 the server is restarted: inner TCP
killed         2000 0 the server is killed and started anew: session
killed-tcp     2000 0 the server is killed and started anew: inner TCP
latency        160  1 latency jumps from 20 to 160 ms, above max-latency
"

note() { # note ROW
	figures_of[$1]+=" ${figure:--}"
	lost_of[$1]=$((${lost_of[$1]:-0} + ${lost:-0}))
	[ -z "$VERBOSE" ] || echo "# $1: ${figure:--} ms, lost ${lost:--}: $detail"
}

wanted() { # wanted ROW
	[ ${#only[@]} = 0 ] || [[ " ${only[*]} " == *" $1 "* ]]
}

run_all() {
	if wanted carrier || wanted carrier-back; then
		fault_carrier; note carrier
		sleep 1.5
		fault_comes_back link_up; note carrier-back
	fi
	if wanted hole || wanted hole-back; then
		fault_black_hole; note hole
		sleep 2
		fault_comes_back link_restore; note hole-back
	fi
	if wanted hole-up; then fault_black_hole up; note hole-up; link_restore "$faulty"; fi
	if wanted hole-down; then fault_black_hole down; note hole-down; link_restore "$faulty"; fi
	if wanted new; then fault_new_link; note new; fi
	if wanted rebinding; then fault_rebinding; note rebinding; fi
	if wanted latency; then fault_latency 150 100ms; note latency; fi
	if wanted gone; then fault_all_gone "$GONE"; note gone; fi
	if wanted restart; then
		fault_server_restarts server down; note restart
		figure=$tcp_figure; note restart-tcp
	fi
	if wanted killed; then
		fault_server_restarts server_is_killed; note killed
		figure=$tcp_figure; note killed-tcp
	fi
	download_lives >/dev/null || { [ -z "$VERBOSE" ] || echo "# the download has ended: $(cat "$download_log")"; download_begin; }
}

row() { # row NAME BAR LOSSLESS FAULT
	# shellcheck disable=SC2086
	printf '%s\n' ${figures_of[$1]} | sort -g | awk -v bar="$2" -v lossless="$3" -v lost="${lost_of[$1]}" -v fault="$4" '
		{ v[NR] = $1; bad += $1 == "-" || $1 > bar }
		END {
			m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
			printf "%-52s %6d %8s %8s %8s %5s   %s\n", fault, bar, m, v[1], v[NR], lossless ? lost : "",
				(bad || lossless && lost) ? "missed" : "reached"
		}'
}

only=("$@")
faults_begin || { failed "the tunnel"; exit 1; }
for ((run = 0; run < RUNS; run++)); do run_all; done
printf '%-52s %6s %8s %8s %8s %5s\n' "fault, $RUNS runs; ms" bar median min max lost
while read -r name bar lossless fault; do
	[ -n "$name" ] && [ -n "${figures_of[$name]:-}" ] && row "$name" "$bar" "$lossless" "$fault"
done <<<"$ROWS"
