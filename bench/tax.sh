#!/bin/bash
# What the tunnel takes of one link of 20 Mbit/s, 10 ms each way: one TCP flow through
# it, as a share of the same flow on that very link with the tunnel down, one after
# the other in each run.  Not of the sum: nothing is bonded here.

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"

RUNS=${RUNS:-3} SECONDS_EACH=${SECONDS_EACH:-10} RATE=${RATE:-20}

# 0.1 s of queue, a tenth of it under way.
SHAPE="delay 10ms rate ${RATE}mbit limit $((RATE * 10))"
declare -A raw=()

beside() { # beside up|down
	load "$1" "$SECONDS_EACH" -O 3 -I wan0 -B "$(wan4 wan0)%wan0" && raw[$1]=$(flow_rate)
	sample Mbit/s "TCP $1 beside the tunnel" "${raw[$1]}"
}

through() { # through up|down
	load "$1" "$SECONDS_EACH" -O 3 && through=$(flow_rate)
	sample Mbit/s "TCP $1 through it" "$through"
	sample % "TCP $1 through it, of that beside it" "$(calculate %.1f "$through / ${raw[$1]} * 100")"
}

measure() {
	local way
	for way in up down; do beside "$way"; done
	client up || { failed "client up"; return; }
	for way in up down; do through "$way"; done
	client down
}

topology 1 netem || exit
link_shape wan0 "$SHAPE" || exit
load_server || exit
tunnel_files
server up || exit
for ((run = 0; run < RUNS; run++)); do measure; done
figures
