#!/bin/bash
# What one TCP flow makes of two links of 20 Mbit/s, 10 ms each way: through the
# tunnel with each strategy, and on each link alone while the tunnel is down.
# The share is of the 40 Mbit/s that go over the wire, headers included.

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"

RUNS=${RUNS:-3} SECONDS_EACH=${SECONDS_EACH:-8}

# 200 packets are 0.1 s of queue, a tenth of them under way.
SHAPE="delay 10ms rate 20mbit limit 200"

flow_with_ping() { # flow_with_ping NAME up|down [OPTION of both...]
	ping_begin "${@:3:2}"
	load "$2" "$SECONDS_EACH" -O 2 "${@:5}"
	ping_end
	sample Mbit/s "$1 $2" "$(flow_rate)"
	sample "% of 40 Mbit/s" "$1 $2, share" "$(calculate %.1f "$(flow_rate) / 40 * 100")"
	sample ms "$1 $2, ping p50" "$(ping_percentile 50)"
	sample ms "$1 $2, ping p95" "$(ping_percentile 95)"
}

both_ways() { # both_ways NAME [OPTION...]
	flow_with_ping "$1" up "${@:2}"
	flow_with_ping "$1" down "${@:2}"
}

measure_link() { # measure_link WAN
	both_ways "$1 alone" -I "$1" -B "$(wan4 "$1")%$1"
}

measure_idle() {
	ping_begin
	sleep 2
	ping_end
	sample ms "tunnel idle, ping p50" "$(ping_percentile 50)"
	sample ms "tunnel idle, ping p95" "$(ping_percentile 95)"
}

measure_strategy() { # measure_strategy NAME
	client strategy "$1" >/dev/null || { failed "$1"; return; }
	both_ways "$1"
}

# The first strategy is the default one, the others are measured in one run only.
measure() { # measure STRATEGY...
	local wan name
	for wan in wan0 wan1; do measure_link "$wan"; done
	client up || { failed "client up"; return; }
	measure_idle
	for name; do measure_strategy "$name"; done
	client down
}

topology 2 netem || exit
for wan in wan0 wan1; do link_shape "$wan" "$SHAPE" || exit; done
load_server || exit
tunnel_files
server up || exit
measure aggregate weighted round-robin failover redundant
for ((run = 1; run < RUNS; run++)); do measure aggregate; done
figures
