# shellcheck shell=bash
# load.sh: one TCP flow between client and host, and a ping beside it.
# Sourced after figures.sh; needs iperf3 and ping.
#
#	load_server
#	load up 8 && flow_rate			# Mbit/s
#	ping_begin; load down 8; ping_end; ping_percentile 95
#
# up is what the client sends.  Through the tunnel when it is there; with
# -B ADDRESS%LINK beside it.

load_server() {
	needs iperf3 ping
	spawn_in host iperf3 -s -J
	within 5 is_listening host 5201
}

# Its report is in $T/flow; the time limit is for a link that fell silent.
load() { # load up|down SECONDS [OPTION...]
	local way=()
	[ "$1" = up ] || way=(-R)
	in_client timeout -k 2 $(($2 + 15)) iperf3 -J -C cubic -c "$HOST4" --connect-timeout 5000 \
		-t "$2" "${way[@]}" "${@:3}" >"$T/flow"
}

flow_rate() { # Mbit/s that arrived
	jq '.end.sum_received.bits_per_second / 1e4 | round / 100' "$T/flow"
}

# Upwards if no option says otherwise, second by second as it arrived.
load_in_seconds() { # load_in_seconds SECONDS [OPTION...]
	load up "$1" --get-server-output -i 1 "${@:2}"
}

flow_rate_in() { # flow_rate_in up|down FROM TO: Mbit/s that arrived in those seconds
	jq -r --arg way "$1" --argjson from "$2" --argjson to "$3" '
		[(if $way == "up" then .server_output_json else . end).intervals[] | .sum, .sum_bidir_reverse
		| select(. != null and .sender == false) | select(.start >= $from - 0.1 and .end <= $to + 0.1)
		| .bits_per_second]
		| if length > 0 then add / length / 1e5 | round / 10 else "-" end' "$T/flow"
}

flow_bytes() {
	jq '.end.sum_received.bytes' "$T/flow"
}

# Twenty a second: enough for a 95th percentile in some seconds, and no load.
ping_begin() { # ping_begin [OPTION...]
	spawn_in client timeout -s INT 60 ping -n -i 0.05 "$@" "$HOST4"
	pinging=$SPAWNED ping_log=$SPAWN_LOG
}

ping_end() {
	kill -INT "$pinging" 2>/dev/null
	within 3 not is_alive "$pinging"
}

ping_percentile() { # ping_percentile PERCENT: ms
	sed -n 's/.* time=\([0-9.]*\) ms$/\1/p' "$ping_log" | percentile "$1"
}

idle_ping() { # ms p95 of the better link, beside the tunnel
	local wan least=
	for wan in wan0 wan1; do
		ping_begin -I "$wan"
		sleep 4
		ping_end
		least=$(printf '%s\n' $least "$(ping_percentile 95)" | sort -g | head -n 1)
	done
	echo "$least"
}
