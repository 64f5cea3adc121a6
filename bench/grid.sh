#!/bin/bash
# The grid: 16 pairs of links on real packets, real netem, real CUBIC.  For each
# pair one TCP flow from client to host for 20 s: plain on each link alone, then
# through the tunnel with its defaults; and a ping beside it, at rest and at load.
# The rate is the mean of seconds 5 to 20 as the host got it; "1-3" of seconds 1
# to 3.  A bar that is reached has a *; a ping beyond its bound a !.
#
#	bash bench/grid.sh [PAIR...]		# PLAIN=no: without the links alone

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"
needs iperf3 ping awk

SECONDS_EACH=20 PLAIN=${PLAIN:-yes}

# name      link A: delay jitter rate loss     link B                 bar goal, ping over idle
PAIRS="
baseline      20 0 50 0        20 0 50 0         88 95 20
rtt_40        20 0 50 0        40 0 50 0         84 90 20
rtt_70        20 0 50 0        70 0 50 0         84 94 20
rtt_120       20 0 50 0        120 0 50 0        77 89 20
rtt_320       20 0 50 0        320 0 50 0        50 66 20
jit_5         20 5 50 0        20 5 50 0         84 91 20
jit_20        20 20 50 0       20 20 50 0        68 84 60
loss_05       20 0 50 0.5      20 0 50 0.5       84 90 20
loss_2        20 0 50 2        20 0 50 2         77 85 20
bw_4to1       20 0 50 0        20 0 12 0         54 57 20
bw_10to1      20 0 100 0       20 0 10 0         96 101 20
dual_lte      30 5 40 0.5      45 8 25 0.5       56 61 20
fiber_lte     8 0 100 0        40 8 30 0.5       110 119 20
lte_starlink  35 8 40 0        50 25 100 1       63 110 20
lte_geo       35 0 40 0        320 20 20 0.5     42 51 20
congested     50 20 20 2       60 25 15 2        24 30 60
"

shape_of() { # shape_of DELAY JITTER RATE LOSS
	local spec="delay $1ms"
	[ "$2" = 0 ] || spec="$spec $2ms distribution normal"
	[ "$4" = 0 ] || spec="$spec loss $4%"
	echo "$spec rate $3mbit limit 1000"
}

plain() { # plain WAN
	[ "$PLAIN" = yes ] || { echo -; return; }
	load_in_seconds "$SECONDS_EACH" -B "$(wan4 "$1")%$1" && flow_rate_in 5 20
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

mark() { # mark VALUE BOUND SIGN: the sign when value > bound
	awk -v v="$1" -v b="$2" -v s="$3" 'BEGIN { print v (v + 0 > b + 0 ? s : " ") }'
}

measure_pair() { # measure_pair NAME 4×A 4×B BAR GOAL SLACK
	local name=$1 one two rate early idle ping
	link_shape wan0 "$(shape_of "${@:2:4}")" && link_shape wan1 "$(shape_of "${@:6:4}")" || return
	idle=$(idle_ping) one=$(plain wan0) two=$(plain wan1)
	client up || { failed "$name"; return; }
	within 5 paths_up 2 >/dev/null
	ping_begin
	load_in_seconds "$SECONDS_EACH"
	ping_end
	rate=$(flow_rate_in 5 20) early=$(flow_rate_in 1 3) ping=$(ping_percentile 95)
	client down
	printf '%-13s %7s %7s  %7s %7s   %3s %4s   %8s %7s\n' "$name" "$one" "$two" \
		"$(mark "$rate" "${10}" '*')" "$early" "${10}" "${11}" \
		"$(mark "$ping" "$(calculate %.1f "$idle + ${12}")" '!')" "$idle"
}

topology 2 netem || exit
load_server || exit
tunnel_files
server up || exit
printf '%-13s %7s %7s  %7s %7s   %3s %4s   %8s %7s\n' pair "plain A" "plain B" tunnel 1-3 bar goal "ping p95" idle
while read -r name rest; do
	[ -n "$name" ] || continue
	[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
	# shellcheck disable=SC2086
	measure_pair "$name" $rest
done <<<"$PAIRS"
