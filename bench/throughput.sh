#!/bin/bash
# What one TCP flow carries when no link limits it (plain veth), over one and
# over two links, what CPU time that costs client and server, and what the same
# flow carries beside the tunnel in the same run.  On few cores the load
# generator, the kernel and both ends of the tunnel share them.

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/processes.sh"

RUNS=${RUNS:-3} SECONDS_EACH=${SECONDS_EACH:-4}

# Through the first link, whose default route is the best one.
measure_raw() { # measure_raw NAME up|down
	load "$2" "$SECONDS_EACH"
	raw=$(flow_rate)
	sample Mbit/s "$1, raw veth $2" "$raw"
}

measure_tunnel() { # measure_tunnel NAME up|down
	local end
	declare -A before=()
	for end in client server; do before[$end]=$(cpu_seconds "$end"); done
	load "$2" "$SECONDS_EACH"
	sample Mbit/s "$1, tunnel $2" "$(flow_rate)"
	sample "% of raw" "$1, tunnel $2" "$(calculate %.1f "$(flow_rate) / $raw * 100")"
	for end in client server; do
		sample "CPU s/GB" "$1, tunnel $2, $end" "$(calculate %.1f \
			"($(cpu_seconds "$end") - ${before[$end]}) / ($(flow_bytes) / 1e9)")"
	done
}

# Raw just before it, so that the ratio is of one moment.  The tunnel is up and
# down again in between, since it takes the route.
measure_way() { # measure_way NAME up|down
	measure_raw "$@"
	both_up || { failed "$1, tunnel $2"; return; }
	find_processes
	measure_tunnel "$@"
	both_down
}

measure() { # measure LINKS
	local run way
	topology "$1" || exit
	load_server || exit
	for ((run = 0; run < RUNS; run++)); do
		for way in up down; do measure_way "$1 link(s)" "$way"; done
	done
	figures
}

tunnel_files
measure 1
measure 2
