#!/bin/bash
# Three of the 16 pairs that bench/grid.sh measures, on real packets with real
# netem: two equal links, two that lose, and a fast one beside a slow one.  What
# one TCP gets is compared with what it gets on each link alone in the same run,
# so a busy machine makes all of them slower; how fast it is says the bench.
. "$(dirname "$0")/../bench/figures.sh"
. "$(dirname "$0")/../bench/load.sh"
needs iperf3 ping

SECONDS_EACH=10

shape() { # shape WAN MBIT LOSS: 20 ms each way
	link_shape "$1" "delay 20ms rate $2mbit limit 1000${3:+ loss $3%}"
}

flow() { load_in_seconds "$SECONDS_EACH" "$@" && flow_rate_in up 3 "$SECONDS_EACH"; }
plain() { flow -B "$(wan4 "$1")%$1"; }

# What the tunnel carries, as times of what the better link alone does, and a ping beside it.
measure() { # measure MBIT-A LOSS-A MBIT-B LOSS-B
	local one two
	shape wan0 "$1" "$2" && shape wan1 "$3" "$4" || return
	one=$(plain wan0) two=$(plain wan1)
	better=$(printf '%s\n' "$one" "$two" | sort -g | tail -n 1)
	client up && within 5 paths_up 2 >/dev/null || return
	ping_begin
	tunnel=$(flow)
	ping_end
	ping=$(ping_percentile 95)
	client down
	times=$(awk -v t="$tunnel" -v b="$better" 'BEGIN { printf "%.2f", t / b }')
	diag "$one and $two Mbit/s alone, $tunnel through the tunnel; ping p95 $ping ms"
}

topology 2 netem || exit
load_server || exit
tunnel_files
ok "the server comes up" server up

ok "two equal links are measured" measure 50 "" 50 ""
ok "they carry 1.5 times what one does" between "$times" 1.5 2.1
ok "a ping beside it stays far below the 240 ms of 1000 waiting packets" between "$ping" 40 160
ok "two links that lose 2 % are measured" measure 50 2 50 2
ok "they carry ten times what a TCP alone gets" between "$times" 10 100
ok "a fast and a slow link are measured" measure 50 "" 12 ""
ok "they carry more than the fast one" between "$times" 1 1.4
ok "the server goes down" server down
done_testing
